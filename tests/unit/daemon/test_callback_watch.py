"""Callbacks that take too long are ended where they stand, only they; a loop in C is remembered by the black box."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.harness import config, ready
from tradectl.daemon.black_box import BlackBox
from tradectl.daemon.callback_watch import CallbackWatch
from tradectl.engine.config import StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.model.commands import StrategyStatus
from tradectl.model.market_data import Bar

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[CallbackWatch]:
    found = CallbackWatch(0.1, 30.0, BlackBox(tmp_path))
    found.start()
    yield found
    found.stop()


def strategy(do: Callable[[Any], None]) -> type[Strategy]:
    class Does(Strategy):
        def on_start(self) -> None:
            self.subscribe_bars("BTCUSDT", "1m")
            self.count = 0

        def on_bar(self, bar: Bar) -> None:
            self.count += 1
            do(self)

    return Does


def for_ever(s: Any) -> None:
    s.buy("BTCUSDT", 1, reason="before the loop")
    while True:
        s.count += 1


def swallows_once(s: Any) -> None:
    try:
        for_ever(s)
    except BaseException:  # noqa: BLE001 - what a careless strategy does
        s.buy("BTCUSDT", 2, reason="as if nothing happened")


def swallows_thrice(s: Any) -> None:
    for _ in range(3):
        swallows_once(s)


def turns_it_into_another(s: Any) -> None:
    try:
        for_ever(s)
    except BaseException as error:
        raise ValueError("mine") from error


def sleeps(s: Any) -> None:
    time.sleep(60)


@pytest.mark.parametrize("do", [for_ever, swallows_once, swallows_thrice, turns_it_into_another, sleeps])
def test_it_is_aborted_wherever_it_stands(watch: CallbackWatch, do: Callable[[Any], None]) -> None:
    strategies = (StrategyConfig(name="slow", class_="slow"), StrategyConfig(name="calm", class_="calm"))
    bench = ready(config(*strategies), {"slow": strategy(do), "calm": strategy(lambda s: None)})
    bench.engine.host.callbacks.guard = watch
    bench.history({0: 100.0})
    began = time.monotonic()
    bench.bar(1, 100.0)
    assert time.monotonic() - began < 5
    slow = bench.engine.host.runners["slow"]
    assert slow.status is StrategyStatus.STOPPED
    assert slow.reason == "on_bar: it took more than 100 ms and was aborted"
    assert bench.creates() == []
    assert bench.engine.host.runners["calm"].strategy.count == 1  # type: ignore[attr-defined]


def test_quick_callbacks_and_everything_else_are_left_alone(watch: CallbackWatch) -> None:
    bench = ready(config(StrategyConfig(name="s", class_="s")), {"s": strategy(lambda s: time.sleep(0.02))})
    bench.engine.host.callbacks.guard = watch
    bench.history({0: 100.0})
    for number in range(1, 12):  # longer than the limit together, none of them alone
        bench.bar(number, 100.0)
    assert bench.engine.host.runners["s"].strategy.count == 11  # type: ignore[attr-defined]
    deadline = time.monotonic() + 0.4
    while time.monotonic() < deadline:  # not in a callback
        pass


def test_a_signal_that_comes_too_late_is_nobodys(watch: CallbackWatch) -> None:
    watch.enter("one")
    watch.leave()
    watch.enter("two")
    signal.raise_signal(signal.SIGURG)
    assert watch.leave() == ""


def test_an_orderly_end_leaves_nothing_to_blame(tmp_path: Path) -> None:
    box = BlackBox(tmp_path)
    assert box.died() is None
    watch = CallbackWatch(1.0, 30.0, box)
    watch.start()
    watch.enter("s")
    watch.leave()
    watch.stop()
    assert BlackBox(tmp_path).died() is None
    assert list(tmp_path.iterdir()) == []


DIES = """
import itertools, os, sys, signal
from pathlib import Path
from tests.unit.engine.harness import config, ready
from tests.unit.daemon.test_callback_watch import strategy
from tradectl.daemon.black_box import BlackBox
from tradectl.daemon.callback_watch import CallbackWatch
from tradectl.engine.config import StrategyConfig

def count(s):
    sum(itertools.count())

def crash(s):
    os.kill(os.getpid(), signal.SIGSEGV)

def killed(s):
    os.kill(os.getpid(), signal.SIGKILL)

def swallows(s):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass

watch = CallbackWatch(0.2, 1.5, BlackBox(Path(sys.argv[1])))
bench = ready(config(StrategyConfig(name="greedy", class_="g")), {"g": strategy(globals()[sys.argv[2]])})
watch.start()
bench.engine.host.callbacks.guard = watch
bench.history({0: 100.0})
bench.bar(1, 100.0)
print("lived")
"""


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("count", "it held the process for 1.5 s and the daemon ended itself, in count (<string>, line "),
        ("swallows", "it held the process for 1.5 s and the daemon ended itself, in swallows (<string>, line "),
        ("crash", "it crashed the process (Segmentation fault), in crash (<string>, line "),
        ("killed", ""),
    ],
)
def test_what_python_cannot_end_ends_the_process_and_is_named_afterwards(tmp_path: Path, do: str, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DIES, str(tmp_path), do], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert "lived" not in done.stdout
    died = BlackBox(tmp_path).died()
    if not words:
        assert died is None, "killed from outside: nobody's fault"
        return
    assert died is not None, done.stderr
    assert died.name == "greedy"
    assert died.reason.startswith(words)
