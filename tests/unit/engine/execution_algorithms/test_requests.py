"""What persons and strategies ask for, what is refused, and what the trading state does to algorithms at work."""

from decimal import Decimal

import pytest

from tests.unit.engine.execution_algorithms.market import MINUTE, SECOND, Idle, Market
from tests.unit.engine.harness import BTC, RUN, WIDE
from tests.unit.engine.venue import Resting
from tradectl.engine.strategy import Strategy
from tradectl.model.commands import (
    AlgorithmChanged,
    AlgorithmStatus,
    CancelOrder,
    DecisionMade,
    OrderChanged,
    RequestAnswered,
    RiskApproved,
)
from tradectl.model.errors import ErrorCode
from tradectl.model.events import (
    Action,
    AlgorithmRequested,
    CancelRequested,
    CloseRequested,
    ConnectionChanged,
    HaltRequested,
    OrderAnswered,
    Reaction,
    StopAnswered,
    StopRequested,
    StrategySwitched,
)
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import OrderStatus, Side


def refused(
    kind: str, given: dict[str, str] | None = None, qty: str = "1", instrument: InstrumentId = BTC, strategy: str = ""
) -> RequestAnswered:
    """The refusal of a person's request; nothing was started."""
    market = Market()
    asked = AlgorithmRequested(market.bench.now, "me", kind, instrument, Side.BUY, Decimal(qty), given or {}, strategy)
    market.feed(asked)
    assert market.changes() == []
    assert market.bench.creates() == []
    (answer,) = market.bench.said(RequestAnswered)
    assert not answer.ok
    return answer


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("twap", {"slices": "0"}, ("twap.slices", "0", "below 1")),
        ("twap", {"slices": "many"}, ("twap.slices", "whole number", "many")),
        ("twap", {"minutes": "nan"}, ("twap.minutes", "nan", "finite")),
        ("twap", {"slices": "500"}, ("twap.slices", "500", "below the minimum")),
        ("twap", {"limit": "100.05"}, ("twap.limit", "100.05", "tick")),
        ("twap", {"speed": "9"}, ("twap.speed", "no parameter", "minutes")),
        ("vwap", {"participation": "0.9"}, ("vwap.participation", "0.9", "above 0.5")),
        ("iceberg", {}, ("iceberg.limit", "missing")),
        ("iceberg", {"limit": "99", "visible": "3"}, ("iceberg.visible", "3.0", "more than the whole size")),
        ("chase", {"cross": "yes"}, ("chase.cross", "timeout_s")),
        ("chase", {"cross": "perhaps"}, ("chase.cross", "true or false", "perhaps")),
        ("grid", {"low": "100", "high": "90"}, ("grid.low", "100.0", "not below high")),
        ("grid", {"low": "90", "high": "100", "stop": "95"}, ("grid.stop", "95.0", "below low")),
        ("grid", {"low": "99", "high": "99.5", "levels": "50"}, ("grid.levels", "50", "more levels")),
        ("grid", {"low": "90", "high": "100", "spacing": "odd"}, ("grid.spacing", "odd", "arithmetic")),
        ("dca", {"orders": "20", "step": "10"}, ("dca.orders", "200.0 %")),
        ("scaled", {"high": "100"}, ("scaled.low", "greater than 0")),
        ("scaled", {"low": "90", "high": "99", "shape": "round"}, ("scaled.shape", "round", "flat")),
        ("martingale", {}, ("martingale", "twap, vwap, iceberg")),
    ],
)
def test_wrong_parameters_are_refused_with_field_value_and_rule(
    kind: str, given: dict[str, str], words: tuple[str, ...]
) -> None:
    answer = refused(kind, given)
    assert answer.code == ErrorCode.INVALID_ORDER.value
    for word in words:
        assert word in answer.text


@pytest.mark.parametrize("qty", ["0", "-1", "NaN", "0.0005", "1.00005"])
def test_wrong_sizes_are_refused(qty: str) -> None:
    assert "quantity" in refused("twap", qty=qty).text


def test_what_nobody_knows_is_refused() -> None:
    assert refused("twap", instrument=InstrumentId(Category.LINEAR, "NOPEUSDT")).code == ErrorCode.UNKNOWN_SYMBOL.value
    assert "nobody" in refused("twap", strategy="nobody").text


def test_an_algorithm_and_its_orders_are_linked_and_recorded() -> None:
    market = Market()
    told = market.start("twap", Side.BUY, "1", minutes=10, slices=2)
    decisions = [d for d in market.bench.said(DecisionMade) if d.algorithm == told.id]
    assert [d.action for d in decisions] == ["twap", "twap"]
    assert decisions[1].orders[0] in {o.link_id for o in market.bench.said(OrderChanged) if o.algorithm == told.id}
    assert dict(told.parameters)["slices"] == "2"


def test_cancelling_an_algorithm_by_a_person() -> None:
    market = Market()
    market.start("scaled", Side.BUY, "1", low=90, high=95, count=4)
    answer = market.cancel(1)
    assert answer.ok
    assert len(answer.orders) == 4
    assert market.is_over()
    assert market.last().status is AlgorithmStatus.CANCELLED
    assert market.resting() == {}
    assert market.cancel(1).code == ErrorCode.CONFLICT.value
    assert market.cancel(7).code == ErrorCode.UNKNOWN_ORDER.value


def test_orders_that_are_always_refused_end_it_and_are_never_repeated_at_once() -> None:
    market = Market()
    market.refuses = "EC_PerCancelRequest"
    market.start("iceberg", Side.BUY, "1", limit=99, visible=0.2)
    assert len(market.sizes()) == 1
    market.wait(SECOND)
    assert len(market.sizes()) == 2
    market.wait(10 * MINUTE)
    assert len(market.sizes()) == 8
    assert market.is_over()
    assert market.last().status is AlgorithmStatus.FAILED
    assert "refused 8 times in a row" in market.last().reason


def test_orders_too_large_for_risk_are_halved_until_they_pass() -> None:
    from msgspec.structs import replace

    market = Market(risk=replace(WIDE, order_value=Decimal(30)))
    market.start("twap", Side.BUY, "2", minutes=10, slices=2)
    market.wait(15 * MINUTE)
    assert market.sizes() == [Decimal("0.25")] * 8
    assert market.is_over()


@pytest.mark.parametrize(
    "end",
    [
        lambda now: HaltRequested(now, "me"),
        lambda now: HaltRequested(now, "me", reduce=True),
        lambda now: HaltRequested(now, "me", symbol="BTCUSDT"),
        lambda now: CancelRequested(now, "me"),
        lambda now: CancelRequested(now, "me", strategy="operator"),
        lambda now: CloseRequested(now, "me", BTC),
        lambda now: StopRequested(now, "me", "flatten"),
    ],
)
def test_whoever_stops_trading_ends_algorithms_for_good(end) -> None:  # type: ignore[no-untyped-def]
    market = Market()
    market.start("twap", Side.BUY, "1", minutes=10, slices=5)
    market.start("scaled", Side.BUY, "1", low=90, high=95, count=4)
    market.feed(end(market.bench.now))
    sent = len(market.sizes())
    market.wait(20 * MINUTE)
    for id_ in (1, 2):
        assert market.is_over(id_)
        assert market.last(id_).status is AlgorithmStatus.CANCELLED
    assert len(market.sizes()) == sent
    assert market.resting() == {}


def test_a_disabled_strategy_loses_its_algorithms_and_no_other() -> None:
    market = Market()
    market.start("scaled", Side.BUY, "1", low=90, high=95, count=4)
    asked = {"low": "90", "high": "95", "count": "2"}
    market.feed(AlgorithmRequested(market.bench.now, "me", "scaled", BTC, Side.BUY, Decimal(1), asked, "alpha"))
    market.feed(StrategySwitched(market.bench.now, "me", "alpha", False))
    assert market.last(2).status is AlgorithmStatus.CANCELLED
    assert market.last(1).status is AlgorithmStatus.WORKING
    assert len(market.resting()) == 4


def test_a_lost_stream_makes_it_wait_and_it_goes_on_afterwards() -> None:
    market = Market()
    market.start("twap", Side.BUY, "1", minutes=10, slices=5)
    market.feed(ConnectionChanged(market.bench.now, "private", False, "cut"))
    market.wait(3 * MINUTE)
    assert len(market.sizes()) == 1
    assert "waits" in market.last().note
    market.feed(ConnectionChanged(market.bench.now, "private", True))
    assert len(market.sizes()) == 2
    market.wait(20 * MINUTE)
    assert market.position() == 1


@pytest.mark.parametrize("leave", ["entries", "all"])
@pytest.mark.parametrize(
    ("kind", "given", "middle"),
    [
        ("twap", {"minutes": "10", "slices": "5"}, "0.2"),
        ("vwap", {"minutes": "10", "slices": "5"}, "0.2"),
        ("iceberg", {"limit": "99", "visible": "0.3"}, "0"),
        ("chase", {}, "0"),
        ("grid", {"low": "95", "high": "100", "levels": "6"}, "0"),
        ("dca", {"orders": "3"}, "0.25"),
        ("scaled", {"low": "95", "high": "99", "count": "4"}, "0"),
    ],
)
def test_it_goes_on_after_the_daemon_was_stopped_and_started(
    leave: str, kind: str, given: dict[str, str], middle: str
) -> None:
    market = Market()
    market.feed(AlgorithmRequested(market.bench.now, "me", kind, BTC, Side.BUY, Decimal(1), given))
    market.wait(11 * SECOND)
    before = market.resting()
    assert market.position() == Decimal(middle)
    market.feed(StopRequested(market.bench.now, "me", leave))
    assert market.resting() == (before if leave == "all" else {})
    bench = market.bench
    bench.engine, _ = bench.reborn(bench.engine.checkpoint(), [])
    market._deliver(bench.start(RUN, True, 1000))
    market.move(100.0)
    market.wait(3 * SECOND)
    assert market.last().status is AlgorithmStatus.WORKING
    assert market.resting() == before
    assert market.position() == Decimal(middle)
    market.wait(12 * MINUTE)
    if kind in ("twap", "vwap"):
        assert market.position() == 1
        assert market.is_over()


class Chooser(Strategy):
    """Starts one of everything on its timer, and ends the first it hears of being third."""

    heard: list[str]

    def on_start(self) -> None:
        self.heard = []
        self.set_timer("go", 1.0)

    def on_timer(self, name: str) -> None:
        self.twap("BTCUSDT", "Buy", "1", minutes=10, reason="slowly")
        self.vwap("BTCUSDT", Side.BUY, 1, minutes=10, reason="with the market")
        self.iceberg("BTCUSDT", Side.BUY, Decimal(1), limit=99.0, reason="hidden")
        self.chase("BTCUSDT", Side.SELL, 1, reason="maker")
        self.grid("BTCUSDT", Side.BUY, 1, low="90", high=95, levels=5, reason="sideways")
        self.dca("BTCUSDT", Side.BUY, 1, limit=Decimal("98.5"), reason="dips")
        self.scaled("BTCUSDT", Side.BUY, 1, low=90, high=95, reason="ladder")
        self.twap("BTCUSDT", Side.BUY, 1, minutes=-1, reason="wrong")

    def on_algorithm(self, algorithm: AlgorithmChanged) -> None:
        self.heard.append(f"{algorithm.kind} {algorithm.status.value}")
        if algorithm.kind == "iceberg" and algorithm.status is AlgorithmStatus.WORKING:
            self.cancel_algorithm(algorithm.id, reason="changed its mind")


def test_a_strategy_has_them_all() -> None:
    market = Market(strategy=Chooser)
    market.wait(2 * SECOND)
    runner = market.bench.engine.host.runners["alpha"]
    assert runner.status.value == "active", runner.reason
    kinds = [a.kind for a in runner.strategy.algorithms]
    assert kinds == ["twap", "vwap", "chase", "grid", "dca", "scaled"]
    assert "iceberg cancelled" in runner.strategy.heard  # type: ignore[attr-defined]
    wrong = [d for d in market.bench.said(DecisionMade) if not d.accepted]
    assert [d.reason for d in wrong] == ["wrong"]
    assert "twap.minutes" in wrong[0].checks[-1].reason


def test_without_algorithms_quotes_and_trades_cost_nothing() -> None:
    market = Market(strategy=Idle)
    out = len(market.bench.answers)
    market.move(100.5)
    assert all(not commands for commands in market.bench.answers[out:])


def test_a_create_that_is_tried_again_is_still_the_same_part() -> None:
    """The venue was too busy: the order goes out again under a fresh id, and is neither dropped nor doubled."""
    market = Market()
    busy = [True]
    receive = market.venue.receive

    def once_busy(command: RiskApproved | CancelOrder, crosses: bool = False) -> OrderAnswered | StopAnswered:
        if busy and isinstance(command, RiskApproved) and command.order is not None:
            busy.clear()
            link = command.order.link_id
            market.venue.orders[link] = Resting(
                link, "none", BTC, Side.BUY, command.order.type, command.order.time_in_force, command.order.qty, None,
                False, 0, OrderStatus.CANCELLED,
            )  # fmt: skip
            later = market.bench.now + SECOND
            return OrderAnswered(market.bench.now, link, Action.CREATE, 10006, "busy", Reaction.RETRY, "", later)
        return receive(command, crosses)

    market.venue.receive = once_busy  # type: ignore[method-assign,assignment]
    market.start("iceberg", Side.BUY, "1", limit=99, visible=0.3)
    market.wait(5 * SECOND)
    assert market.resting() == {Decimal(99): Decimal("0.3")}
    assert market.sizes() == [Decimal("0.3")] * 2
    assert market.bench.said(CancelOrder) == []
