"""What the simulated venue says of what became of an order, where nobody follows orders on their way."""

from decimal import Decimal as D

from tests.unit.engine.harness import BTC, INSTRUMENTS, T0
from tradectl.model.commands import RiskApproved
from tradectl.model.events import Event, Executed, OrderReported, StopAnswered
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, Side, TimeInForce, TradingStop
from tradectl.simulation.models import Models
from tradectl.simulation.venue import SimulatedVenue


def market(link: str, side: Side, qty: str, reduce_only: bool = False) -> RiskApproved:
    spec = OrderSpec(link, BTC, side, OrderType.MARKET, D(qty), None, TimeInForce.IOC, reduce_only)
    return RiskApproved(1, 1, order=spec)


def kinds(events: list[Event]) -> list[type]:
    return [type(it) for it in events]


def test_an_order_that_was_cut_to_the_position_is_said_to_be_complete() -> None:
    """Its fill is smaller than what was asked for: the fill alone would leave it open for ever."""
    venue = SimulatedVenue(INSTRUMENTS, Models(), cash={"USDT": D(100_000)}, seed="s", now=T0)
    venue.terse = True
    venue.step(BTC, 100.0, T0, jump=True)
    assert kinds(venue.carry_out(market("a", Side.BUY, "4"), T0)) == [Executed]
    told = venue.carry_out(market("b", Side.SELL, "10", reduce_only=True), T0)
    assert kinds(told) == [Executed, OrderReported]
    assert isinstance(told[1], OrderReported)
    assert (told[1].report.status, told[1].report.qty) == (OrderStatus.FILLED, D(4))


def test_a_stop_is_looked_at_where_the_price_stands_now() -> None:
    """Bars that nobody watches move the price without the exchange: below it, a stop-loss is on the right side."""
    venue = SimulatedVenue(INSTRUMENTS, Models(), cash={"USDT": D(100_000)}, seed="s", now=T0)
    venue.is_bounded = True
    venue.step(BTC, 100.0, T0, jump=True)
    venue.carry_out(market("a", Side.BUY, "4"), T0)
    venue.stand(BTC, 120.0)
    (answer,) = venue.carry_out(RiskApproved(1, 1, stop=TradingStop(BTC, stop_loss=D(110))), T0)[:1]
    assert isinstance(answer, StopAnswered)
    assert (answer.code, answer.message) == (0, "")
