"""Which fields of an order go together: everything the venue would refuse, or take for something else (bybit-v5 5.1).

Amounts on their own (lot, tick, minimum) are the risk checks' business; here is what one field forbids another.
"""

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from tradectl.engine.market_state import MarketState
from tradectl.engine.wish import Wish
from tradectl.model.commands import Check
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import exact, is_multiple, plain
from tradectl.model.orders import OrderType, Protection, Side, TimeInForce, Trigger, TriggerBy

NAME = "order_fields"
_OK = Check(NAME, True)


class Rule(Struct, frozen=True):
    """One combination that is refused: the field at fault, its value, the rule, and what to do instead."""

    field: str
    value: Callable[[Wish], object]
    rule: str
    remedy: str
    broken: Callable[[Wish], bool]


def _market(w: Wish) -> bool:
    return w.type is OrderType.MARKET


def _spot(w: Wish) -> bool:
    return w.instrument.is_spot


def _attached_limit(w: Wish) -> bool:
    p = w.protection
    return p is not None and (p.tp_limit is not None or p.sl_limit is not None)


def _is_bare_limit(w: Wish) -> bool:
    """A limit exit without the trigger price it waits for."""
    p = w.protection
    if p is None:
        return False
    return (p.tp_limit is not None and p.take_profit is None) or (p.sl_limit is not None and p.stop_loss is None)


#: Every illegal combination of fields, in the order they are looked at.
RULES: tuple[Rule, ...] = (
    Rule("price", lambda w: w.price, "a market order has no price", "leave the price out, or make it a limit order",
         lambda w: _market(w) and w.price is not None),
    Rule("time_in_force", lambda w: w.time_in_force.value, "a market order is always IOC",
         "leave time_in_force out, or make it a limit order",
         lambda w: _market(w) and w.time_in_force in (TimeInForce.FOK, TimeInForce.POST_ONLY)),
    Rule("close_on_trigger", lambda w: True, "close_on_trigger belongs to an order with a trigger",
         "add a trigger price, or leave close_on_trigger out", lambda w: w.close_on_trigger and w.trigger is None),
    Rule("close_on_trigger", lambda w: True, "spot has no positions to close on a trigger", "leave it out",
         lambda w: w.close_on_trigger and _spot(w)),
    Rule("close_on_trigger", lambda w: True, "an order that closes on its trigger is reduce-only", "add reduce_only",
         lambda w: w.close_on_trigger and not w.reduce_only),
    Rule("protection", lambda w: "attached", "a reduce-only order cannot carry a take-profit or stop-loss",
         "leave them out, or use protect on the position", lambda w: w.protection is not None and w.reduce_only),
    Rule("protection", lambda w: "empty", "attached stops need a take_profit or a stop_loss", "give one, or neither",
         lambda w: w.protection is not None and w.protection.take_profit is None and w.protection.stop_loss is None),
    Rule("tp_limit", lambda w: "attached limit", "a limit exit belongs to a take_profit or stop_loss of its own",
         "give the trigger price too",
         _is_bare_limit),
    Rule("partial", lambda w: False, "a limit exit is sized by the entry's fills", "set partial, or leave it out",
         lambda w: _attached_limit(w) and w.protection is not None and not w.protection.partial),
    Rule("protection", lambda w: "attached limit", "on spot attached exits are market orders", "leave the limit out",
         lambda w: _attached_limit(w) and _spot(w)),
    Rule("protection", lambda w: w.side.value, "on spot only what was bought can be protected", "leave the stops out",
         lambda w: w.protection is not None and _spot(w) and w.side is Side.SELL),
    Rule("quote_qty", lambda w: w.instrument.id.category.value, "only spot is bought by an amount of quote coin",
         "give the quantity in base units", lambda w: w.quote_qty and not _spot(w)),
    Rule("quote_qty", lambda w: w.side.value, "only a buy is sized by an amount of quote coin",
         "give the quantity in base units", lambda w: w.quote_qty and w.side is Side.SELL),
    Rule("quote_qty", lambda w: w.type.value, "only a market order is sized by an amount of quote coin",
         "leave the price out, or give the quantity in base units", lambda w: w.quote_qty and not _market(w)),
    Rule("quote_qty", lambda w: "trigger", "an order with a trigger is sized in base units",
         "give the quantity in base units", lambda w: w.quote_qty and w.trigger is not None),
    Rule("trigger_by", lambda w: w.trigger.by.value if w.trigger is not None else "", "spot triggers by the last price",
         "leave trigger_by out",
         lambda w: w.trigger is not None and _spot(w) and w.trigger.by is not TriggerBy.LAST),
    Rule("trigger_by", lambda w: "attached", "spot triggers by the last price", "leave tp_by and sl_by out",
         lambda w: w.protection is not None and _spot(w)
         and not w.protection.tp_by is w.protection.sl_by is TriggerBy.LAST),
)  # fmt: skip


def check_fields(wish: Wish, market: MarketState) -> Check:
    """The verdict on a wish's fields: the first rule that is broken, with field, value, rule and remedy."""
    if is_bare(wish):
        return _OK
    for rule in RULES:
        if rule.broken(wish):
            return refusal(rule.field, rule.value(wish), rule.rule, rule.remedy)
    if wish.trigger is not None:
        failed = check_trigger(wish.trigger, wish.instrument, market)
        if failed is not None:
            return failed
    if wish.protection is not None:
        failed = check_protection(wish.protection, wish.instrument, wish.side, reference(wish, market))
        if failed is not None:
            return failed
    if wish.quote_qty and not is_multiple(wish.sizes[0], wish.instrument.quote_precision):
        step = plain(wish.instrument.quote_precision)
        return refusal("quote_qty", wish.sizes[0], f"an amount is a multiple of {step}", "round it down")
    return _OK


def is_bare(w: Wish) -> bool:
    """Nothing but sides, sizes and what its type needs: most orders, of which no rule speaks."""
    if w.trigger is not None or w.protection is not None or w.quote_qty or w.close_on_trigger:
        return False
    return not _market(w) or (w.price is None and w.time_in_force in (TimeInForce.GTC, TimeInForce.IOC))


def refusal(field: str, value: object, rule: str, remedy: str) -> Check:
    """A field that is refused, in words."""
    text = plain(value) if isinstance(value, Decimal) and value.is_finite() else str(value)
    return Check(NAME, False, rule, f"{field}={text}", f"{field} {text}: {rule}; {remedy}")


def reference(wish: Wish, market: MarketState) -> Decimal | None:
    """The price an entry is expected at: its limit, its trigger, else what the market asks."""
    if wish.price is not None:
        return wish.price
    if wish.trigger is not None:
        return wish.trigger.price
    return market.touch(wish.instrument.id, wish.side is Side.BUY)


def trigger_reference(market: MarketState, instrument: InstrumentId, by: TriggerBy) -> Decimal | None:
    """The price a trigger is compared with now; ``None`` when it is not known."""
    ticker = market.ticker(instrument)
    if ticker is None:
        return None
    price = {TriggerBy.LAST: ticker.last, TriggerBy.MARK: ticker.mark, TriggerBy.INDEX: ticker.index}[by]
    return exact(price) if price and price > 0 else None


def check_trigger(trigger: Trigger, instrument: Instrument, market: MarketState) -> Check | None:
    """A trigger is a price on the tick that the market has not reached yet (110092, 110093)."""
    failed = check_level("trigger", trigger.price, instrument)
    now = trigger_reference(market, instrument.id, trigger.by)
    if failed is not None or now is None:
        return failed
    if trigger.rises and trigger.price <= now:
        rule = f"a trigger that rises is above the {trigger.by.value} of {plain(now)}"
        return refusal("trigger", trigger.price, rule, "raise it, or trade at market")
    if not trigger.rises and trigger.price >= now:
        rule = f"a trigger that falls is below the {trigger.by.value} of {plain(now)}"
        return refusal("trigger", trigger.price, rule, "lower it, or trade at market")
    return None


def check_protection(p: Protection, instrument: Instrument, side: Side, at: Decimal | None) -> Check | None:
    """Take-profit and stop-loss are prices on the tick, on the right sides of the entry."""
    for name, level, above in (
        ("take_profit", p.take_profit, side is Side.BUY),
        ("stop_loss", p.stop_loss, side is Side.SELL),
    ):
        failed = check_side(name, level, above, at, instrument) if level is not None else None
        if failed is not None:
            return failed
    for name, level in (("tp_limit", p.tp_limit), ("sl_limit", p.sl_limit)):
        failed = check_level(name, level, instrument) if level is not None else None
        if failed is not None:
            return failed
    return None


def check_side(name: str, level: Decimal, above: bool, at: Decimal | None, instrument: Instrument) -> Check | None:
    """A stop lies on the side of the market it is meant for; without a price only its own form is judged."""
    failed = check_level(name, level, instrument)
    if failed is not None or at is None or (level > at if above else level < at):
        return failed
    side = "above" if above else "below"
    return refusal(name, level, f"it must be {side} {plain(at)}", f"choose a price {side} the market")


def check_level(name: str, level: Decimal, instrument: Instrument) -> Check | None:
    """A price that is positive, finite and on the tick."""
    if not level.is_finite() or level <= 0:
        return refusal(name, level, "a price is greater than 0", "give a positive price")
    if not is_multiple(level, instrument.tick_size):
        tick = plain(instrument.tick_size)
        return refusal(name, level, f"a price is a multiple of the tick {tick}", "round it to the tick")
    return None
