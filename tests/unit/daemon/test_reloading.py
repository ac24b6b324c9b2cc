"""What a reload takes in, what it refuses, and what the next engine makes of it."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.engine.harness import INSTRUMENTS, Bench, config, encoded, ready
from tests.unit.engine.live import Live
from tradectl.daemon.environment import of_database, scrub
from tradectl.daemon.reloading import Reload, planned, told
from tradectl.engine.config import EngineConfig, StrategyConfig, UniverseConfig
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import Alert, StrategyChanged, StrategyStatus
from tradectl.model.errors import Problem
from tradectl.model.events import InstrumentsLoaded
from tradectl.settings import Settings
from tradectl.strategies import loader as strategy_loader

CODE = """
from tradectl.engine.strategy import Strategy, param


class Mine(Strategy):
    size: float = param(0.5, low=0.1, high=2)

    def on_start(self):
        self.subscribe_bars("BTCUSDT", "1m")
        self.seen = 0

    def on_bar(self, bar):
        self.seen += 1
        if not self.position("BTCUSDT"):
            self.buy("BTCUSDT", self.size, reason="first")
        elif len(self.orders) < 2:
            self.buy("BTCUSDT", "0.1", 50, reason="cheap")
            self.sell("BTCUSDT", "0.1", 200, reason="dear", reduce_only=True)
"""


class Place:
    """A folder, the settings, and a running engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "mine.py").write_text(CODE)
        (folder / "other.py").write_text(CODE.replace("Mine", "Other"))
        self.settings = Settings(strategies=(one("a", "mine"), one("b", "other")))
        self.config = config(*self.settings.strategies)
        classes = strategy_loader.load_all(self.config.strategies, folder)
        self.live = Live(self.config, classes)
        for number in range(3):
            self.live.bar(number, 100.0)

    def plan(self, name: str = "") -> Reload:
        return planned(self.live.bench.engine, self.settings, self.folder, name)

    def reload(self, name: str = "") -> Reload:
        plan = self.plan(name)
        fresh = TradingEngine(plan.config, plan.classes)
        fresh.restore(self.live.bench.engine.checkpoint())
        self.live.bench.engine = fresh
        self.live.feed(InstrumentsLoaded(self.live.bench.now, INSTRUMENTS))
        return plan

    def runner(self, name: str) -> Any:
        return self.live.bench.engine.host.runners[name]


def one(name: str, cls: str, **params: Any) -> StrategyConfig:
    return StrategyConfig(name=name, class_=cls, params=params)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_nothing_changed(place: Place) -> None:
    assert place.plan().is_empty
    assert told(place.plan(), {}) == "nothing changed"


def test_changed_code_warms_up_alone_and_keeps_its_position(place: Place) -> None:
    held = place.live.position("a")
    (place.folder / "mine.py").write_text(CODE.replace('"first"', '"again"'))
    plan = place.reload()
    assert (plan.changed, plan.added, plan.removed, plan.gone) == (("a",), (), (), ())
    assert place.runner("a").strategy.seen == 0
    assert place.runner("b").strategy.seen == 3
    assert place.live.position("a") == held != 0


def test_a_change_of_the_same_length_within_the_same_second_is_seen(place: Place) -> None:
    """Python's own cache of compiled files would take it for the old one."""
    for letter in "xyz":
        (place.folder / "mine.py").write_text(CODE.replace('"first"', f'"firs{letter}"'))
        assert place.reload().changed == ("a",)
        assert f"firs{letter}" in place.runner("a").cls.on_bar.__code__.co_consts


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("def broken(:\n", "mine.py, line 1: SyntaxError"),
        ("x = 1\nraise SystemExit(2)\n", "mine.py, line 2: SystemExit"),
        ("import nothing_of_that_name\n", "mine.py, line 1: ModuleNotFoundError"),
        (CODE.replace("low=0.1", "low=0.6").replace("param(0.5", "param(0.4"), "strategies.a.size is 0.4, below 0.6"),
    ],
)
def test_broken_code_is_refused_and_the_old_keeps_running(place: Place, source: str, where: str) -> None:
    before = place.live.bench.engine.checkpoint()
    (place.folder / "mine.py").write_text(source)
    with pytest.raises(Problem, match=r"line|below") as caught:
        place.plan()
    assert where in caught.value.message
    assert place.live.bench.engine.checkpoint() == before
    place.live.bar(3, 100.0)
    assert place.runner("a").strategy.seen == 4


@pytest.mark.parametrize(
    "remove", [lambda f: (f / "mine.py").unlink(), lambda f: (f / "mine.py").write_text("x = 1\n")]
)
def test_a_class_that_is_gone_stops_its_instance_which_keeps_its_position(place: Place, remove: Any) -> None:
    held = place.live.position("a")
    remove(place.folder)
    plan = place.reload()
    assert plan.gone == ("a",)
    assert "a stopped, its class is gone; keeps 0.5 X" in told(plan, {"a": ["0.5 X"]})
    said = [c for c in place.live.bench.said(StrategyChanged) if c.name == "a"][-1]
    assert said.status is StrategyStatus.STOPPED
    assert "mine" in said.reason
    assert "strategy a was stopped" in place.live.bench.said(Alert)[-1].text
    assert place.live.position("a") == held
    left = [o for o in place.live.bench.engine.world.open_orders() if o.strategy == "a" and not o.cancel_asked]
    assert [o.spec.reduce_only for o in left] == [True], "entries go, exits stay"
    place.live.bar(3, 100.0)
    assert place.runner("b").strategy.seen == 4
    (place.folder / "mine.py").write_text(CODE)
    assert place.reload().changed == ("a",)
    place.live.bar(4, 100.0)
    assert place.runner("a").status is StrategyStatus.ACTIVE, "its class came back"


def test_instances_come_and_go_with_the_settings(place: Place) -> None:
    place.settings = replace(place.settings, strategies=(one("b", "other", size=1.0), one("c", "mine")))
    plan = place.reload()
    assert (plan.changed, plan.added, plan.removed) == (("b",), ("c",), ("a",))
    place.live.bar(3, 100.0)
    assert "a" not in place.live.bench.engine.host.runners
    assert place.live.position("a") != 0, "its book stays"
    assert place.runner("b").strategy.size == 1.0
    assert place.runner("c").strategy.seen >= 1
    assert place.live.bench.engine.world.numbers["a"] == 1, "its number is never given again"
    assert place.live.bench.engine.world.numbers["c"] == 3


def test_a_name_narrows_it(place: Place) -> None:
    for stem in ("mine", "other"):
        (place.folder / f"{stem}.py").write_text((place.folder / f"{stem}.py").read_text() + "# changed\n")
    place.settings = replace(place.settings, strategies=(*place.settings.strategies, one("c", "mine")))
    plan = place.plan("b")
    assert (plan.changed, plan.added, plan.removed) == (("b",), (), ())
    assert place.plan("c").added == ("c",)


def test_a_new_instance_of_a_class_that_does_not_exist_is_refused(place: Place) -> None:
    place.settings = replace(place.settings, strategies=(*place.settings.strategies, one("c", "nowhere")))
    with pytest.raises(Problem, match="there is no strategy nowhere"):
        place.plan()


def test_universes_come_along(place: Place) -> None:
    place.settings = replace(place.settings, universes=(UniverseConfig(name="u"),))
    assert [u.name for u in place.plan().config.universes] == ["u"]


def test_a_replay_crosses_the_chapter_to_the_byte(place: Place) -> None:
    first: tuple[EngineConfig, Any] = (place.config, dict(place.live.bench.classes))
    cut = len(place.live.bench.events)
    (place.folder / "mine.py").unlink()
    plan = place.reload()
    for number in range(3, 6):
        place.live.bar(number, 100.0)
    bench = place.live.bench
    engine = TradingEngine(*first)
    for number, event in enumerate(bench.events):
        if number == cut:
            after = TradingEngine(plan.config, plan.classes)
            after.restore(engine.checkpoint())
            engine = after
        engine.forewarn(bench.answers[number])
        assert encoded(engine.apply(event)) == encoded(bench.answers[number]), number


def test_old_chapters_are_read_even_when_their_code_is_gone(tmp_path: Path) -> None:
    classes = strategy_loader.load_known((one("a", "mine"), one("b", "ema_cross")), tmp_path)
    assert classes["mine"].absent.startswith("there is no strategy mine")
    assert not classes["ema_cross"].absent
    bench: Bench = ready(config(one("a", "mine", size=3), one("b", "ema_cross")), classes)
    assert bench.engine.host.runners["a"].status is StrategyStatus.STOPPED
    assert bench.engine.host.runners["b"].status is StrategyStatus.WARMING


def test_an_installed_package_can_offer_a_strategy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "offered.py").write_text(CODE)
    info = tmp_path / "offered-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: offered\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[tradectl.strategies]\nbought = offered:Mine\nwrong = offered:param\nmissing = offered:Nothing\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    cls = strategy_loader.load_class("bought", None)
    assert (cls.__name__, len(cls.source_hash)) == ("Mine", 16)
    with pytest.raises(Problem, match="no class derived from Strategy"):
        strategy_loader.load_class("wrong", None)
    with pytest.raises(Problem, match="AttributeError"):
        strategy_loader.load_class("missing", None)


def test_the_environment_keeps_no_secret() -> None:
    env = {
        "BYBIT_API_KEY": "k", "BYBIT_API_SECRET": "s", "PATH": "/bin",
        "TRADECTL_STORE_DATABASE": "postgresql://u:p@h/d",
        "MY_TOKEN": "t", "PGPASSWORD": "p", "SMTP_PASSWORD": "p", "TRADECTL_RISK_LEVERAGE": "1", "KEYBOARD": "us",
        "AWS_SECRET_ACCESS_KEY": "x", "github_token": "y", "TRADECTL_SANDBOX_ACCOUNTS": "a:b",
    }  # fmt: skip
    removed = scrub(env)
    assert env == {"PATH": "/bin", "TRADECTL_RISK_LEVERAGE": "1", "KEYBOARD": "us"}
    assert of_database(removed) == {"PGPASSWORD": "p"}, "the store alone gets it back"
