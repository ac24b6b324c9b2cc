"""Orders: the words for them, what is asked of the venue and what the venue says of them."""

from decimal import Decimal
from enum import Enum

from msgspec import Struct

from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO


class Side(str, Enum):
    BUY = "Buy"
    SELL = "Sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(str, Enum):
    MARKET = "Market"
    LIMIT = "Limit"


class TimeInForce(str, Enum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    POST_ONLY = "PostOnly"


class TriggerBy(str, Enum):
    """Which price fires a trigger (bybit-v5 5.1)."""

    LAST = "LastPrice"
    MARK = "MarkPrice"
    INDEX = "IndexPrice"


class SelfMatch(str, Enum):
    """What the venue does when the order would meet one of our own (``smpType``; the incoming order's counts)."""

    NONE = "None"
    CANCEL_MAKER = "CancelMaker"
    CANCEL_TAKER = "CancelTaker"
    CANCEL_BOTH = "CancelBoth"


class OrderStatus(str, Enum):
    """Ours before the venue knows the order, then the venue's words (bybit-v5 5.12).

    QUEUED waits for its rate budget; SENT left the engine; UNKNOWN has no answer and is being looked up;
    REFUSED was stopped by risk; LOST never reached the venue; EXPIRED waited too long in the queue.
    """

    QUEUED = "Queued"
    SENT = "Sent"
    UNKNOWN = "Unknown"
    ACCEPTED = "Accepted"
    NEW = "New"
    UNTRIGGERED = "Untriggered"
    TRIGGERED = "Triggered"
    PARTIALLY_FILLED = "PartiallyFilled"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    PARTIALLY_FILLED_CANCELED = "PartiallyFilledCanceled"
    DEACTIVATED = "Deactivated"
    REJECTED = "Rejected"
    REFUSED = "Refused"
    LOST = "Lost"
    EXPIRED = "Expired"

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELLED,
        OrderStatus.PARTIALLY_FILLED_CANCELED,
        OrderStatus.DEACTIVATED,
        OrderStatus.REJECTED,
        OrderStatus.REFUSED,
        OrderStatus.LOST,
        OrderStatus.EXPIRED,
    }
)


class Trigger(Struct, frozen=True, array_like=True, gc=False):
    """What makes an order conditional: it rests unseen until ``by`` has risen (``rises``) or fallen to ``price``."""

    price: Decimal
    rises: bool
    by: TriggerBy = TriggerBy.LAST

    @property
    def direction(self) -> int:
        """``triggerDirection`` on the wire: 1 rises, 2 falls."""
        return 1 if self.rises else 2


class Protection(Struct, frozen=True, array_like=True, gc=False):
    """Take-profit and stop-loss attached to an entry; the venue makes them orders once the entry fills.

    ``partial`` ones are sized by the entry's fills and cancel each other, so that several books can share a position;
    otherwise they follow the whole position. A ``*_limit`` price makes the exit a limit order (``partial`` only).
    """

    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    tp_by: TriggerBy = TriggerBy.LAST
    sl_by: TriggerBy = TriggerBy.LAST
    tp_limit: Decimal | None = None
    sl_limit: Decimal | None = None
    partial: bool = True


class TradingStop(Struct, frozen=True, array_like=True, gc=False):
    """Take-profit, stop-loss and trailing stop of a whole position (``position/trading-stop``, mode Full).

    ``None`` leaves a leg as it is, 0 removes it; ``trailing`` is a distance in price, armed at ``active_price``.
    """

    instrument: InstrumentId
    position_idx: int = 0
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    trailing: Decimal | None = None
    active_price: Decimal | None = None
    tp_by: TriggerBy = TriggerBy.LAST
    sl_by: TriggerBy = TriggerBy.LAST


class OrderSpec(Struct, frozen=True, array_like=True, gc=False):
    """An order as it is sent: everything ``order/create`` needs. ``price`` is ``None`` for a market order.

    ``position_idx`` is 0 in one-way mode, in hedge mode 1 for the long and 2 for the short leg.
    """

    link_id: str
    instrument: InstrumentId
    side: Side
    type: OrderType
    qty: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    quote_qty: bool = False  # spot market buy: ``qty`` is the amount of quote coin to spend
    trigger: Trigger | None = None
    close_on_trigger: bool = False
    protection: Protection | None = None
    position_idx: int = 0
    self_match: SelfMatch = SelfMatch.NONE


class Execution(Struct, frozen=True, array_like=True, gc=False):
    """One row of the venue's execution list: a trade, or ``type`` Funding, with ``fee`` > 0 paid.

    ``pnl`` is the realised profit the venue states for it, ``None`` where it states none. ``ts`` in nanoseconds.
    """

    exec_id: str
    instrument: InstrumentId
    order_id: str
    link_id: str
    side: Side
    price: Decimal
    qty: Decimal
    value: Decimal
    fee: Decimal
    fee_coin: str
    is_maker: bool
    ts: int
    type: str = "Trade"
    closed_qty: Decimal = ZERO
    pnl: Decimal | None = None
    fee_rate: Decimal = ZERO
    stop_order_type: str = ""  # what kind of stop the order was, as the venue names it
    create_type: str = ""  # who made the order: CreateByUser, CreateByStopLoss, CreateByLiq, ...


class OrderReport(Struct, frozen=True, array_like=True, gc=False):
    """What the venue says of an order, from a stream or a poll. ``updated`` is the venue's time in nanoseconds."""

    instrument: InstrumentId
    order_id: str
    link_id: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    qty: Decimal
    price: Decimal | None
    status: OrderStatus
    cum_qty: Decimal
    cum_value: Decimal
    avg_price: Decimal | None
    updated: int
    created: int = 0
    reduce_only: bool = False
    cancel_type: str = ""
    reject_reason: str = ""
    stop_order_type: str = ""
    trigger_price: Decimal | None = None
    trigger: Trigger | None = None
    close_on_trigger: bool = False
    protection: Protection | None = None
    position_idx: int = 0
    parent_link: str = ""  # of an attached take-profit or stop-loss: the entry it belongs to
    create_type: str = ""
