"""The rows that answers are made of: flat JSON objects with exact amounts, built from the engine's records.

Amounts are ``Decimal`` and travel as JSON numbers written from their digits; times are nanoseconds UTC; a value nobody
stated is ``None``. ``size`` is negative for shorts. Fields are only ever appended.
"""

import math
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from tradectl.model.commands import (
    Alert,
    AlertLevel,
    AlgorithmChanged,
    AlgorithmStatus,
    Check,
    DecisionMade,
    ExecutionBooked,
    Level,
    OrderChanged,
    PositionChanged,
    Reason,
    StrategyStatus,
)
from tradectl.model.instruments import Category, FeeRate, Instrument
from tradectl.model.market_data import Bar
from tradectl.model.money import ZERO, exact
from tradectl.model.orders import OrderStatus, OrderType, Side, TimeInForce

#: Decimals of an entry price: a quotient need not end, and ``cost`` is there for whoever needs every digit.
ENTRY_PLACES = 12


class Row(Struct, frozen=True):
    """Base of all rows."""


class ReasonRow(Row, frozen=True):
    """Why trading is restricted: ``clears`` is ``auto`` or ``person``, ``scope`` as in the engine's ``Reason``."""

    code: str
    level: Level
    clears: str
    text: str
    since: int
    scope: str = ""

    @classmethod
    def of(cls, reason: Reason) -> "ReasonRow":
        return cls(reason.code, reason.level, reason.clears, reason.text, reason.since, reason.scope)


class AlertRow(Row, frozen=True):
    at: int
    level: AlertLevel
    code: str
    text: str
    remedy: str = ""

    @classmethod
    def of(cls, alert: Alert) -> "AlertRow":
        return cls(alert.at, alert.level, alert.code, alert.text, alert.remedy)


class OrderRow(Row, frozen=True):
    """An order. ``id`` is the link id where it has one, else the venue's id; either finds it."""

    id: str
    link_id: str
    order_id: str
    strategy: str
    category: Category
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    qty: Decimal
    price: Decimal | None
    status: OrderStatus
    filled: Decimal
    avg_price: Decimal | None
    reduce_only: bool
    created: int
    at: int
    fees: Decimal = ZERO
    decision: int = 0
    reason: str = ""
    trigger_price: Decimal | None = None
    trigger_by: str | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    parent: str = ""
    stop_type: str = ""
    algorithm: int = 0
    position_idx: int = 0

    @classmethod
    def of(cls, order: OrderChanged) -> "OrderRow":
        return cls(
            id=order.link_id or order.order_id,
            link_id=order.link_id,
            order_id=order.order_id,
            strategy=order.strategy,
            category=order.instrument.category,
            symbol=order.instrument.symbol,
            side=order.side,
            type=order.type,
            time_in_force=order.time_in_force,
            qty=order.qty,
            price=order.price,
            status=order.status,
            filled=order.filled,
            avg_price=order.avg_price,
            reduce_only=order.reduce_only,
            created=order.created,
            at=order.at,
            fees=order.fees,
            decision=order.decision,
            reason=order.reason,
            trigger_price=order.trigger.price if order.trigger else None,
            trigger_by=order.trigger.by.value if order.trigger else None,
            take_profit=order.take_profit,
            stop_loss=order.stop_loss,
            parent=order.parent,
            stop_type=order.stop_type,
            algorithm=order.algorithm,
            position_idx=order.position_idx,
        )


class AlgorithmRow(Row, frozen=True):
    """An execution algorithm; ``id`` is written ``aN`` wherever an order id is taken."""

    id: str
    at: int
    kind: str
    strategy: str
    category: Category
    symbol: str
    side: Side | None
    qty: Decimal
    filled: Decimal
    status: AlgorithmStatus
    reason: str = ""
    note: str = ""
    parameters: dict[str, str] = {}

    @classmethod
    def of(cls, it: AlgorithmChanged) -> "AlgorithmRow":
        i = it.instrument
        return cls(
            f"a{it.id}", it.at, it.kind, it.strategy, i.category, i.symbol, it.side, it.qty, it.filled, it.status,
            it.reason, it.note, dict(it.parameters),
        )  # fmt: skip


class PositionRow(Row, frozen=True):
    """A position: of one strategy's book, or the net one at the venue (``strategy`` empty).

    ``cost`` is the exact signed cost of ``size``; ``entry_price`` is its quotient and ``None`` when flat.
    """

    strategy: str
    category: Category
    symbol: str
    size: Decimal
    entry_price: Decimal | None
    mark_price: Decimal | None
    unrealised: Decimal | None
    realised: Decimal
    fees: Decimal
    funding: Decimal
    cost: Decimal
    at: int
    value: Decimal | None = None
    leverage: Decimal | None = None
    liq_price: Decimal | None = None
    position_idx: int = 0

    @classmethod
    def of(cls, position: PositionChanged, mark: Decimal | None = None) -> "PositionRow":
        """The row of a changed position, valued at ``mark`` or at the mark the record carries (0.0 means none)."""
        if mark is None and position.mark > 0:
            mark = exact(position.mark)
        size = position.size
        return cls(
            strategy=position.strategy,
            category=position.instrument.category,
            symbol=position.instrument.symbol,
            size=size,
            entry_price=round(position.cost / size, ENTRY_PLACES) if size else None,
            mark_price=mark,
            unrealised=None if mark is None else size * mark - position.cost,
            realised=position.realised,
            fees=position.fees,
            funding=position.funding,
            cost=position.cost,
            at=position.at,
            value=None if mark is None else size * mark,
            position_idx=position.position_idx,
        )


class BalanceRow(Row, frozen=True):
    """One coin: ``used`` is what orders and margin hold, ``total`` = ``free`` + ``used``."""

    coin: str
    free: Decimal
    used: Decimal
    total: Decimal


class EquityRow(Row, frozen=True):
    """Equity in the settle coin: of the account (``strategy`` empty) or of one book's profit since its start."""

    at: int
    strategy: str
    equity: Decimal
    cash: Decimal
    unrealised: Decimal


class TradeRow(Row, frozen=True):
    """A booked execution: a fill, or a funding payment (``type`` Funding; ``fee`` > 0 was paid)."""

    id: str
    at: int
    category: Category
    symbol: str
    strategy: str
    side: Side
    type: str
    price: Decimal
    qty: Decimal
    value: Decimal
    fee: Decimal
    fee_coin: str
    maker: bool
    realised: Decimal
    position: Decimal
    link_id: str
    order_id: str
    decision: int = 0
    arrival: Decimal | None = None
    slippage: Decimal | None = None
    stop_type: str = ""

    @classmethod
    def of(cls, booked: ExecutionBooked) -> "TradeRow":
        """``at`` is the venue's time of the execution; ``slippage`` is what it cost against the market's middle at the
        decision (``arrival``), in quote coin, negative when it was better."""
        done = booked.execution
        return cls(
            id=done.exec_id,
            at=done.ts,
            category=done.instrument.category,
            symbol=done.instrument.symbol,
            strategy=booked.strategy,
            side=done.side,
            type=done.type,
            price=done.price,
            qty=done.qty,
            value=done.value,
            fee=done.fee,
            fee_coin=done.fee_coin,
            maker=done.is_maker,
            realised=booked.realised,
            position=booked.position,
            link_id=done.link_id,
            order_id=done.order_id,
            decision=booked.decision,
            arrival=booked.arrival,
            slippage=None if booked.arrival is None else done.side.sign * (done.price - booked.arrival) * done.qty,
            stop_type=done.stop_order_type,
        )


class CheckRow(Row, frozen=True):
    """One risk check's verdict; ``limit`` and ``value`` are text with units."""

    name: str
    ok: bool
    limit: str = ""
    value: str = ""
    reason: str = ""

    @classmethod
    def of(cls, check: Check) -> "CheckRow":
        return cls(check.name, check.ok, check.limit, check.value, check.reason)


class DecisionRow(Row, frozen=True):
    """An intent of a strategy or person and what became of it; ``orders`` are the link ids it became."""

    id: int
    run: str
    at: int
    cause: int
    strategy: str
    category: Category
    symbol: str
    action: str
    side: Side | None
    qty: Decimal
    price: Decimal | None
    reason: str
    accepted: bool
    checks: tuple[CheckRow, ...] = ()
    orders: tuple[str, ...] = ()
    who: str = ""
    event: str = ""
    inputs: dict[str, float | None] = {}
    algorithm: int = 0

    @classmethod
    def of(cls, made: DecisionMade, run: str) -> "DecisionRow":
        return cls(
            id=made.id,
            run=run,
            at=made.at,
            cause=made.cause,
            strategy=made.strategy,
            category=made.instrument.category,
            symbol=made.instrument.symbol,
            action=made.action,
            side=made.side,
            qty=made.qty,
            price=made.price,
            reason=made.reason,
            accepted=made.accepted,
            checks=tuple(CheckRow.of(check) for check in made.checks),
            orders=made.orders,
            who=made.who,
            event=made.event,
            inputs={name: value if math.isfinite(value) else None for name, value in made.inputs},
            algorithm=made.algorithm,
        )


class StrategyRow(Row, frozen=True):
    """A strategy instance: its class, settings, status and book. Amounts in the settle coin."""

    name: str
    class_name: str = field(name="class")
    status: StrategyStatus
    symbols: tuple[str, ...]
    capital: Decimal | None
    equity: Decimal | None
    realised: Decimal
    unrealised: Decimal | None
    fees: Decimal
    open_orders: int
    open_positions: int
    trades: int
    reason: str = ""
    interval: str = ""
    parameters: dict[str, Any] = {}
    enabled: bool = True


class InstrumentRow(Row, frozen=True):
    """An instrument's filters and our fee rates (``None`` when the account's are not known)."""

    category: Category
    symbol: str
    base_coin: str
    quote_coin: str
    settle_coin: str
    tick_size: Decimal
    lot_size: Decimal
    min_qty: Decimal
    max_limit_qty: Decimal
    max_market_qty: Decimal
    min_notional: Decimal
    max_leverage: Decimal
    funding_interval: int
    status: str
    maker_fee: Decimal | None = None
    taker_fee: Decimal | None = None

    @classmethod
    def of(cls, it: Instrument, fee: FeeRate | None = None) -> "InstrumentRow":
        return cls(
            category=it.id.category,
            symbol=it.id.symbol,
            base_coin=it.base_coin,
            quote_coin=it.quote_coin,
            settle_coin=it.settle_coin,
            tick_size=it.tick_size,
            lot_size=it.lot_size,
            min_qty=it.min_qty,
            max_limit_qty=it.max_limit_qty,
            max_market_qty=it.max_market_qty,
            min_notional=it.min_notional,
            max_leverage=it.max_leverage,
            funding_interval=it.funding_interval,
            status=it.status,
            maker_fee=fee.maker if fee else None,
            taker_fee=fee.taker if fee else None,
        )


class TickerRow(Row, frozen=True):
    """The last ticker as the daemon has it; ``at`` is when it was received."""

    category: Category
    symbol: str
    at: int
    last: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    mark: Decimal | None
    index: Decimal | None
    funding_rate: Decimal | None
    next_funding: int | None


class CandleRow(Row, frozen=True):
    """A closed candle; ``volume`` in base, ``turnover`` in quote coin."""

    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    turnover: Decimal

    @classmethod
    def of(cls, bar: Bar) -> "CandleRow":
        return cls(
            bar.open_time,
            exact(bar.open),
            exact(bar.high),
            exact(bar.low),
            exact(bar.close),
            exact(bar.volume),
            exact(bar.turnover),
        )


class LimitRow(Row, frozen=True):
    """One effective limit: ``value`` in ``unit`` (``% of equity``, ``x``, ``orders/s``), ``used`` of it so far.

    ``value`` is ``None`` for a limit that is no number (``text`` says it) or that is off; ``scope`` is empty for the
    account.
    """

    name: str
    value: Decimal | None
    unit: str
    used: Decimal | None = None
    scope: str = ""
    text: str = ""
    meaning: str = ""


class ShareRow(Row, frozen=True):
    """One strategy's share of equity, its capital in the settle coin, and the share the settings give it."""

    strategy: str
    share: Decimal
    capital: Decimal
    configured: Decimal
    samples: int = 0


class ProfitRow(Row, frozen=True):
    """``net = price - slippage - fees - funding``; ``realised = price - slippage``. ``trades`` counts fills."""

    key: str
    realised: Decimal
    price: Decimal
    slippage: Decimal
    fees: Decimal
    funding: Decimal
    net: Decimal
    volume: Decimal
    trades: int


class DrawdownRow(Row, frozen=True):
    """The deepest fall: ``depth`` a fraction <= 0; UTC dates; ``recovered`` is ``None`` while under water."""

    depth: float
    peak: str
    trough: str
    recovered: str | None
    days: int
    longest_days: int
