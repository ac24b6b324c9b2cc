"""What a fill is compared with: the price a person could have hoped for at that moment.

An order that a stop triggered is compared with its trigger; any other taker fill with the mark price the venue noted
with it, else (spot) with the middle of its minute's candle. A maker gets its own price, and a liquidation had no plan:
neither has slippage. The mark is no middle of the book: what it differs by cancels between entry and exit.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum

from msgspec import Struct

from tradectl.model.account_past import PastExecution
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import Bar
from tradectl.model.money import exact
from tradectl.model.orders import OrderReport

MINUTE = 60_000_000_000
Minutes = Mapping[InstrumentId, Mapping[int, Bar]]


class Against(str, Enum):
    """What a fill was compared with; the last three have no slippage."""

    TRIGGER = "trigger"
    MARK = "mark"
    CANDLE = "candle"
    MAKER = "maker"
    FORCED = "forced"
    NOTHING = "nothing"


class Reference(Struct, frozen=True):
    against: Against
    price: Decimal | None = None


def is_forced(past: PastExecution) -> bool:
    """Whether the venue took the position over: a liquidation or auto-deleveraging (bybit-v5 6.1)."""
    done = past.execution
    return done.type in ("BustTrade", "AdlTrade") or done.create_type.startswith(
        ("CreateByLiq", "CreateByTakeOver", "CreateByAdl")
    )


def reference(past: PastExecution, order: OrderReport | None, minutes: Minutes) -> Reference:
    """What the fill ``past`` of ``order`` is compared with."""
    done = past.execution
    if is_forced(past):
        return Reference(Against.FORCED)
    if done.is_maker:
        return Reference(Against.MAKER)
    if order is not None and order.trigger_price is not None:
        return Reference(Against.TRIGGER, order.trigger_price)
    if past.mark is not None:
        return Reference(Against.MARK, past.mark)
    bar = minutes.get(done.instrument, {}).get(done.ts // MINUTE * MINUTE)
    if bar is not None:
        return Reference(Against.CANDLE, (exact(bar.high) + exact(bar.low)) / 2)
    return Reference(Against.NOTHING)
