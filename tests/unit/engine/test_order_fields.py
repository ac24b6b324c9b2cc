"""Every illegal combination of an order's fields is refused with the field, its value, the rule and what to do."""

from decimal import Decimal as D
from itertools import product
from typing import Any

import pytest

from tests.unit.engine.harness import BTC, INSTRUMENTS, SPOT, Bench, config, ready
from tests.unit.engine.test_order_life import ack, fill, of, order, place, tell
from tradectl.engine.order_fields import RULES, is_bare
from tradectl.engine.wish import Wish
from tradectl.model.commands import DecisionMade, OrderChanged, RiskApproved
from tradectl.model.events import AmendRequested, OrderRequested
from tradectl.model.orders import OrderStatus, OrderType, Protection, Side, TimeInForce, Trigger, TriggerBy

UP, DOWN = Trigger(D(110), True), Trigger(D(90), False)
STOPS = Protection(D(120), D(80))


def ask(bench: Bench, **fields: Any) -> DecisionMade:
    """What became of an order with these fields; a BTC market buy of 1 where they say nothing."""
    given: dict[str, Any] = {"instrument": BTC, "side": Side.BUY, "type": OrderType.MARKET, "qty": D(1)}
    return of([*bench.feed(OrderRequested(bench.now, "me", **{**given, **fields}))], DecisionMade)[0]


LIMIT = {"type": OrderType.LIMIT, "price": D(100)}
#: What is asked for, the field that is at fault with its value, and the rule.
ILLEGAL: list[tuple[dict[str, Any], str, str]] = [
    ({"price": D(100)}, "price 100", "a market order has no price"),
    ({"time_in_force": TimeInForce.POST_ONLY}, "time_in_force PostOnly", "always IOC"),
    ({"time_in_force": TimeInForce.FOK}, "time_in_force FOK", "always IOC"),
    ({"close_on_trigger": True, "reduce_only": True}, "close_on_trigger True", "belongs to an order with a trigger"),
    ({"close_on_trigger": True, "trigger": UP, "instrument": SPOT, "reduce_only": True}, "close_on_trigger", "spot"),
    ({"close_on_trigger": True, "trigger": UP}, "close_on_trigger True", "is reduce-only"),
    ({"protection": STOPS, "reduce_only": True}, "protection attached", "a reduce-only order cannot carry"),
    ({"protection": Protection()}, "protection empty", "need a take_profit or a stop_loss"),
    ({"protection": Protection(None, D(80), tp_limit=D(119))}, "tp_limit", "belongs to a take_profit or stop_loss"),
    ({"protection": Protection(D(120), None, sl_limit=D(79))}, "tp_limit", "belongs to a take_profit or stop_loss"),
    ({"protection": Protection(D(120), D(80), tp_limit=D(119), partial=False)}, "partial False", "sized by the entry"),
    ({"protection": Protection(D(120), D(80), sl_limit=D(79)), "instrument": SPOT}, "attached limit", "market orders"),
    ({"protection": Protection(D(80), D(120)), "instrument": SPOT, "side": Side.SELL}, "protection Sell", "bought"),
    ({"quote_qty": True}, "quote_qty linear", "only spot"),
    ({"quote_qty": True, "instrument": SPOT, "side": Side.SELL}, "quote_qty Sell", "only a buy"),
    ({"quote_qty": True, "instrument": SPOT, **LIMIT}, "quote_qty Limit", "only a market order"),
    ({"quote_qty": True, "instrument": SPOT, "trigger": UP}, "quote_qty trigger", "in base units"),
    ({"trigger": Trigger(D(110), True, TriggerBy.MARK), "instrument": SPOT}, "trigger_by MarkPrice", "last price"),
    ({"protection": Protection(D(120), None, tp_by=TriggerBy.MARK), "instrument": SPOT}, "trigger_by", "last price"),
    ({"trigger": Trigger(D(100), True)}, "trigger 100", "above the LastPrice of 100"),
    ({"trigger": Trigger(D(99), True, TriggerBy.MARK)}, "trigger 99", "above the MarkPrice of 100"),
    ({"trigger": Trigger(D(100), False, TriggerBy.INDEX)}, "trigger 100", "below the IndexPrice of 100"),
    ({"trigger": Trigger(D("110.05"), True)}, "trigger 110.05", "a multiple of the tick 0.1"),
    ({"trigger": Trigger(D(0), False)}, "trigger 0", "greater than 0"),
    ({"trigger": Trigger(D("NaN"), False)}, "trigger NaN", "greater than 0"),
    ({"protection": Protection(D(100), None)}, "take_profit 100", "must be above 100"),
    ({"protection": Protection(None, D(100))}, "stop_loss 100", "must be below 100"),
    ({"protection": Protection(D(101), None), "side": Side.SELL}, "take_profit 101", "must be below 100"),
    ({"protection": Protection(None, D(99)), "side": Side.SELL}, "stop_loss 99", "must be above 100"),
    ({"protection": Protection(None, D(95)), "type": OrderType.LIMIT, "price": D(95)}, "stop_loss 95", "below 95"),
    ({"protection": Protection(None, D(111)), "trigger": UP}, "stop_loss 111", "below 110"),
    ({"protection": Protection(None, D("80.05"))}, "stop_loss 80.05", "a multiple of the tick"),
    ({"protection": Protection(D(120), None, tp_limit=D("119.99"))}, "tp_limit 119.99", "a multiple of the tick"),
    ({"quote_qty": True, "instrument": SPOT, "qty": D("10.000000001")}, "quote_qty", "a multiple of"),
]


@pytest.mark.parametrize(("fields", "value", "rule"), ILLEGAL)
def test_an_illegal_combination_is_refused_in_words(fields: dict[str, Any], value: str, rule: str) -> None:
    bench = ready()
    made = ask(bench, **fields)
    assert not made.accepted
    check = made.checks[-1]
    assert check.name == "order_fields"
    assert value in check.reason
    assert rule in check.reason
    assert ";" in check.reason, "no remedy"
    assert bench.said(RiskApproved) == []


def test_every_rule_of_the_table_is_tested() -> None:
    bench = ready()
    broken = {ask(bench, **fields).checks[-1].limit for fields, _, _ in ILLEGAL}
    assert {rule.rule for rule in RULES} <= broken


LEGAL: list[dict[str, Any]] = [
    {}, LIMIT, {**LIMIT, "time_in_force": TimeInForce.POST_ONLY, "price": D(99)},
    {**LIMIT, "time_in_force": TimeInForce.FOK}, {**LIMIT, "time_in_force": TimeInForce.IOC},
    {"trigger": UP}, {"trigger": DOWN, "side": Side.SELL}, {"trigger": DOWN}, {**LIMIT, "trigger": DOWN},
    {"trigger": Trigger(D(110), True, TriggerBy.INDEX)}, {"protection": STOPS}, {**LIMIT, "protection": STOPS},
    {"trigger": UP, "protection": STOPS}, {"protection": Protection(D(120), D(80), tp_limit=D(119), sl_limit=D(79))},
    {"protection": Protection(D(120), D(80), partial=False)}, {"instrument": SPOT, "protection": STOPS},
    {"instrument": SPOT, "qty": D(50), "quote_qty": True}, {"instrument": SPOT, "trigger": UP},
]  # fmt: skip


@pytest.mark.parametrize("fields", LEGAL)
def test_a_legal_combination_leaves_as_it_was_asked_for(fields: dict[str, Any]) -> None:
    bench = ready()
    made = ask(bench, **fields)
    assert made.accepted, made.checks[-1]
    sent = bench.creates()[0]
    assert sent.trigger == fields.get("trigger")
    assert sent.quote_qty is fields.get("quote_qty", False)
    assert sent.protection == (None if sent.instrument == SPOT else fields.get("protection"))
    told = bench.said(OrderChanged)[-1]
    attached = fields.get("protection") or Protection()
    assert (told.trigger, told.take_profit, told.stop_loss) == (sent.trigger, attached.take_profit, attached.stop_loss)


def amend(bench: Bench, link: str, **fields: Any) -> DecisionMade:
    return of([*bench.feed(AmendRequested(bench.now, "me", link, **fields))], DecisionMade)[0]


AMENDMENTS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"trigger": UP}, {}, "neither quantity nor price"),
    ({"trigger": UP}, {"price": D(100)}, "a market order has no price to change"),
    (LIMIT, {"trigger_price": D(90)}, "has no trigger to change"),
    ({"trigger": UP}, {"trigger_price": D(99)}, "above the LastPrice"),
    ({"trigger": UP}, {"trigger_price": D("111.11")}, "a multiple of the tick"),
    (LIMIT, {"stop_loss": D(101)}, "must be below 100"),
    (LIMIT, {"take_profit": D(99)}, "must be above 100"),
    (LIMIT, {"price": D(79), "stop_loss": D(80)}, "must be below 79"),
]


@pytest.mark.parametrize(("fields", "change", "why"), AMENDMENTS)
def test_an_illegal_amendment_is_refused_in_words(fields: dict[str, Any], change: dict[str, Any], why: str) -> None:
    bench = ready()
    link = ask(bench, **fields).orders[0]
    ack(bench, link)
    made = amend(bench, link, **change)
    assert not made.accepted
    assert why in made.checks[-1].reason
    assert all(c.amendment is None for c in bench.said(RiskApproved))


def test_stops_of_a_reduce_only_or_partly_filled_order_are_not_its_own() -> None:
    bench = ready()
    entry = place(bench, "1", "100", protection=STOPS)
    ack(bench, entry)
    tell(bench, entry, OrderStatus.NEW)
    fill(bench, entry, "0.4")
    assert "partly filled" in amend(bench, entry, stop_loss=D(85)).checks[-1].reason
    exit_ = place(bench, "0.4", "105", side=Side.SELL, reduce_only=True)
    ack(bench, exit_)
    assert "carries no stops" in amend(bench, exit_, stop_loss=D(110)).checks[-1].reason


def test_trigger_and_attached_stops_are_amended_and_removed() -> None:
    bench = ready()
    link = ask(bench, trigger=UP, protection=STOPS).orders[0]
    ack(bench, link)
    tell(bench, link, OrderStatus.UNTRIGGERED)
    assert amend(bench, link, trigger_price=D(105), take_profit=D(0), stop_loss=D(85)).accepted
    sent = next(c.amendment for c in bench.said(RiskApproved) if c.amendment is not None)
    assert (sent.trigger_price, sent.take_profit, sent.stop_loss) == (D(105), D(0), D(85))


def test_an_order_that_still_waits_is_changed_where_it_stands() -> None:
    from tradectl.engine.config import QueueLimits

    bench = ready(config(queue=QueueLimits(derivative_create=2, reserve=0, batch=False)))
    for _ in range(2):
        place(bench)
    link = ask(bench, trigger=UP, protection=STOPS).orders[0]
    assert order(bench, link).status is OrderStatus.QUEUED
    assert amend(bench, link, qty=D(2), trigger_price=D(105), take_profit=D(0), stop_loss=D(85)).accepted
    spec = order(bench, link).spec
    assert (spec.qty, spec.trigger, spec.protection) == (D(2), Trigger(D(105), True), Protection(None, D(85)))


def wishes() -> list[Wish]:
    """Every combination of what rules speak of."""
    protections = (None, Protection(), STOPS, Protection(D(120), None, tp_limit=D(119), partial=False))
    found = []
    for instrument, side, kind, price, tif, trigger, protection, bits in product(
        (BTC, SPOT), Side, OrderType, (None, D(100)), TimeInForce, (None, UP), protections, range(8)
    ):
        info = next(i for i in INSTRUMENTS if i.id == instrument)
        reduce_only, close, amount = bool(bits & 1), bool(bits & 2), bool(bits & 4)
        found.append(
            Wish("one", info, side, (D(1),), "order", "", kind, price, tif, reduce_only, trigger=trigger,
                 protection=protection, close_on_trigger=close, quote_qty=amount)
        )  # fmt: skip
    return found


def test_no_rule_speaks_of_an_order_that_is_taken_for_bare() -> None:
    bare = [wish for wish in wishes() if is_bare(wish)]
    assert bare
    assert not [wish for wish in bare for rule in RULES if rule.broken(wish)]
