"""The instruments of the sandbox, with filters like Bybit's (bybit-v5 4.3)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from operator import mul as multiply

import msgspec
from msgspec import Struct

from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO, floor_to, to_coin
from tradectl.sandbox.market.forming import Worth

EIGHT_HOURS = 480  # minutes between funding settlements
#: Quote coins by which a symbol's text is taken apart, longest first.
QUOTES = ("USDT", "USDC", "USDE", "EUR", "BTC", "ETH", "SOL", "USD")
#: Base coins with an inverse perpetual.
INVERSE = ("BTC", "ETH")
DOLLARS = frozenset({"USDT", "USDC", "USDE", "USD", "EUR"})
#: The largest order of an instrument known only from a file, in quote coin.
LARGEST_NOTIONAL = Decimal(10_000_000)


class Spec(Struct, frozen=True):
    """A base coin quoted in USDT: where its generated price starts and its filters. Sizes are in base coin.

    ``volatility`` is the standard deviation of a one-minute return, ``volume`` the median of a minute, ``launched`` the
    day trading began and ``spread`` the usual distance between bid and ask in ticks.
    """

    price: str
    tick: str
    lot: str
    max_limit: str
    max_market: str
    leverage: str
    spot_tick: str
    spot_lot: str
    spot_max: str
    volatility: float
    volume: float
    launched: str
    spread: int = 1


SPECS: dict[str, Spec] = {
    "BTC": Spec("87500", "0.1", "0.001", "1190", "500", "100", "0.1", "0.000001", "83", 0.0006, 45.0, "2020-03-30"),
    "ETH": Spec("2950", "0.01", "0.01", "7240", "2000", "100", "0.01", "0.00001", "1230", 0.0008, 700.0, "2020-10-21"),
    "SOL": Spec("128", "0.01", "0.1", "79000", "14000", "100", "0.01", "0.001", "20000", 0.0010, 9000.0, "2021-10-15"),
    "XRP": Spec(
        "1.95", "0.0001", "0.1", "5000000", "1000000", "75", "0.0001", "0.01", "1500000", 0.0010, 250000.0, "2021-05-13"
    ),
    "DOGE": Spec(
        "0.135", "0.00001", "1", "55000000", "9000000", "75", "0.00001", "0.1", "15000000", 0.0011, 2e6, "2021-06-02"
    ),
    "BNB": Spec("850", "0.1", "0.01", "2500", "500", "75", "0.1", "0.0001", "1000", 0.0007, 60.0, "2021-06-29", 2),
    "ADA": Spec(
        "0.38", "0.0001", "1", "9000000", "2000000", "75", "0.0001", "0.01", "2500000", 0.0011, 500000.0, "2021-01-11"
    ),
    "LINK": Spec(
        "12.5", "0.001", "0.1", "250000", "50000", "50", "0.001", "0.001", "80000", 0.0011, 8000.0, "2020-10-21", 3
    ),
    "LTC": Spec(
        "78", "0.01", "0.1", "60000", "10000", "50", "0.01", "0.00001", "15000", 0.0009, 1500.0, "2021-01-18", 2
    ),
    "AVAX": Spec(
        "12.4", "0.001", "0.1", "250000", "50000", "50", "0.001", "0.001", "80000", 0.0012, 6000.0, "2021-09-13", 4
    ),
    "DOT": Spec(
        "1.85",
        "0.0001",
        "0.1",
        "1500000",
        "300000",
        "50",
        "0.0001",
        "0.001",
        "500000",
        0.0011,
        40000.0,
        "2025-09-01",
        2,
    ),
    "SUI": Spec(
        "1.42", "0.0001", "1", "2500000", "500000", "50", "0.0001", "0.01", "800000", 0.0013, 90000.0, "2025-12-20", 6
    ),
}


def base_of(symbol: str) -> str:
    """The base coin of a generated symbol: BTC of ``BTCUSDT`` and of ``BTCUSD``, the inverse contract. Raises
    ``Problem`` naming the known symbols."""
    base = symbol.removesuffix("T").removesuffix("USD")
    if base not in SPECS or symbol not in (f"{base}USDT", *(f"{coin}USD" for coin in INVERSE)):
        known = ", ".join([*(f"{name}USDT" for name in SPECS), *(f"{name}USD" for name in INVERSE)])
        raise Problem(
            ErrorCode.UNKNOWN_SYMBOL,
            f"The generated market has no symbol {symbol!r}",
            field="symbols",
            reason=f"it knows {known}",
            remedy="Choose among these, or replay a file with --data",
        )
    return base


def spec_of(symbol: str) -> Spec:
    """The specification behind a generated symbol; raises as :func:`base_of`."""
    return SPECS[base_of(symbol)]


def worth_of(identity: InstrumentId) -> Worth:
    """How the turnover of a price and a quantity is counted: in quote coin, of an inverse contract in base coin."""
    return _coins_of if identity.category is Category.INVERSE else multiply


def _coins_of(price: Decimal, qty: Decimal) -> Decimal:
    return to_coin(qty / price)


def generated_instruments(symbols: Iterable[str]) -> list[Instrument]:
    """Each symbol as linear perpetual and as spot pair, or as inverse perpetual when it is quoted in USD.

    Raises ``Problem`` for an unknown one.
    """
    found: list[Instrument] = []
    for symbol in symbols:
        spec = spec_of(symbol)
        base = base_of(symbol)
        if symbol == f"{base}USD":
            found.append(_inverse(symbol, base, spec))
        else:
            found += [_linear(symbol, base, spec), _spot(symbol, base, spec)]
    return found


def launch_time(day: str) -> int:
    """Midnight UTC of an ISO day in nanoseconds."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def _linear(symbol: str, base: str, spec: Spec) -> Instrument:
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


def _inverse(symbol: str, base: str, spec: Spec) -> Instrument:
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


def _spot(symbol: str, base: str, spec: Spec) -> Instrument:
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


def file_instrument(identity: InstrumentId, price_decimals: int, size_decimals: int, price: Decimal) -> Instrument:
    """The instrument of a replayed file: the known one, with a finer tick or lot where the file needs it, else one
    made up around its first ``price``. Raises ``Problem`` when the symbol names no quote coin."""
    base, quote = _coins(identity.symbol)
    tick, lot = Decimal(1).scaleb(-price_decimals), Decimal(1).scaleb(-size_decimals)
    if quote == "USDT" and base in SPECS:
        make = _spot if identity.category is Category.SPOT else _linear
        known = make(identity.symbol, base, SPECS[base])
        lot = min(lot, known.lot_size)
        return msgspec.structs.replace(
            known, tick_size=min(tick, known.tick_size), lot_size=lot, min_qty=min(lot, known.min_qty)
        )
    return _made_up(identity, base, quote, tick, lot, price)


def _made_up(identity: InstrumentId, base: str, quote: str, tick: Decimal, lot: Decimal, price: Decimal) -> Instrument:
    largest = max(floor_to(LARGEST_NOTIONAL / price, lot), lot)
    linear = identity.category is Category.LINEAR
    return Instrument(
        id=identity,
        base_coin=base,
        quote_coin=quote,
        settle_coin=quote if linear else "",
        tick_size=tick,
        lot_size=lot,
        min_qty=lot,
        max_limit_qty=largest,
        max_market_qty=max(floor_to(largest / 4, lot), lot),
        min_notional=Decimal(5) if quote in DOLLARS else Decimal("0.0001"),
        min_price=tick,
        max_price=tick * 19_999_998 if linear else None,
        max_leverage=Decimal(50 if linear else 1),
        funding_interval=EIGHT_HOURS if linear else 0,
        price_limit_x=Decimal("0.01"),
        price_limit_y=Decimal("0.02"),
        launched=launch_time(SPECS["BTC"].launched) if linear else 0,
    )


def _coins(symbol: str) -> tuple[str, str]:
    for quote in QUOTES:
        if symbol.endswith(quote) and symbol.isalnum() and symbol.isupper() and len(symbol) > len(quote):
            return symbol.removesuffix(quote), quote
    raise Problem(
        ErrorCode.UNKNOWN_SYMBOL,
        f"Symbol {symbol!r} cannot be taken apart",
        field="symbol",
        reason=f"it must be upper case and end in one of {', '.join(QUOTES)}",
        remedy="Name the file's instrument as the venue does, such as BTCUSDT",
    )
