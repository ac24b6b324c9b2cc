"""Exits that came with an entry are a pair: one fires, the venue ends the other, and says so after the fill.

A change of one of them makes two orders of the pair: from then on what one leaves is ours to end.
"""

from decimal import Decimal as D

from tests.unit.engine.harness import SECOND
from tests.unit.engine.live import Live
from tests.unit.engine.test_protection import BOTH, STOPS, buy, live, stops
from tests.unit.engine.venue import Resting
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import CancelOrder, LookUpOrder, Reconcile, RiskApproved
from tradectl.model.events import AmendRequested
from tradectl.model.orders import OrderStatus, Protection, Side, Trigger


def changes(bench: Live) -> list[object]:
    """Everything that was sent or asked beside new orders."""
    said = bench.bench.said
    return [*said(CancelOrder), *said(LookUpOrder), *[c for c in said(RiskApproved) if c.amendment is not None]]


def at(bench: Live, price: int) -> Resting:
    """The first exit that waits for this price."""
    return next(o for o in bench.venue.open_orders() if o.trigger is not None and o.trigger.price == price)


def fire(bench: Live, price: int = 120) -> None:
    """One exit alone fires and fills; its partner ends with it."""
    order = at(bench, price)
    bench.venue.trigger(order)
    bench.venue.fill(order, order.leaves, D(price))


def test_the_partner_of_an_exit_that_fired_is_the_venues_to_end() -> None:
    bench = live()
    buy(bench, protection=STOPS)
    asked = len(bench.bench.said(Reconcile))
    fire(bench)
    bench.hear()
    bench.wait(5 * SECOND)
    assert (bench.position("alpha"), stops(bench), changes(bench)) == (D(0), [], [])
    assert len(bench.bench.said(Reconcile)) == asked


def test_a_partner_that_is_still_there_after_the_moment_is_cancelled() -> None:
    bench = live()
    buy(bench, protection=STOPS)
    fire(bench)
    partner = next(o for o in bench.venue.orders.values() if o.stop_type == "PartialStopLoss")
    bench.venue.said = [
        e for e in bench.venue.said if getattr(getattr(e, "report", e), "order_id", "") != partner.order_id
    ]
    partner.status = OrderStatus.UNTRIGGERED  # the venue forgot about it
    bench.hear()
    assert changes(bench) == []
    bench.wait(3 * SECOND)
    assert [c.order_id for c in bench.bench.said(CancelOrder)] == [partner.order_id]
    assert stops(bench) == []


def test_one_bracket_that_ends_leaves_the_others_exits_alone() -> None:
    bench = live()
    buy(bench, protection=STOPS)
    buy(bench, protection=STOPS)
    fire(bench)
    bench.hear()
    bench.wait(5 * SECOND)
    assert (bench.position("alpha"), stops(bench), changes(bench)) == (D(1), BOTH, [])


# --- an exit of a pair that was changed has no partner any more

WIDE = Protection(D(130), D(90))


def two_and_the_newer_changed() -> Live:
    """Two brackets; a person moved the take-profit of the newer from 130 to 125."""
    bench = live()
    buy(bench, protection=STOPS)
    buy(bench, protection=WIDE)
    bench.feed(AmendRequested(bench.bench.now, "me", at(bench, 130).order_id, trigger_price=D(125)))
    return bench


def test_what_is_left_of_a_pair_we_cut_goes_at_once() -> None:
    bench = live()
    buy(bench, protection=STOPS)
    buy(bench, protection=Protection(D(130), D(70)))
    buy(bench, "0.4", side=Side.SELL)  # the older pair is cut to what is left
    left = D("0.6")
    assert stops(bench) == [("down", D(70), D(1)), ("down", D(80), left), ("up", D(120), left), ("up", D(130), D(1))]
    fire(bench, 80)
    bench.hear()
    assert (bench.position("alpha"), stops(bench)) == (D(1), [("down", D(70), D(1)), ("up", D(130), D(1))])


def test_it_goes_before_the_exits_of_an_older_entry() -> None:
    bench = two_and_the_newer_changed()
    fire(bench, 90)
    bench.hear()
    assert (bench.position("alpha"), stops(bench)) == (D(1), BOTH)
    bench.wait(5 * SECOND)
    assert stops(bench) == BOTH


def test_half_of_it_goes_when_its_partner_filled_half() -> None:
    bench = two_and_the_newer_changed()
    stop = at(bench, 90)
    bench.venue.trigger(stop)
    bench.venue.fill(stop, D("0.5"), D(90))
    bench.hear()
    assert bench.position("alpha") == D("1.5")
    assert [(o.trigger.price, o.leaves) for o in (at(bench, 120), at(bench, 125)) if o.trigger] == [
        (D(120), D(1)), (D(125), D("0.5")),
    ]  # fmt: skip


def test_a_restart_remembers_that_it_was_changed() -> None:
    bench = two_and_the_newer_changed()
    data = bench.bench.engine.checkpoint()
    bench.bench.engine = TradingEngine(bench.bench.config, bench.bench.classes)
    bench.bench.engine.restore(data)
    fire(bench, 90)
    bench.hear()
    assert (bench.position("alpha"), stops(bench)) == (D(1), BOTH)


def test_an_exit_the_strategy_places_later_takes_the_room_of_the_oldest() -> None:
    bench = live()
    buy(bench, protection=STOPS)
    buy(bench, protection=WIDE)
    own = Trigger(D(110), rises=True)
    buy(bench, "0.5", side=Side.SELL, reduce_only=True, trigger=own)
    ups = [("up", D(110), D("0.5")), ("up", D(120), D("0.5")), ("up", D(130), D(1))]
    assert stops(bench) == [("down", D(80), D(1)), ("down", D(90), D(1)), *ups]
