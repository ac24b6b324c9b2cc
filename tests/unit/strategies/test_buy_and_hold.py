"""``buy_and_hold`` buys once and keeps."""

from decimal import Decimal

from msgspec.structs import replace

from tests.unit.engine.harness import BTC, WIDE, config
from tests.unit.engine.live import Live
from tradectl.engine.config import StrategyConfig
from tradectl.model.commands import DecisionMade, Level
from tradectl.model.events import ConnectionChanged
from tradectl.model.money import use_exact_context
from tradectl.model.orders import Side
from tradectl.strategies.buy_and_hold import BuyAndHold


def start() -> Live:
    use_exact_context()
    hold = StrategyConfig(name="hold", class_="buy_and_hold")
    limits = replace(WIDE, order_share=Decimal("0.02"))
    return Live(config(hold, risk=limits), {"buy_and_hold": BuyAndHold})


def test_it_buys_once_with_all_its_capital() -> None:
    live = start()
    for number, close in enumerate((100.0, 90.0, 120.0, 60.0, 100.0)):
        live.bar(number, close)
    made = live.bench.creates()
    assert {(s.instrument, s.side) for s in made} == {(BTC, Side.BUY)}
    assert [d.accepted for d in live.bench.said(DecisionMade)] == [True]
    assert sum(s.qty for s in made) == live.position("hold") == Decimal("99.601")
    assert all(s.qty * Decimal("100.5") <= Decimal(2002) for s in made)


def test_a_refused_purchase_is_tried_again_on_the_next_bar() -> None:
    live = start()
    live.bench.engine.world.state.add("test", Level.REDUCING, "person", "a test", live.bench.now)
    live.bar(0, 100.0)
    assert live.position("hold") == 0
    live.bench.engine.world.state.clear("test")
    live.bar(1, 100.0)
    assert live.position("hold") > 0


def test_a_late_bar_buys_nothing() -> None:
    live = start()
    live.bench.engine.world.state.add("test", Level.REDUCING, "person", "a test", live.bench.now)
    live.bar(0, 100.0)
    live.bench.engine.world.state.clear("test")
    live.past[1] = 100.0
    live.feed(ConnectionChanged(live.bench.now, "public:linear", True))
    assert live.position("hold") == 0
    live.bar(2, 100.0)
    assert live.position("hold") > 0
