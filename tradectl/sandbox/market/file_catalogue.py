"""The instrument of a replayed file: a known one where there is one, else one made up around its first price."""

from decimal import Decimal

import msgspec

from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import floor_to
from tradectl.sandbox.market.catalogue import EIGHT_HOURS, inverse_of, linear_of, spot_of
from tradectl.sandbox.market.symbol_specs import INVERSE, SPECS, launch_time

#: Quote coins by which a symbol's text is taken apart, longest first.
QUOTES = ("USDT", "USDC", "USDE", "EUR", "BTC", "ETH", "SOL", "USD")
DOLLARS = frozenset({"USDT", "USDC", "USDE", "USD", "EUR"})
#: The largest order of an instrument known only from a file, in quote coin.
LARGEST_NOTIONAL = Decimal(10_000_000)


def file_instrument(identity: InstrumentId, price_decimals: int, size_decimals: int, price: Decimal) -> Instrument:
    """The instrument of a replayed file: the known one, with a finer tick or lot where the file needs it, else one
    made up around its first ``price``. Raises ``Problem`` when the symbol names no quote coin."""
    base, quote = _coins(identity.symbol)
    tick, lot = Decimal(1).scaleb(-price_decimals), Decimal(1).scaleb(-size_decimals)
    if identity.category is Category.INVERSE:
        return _inverse(identity, base, quote, tick)
    if quote == "USDT" and base in SPECS:
        make = spot_of if identity.category is Category.SPOT else linear_of
        known = make(identity.symbol, base, SPECS[base])
        lot = min(lot, known.lot_size)
        return msgspec.structs.replace(
            known, tick_size=min(tick, known.tick_size), lot_size=lot, min_qty=min(lot, known.min_qty)
        )
    return _made_up(identity, base, quote, tick, lot, price)


def _inverse(identity: InstrumentId, base: str, quote: str, tick: Decimal) -> Instrument:
    """Inverse contracts are one dollar each, whatever the file says of sizes."""
    if quote != "USD" or base not in INVERSE:
        raise Problem(
            ErrorCode.UNKNOWN_SYMBOL,
            f"There is no inverse contract {identity.symbol!r}",
            field="symbol",
            reason=f"the inverse contracts are {', '.join(f'{coin}USD' for coin in INVERSE)}",
            remedy="Name the file after one of them, such as inverse_BTCUSD.csv",
        )
    known = inverse_of(identity.symbol, base, SPECS[base])
    return msgspec.structs.replace(known, tick_size=min(tick, known.tick_size))


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
