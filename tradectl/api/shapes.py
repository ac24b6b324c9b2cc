"""The JSON shapes of the answers, documented in docs/rest-api.md.

Where the specification gives a shape, its keys are these keys; ``category`` is always added, because the same symbol
is spot and linear. Amounts are :class:`msgspec.Raw` numbers written from their digits, times ISO 8601 UTC.
"""

from msgspec import Raw, Struct

from tradectl.api.responses import number, timestamp
from tradectl.model.instruments import Category
from tradectl.model.orders import TimeInForce
from tradectl.rpc.methods import Placed
from tradectl.rpc.rows import BalanceRow, CheckRow, InstrumentRow, OrderRow, PositionRow, TickerRow, TradeRow


def _time_in_force(value: TimeInForce) -> str:
    return "POST_ONLY" if value is TimeInForce.POST_ONLY else value.value


class Balance(Struct, frozen=True):
    """One coin; ``used`` is what orders and margin hold."""

    free: Raw
    used: Raw
    total: Raw

    @classmethod
    def of(cls, row: BalanceRow) -> "Balance":
        return cls(number(row.free), number(row.used), number(row.total))


class Position(Struct, frozen=True):
    """A net position; ``size`` is negative for shorts, ``pnl`` unrealised in the settle coin."""

    symbol: str
    size: Raw
    entry_price: Raw
    current_price: Raw
    pnl: Raw
    category: Category

    @classmethod
    def of(cls, row: PositionRow, ticker: TickerRow | None) -> "Position":
        """Valued at the later of the position's mark and the ticker's price."""
        price, pnl = row.mark_price, row.unrealised
        newer = (ticker.mark or ticker.last) if ticker is not None and ticker.at > row.at else None
        if newer is not None:
            price, pnl = newer, row.size * newer - row.cost
        return cls(row.symbol, number(row.size), number(row.entry_price), number(price), number(pnl), row.category)


class PortfolioAnswer(Struct, frozen=True):
    balances: dict[str, Balance]
    positions: list[Position]


class Order(Struct, frozen=True):
    """An order; ``id`` is what ``/api/orders/{id}`` takes."""

    id: str
    link_id: str | None
    order_id: str | None
    category: Category
    symbol: str
    side: str
    type: str
    quantity: Raw
    price: Raw
    status: str
    filled: Raw
    average_price: Raw
    fees: Raw
    time_in_force: str
    reduce_only: bool
    strategy: str | None
    reason: str | None
    created: str | None
    updated: str | None

    @classmethod
    def of(cls, row: OrderRow) -> "Order":
        return cls(
            id=row.id,
            link_id=row.link_id or None,
            order_id=row.order_id or None,
            category=row.category,
            symbol=row.symbol,
            side=row.side.value.upper(),
            type=row.type.value.upper(),
            quantity=number(row.qty),
            price=number(row.price),
            status=row.status.value,
            filled=number(row.filled),
            average_price=number(row.avg_price),
            fees=number(row.fees),
            time_in_force=_time_in_force(row.time_in_force),
            reduce_only=row.reduce_only,
            strategy=row.strategy or None,
            reason=row.reason or None,
            created=timestamp(row.created),
            updated=timestamp(row.at),
        )


class OrdersAnswer(Struct, frozen=True):
    orders: list[Order]
    next_cursor: str | None
    as_of_seq: int


class OrderAnswer(Struct, frozen=True):
    order: Order
    as_of_seq: int


class PlacedAnswer(Struct, frozen=True):
    """What became of ``POST /api/orders``; ``order`` is ``null`` for a dry run. Amounts in the settle coin."""

    order: Order | None
    dry_run: bool
    category: Category
    symbol: str
    quantity: Raw
    price: Raw
    value: Raw
    fee: Raw
    margin_after: Raw
    checks: tuple[CheckRow, ...]

    @classmethod
    def of(cls, placed: Placed) -> "PlacedAnswer":
        return cls(
            order=None if placed.order is None else Order.of(placed.order),
            dry_run=placed.dry_run,
            category=placed.category,
            symbol=placed.symbol,
            quantity=number(placed.qty),
            price=number(placed.price),
            value=number(placed.notional),
            fee=number(placed.fee),
            margin_after=number(placed.margin_after),
            checks=placed.checks,
        )


class CancelledAnswer(Struct, frozen=True):
    """``orders`` are the ids the cancel went out for; the order's end arrives with the venue's answer."""

    id: str
    message: str
    orders: tuple[str, ...]


class Trade(Struct, frozen=True):
    """A booked execution: ``type`` Trade, or Funding where ``fee`` > 0 was paid. ``pnl`` is realised."""

    id: str
    timestamp: str | None
    category: Category
    symbol: str
    strategy: str | None
    type: str
    side: str
    price: Raw
    quantity: Raw
    value: Raw
    fee: Raw
    fee_coin: str
    maker: bool
    pnl: Raw
    link_id: str | None
    order_id: str | None

    @classmethod
    def of(cls, row: TradeRow) -> "Trade":
        return cls(
            id=row.id,
            timestamp=timestamp(row.at),
            category=row.category,
            symbol=row.symbol,
            strategy=row.strategy or None,
            type=row.type,
            side=row.side.value.upper(),
            price=number(row.price),
            quantity=number(row.qty),
            value=number(row.value),
            fee=number(row.fee),
            fee_coin=row.fee_coin,
            maker=row.maker,
            pnl=number(row.realised),
            link_id=row.link_id or None,
            order_id=row.order_id or None,
        )


class TradesAnswer(Struct, frozen=True):
    trades: list[Trade]
    next_cursor: str | None
    as_of_seq: int


class MarketData(Struct, frozen=True):
    """The last ticker the daemon has of an instrument, and the filters an order on it must keep."""

    category: Category
    symbol: str
    timestamp: str | None
    last_price: Raw
    bid_price: Raw
    ask_price: Raw
    mark_price: Raw
    index_price: Raw
    funding_rate: Raw
    next_funding: str | None
    tick_size: Raw
    lot_size: Raw
    min_quantity: Raw

    @classmethod
    def of(cls, key: tuple[Category, str], row: TickerRow | None, it: InstrumentRow | None) -> "MarketData":
        """Either source may be missing: its values are ``null``."""
        return cls(
            category=key[0],
            symbol=key[1],
            timestamp=timestamp(row.at) if row else None,
            last_price=number(row.last if row else None),
            bid_price=number(row.bid if row else None),
            ask_price=number(row.ask if row else None),
            mark_price=number(row.mark if row else None),
            index_price=number(row.index if row else None),
            funding_rate=number(row.funding_rate if row else None),
            next_funding=timestamp(row.next_funding) if row else None,
            tick_size=number(it.tick_size if it else None),
            lot_size=number(it.lot_size if it else None),
            min_quantity=number(it.min_qty if it else None),
        )


class MarketDataAnswer(Struct, frozen=True):
    market_data: list[MarketData]
    as_of_seq: int


class ReasonShown(Struct, frozen=True):
    code: str
    level: str
    clears: str
    text: str
    scope: str | None


class LinkHealth(Struct, frozen=True):
    """A connection of the gateway; ``reason`` says why it is down."""

    connected: bool
    reason: str | None


class HealthAnswer(Struct, frozen=True):
    """``status`` is ``ok``, or ``unavailable`` while the daemon cannot be reached."""

    status: str


class HealthDetails(Struct, frozen=True):
    """The same with what only a holder of the token may see."""

    status: str
    version: str
    mode: str | None
    profile: str | None
    run: str | None
    state: str | None
    reasons: list[ReasonShown]
    as_of_seq: int | None
    updated: str | None
    daemon: LinkHealth
    store: LinkHealth
