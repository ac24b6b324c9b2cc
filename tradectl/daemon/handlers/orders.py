"""Orders: listing, placing, changing, cancelling."""

from decimal import Decimal
from typing import Any

from tradectl.daemon.handlers.order_request import algorithm_of, order_of, spends_quote
from tradectl.daemon.service import Service, who
from tradectl.model.commands import (
    AlgorithmChanged,
    AlgorithmStatus,
    Check,
    DecisionMade,
    OrderChanged,
    RequestAnswered,
)
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import AlgorithmCancelRequested, AmendRequested, CancelRequested
from tradectl.model.instruments import Instrument
from tradectl.model.money import plain
from tradectl.model.orders import OrderStatus, Side
from tradectl.rpc import methods, params, rows
from tradectl.rpc.server import Peer

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
        (methods.ALGORITHMS_SHOW, lambda p, peer: _algorithm(s, p)),
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
    algorithms = tuple(
        rows.AlgorithmRow.of(a)
        for a in reversed(s.views.algorithms.values())
        if not (p.open_only and a.status is not AlgorithmStatus.WORKING)
        and p.symbol in ("", a.instrument.symbol)
        and p.strategy in ("", a.strategy)
        and p.category in (None, a.instrument.category)
    )
    found = tuple(rows.OrderRow.of(o) for o in chosen[: max(p.limit, 0)])
    return methods.OrderList(found, s.views.seq, algorithms=algorithms)


def _algorithm_number(wanted: str) -> int:
    """The number in ``a12``, 0 for any other id."""
    return int(wanted[1:]) if wanted[:1] == "a" and wanted[1:].isdecimal() and wanted.isascii() else 0


def _algorithm(s: Service, p: params.OrderId) -> methods.AlgorithmDetail:
    found = s.views.algorithms.get(_algorithm_number(p.id))
    if found is None:
        raise Problem(
            ErrorCode.UNKNOWN_ORDER, f"no algorithm has the id {p.id!r}", field="id", reason="unknown algorithm",
            remedy="tradectl orders list --all shows the recent ones",
        )  # fmt: skip
    made = tuple(rows.OrderRow.of(o) for o in s.views.orders.values() if o.algorithm == found.id)
    return methods.AlgorithmDetail(rows.AlgorithmRow.of(found), made, s.views.seq)


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
    instrument = s.instrument(p.symbol, p.category)
    info = s.views.instruments[instrument]
    await s.priced(instrument)
    if p.algorithm:
        return _start(s, p, info, who(peer))
    event = order_of(s, p, info, who(peer))
    qty = event.qty
    if p.dry_run:
        return _placed(s, p, info, qty, s.engine.requests.preview(event), None)
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


def _start(s: Service, p: params.PlaceOrder, info: Instrument, person: str) -> methods.Placed:
    """Start an execution algorithm; what it places is checked order by order."""
    event = algorithm_of(s, p, info, person)
    if p.dry_run:
        raise Problem(
            ErrorCode.INVALID_REQUEST, "an algorithm has no dry run", field="dry_run",
            reason="its orders are checked when it places them", remedy="dry-run one of its orders instead",
        )  # fmt: skip
    _, started = s.ask(event, AlgorithmChanged)
    row = rows.AlgorithmRow.of(started)
    notional = event.qty * (p.price or s.views.mark(info.id) or Decimal(0))
    return methods.Placed(
        False, info.id.category, info.id.symbol, event.qty, p.price, notional, None, None, (),
        text=f"{started.kind} {row.id} is {started.status.value}: {started.note or started.reason}", algorithm=row,
    )  # fmt: skip


def _placed(
    s: Service, p: params.PlaceOrder, info: Instrument, qty: Decimal, checks: tuple[Check, ...], o: OrderChanged | None
) -> methods.Placed:
    price = (o.avg_price if o is not None else None) or p.price or p.stop or s.views.mark(info.id) or Decimal(0)
    notional = qty if spends_quote(p, info) else qty * price
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
    if all(value is None for value in (p.qty, p.price, p.stop, p.stop_loss, p.take_profit)):
        raise Problem(
            ErrorCode.INVALID_REQUEST, "nothing to change", field="qty",
            reason="give a quantity, a price, a trigger or a stop",
        )  # fmt: skip
    order = _find(s, p.id)
    link = order.link_id or order.order_id
    event = AmendRequested(s.now(), who(peer), link, p.qty, p.price, p.stop, p.take_profit, p.stop_loss)
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
    if number := _algorithm_number(p.id):
        _, answer = s.ask(AlgorithmCancelRequested(s.now(), who(peer), number), RequestAnswered)
        return methods.Done(answer.text, answer.orders)
    if p.id:
        found = _find(s, p.id)
        link = found.link_id or found.order_id
    event = CancelRequested(s.now(), who(peer), link, p.strategy, p.symbol)
    _, answer = s.ask(event, RequestAnswered)
    if link and not s.views.orders[link].status.is_final:
        await s.ended(link)
    text = f"order {link} is {s.views.orders[link].status.value}" if link else answer.text
    return methods.Done(text, answer.orders)
