"""Bars: warm-up before callbacks, each candle once, gaps, late bars, and history that never comes (decision 15)."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.harness import BTC, MINUTE, T0, Bench, config, make_bar, ready
from tests.unit.engine.live import Live
from tradectl.engine.bar_series import BarSeries, Phase
from tradectl.engine.config import StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import Alert, DecisionMade, RequestBars, StrategyChanged, StrategyStatus, Subscribe
from tradectl.model.events import ConnectionChanged, QuoteChanged, StrategySwitched
from tradectl.model.market_data import Bar


class Diary(Strategy):
    """Writes down what it is called with, and asks for a position when told so."""

    symbol: str = "BTCUSDT"
    period: int = 2
    weight: float = 0.0

    def on_start(self) -> None:
        self._bars = self.subscribe_bars(self.symbol, "1m")
        self._mean = self._bars.sma(self.period)
        self.subscribe_quotes(self.symbol)
        self.diary: list[object] = []

    def on_bar(self, bar: Bar) -> None:
        self.diary.append([(bar.open_time - T0) // MINUTE, bar.late, self._mean.value])
        if self.weight >= 0:
            self.target(self.symbol, self.weight, reason="told so")

    def on_quote(self, quote: QuoteChanged) -> None:
        self.diary.append("quote")


def bench_of(*names: str, **params: float) -> Bench:
    names = names or ("one",)
    return ready(config(*(StrategyConfig(name=n, class_="diary", params=params) for n in names)), {"diary": Diary})


def diary(bench: Bench, name: str = "one") -> list[object]:
    strategy = bench.engine.host.runners[name].strategy
    assert isinstance(strategy, Diary)
    return strategy.diary


def bars_of(bench: Bench, name: str = "one") -> list[tuple[int, bool]]:
    return [(e[0], e[1]) for e in diary(bench, name) if isinstance(e, list)]


def requests(bench: Bench) -> list[RequestBars]:
    return bench.said(RequestBars)


def test_no_callback_before_the_history_is_there() -> None:
    bench = bench_of()
    assert [(r.count, r.since) for r in requests(bench)] == [(3, 0)]
    bench.quote(BTC, 100)
    bench.bar(10, 100)
    bench.bar(11, 101)
    assert diary(bench) == []
    assert [s.status for s in bench.said(StrategyChanged)] == [StrategyStatus.WARMING]
    bench.history({7: 1.0, 8: 2.0, 9: 99.0, 10: 100.0})
    assert [s.status for s in bench.said(StrategyChanged)] == [StrategyStatus.WARMING, StrategyStatus.ACTIVE]
    assert diary(bench) == [[10, False, 99.5], [11, False, 100.5]]
    bench.quote(BTC, 100)
    assert diary(bench)[-1] == "quote"


def test_each_candle_is_taken_once_however_often_it_comes() -> None:
    bench = bench_of()
    bench.history({0: 1.0, 1: 2.0})
    for number in (2, 2, 1, 3, 3, 2, 0):
        bench.bar(number, 5.0)
    bench.history({1: 2.0, 2: 9.0})
    assert bars_of(bench) == [(2, False), (3, False)]


def test_a_gap_is_loaded_and_its_bars_are_late() -> None:
    bench = bench_of("one", "two")
    bench.history({0: 1.0, 1: 2.0})
    bench.bar(2, 3.0)
    bench.bar(5, 6.0)
    bench.bar(6, 7.0)
    asked = requests(bench)[1:]
    assert [(r.count, r.since) for r in asked] == [(0, T0 + 3 * MINUTE)]  # once, for both
    bench.history({2: 3.0, 3: 4.0, 4: 5.0, 5: 6.0})
    for name in ("one", "two"):
        assert bars_of(bench, name) == [(2, False), (3, True), (4, True), (5, False), (6, False)]
    assert diary(bench)[-1] == [6, False, 6.5]


def test_without_history_it_warms_up_live() -> None:
    bench = bench_of()
    bench.bar(0, 1.0)
    bench.history({}, error="no such thing")
    bench.bar(1, 2.0)
    assert [a.code for a in bench.said(Alert)] == ["no_history"]
    assert bars_of(bench) == [(0, False), (1, False)]
    assert diary(bench)[-1] == [1, False, 1.5]


def test_late_bars_may_close_and_never_open() -> None:
    live = Live(config(StrategyConfig(name="one", class_="diary", params={"weight": 1.0})), {"diary": Diary})
    live.bar(0, 100.0)
    assert live.position("one") > 0
    live.bench.engine.host.runners["one"].strategy.weight = 0.0  # type: ignore[attr-defined]
    live.past.update({1: 100.0, 2: 100.0})
    live.bar(3, 100.0)
    assert live.position("one") == 0
    decisions = [d for d in live.bench.said(DecisionMade) if d.orders]
    assert [d.action for d in decisions] == ["target", "close"]
    live.bench.engine.host.runners["one"].strategy.weight = 1.0  # type: ignore[attr-defined]
    live.past.update({4: 100.0, 5: 100.0})
    before = len(live.bench.creates())
    live.feed(ConnectionChanged(live.bench.now, "public:linear", True))
    assert [d.checks[-1].name for d in live.bench.said(DecisionMade) if not d.accepted] == ["late_bar"] * 2
    assert len(live.bench.creates()) == before


def test_a_restart_catches_up_with_late_bars_and_a_new_instance_with_its_whole_warm_up() -> None:
    bench = bench_of("one")
    bench.history({0: 1.0, 1: 2.0})
    bench.bar(2, 3.0)
    later = config(*(StrategyConfig(name=n, class_="diary", params={"period": p}) for n, p in (("one", 2), ("new", 6))))
    engine = TradingEngine(later, {"diary": Diary})
    engine.restore(bench.engine.checkpoint())
    bench.engine, bench.answers, bench.events = engine, [], []
    bench.now = T0 + 20 * MINUTE
    bench.start(restored=True)
    assert {s.key.kind for s in bench.said(Subscribe)} == {"bars", "ticker", "quotes"}
    assert [r.since for r in requests(bench)] == [T0 + 3 * MINUTE] * 2  # the second serves both
    bench.history({n: float(n + 1) for n in range(17, 20)})
    assert bars_of(bench) == [(2, False)]  # an answer that does not reach back is not taken while another comes
    bench.history({n: float(n + 1) for n in range(20)})
    assert bars_of(bench) == [(2, False), *((n, True) for n in range(3, 20))]
    assert bars_of(bench, "new") == []
    bench.bar(20, 50.0)
    assert diary(bench, "new") == [[20, False, (16 + 17 + 18 + 19 + 20 + 50) / 6]]


def test_reconnecting_streams_catch_up() -> None:
    bench = bench_of()
    bench.history({0: 1.0, 1: 2.0})
    bench.bar(2, 3.0)
    bench.feed(ConnectionChanged(bench.now, "public:linear", False, "cut"))
    bench.feed(ConnectionChanged(bench.now, "public:linear", True))
    assert requests(bench)[-1].since == T0 + 3 * MINUTE
    bench.bar(4, 5.0)
    bench.history({3: 4.0})
    assert bars_of(bench) == [(2, False), (3, True), (4, False)]


def test_a_disabled_instance_keeps_its_indicators_warm() -> None:
    bench = bench_of()
    bench.history({0: 1.0, 1: 2.0})
    bench.feed(StrategySwitched(bench.now, "me", "one", False))
    bench.bar(2, 3.0)
    bench.bar(3, 5.0)
    assert bars_of(bench) == []
    bench.feed(StrategySwitched(bench.now, "me", "one", True))
    bench.bar(4, 7.0)
    assert diary(bench) == [[4, False, 6.0]]


def test_followers_are_called_in_the_order_of_the_settings() -> None:
    names = ("a", "b", "c")
    strategies = [StrategyConfig(name=n, class_="diary", enabled=n != "a", params={"weight": 1.0}) for n in names]
    bench = ready(config(*strategies), {"diary": Diary})
    bench.history({0: 100.0, 1: 100.0})
    bench.feed(StrategySwitched(bench.now, "me", "a", True))
    bench.history({0: 100.0, 1: 100.0})
    bench.bar(2, 100.0)
    assert [d.strategy for d in bench.said(DecisionMade)] == ["a", "b", "c"]
    engine = TradingEngine(bench.config, bench.classes)
    engine.restore(bench.engine.checkpoint())
    bench.engine, bench.answers = engine, []
    bench.bar(3, 100.0)
    assert [d.strategy for d in bench.said(DecisionMade)] == ["a", "b", "c"]


@given(st.lists(st.tuples(st.sampled_from(["live", "loaded", "again"]), st.integers(0, 14)), max_size=60))
@settings(max_examples=200, deadline=None)
def test_every_candle_is_consumed_at_most_once_and_in_order(drawn: list[tuple[str, int]]) -> None:
    """Against the obvious: a set of what was consumed, and open times that only grow."""
    series = BarSeries(BTC, "1m")
    consumed: list[int] = []
    known = 0
    for what, number in drawn:
        if what == "live":
            known = max(known, number)
            deliver = series.live(make_bar(number, 1.0))
        elif what == "loaded":
            known = max(known, number)
            before = series.count
            if series.phase is Phase.LIVE:
                continue
            deliver = series.loaded(tuple(make_bar(n, 1.0) for n in range(number + 1)))
            consumed += [-1] * (series.count - before)  # warm-up
        else:
            series.await_history()
            deliver = []
        for bar in deliver or []:
            if series.consume(bar):
                consumed.append(bar.open_time)
    live = [c for c in consumed if c >= 0]
    assert live == sorted(set(live))
    assert series.count == len(consumed)
    if series.last is not None:
        assert series.last.open_time <= T0 + known * MINUTE


def test_weights_size_positions_at_the_worst_price_of_the_collar() -> None:
    live = Live(config(StrategyConfig(name="one", class_="diary", params={"weight": 1.0})), {"diary": Diary})
    live.bar(0, 100.0)
    capital = (Decimal(100_000) + 100) * Decimal("0.10")
    assert live.position("one") == (capital / Decimal("100.5")).quantize(Decimal("0.001"), "ROUND_FLOOR")
