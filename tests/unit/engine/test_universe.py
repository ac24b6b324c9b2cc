"""Universes: who is in and why not, what the members are told, what a symbol that left may still do, restarts."""

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.engine.harness import BTC, ETH, FEES, INSTRUMENTS, MINUTE, SPOT, T0, Bench, config, encoded, make_bar
from tradectl.engine.config import StrategyConfig, UniverseConfig
from tradectl.engine.strategy import Strategy, param
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import Alert, RequestTickers, Subscribe, UniverseChanged
from tradectl.model.events import BarsLoaded, InstrumentsLoaded, Started, TickersLoaded, UniverseRow
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import Bar

DAY = 86_400 * 10**9
SYMBOLS = ("AUSDT", "BUSDT", "CUSDT", "DUSDC", "EUSDT")
IDS = {s: InstrumentId(Category.LINEAR, s) for s in SYMBOLS}


def listed(age_days: int = 400) -> tuple[Any, ...]:
    return tuple(
        replace(INSTRUMENTS[0], id=i, quote_coin=s[-4:], launched=T0 - age_days * DAY, status="Trading")
        for s, i in IDS.items()
    )


def row(symbol: str, turnover: float, **more: float) -> UniverseRow:
    return UniverseRow(
        symbol, 100.0, **{"bid": 99.9, "ask": 100.1, "high": 110.0, "low": 100.0, **more}, turnover=turnover
    )


ROWS = (row("AUSDT", 50.0), row("BUSDT", 40.0), row("CUSDT", 30.0), row("DUSDC", 99.0), row("GONE", 1000.0))


def bench_of(
    universe: UniverseConfig, *strategies: StrategyConfig, classes: Any = None, instruments: Any = None
) -> Bench:
    bench = Bench(config(*strategies, universes=(universe,)), classes or {})
    bench.feed(Started(bench.now, bench.config.run))
    bench.feed(InstrumentsLoaded(bench.now, instruments or (*INSTRUMENTS, *listed()), FEES))
    return bench


def chosen(
    universe: UniverseConfig, *rows: UniverseRow, instruments: Any = None
) -> tuple[tuple[str, ...], dict[str, str]]:
    bench = bench_of(universe, instruments=instruments)
    bench.feed(TickersLoaded(bench.now, "linear", rows or ROWS))
    (changed,) = bench.said(UniverseChanged)
    return changed.members, dict(changed.refused)


def test_members_by_turnover_and_a_reason_for_everybody_else() -> None:
    members, refused = chosen(UniverseConfig(name="u", max_members=2))
    assert members == ("AUSDT", "BUSDT")
    assert refused == {
        "GONE": "not an instrument that trades", "DUSDC": "quoted in USDC, not USDT",
        "CUSDT": "2 symbols have more turnover",
    }  # fmt: skip


def test_members_chosen_at_time_zero_are_known() -> None:
    """A stepped venue's clock stands at 0 until its market moves, and that waits for the strategies."""
    bench = Bench(config(universes=(UniverseConfig(name="u"), UniverseConfig(name="v"))), {})
    bench.now = 0
    bench.feed(Started(0, bench.config.run))
    bench.feed(InstrumentsLoaded(0, (*INSTRUMENTS, *listed()), FEES))
    bench.feed(TickersLoaded(0, "linear", ROWS))
    assert bench.engine.host.universes.is_loaded("u")
    assert bench.engine.host.universes.is_loaded("v")
    assert len(bench.said(RequestTickers)) == 1


@pytest.mark.parametrize(
    ("limits", "rows", "why"),
    [
        ({"min_turnover": 41.0}, (row("BUSDT", 40.0),), "turnover 40 below 41"),
        ({"min_turnover": 40.0}, (row("BUSDT", 40.0),), ""),
        ({"max_spread": 0.002}, (row("BUSDT", 40.0),), ""),
        ({"max_spread": 0.0019}, (row("BUSDT", 40.0),), "spread 0.002000 above 0.001900"),
        ({"max_spread": 0.1}, (row("BUSDT", 40.0, bid=0.0),), "no bid and ask to measure its spread"),
        ({"max_spread": 0.1}, (row("BUSDT", 40.0, bid=101.0, ask=100.0),), "no bid and ask to measure its spread"),
        ({"min_volatility": 0.2}, (row("BUSDT", 40.0),), "volatility 0.100000 below 0.200000"),
        ({"max_volatility": 0.05}, (row("BUSDT", 40.0),), "volatility 0.100000 above 0.050000"),
        ({"min_volatility": 0.05, "max_volatility": 0.2}, (row("BUSDT", 40.0),), ""),
        ({"max_volatility": 0.5}, (row("BUSDT", 40.0, low=0.0),), "no high and low to measure its volatility"),
        ({"deny": ("B*",)}, (row("BUSDT", 40.0),), "denied by B*"),
        ({"allow": ("A*", "C*")}, (row("BUSDT", 40.0),), "not allowed by A*, C*"),
        ({"allow": ("B*",), "deny": ("BUSDT",)}, (row("BUSDT", 40.0),), "denied by BUSDT"),
        ({"min_age_days": 400}, (row("BUSDT", 40.0),), ""),
        ({"min_age_days": 401}, (row("BUSDT", 40.0),), "400 days old, below 401"),
        ({"quote_coin": "USDC"}, (row("BUSDT", 40.0),), "quoted in USDT, not USDC"),
    ],
)
def test_each_filter_at_its_boundary(limits: dict[str, Any], rows: tuple[UniverseRow, ...], why: str) -> None:
    members, refused = chosen(UniverseConfig(name="u", **limits), *rows)
    assert refused == ({"BUSDT": why} if why else {})
    assert members == (() if why else ("BUSDT",))


def test_an_unknown_age_and_a_halted_instrument() -> None:
    unborn = tuple(replace(i, launched=0) for i in listed())
    assert chosen(UniverseConfig(name="u", min_age_days=1), row("AUSDT", 1.0), instruments=unborn)[1] == {
        "AUSDT": "its age is not known"
    }
    closed = tuple(replace(i, status="Closed") for i in listed())
    assert chosen(UniverseConfig(name="u"), row("AUSDT", 1.0), instruments=closed)[1] == {
        "AUSDT": "its status is Closed"
    }


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(SYMBOLS), st.integers(0, 60)), unique_by=lambda t: t[0]),
    st.integers(0, 60), st.sampled_from(["*", "A*", "*USDT", "?USDT"]), st.sampled_from(["", "B*", "*C"]),
    st.integers(1, 5),
)  # fmt: skip
def test_any_choice_equals_a_plain_restatement(
    turnovers: list[tuple[str, int]], least: int, allow: str, deny: str, most: int
) -> None:
    universe = UniverseConfig(
        name="u", min_turnover=float(least), allow=(allow,), deny=(deny,) if deny else (), max_members=most
    )
    members, refused = chosen(universe, *[row(s, float(t)) for s, t in turnovers]) if turnovers else ((), {})
    fit = [
        (-t, s) for s, t in turnovers
        if s.endswith("USDT") and t >= least and fnmatchcase(s, allow) and not (deny and fnmatchcase(s, deny))
    ]  # fmt: skip
    assert members == tuple(s for _, s in sorted(fit)[:most])
    assert sorted([*members, *refused]) == sorted(s for s, _ in turnovers)


class Rotation(Strategy):
    """Follows the members, buys each once, and remembers what it was told."""

    symbols: str = param("universe:top")

    def on_start(self) -> None:
        self.told: list[list[str]] = []
        for symbol in self.symbols_of(self.symbols):
            self.subscribe_bars(symbol, "1m").sma(2)

    def on_universe(self, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        self.told.append([*(f"+{s}" for s in added), *(f"-{s}" for s in removed)])
        for symbol in added:
            self.subscribe_bars(symbol, "1m").sma(2)


TOP = UniverseConfig(name="top", max_members=2, refresh_minutes=30)
FOLLOWER = StrategyConfig(name="r", class_="rotation")
CLASSES = {"rotation": Rotation}


def following() -> Bench:
    bench = bench_of(TOP, FOLLOWER, classes=CLASSES)
    bench.feed(TickersLoaded(bench.now, "linear", ROWS))
    return bench


def history(bench: Bench, symbol: str) -> None:
    bars = tuple(make_bar(n, 100.0) for n in range(-5, 0))
    bench.feed(BarsLoaded(bench.now, IDS[symbol], "1m", bars))


def test_a_follower_waits_for_its_universe_and_starts_with_its_members() -> None:
    bench = bench_of(TOP, FOLLOWER, classes=CLASSES)
    assert [c.category for c in bench.said(RequestTickers)] == ["linear"]
    runner = bench.engine.host.runners["r"]
    assert not runner.started
    assert bench.engine.host.waits_for(runner) == "top"
    bench.feed(TickersLoaded(bench.now, "linear", ROWS))
    assert [i.symbol for i, _ in runner.series] == ["AUSDT", "BUSDT"]
    assert {c.key.instrument.symbol for c in bench.said(Subscribe) if c.key.kind == "bars"} == {"AUSDT", "BUSDT"}
    assert "RequestBars" in [type(c).__name__ for c in bench.answers[-1]]


def test_it_is_refreshed_on_time_and_a_failure_keeps_the_members() -> None:
    bench = following()
    bench.wait(29 * MINUTE)
    assert len(bench.said(RequestTickers)) == 1
    bench.wait(MINUTE)
    assert len(bench.said(RequestTickers)) == 2
    bench.feed(TickersLoaded(bench.now, "linear", (), "503"))
    assert bench.engine.host.universes.members("top") == ("AUSDT", "BUSDT")
    assert "universe top could not be refreshed: 503" in bench.said(Alert)[-1].text
    bench.wait(MINUTE)
    assert len(bench.said(RequestTickers)) == 3, "asked again after a minute"


def swapped(bench: Bench) -> None:
    """CUSDT comes, BUSDT goes."""
    bench.wait(30 * MINUTE)
    bench.feed(TickersLoaded(bench.now, "linear", (row("AUSDT", 50.0), row("BUSDT", 1.0), row("CUSDT", 60.0))))


def test_who_leaves_takes_no_entries_and_is_still_followed() -> None:
    bench = following()
    for symbol in ("AUSDT", "BUSDT"):
        history(bench, symbol)
    assert bench.engine.world.entry_veto("r", IDS["BUSDT"]) == ""
    swapped(bench)
    runner = bench.engine.host.runners["r"]
    assert runner.strategy.told == [["+CUSDT", "-BUSDT"]]  # type: ignore[attr-defined]
    assert [i.symbol for i, _ in runner.series] == ["AUSDT", "BUSDT", "CUSDT"]
    assert bench.engine.world.entry_veto("r", IDS["BUSDT"]) == (
        "BUSDT is no member of universe top: 2 symbols have more turnover"
    )
    assert bench.engine.world.entry_veto("r", IDS["CUSDT"]) == ""
    assert bench.engine.world.entry_veto("r", BTC) == "", "what it never had from the universe is none of its business"
    assert bench.engine.world.entry_veto("operator", IDS["BUSDT"]) == ""
    changed = bench.said(UniverseChanged)[-1]
    assert (changed.added, changed.removed, changed.members) == (("CUSDT",), ("BUSDT",), ("CUSDT", "AUSDT"))


def test_a_restart_follows_all_it_was_given_and_replays_to_the_byte() -> None:
    bench = following()
    for symbol in ("AUSDT", "BUSDT"):
        history(bench, symbol)
    swapped(bench)
    history(bench, "CUSDT")
    bench.wait(40 * MINUTE)
    whole = TradingEngine(bench.config, CLASSES)
    for number, event in enumerate(bench.events):
        again = TradingEngine(bench.config, CLASSES)
        again.restore(whole.checkpoint())
        assert again.checkpoint() == whole.checkpoint(), number
        whole = again
        assert encoded(whole.apply(event)) == encoded(bench.answers[number]), number
    assert whole.checkpoint() == bench.engine.checkpoint()
    runner = whole.host.runners["r"]
    assert [i.symbol for i, _ in runner.series] == ["AUSDT", "BUSDT", "CUSDT"]
    assert [s.count for s in runner.series.values()] == [
        s.count for s in bench.engine.host.runners["r"].series.values()
    ]


def test_an_answer_lost_in_a_restart_is_asked_for_again() -> None:
    bench = bench_of(TOP, FOLLOWER, classes=CLASSES)
    engine = TradingEngine(bench.config, CLASSES)
    engine.restore(bench.engine.checkpoint())
    engine.apply(Started(bench.now, bench.config.run, restored=True))
    out = engine.apply(InstrumentsLoaded(bench.now, (*INSTRUMENTS, *listed()), FEES))
    assert [c for c in out if isinstance(c, RequestTickers)]


def test_a_callback_that_breaks_on_a_change_stops_the_strategy_alone() -> None:
    class Breaks(Rotation):
        def on_universe(self, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
            raise KeyError(added)

    strategies = (StrategyConfig(name="bad", class_="breaks"), FOLLOWER)
    bench = bench_of(TOP, *strategies, classes={**CLASSES, "breaks": Breaks})
    bench.feed(TickersLoaded(bench.now, "linear", ROWS))
    swapped(bench)
    assert bench.engine.host.runners["bad"].status.value == "stopped"
    assert bench.engine.host.runners["r"].strategy.told == [["+CUSDT", "-BUSDT"]]  # type: ignore[attr-defined]


def test_a_plain_list_is_no_universe_and_other_categories_are_not_touched() -> None:
    class Listed(Rotation):
        def on_bar(self, bar: Bar) -> None:
            return

    spot = UniverseConfig(name="top", category="spot")
    listed_one = StrategyConfig(name="r", class_="listed", params={"symbols": "BTCUSDT, ETHUSDT"})
    bench = bench_of(spot, listed_one, classes={"listed": Listed})
    runner = bench.engine.host.runners["r"]
    assert [i for i, _ in runner.series] == [BTC, ETH]
    bench.feed(TickersLoaded(bench.now, "linear", ROWS))
    assert bench.said(UniverseChanged) == []
    bench.feed(TickersLoaded(bench.now, "spot", (row(SPOT.symbol, 5.0),)))
    assert bench.said(UniverseChanged)[-1].members == ("BTCUSDT",)
