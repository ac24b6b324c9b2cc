"""The past of an account as the venue tells it: what a review is made from. Times are nanoseconds UTC."""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.instruments import FeeRate, Instrument
from tradectl.model.orders import Execution, OrderReport
from tradectl.model.positions import BalanceReport, PositionReport


class StatementRow(Struct, frozen=True, array_like=True, gc=False):
    """One movement of one coin: ``change = cash_flow + funding - fee``, ``balance`` is the wallet after it.

    ``funding`` > 0 was received, ``fee`` > 0 paid. ``cash_flow`` of a derivative is realised profit before fees, of
    spot what was bought or sold. ``trade_id`` is the id of the execution; ``category`` may be a word we do not know.
    """

    id: str
    type: str
    coin: str
    ts: int
    change: Decimal
    balance: Decimal | None
    cash_flow: Decimal
    funding: Decimal
    fee: Decimal
    category: str = ""
    symbol: str = ""
    trade_id: str = ""


class PastExecution(Struct, frozen=True, array_like=True, gc=False):
    """An execution and the mark price the venue noted with it, ``None`` where it noted none (spot)."""

    execution: Execution
    mark: Decimal | None = None


class AccountPast(Struct, frozen=True, kw_only=True):
    """Everything between ``since`` and ``until`` (both included), lists oldest first; positions and balances are of
    the end. ``fees`` are today's rates; ``notes`` say in sentences what could not be read."""

    uid: str
    since: int
    until: int
    executions: tuple[PastExecution, ...] = ()
    orders: tuple[OrderReport, ...] = ()
    statement: tuple[StatementRow, ...] = ()
    positions: tuple[PositionReport, ...] = ()
    balances: tuple[BalanceReport, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    fees: tuple[FeeRate, ...] = ()
    notes: tuple[str, ...] = ()
