"""Orders: listing, placing, changing, cancelling."""

from decimal import Decimal
from typing import Any

from tradectl.daemon.service import Service, who
from tradectl.model.commands import Check, DecisionMade, OrderChanged, RequestAnswered
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import AmendRequested, CancelRequested, OrderRequested
from tradectl.model.instruments import Instrument
from tradectl.model.money import plain
from tradectl.model.orders import OrderStatus, OrderType, Side
from tradectl.rpc import methods, params, rows
from tradectl.rpc.server import Peer
from tradectl.rpc.sizes import SizeUnit, parse_size

#: Which field of an order a failed check is about; the others are about the moment.
_FIELDS = {
    "quantity": "quantity", "min_notional": "quantity", "order_size": "quantity", "position_size": "quantity",
    "gross_exposure": "quantity", "balance": "quantity", "price": "price", "price_band": "price",
    "instrument": "symbol", "instrument_status": "symbol", "market_data": "symbol", "market_collar": "type",
}  # fmt: skip
#: Which field of an order a venue's code is about (bybit-v5 10); what is not listed is about the order as a whole.
_VENUE_FIELDS = {
    "price": (110003, 110120, 110121, 170132, 170133, 170134, 170192, 170193, 170194, 170371, 170372),
    "quantity": (
        110004, 110006, 110007, 110012, 110017, 110044, 110045, 110052, 110094, 170033, 170124, 170131, 170136, 170137,
        170140, 170148, 170381, 170382,
    ),
    "symbol": (110074, 170121, 170151),
    "time_in_force": (170115,),
}  # fmt: skip
_OF_THE_ORDER = frozenset({"quantity", "price", "min_notional"})


def handlers(s: Service) -> list[tuple[methods.Method[Any, Any], Any]]:
    """The methods of this file."""
    return [
        (methods.ORDERS_LIST, lambda p, peer: _list(s, p)),
        (methods.ORDERS_SHOW, lambda p, peer: _show(s, p)),
        (methods.ORDERS_PLACE, lambda p, peer: _place(s, p, peer)),
        (methods.ORDERS_AMEND, lambda p, peer: _amend(s, p, peer)),
        (methods.ORDERS_CANCEL, lambda p, peer: _cancel(s, p, peer)),
    ]


def _list(s: Service, p: params.OrderFilter) -> methods.OrderList:
    chosen = [
        o
        for o in reversed(s.views.orders.values())
        if not (p.open_only and o.status.is_final)
        and p.symbol in ("", o.instrument.symbol)
        and p.strategy in ("", o.strategy)
        and p.category in (None, o.instrument.category)
    ]
    return methods.OrderList(tuple(rows.OrderRow.of(o) for o in chosen[: max(p.limit, 0)]), s.views.seq)


def _find(s: Service, wanted: str) -> OrderChanged:
    found = s.views.orders.get(wanted)
    if found is None:
        found = next((o for o in s.views.orders.values() if o.order_id == wanted), None)
    if found is None:
        raise Problem(
            ErrorCode.UNKNOWN_ORDER, f"no order has the id {wanted!r}", field="id", reason="unknown order",
            remedy="tradectl orders list --all shows the recent ones",
        )  # fmt: skip
    return found


def _show(s: Service, p: params.OrderId) -> methods.OrderDetail:
    order = _find(s, p.id)
    made = s.views.decisions.get(order.decision)
    trades = [t for t in s.views.trades if t.execution.link_id == order.link_id and order.link_id]
    decision = rows.DecisionRow.of(made, s.config.run) if made is not None else None
    return methods.OrderDetail(
        rows.OrderRow.of(order), decision, tuple(rows.TradeRow.of(t) for t in trades), s.views.seq
    )


async def _place(s: Service, p: params.PlaceOrder, peer: Peer) -> methods.Placed:
    s.require_up()
    if p.stop_loss is not None or p.take_profit is not None:
        field = "stop_loss" if p.stop_loss is not None else "take_profit"
        raise Problem(
            ErrorCode.INVALID_ORDER, "stop loss and take profit are not offered yet", field=field,
            reason='brackets come with the issue "The engine: orders, risk, portfolio and strategies"',
            remedy="place the order without, and a reduce-only limit order of your own",
        )  # fmt: skip
    instrument = s.instrument(p.symbol, p.category)
    info = s.views.instruments[instrument]
    await s.priced(instrument)
    kind = OrderType.MARKET if p.price is None else OrderType.LIMIT
    qty = _quantity(s, p, info)
    event = OrderRequested(
        s.now(), who(peer), instrument, p.side, kind, qty, p.price, p.time_in_force, p.reduce_only, p.strategy, p.reason
    )
    if p.dry_run:
        return _placed(s, p, info, qty, s.engine.operator.preview(event), None)
    _, decision = s.ask(event, DecisionMade)
    if not decision.accepted:
        raise refusal(decision.checks[-1])
    order = await s.outcome(decision.orders[0])
    if order.status is OrderStatus.REJECTED:
        raise Problem(
            ErrorCode.EXCHANGE_REJECTED, f"the exchange rejected the order: {order.reason}",
            field=venue_field(order.reason), reason=order.reason,
            remedy="correct the order; tradectl orders show " + order.link_id,
        )  # fmt: skip
    return _placed(s, p, info, qty, decision.checks, order)


def refusal(check: Check) -> Problem:
    """The error of a failed check: bad orders, halts and limits have codes of their own."""
    code = ErrorCode.RISK_REFUSED
    if check.name in _OF_THE_ORDER:
        code = ErrorCode.INVALID_ORDER
    elif check.name == "instrument":
        code = ErrorCode.UNKNOWN_SYMBOL
    elif check.name == "trading_state" and check.value == "HALTED":
        code = ErrorCode.HALTED
    remedy = {
        ErrorCode.HALTED: "tradectl status shows why; tradectl resume lifts what a person may lift",
        ErrorCode.RISK_REFUSED: "tradectl status shows the limits",
        ErrorCode.INVALID_ORDER: "tradectl instruments show SYMBOL lists the venue's filters",
    }.get(code, "")
    return Problem(code, check.reason, field=_FIELDS.get(check.name, check.name), reason=check.reason, remedy=remedy)


def venue_field(reason: str) -> str:
    """The field a venue's refusal (``CODE text``) is about."""
    code = reason.partition(" ")[0]
    return next((name for name, codes in _VENUE_FIELDS.items() if code in map(str, codes)), "order")


def _quantity(s: Service, p: params.PlaceOrder, info: Instrument) -> Decimal:
    size = parse_size(p.size)
    if size.unit is SizeUnit.BASE:
        return size.amount
    price = p.price or s.views.mark(info.id)
    if price is None:
        raise Problem(
            ErrorCode.NOT_READY, f"no price of {info.id} has been seen yet, so {p.size} cannot be converted",
            field="size", remedy="give the size in base coin",
        )  # fmt: skip
    if size.unit is SizeUnit.QUOTE:
        if size.coin != info.quote_coin:
            raise Problem(
                ErrorCode.INVALID_ORDER, f"size {p.size!r} is in {size.coin}, {info.id} is quoted in {info.quote_coin}",
                field="size", reason=f"must be in {info.quote_coin}", remedy=f"write e.g. 500{info.quote_coin}",
            )  # fmt: skip
        return info.floor_qty(size.amount / price)
    equity = s.engine.world.valuation.account().equity
    return info.floor_qty(equity * size.amount / 100 / price)


def _placed(
    s: Service, p: params.PlaceOrder, info: Instrument, qty: Decimal, checks: tuple[Check, ...], o: OrderChanged | None
) -> methods.Placed:
    price = (o.avg_price if o is not None else None) or p.price or s.views.mark(info.id) or Decimal(0)
    notional = qty * price
    fee = s.views.fees.get(info.id)
    rate = None if fee is None else fee.taker if p.price is None else fee.maker
    equity = s.engine.world.valuation.account().equity
    used = sum((b.used for b in s.views.balance_rows() if b.coin == s.config.settle_coin), Decimal(0))
    failed = next((c for c in checks if not c.ok), None)
    text = failed.reason if failed is not None else f"{p.side.value} {plain(qty)} {info.id.symbol}"
    if o is not None:
        text = f"order {o.link_id} is {o.status.value}" + (f": {o.reason}" if o.reason else "")
    return methods.Placed(
        p.dry_run, info.id.category, info.id.symbol, qty, p.price, notional, None if rate is None else notional * rate,
        equity - used - (notional if o is None and p.side is Side.BUY else 0),
        tuple(rows.CheckRow.of(c) for c in checks),
        rows.OrderRow.of(o) if o is not None else None, text,
    )  # fmt: skip


def _amend(s: Service, p: params.AmendOrder, peer: Peer) -> methods.Done:
    if p.qty is None and p.price is None:
        raise Problem(
            ErrorCode.INVALID_REQUEST, "nothing to change", field="qty", reason="give a quantity, a price or both"
        )
    order = _find(s, p.id)
    event = AmendRequested(s.now(), who(peer), order.link_id or order.order_id, p.qty, p.price)
    _, decision = s.ask(event, DecisionMade)
    if not decision.accepted:
        raise refusal(decision.checks[-1])
    return methods.Done(f"order {order.link_id} is being changed", (order.link_id,))


async def _cancel(s: Service, p: params.CancelOrders, peer: Peer) -> methods.Done:
    if bool(p.id) == p.every:
        raise Problem(
            ErrorCode.INVALID_REQUEST, "name one order, or all", field="id", reason="exactly one of id and every"
        )
    link = ""
    if p.id:
        found = _find(s, p.id)
        link = found.link_id or found.order_id
    event = CancelRequested(s.now(), who(peer), link, p.strategy, p.symbol)
    _, answer = s.ask(event, RequestAnswered)
    if link and not s.views.orders[link].status.is_final:
        await s.ended(link)
    text = f"order {link} is {s.views.orders[link].status.value}" if link else answer.text
    return methods.Done(text, answer.orders)
