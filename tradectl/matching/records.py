"""The words of the matching engine: what is asked of it, what it keeps, and what it says happened.

Amounts are Decimal at this boundary and integer ticks and lots inside. Times are the venue's, nanoseconds UTC. None of
these can be part of a cycle, so the collector need not look at them.
"""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderStatus, OrderType, Protection, SelfMatch, Side, TimeInForce, Trigger, TriggerBy


class Refused(Exception):
    """The gateway refuses a request and nothing changed: a Bybit ``retCode`` and its text."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class NewOrder(Struct, frozen=True, gc=False):
    """A create request, already parsed. ``quote_qty``: ``qty`` is quote coin to spend (spot market buy).

    With ``trigger`` it is conditional. On spot ``order_filter`` says which kind (tpslOrder holds its funds at once,
    StopOrder when it fires) and the direction of the trigger follows from the last price, whatever ``rises`` says.
    ``qty`` 0 with ``reduce_only`` and ``close_on_trigger`` closes the whole position, up to the largest order.
    """

    instrument: InstrumentId
    side: Side
    type: OrderType
    qty: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    quote_qty: bool = False
    link_id: str = ""
    trigger: Trigger | None = None
    close_on_trigger: bool = False
    protection: Protection | None = None
    position_idx: int = 0
    self_match: SelfMatch = SelfMatch.NONE
    order_filter: str = "Order"


class StopChange(Struct, frozen=True, gc=False):
    """What an amendment changes besides quantity and price. ``None`` leaves a field, 0 removes a TP or SL."""

    trigger_price: Decimal | None = None
    trigger_by: TriggerBy | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    tp_by: TriggerBy | None = None
    sl_by: TriggerBy | None = None
    tp_limit: Decimal | None = None
    sl_limit: Decimal | None = None


class VenueOrder(Struct, gc=False):
    """An order as the venue keeps it. ``fees`` maps coin to amount; ``leaves`` is 0 once final.

    Of an attached take-profit or stop-loss ``parent_id`` and ``parent_link`` name the entry and ``partner`` the order
    that is cancelled when it trades. ``trailing`` is the distance of a trailing stop and ``active_price`` where it
    arms; its ``trigger`` is ``None`` until then and follows the market afterwards.
    """

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
    trigger: Trigger | None = None
    close_on_trigger: bool = False
    protection: Protection | None = None
    position_idx: int = 0
    self_match: SelfMatch = SelfMatch.NONE
    smp_order_id: str = ""
    order_filter: str = "Order"
    stop_order_type: str = ""
    create_type: str = "CreateByUser"
    parent_id: str = ""
    parent_link: str = ""
    partner: str = ""
    trailing: Decimal | None = None
    active_price: Decimal | None = None
    attached: Decimal = ZERO  # how much of what it filled has its protection


class Fill(Struct, frozen=True, gc=False):
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
    position_idx: int = 0
    stop_order_type: str = ""
    create_type: str = "CreateByUser"


class LedgerEntry(Struct, frozen=True, gc=False):
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


class Position(Struct, gc=False):
    """A position, or in hedge mode one leg (``position_idx`` 1 long, 2 short).

    ``cost`` is the exact signed cost of ``size``: no average price is kept, because division does not terminate; a
    partial close rounds its profit to eight decimals and leaves the rest in cost. Of an inverse contract ``size`` is in
    USD and ``cost`` in the settle coin, negative for a long: who is long USD contracts has sold the coin's dollars
    (see :meth:`tradectl.matching.grid.Grid.signed_value`). ``take_profit``, ``stop_loss`` and ``trailing`` are those of
    mode Full, 0 where there is none.
    """

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
    position_idx: int = 0
    take_profit: Decimal = ZERO
    stop_loss: Decimal = ZERO
    trailing: Decimal = ZERO


class Wallet(Struct, gc=False):
    """One coin of one account. ``locked`` is held by spot orders, resting or tpslOrder."""

    uid: str
    coin: str
    balance: Decimal = ZERO
    locked: Decimal = ZERO
    cum_realised: Decimal = ZERO


class OrderHappened(Struct, frozen=True, gc=False):
    """The order after a change (a copy)."""

    order: VenueOrder


class FillHappened(Struct, frozen=True, gc=False):
    fill: Fill


class PositionHappened(Struct, frozen=True, gc=False):
    """The position after a change (a copy); also after each order action, changed or not, as at Bybit."""

    position: Position


class WalletHappened(Struct, frozen=True, gc=False):
    """The coins that changed (copies)."""

    uid: str
    wallets: tuple[Wallet, ...]


class LedgerHappened(Struct, frozen=True, gc=False):
    entry: LedgerEntry


Happening = OrderHappened | FillHappened | PositionHappened | WalletHappened | LedgerHappened

#: The kinds there are, for who chooses what an exchange publishes.
EVERYTHING: frozenset[type[Happening]] = frozenset(
    (OrderHappened, FillHappened, PositionHappened, WalletHappened, LedgerHappened)
)
