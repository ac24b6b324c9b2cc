"""Which book an execution belongs to, and what each book held when the span began."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from tradectl.model.account_past import AccountPast, PastExecution
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import Execution, OrderReport, Side

#: The legs of hedge mode by ``positionIdx``; one-way has one book without a name.
LEGS = {0: "", 1: "long", 2: "short"}


def cash_flows(past: AccountPast) -> dict[str, Decimal]:
    """Realised profit by execution id, of derivatives."""
    found: dict[str, Decimal] = {}
    for row in past.statement:
        if row.trade_id and row.category not in ("", Category.SPOT.value) and row.type != "SETTLEMENT":
            found[row.trade_id] = found.get(row.trade_id, ZERO) + row.cash_flow
    return found


class Legs:
    """Which leg an execution belongs to: its order says; funding by its side, a forced close by what it closes."""

    def __init__(self, past: AccountPast, orders: Mapping[str, OrderReport]) -> None:
        self._orders = orders
        self._hedged = {it.instrument for it in past.orders if it.position_idx}
        self._hedged |= {it.instrument for it in past.positions if it.position_idx}

    def of(self, done: Execution) -> str:
        order = self._orders.get(done.order_id)
        if order is not None:
            return LEGS.get(order.position_idx, "")
        if done.instrument not in self._hedged:
            return ""
        closing = done.closed_qty > 0 and done.type != "Funding"
        return "long" if (done.side is Side.BUY) is not closing else "short"


class Opening(Struct, frozen=True):
    """What a book held at the beginning, signed, and at which price it is entered here."""

    size: Decimal
    price: Decimal


def moved_by(done: Execution, instrument: Instrument) -> Decimal:
    """What the position gained; of spot after a fee that was taken from the coins themselves."""
    if done.type == "Funding":
        return ZERO
    taken = done.fee if instrument.is_spot and done.fee_coin == instrument.base_coin else ZERO
    return done.side.sign * done.qty - taken


def opening_of(
    past: AccountPast, name: InstrumentId, leg: str, own: Sequence[PastExecution], instrument: Instrument
) -> Opening:
    """Held now less what was traded; of spot, where a balance is no position, at least what was sold too much."""
    moves = [moved_by(it.execution, instrument) for it in own]
    if instrument.is_spot:
        held = lowest = ZERO
        for move in moves:
            held += move
            lowest = min(lowest, held)
        return Opening(-lowest, own[0].execution.price)
    now = sum(
        (it.size for it in past.positions if it.instrument == name and LEGS.get(it.position_idx, "") == leg), ZERO
    )
    size = now - sum(moves, ZERO)
    return Opening(size, _entry_price(size, own, past) if size else ZERO)


def _entry_price(size: Decimal, own: Sequence[PastExecution], past: AccountPast) -> Decimal:
    """From the profit of the first close that nothing was added before; else the position's, else the first price."""
    flows = cash_flows(past)
    for it in own:
        done = it.execution
        if done.type == "Funding":
            continue
        if done.side.sign * size < 0 and done.exec_id in flows and done.instrument.category is not Category.INVERSE:
            closed = min(abs(size), done.qty)
            return done.price - (1 if size > 0 else -1) * flows[done.exec_id] / closed
        break
    held = next((it.avg_price for it in past.positions if it.instrument == own[0].execution.instrument), None)
    return held or own[0].execution.price
