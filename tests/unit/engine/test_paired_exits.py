"""Exits that came with an entry are a pair: one fires, the venue ends the other, and says so after the fill."""

from tests.unit.engine.harness import SECOND
from tests.unit.engine.live import Live
from tests.unit.engine.test_protection import BOTH, STOPS, D, buy, live, of_venue, stops
from tradectl.model.commands import CancelOrder, LookUpOrder, Reconcile, RiskApproved
from tradectl.model.orders import OrderStatus


def changes(bench: Live) -> list[object]:
    """Everything that was sent or asked beside new orders."""
    said = bench.bench.said
    return [*said(CancelOrder), *said(LookUpOrder), *[c for c in said(RiskApproved) if c.amendment is not None]]


def fire(bench: Live, price: int = 120) -> None:
    """One exit alone fires and fills; its partner ends with it."""
    order = of_venue(bench, "PartialTakeProfit")
    bench.venue.trigger(order)
    bench.venue.fill(order, order.leaves, D(price))


def test_the_partner_of_an_exit_that_fired_is_the_venues_to_end() -> None:
    bench = live()
    buy(bench, protection=STOPS)
    asked = len(bench.bench.said(Reconcile))
    fire(bench)
    bench.hear()
    bench.wait(5 * SECOND)
    assert (bench.position("alpha"), stops(bench), changes(bench)) == (0, [], [])
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
    assert (bench.position("alpha"), stops(bench), changes(bench)) == (1, BOTH, [])
