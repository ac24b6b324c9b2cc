"""The words of the matching engine: what is asked of it, what it keeps, and what it says happened.

Amounts are Decimal at this boundary and integer ticks and lots inside. Times are the venue's, nanoseconds UTC.
"""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderStatus, OrderType, Side, TimeInForce


class Refused(Exception):
    """The gateway refuses a request and nothing changed: a Bybit ``retCode`` and its text."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class NewOrder(Struct, frozen=True):
    """A create request, already parsed. ``quote_qty``: ``qty`` is quote coin to spend (spot market buy)."""

    instrument: InstrumentId
    side: Side
    type: OrderType
    qty: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    quote_qty: bool = False
    link_id: str = ""


class VenueOrder(Struct):
    """An order as the venue keeps it. ``fees`` maps coin to amount; ``leaves`` is 0 once final."""

    uid: str
    order_id: str
    link_id: str
    instrument: InstrumentId
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    qty: Decimal
    price: Decimal | None
    status: OrderStatus
    created: int
    updated: int
    reduce_only: bool = False
    quote_qty: bool = False
    cum_qty: Decimal = ZERO
    cum_value: Decimal = ZERO
    leaves: Decimal = ZERO
    fees: dict[str, Decimal] = field(default_factory=dict)
    cancel_type: str = "UNKNOWN"
    reject_reason: str = "EC_NoError"
    last_price_on_created: Decimal | None = None


class Fill(Struct, frozen=True):
    """One execution: a trade or a funding payment (``type`` Funding, ``fee`` > 0 paid).

    ``pnl`` is the realised profit (before fees), ``closed_qty`` the part that reduced the position; ``seq`` joins it
    with the position update it caused.
    """

    exec_id: str
    uid: str
    instrument: InstrumentId
    order_id: str
    link_id: str
    side: Side
    order_type: str
    order_price: Decimal
    order_qty: Decimal
    leaves: Decimal
    price: Decimal
    qty: Decimal
    value: Decimal
    fee: Decimal
    fee_coin: str
    fee_rate: Decimal
    is_maker: bool
    ts: int
    seq: int
    type: str = "Trade"
    closed_qty: Decimal = ZERO
    pnl: Decimal = ZERO
    mark_price: Decimal = ZERO


class LedgerEntry(Struct, frozen=True):
    """A row of the transaction log: ``change = cash_flow + funding - fee``; ``balance`` is the wallet after it.

    ``type`` is TRADE, SETTLEMENT (funding), LIQUIDATION (take-over), TRANSFER_IN or TRANSFER_OUT; ``size`` the signed
    position after it; ``qty`` is signed for spot only.
    """

    id: str
    uid: str
    type: str
    coin: str
    change: Decimal
    balance: Decimal
    ts: int
    instrument: InstrumentId | None = None
    side: str = "None"
    qty: Decimal = ZERO
    size: Decimal = ZERO
    price: Decimal = ZERO
    funding: Decimal = ZERO
    fee: Decimal = ZERO
    cash_flow: Decimal = ZERO
    fee_rate: Decimal = ZERO
    trade_id: str = ""
    order_id: str = ""
    link_id: str = ""


class Position(Struct):
    """A linear position (one-way). ``cost`` is the exact signed cost of ``size``: no average price is kept, because
    division does not terminate; a partial close rounds its profit to eight decimals and leaves the rest in cost."""

    uid: str
    instrument: InstrumentId
    size: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO  # since opened, fees and funding included (curRealisedPnl)
    cum_realised: Decimal = ZERO
    leverage: Decimal = Decimal(10)
    opened: int = 0
    created: int = 0
    updated: int = 0
    seq: int = -1


class Wallet(Struct):
    """One coin of one account. ``locked`` is held by spot orders."""

    uid: str
    coin: str
    balance: Decimal = ZERO
    locked: Decimal = ZERO
    cum_realised: Decimal = ZERO


class OrderHappened(Struct, frozen=True):
    """The order after a change (a copy)."""

    order: VenueOrder


class FillHappened(Struct, frozen=True):
    fill: Fill


class PositionHappened(Struct, frozen=True):
    """The position after a change (a copy); also after each order action, changed or not, as at Bybit."""

    position: Position


class WalletHappened(Struct, frozen=True):
    """The coins that changed (copies)."""

    uid: str
    wallets: tuple[Wallet, ...]


class LedgerHappened(Struct, frozen=True):
    entry: LedgerEntry


Happening = OrderHappened | FillHappened | PositionHappened | WalletHappened | LedgerHappened
