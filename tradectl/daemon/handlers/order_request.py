"""From what a person asks for to the engine's words: sizes into quantities, prices into triggers and stops."""

from decimal import Decimal

from tradectl.daemon.service import Service
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import AlgorithmRequested, OrderRequested
from tradectl.model.instruments import Instrument
from tradectl.model.orders import OrderType, Protection, Side, Trigger, TriggerBy
from tradectl.rpc import params
from tradectl.rpc.sizes import SizeUnit, parse_size

_PRICES = {"last": TriggerBy.LAST, "mark": TriggerBy.MARK, "index": TriggerBy.INDEX}


def order_of(s: Service, p: params.PlaceOrder, info: Instrument, who: str) -> OrderRequested:
    """The order a person wants. Raises ``Problem`` naming the field that cannot be meant."""
    by_value = spends_quote(p, info)
    return OrderRequested(
        s.now(), who, info.id, p.side, OrderType.MARKET if p.price is None else OrderType.LIMIT,
        parse_size(p.size).amount if by_value else quantity(s, p, info), p.price, p.time_in_force, p.reduce_only,
        p.strategy, p.reason, trigger(s, p, info), p.close_on_trigger, protection(p), by_value,
    )  # fmt: skip


def algorithm_of(s: Service, p: params.PlaceOrder, info: Instrument, who: str) -> AlgorithmRequested:
    """The algorithm a person wants. Raises ``Problem`` for fields that belong to a single order."""
    for field in ("stop", "stop_loss", "take_profit", "reduce_only", "close_on_trigger"):
        if getattr(p, field):
            raise Problem(
                ErrorCode.INVALID_ORDER, f"{field} does not go with the algorithm {p.algorithm}", field=field,
                reason="an algorithm places orders of its own",
                remedy="set stops on the position: tradectl positions set",
            )  # fmt: skip
    given = dict(p.parameters)
    if p.price is not None:
        given.setdefault("limit", str(p.price))
    return AlgorithmRequested(
        s.now(), who, p.algorithm, info.id, p.side, quantity(s, p, info), given, p.strategy, p.reason
    )


def spends_quote(p: params.PlaceOrder, info: Instrument) -> bool:
    """A spot market buy of ``500USDT`` spends exactly that; every other amount becomes a quantity first."""
    immediate = p.price is None and p.stop is None and not p.algorithm
    return immediate and info.is_spot and p.side is Side.BUY and parse_size(p.size).coin == info.quote_coin


def quantity(s: Service, p: params.PlaceOrder, info: Instrument) -> Decimal:
    """The size in base coin, rounded down to the lot. Raises ``Problem``."""
    size = parse_size(p.size)
    if size.unit is SizeUnit.BASE:
        return size.amount
    price = p.price or p.stop or s.views.mark(info.id)
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


def trigger(s: Service, p: params.PlaceOrder, info: Instrument) -> Trigger | None:
    """The trigger of a conditional order; which way the price must go follows from where the market is."""
    by = _PRICES.get(p.trigger_by.lower())
    if by is None:
        raise Problem(
            ErrorCode.INVALID_ORDER, f"trigger_by is {p.trigger_by!r}", field="trigger_by",
            reason="one of last, mark, index",
        )  # fmt: skip
    if p.stop is None:
        return None
    now = _price_now(s, info, by)
    if now is None or now == p.stop:
        raise Problem(
            ErrorCode.INVALID_ORDER, f"the trigger {p.stop} is neither above nor below the market ({now})",
            field="stop", reason="a trigger must be reached by a move of the price",
            remedy="choose another price, or place the order without a trigger",
        )  # fmt: skip
    return Trigger(p.stop, p.stop > now, by)


def _price_now(s: Service, info: Instrument, by: TriggerBy) -> Decimal | None:
    row = s.views.ticker_row(info.id)
    if row is None:
        return None
    return {TriggerBy.LAST: row.last, TriggerBy.MARK: row.mark, TriggerBy.INDEX: row.index}[by] or row.last


def protection(p: params.PlaceOrder) -> Protection | None:
    """The stops attached to an entry."""
    if p.stop_loss is None and p.take_profit is None:
        return None
    return Protection(p.take_profit, p.stop_loss)
