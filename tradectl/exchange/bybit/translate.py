"""From wire rows to our records: exact amounts, nanoseconds, our words. Raises ``ValueError`` on nonsense."""

from collections.abc import Callable
from decimal import Decimal

from tradectl.exchange.bybit.wire import (
    CoinRow,
    ExecutionRow,
    InstrumentRow,
    LogRow,
    OrderRow,
    PositionRow,
    Text,
    WalletRow,
)
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO, amount_or_zero, parse_amount
from tradectl.model.orders import Execution, OrderReport, OrderStatus, OrderType, Side, TimeInForce
from tradectl.model.positions import BalanceReport, LedgerRow, PositionReport

MS = 1_000_000
#: Transaction-log types whose money also arrives as an execution row (bybit-v5 5.7, 7.3): booked from there alone.
BOOKED_AS_EXECUTIONS = frozenset({"TRADE", "SETTLEMENT", "LIQUIDATION", "ADL", "DELIVERY"})
#: Words of the venue that our vocabulary says otherwise: ``Created`` is seen by other clients (bybit-v5 5.12), ``RPI``
#: is a post-only order for retail takers (bybit-v5 5.1).
_STATUS = {s.value: s for s in OrderStatus} | {"Created": OrderStatus.ACCEPTED}
_TIME_IN_FORCE = {t.value: t for t in TimeInForce} | {"RPI": TimeInForce.POST_ONLY, "": TimeInForce.GTC}
_SIDES = {s.value: s for s in Side}

#: Names the coin a fee was paid in when the row does not.
FeeCoin = Callable[[InstrumentId, Side, Decimal, bool], str]


def nanoseconds(text: Text) -> int:
    """Wire milliseconds as nanoseconds; 0 where there are none."""
    return int(text) * MS if text else 0


def category_of(text: str) -> Category:
    """The category named on the wire. Raises ``ValueError`` on one we do not know."""
    return Category(text)


def _side(text: Text) -> Side:
    try:
        return _SIDES[text or ""]
    except KeyError:
        raise ValueError(f"side {text!r} is neither Buy nor Sell") from None


def _not_negative(name: str, text: Text) -> Decimal:
    value = amount_or_zero(text)
    if value < 0:
        raise ValueError(f"{name} {text} is negative")
    return value


def _positive(name: str, text: Text) -> Decimal:
    value = amount_or_zero(text)
    if value <= 0:
        raise ValueError(f"{name} {text!r} is not positive")
    return value


def _or_none(value: Decimal) -> Decimal | None:
    """Zero is how the venue says "not set" for prices (bybit-v5 12, gotcha 11)."""
    return value if value else None


def order_report(row: OrderRow, category: Category) -> OrderReport:
    """An order row as our report. Raises ``ValueError`` on a status, side or amount that makes no sense."""
    status = _STATUS.get(row.orderStatus)
    if status is None:
        raise ValueError(f"order status {row.orderStatus!r} is unknown")
    price = _not_negative("price", row.price)
    kind = OrderType.MARKET if row.orderType == "Market" else OrderType.LIMIT
    return OrderReport(
        instrument=InstrumentId(category, row.symbol),
        order_id=row.orderId,
        link_id=row.orderLinkId or "",
        side=_side(row.side),
        type=kind,
        time_in_force=_TIME_IN_FORCE.get(row.timeInForce or "", TimeInForce.GTC),
        qty=_not_negative("qty", row.qty),
        price=_or_none(price),
        status=status,
        cum_qty=_not_negative("cumExecQty", row.cumExecQty),
        cum_value=_not_negative("cumExecValue", row.cumExecValue),
        avg_price=_or_none(_not_negative("avgPrice", row.avgPrice)),
        updated=nanoseconds(row.updatedTime),
        created=nanoseconds(row.createdTime),
        reduce_only=row.reduceOnly,
        cancel_type=_word(row.cancelType),
        reject_reason="" if row.rejectReason == "EC_NoError" else row.rejectReason or "",
        stop_order_type=_word(row.stopOrderType),
        trigger_price=_or_none(_not_negative("triggerPrice", row.triggerPrice)),
    )


def _word(text: Text) -> str:
    """The docs' samples write ``UNKNOWN`` where newer payloads are empty (bybit-v5 12, gotcha 13)."""
    return "" if text is None or text == "UNKNOWN" else text


def execution(row: ExecutionRow, category: Category, fee_coin: FeeCoin) -> Execution:
    """An execution row as ours. Funding rows state a price and size too, so all types are checked alike."""
    instrument = InstrumentId(category, row.symbol)
    side, fee = _side(row.side), amount_or_zero(row.execFee)
    price, qty = _positive("execPrice", row.execPrice), _positive("execQty", row.execQty)
    value = parse_amount(row.execValue)
    if value is None:
        value = qty / price if category is Category.INVERSE else price * qty
    return Execution(
        exec_id=row.execId,
        instrument=instrument,
        order_id=row.orderId,
        link_id=row.orderLinkId or "",
        side=side,
        price=price,
        qty=qty,
        value=value,
        fee=fee,
        fee_coin=row.feeCurrency or fee_coin(instrument, side, fee, row.isMaker),
        is_maker=row.isMaker,
        ts=nanoseconds(row.execTime),
        type=row.execType,
        closed_qty=_not_negative("closedSize", row.closedSize),
        pnl=parse_amount(row.execPnl),
        fee_rate=amount_or_zero(row.feeRate),
    )


def position_report(row: PositionRow, category: Category) -> PositionReport:
    """A position row with a signed size; the row of a flat symbol has side ``""``."""
    size = _not_negative("size", row.size)
    signed = ZERO if size == 0 else size * _side(row.side).sign
    return PositionReport(
        instrument=InstrumentId(category, row.symbol),
        size=signed,
        avg_price=_or_none(_not_negative("entry price", row.entryPrice or row.avgPrice)),
        position_idx=row.positionIdx,
        leverage=parse_amount(row.leverage),
        mark_price=parse_amount(row.markPrice),
        liq_price=parse_amount(row.liqPrice),
        unrealised_pnl=amount_or_zero(row.unrealisedPnl),
        updated=nanoseconds(row.updatedTime),
    )


def balances(rows: tuple[WalletRow, ...]) -> tuple[BalanceReport, ...]:
    """Every coin of the wallet rows."""
    return tuple(_balance(coin) for row in rows for coin in row.coin)


def _balance(row: CoinRow) -> BalanceReport:
    return BalanceReport(
        coin=row.coin,
        wallet=amount_or_zero(row.walletBalance),
        equity=amount_or_zero(row.equity),
        locked=amount_or_zero(row.locked),
    )


def ledger_row(row: LogRow) -> LedgerRow | None:
    """A transaction-log row that no execution row repeats, else ``None``."""
    if row.type in BOOKED_AS_EXECUTIONS:
        return None
    instrument = None
    if row.symbol and row.category in Category._value2member_map_:
        instrument = InstrumentId(Category(row.category), row.symbol)
    return LedgerRow(
        id=row.id,
        type=row.type,
        coin=row.currency,
        change=amount_or_zero(row.change),
        ts=nanoseconds(row.transactionTime),
        instrument=instrument,
    )


def instrument_of(row: InstrumentRow, category: Category) -> Instrument:
    """An instruments-info row as ours (bybit-v5 4.3). Raises ``ValueError`` without a tick or lot."""
    lot, price, risk = row.lotSizeFilter, row.priceFilter, row.riskParameters
    spot = category is Category.SPOT
    max_limit = amount_or_zero(lot.maxLimitOrderQty if spot else lot.maxOrderQty)
    max_market = amount_or_zero(lot.maxMarketOrderQty if spot else lot.maxMktOrderQty)
    max_leverage = row.leverageFilter.maxLeverage if row.leverageFilter else ""
    return Instrument(
        id=InstrumentId(category, row.symbol),
        base_coin=row.baseCoin,
        quote_coin=row.quoteCoin,
        settle_coin=row.settleCoin or row.quoteCoin,
        tick_size=_positive("tickSize", price.tickSize),
        lot_size=_positive("qtyStep", lot.basePrecision if spot else lot.qtyStep),
        # Spot's minOrderQty is deprecated: the venue does not enforce it (bybit-v5 4.3).
        min_qty=amount_or_zero(lot.basePrecision if spot else lot.minOrderQty),
        max_limit_qty=max_limit or max_market,
        max_market_qty=max_market or max_limit,
        min_notional=amount_or_zero(lot.minOrderAmt if spot else lot.minNotionalValue),
        min_price=amount_or_zero(price.minPrice),
        max_price=_or_none(amount_or_zero(price.maxPrice)),
        max_leverage=parse_amount(max_leverage) or Decimal(1),
        funding_interval=row.fundingInterval or 0,
        price_limit_x=parse_amount(risk.priceLimitRatioX) if risk else None,
        price_limit_y=parse_amount(risk.priceLimitRatioY) if risk else None,
        status=row.status,
        quote_precision=parse_amount(lot.quotePrecision) or Decimal("0.00000001"),
    )
