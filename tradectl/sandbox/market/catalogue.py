"""The instruments of the generated market, with filters like Bybit's (bybit-v5 4.3)."""

from collections.abc import Iterable
from decimal import Decimal

from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO
from tradectl.sandbox.market.symbol_specs import Spec, base_of, launch_time, spec_of

EIGHT_HOURS = 480  # minutes between funding settlements


def generated_instruments(symbols: Iterable[str]) -> list[Instrument]:
    """Each symbol as linear perpetual and as spot pair, or as inverse perpetual when it is quoted in USD.

    Raises ``Problem`` for an unknown one.
    """
    found: list[Instrument] = []
    for symbol in symbols:
        spec = spec_of(symbol)
        base = base_of(symbol)
        if symbol == f"{base}USD":
            found.append(inverse_of(symbol, base, spec))
        else:
            found += [linear_of(symbol, base, spec), spot_of(symbol, base, spec)]
    return found


def linear_of(symbol: str, base: str, spec: Spec) -> Instrument:
    tick = Decimal(spec.tick)
    return Instrument(
        id=InstrumentId(Category.LINEAR, symbol),
        base_coin=base,
        quote_coin="USDT",
        settle_coin="USDT",
        tick_size=tick,
        lot_size=Decimal(spec.lot),
        min_qty=Decimal(spec.lot),
        max_limit_qty=Decimal(spec.max_limit),
        max_market_qty=Decimal(spec.max_market),
        min_notional=Decimal(5),
        min_price=tick,
        max_price=tick * 19_999_998,
        max_leverage=Decimal(spec.leverage),
        funding_interval=EIGHT_HOURS,
        price_limit_x=Decimal("0.01"),
        price_limit_y=Decimal("0.02"),
        launched=launch_time(spec.launched),
    )


def inverse_of(symbol: str, base: str, spec: Spec) -> Instrument:
    """A perpetual in contracts of one USD, settled in its base coin (bybit-v5 4.3)."""
    tick = Decimal(spec.tick) * 5
    return Instrument(
        id=InstrumentId(Category.INVERSE, symbol),
        base_coin=base,
        quote_coin="USD",
        settle_coin=base,
        tick_size=tick,
        lot_size=Decimal(1),
        min_qty=Decimal(1),
        max_limit_qty=Decimal(25_000_000),
        max_market_qty=Decimal(5_000_000),
        min_notional=ZERO,
        min_price=tick,
        max_price=tick * 3_999_998,
        max_leverage=Decimal(spec.leverage),
        funding_interval=EIGHT_HOURS,
        price_limit_x=Decimal("0.01"),
        price_limit_y=Decimal("0.02"),
        launched=launch_time("2018-11-14"),
    )


def spot_of(symbol: str, base: str, spec: Spec) -> Instrument:
    return Instrument(
        id=InstrumentId(Category.SPOT, symbol),
        base_coin=base,
        quote_coin="USDT",
        settle_coin="",
        tick_size=Decimal(spec.spot_tick),
        lot_size=Decimal(spec.spot_lot),
        min_qty=Decimal(spec.spot_lot),
        max_limit_qty=Decimal(spec.spot_max),
        max_market_qty=Decimal(spec.spot_max) / 2,
        min_notional=Decimal(5),
        price_limit_x=Decimal("0.005"),
        price_limit_y=Decimal("0.01"),
    )
