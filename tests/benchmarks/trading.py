"""Through real sockets: from a print to the order that follows, and what a flood of prints costs.

Five clients of one venue, each a process of its own: the floor (picows and msgspec alone), the connector alone, the
connector over ``websockets``, the connector with the engine, and the whole daemon with its journal.
"""

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.daemon_client import cpu_ns, daemon_on
from tests.benchmarks.measure import Effort, Goal, Row, quantile
from tests.benchmarks.processes import Helper, helper, module

CLIENTS = ("bare", "connector", "websockets", "engine", "daemon")
#: Between an order and the next print that brings one the market goes on, and the journal's flush comes to its end.
PACE_US, QUIET_PRINTS = 500.0, 8
WHAT = {
    "connector": "the connector alone",
    "websockets": "the connector alone, over websockets",
    "engine": "connector, engine, strategy, risk and queue",
    "daemon": "the whole daemon, journal included",
}


class Bench:
    """The venue, its clients and the control process."""

    def __init__(self, venue: Helper, ticker: Helper, pids: dict[str, int]) -> None:
        self._venue = venue
        self._ticker = ticker
        self._pids = pids

    def ask(self, **asked: Any) -> Any:
        """Ask the venue. Raises ``RuntimeError`` with what it says was wrong."""
        answer = json.loads(self._venue.ask(json.dumps(asked)))
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["ok"]

    def ticks(self, name: str, count: int) -> tuple[list[float], float]:
        """Latencies of a stretch of prints, and the idle ticker's p99 of lateness meanwhile."""
        self._ticker.say("begin")
        found = self.ask(ticks=name, count=count, pace_us=PACE_US, quiet=QUIET_PRINTS)
        return found, float(json.loads(self._ticker.ask("end"))["p99"])

    def flood_us(self, name: str, count: int) -> float:
        """CPU microseconds of a client's main thread per print, when there is always a next one to read.

        The client stands still while the prints are written: else a faster client would be charged for waking up
        more often.
        """
        pid = self._pids[name]
        os.kill(pid, signal.SIGSTOP)
        try:
            self.ask(fill=name, count=count)
            before = cpu_ns(pid)
        finally:
            os.kill(pid, signal.SIGCONT)
        self.ask(drain=name)
        return (cpu_ns(pid) - before) / count / 1_000


def _keep_apart(venue: int, clients: dict[str, int]) -> None:
    """The venue on a processor of its own: it must not sleep while an order is on its way, nor stand in its way.

    Only the clients' loops are moved off it; threads beside a loop (the journal's) go where there is room.
    """
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        return
    os.sched_setaffinity(venue, {first})
    for pid in clients.values():
        os.sched_setaffinity(pid, others)


def _start(stack: ExitStack) -> Bench:
    venue = stack.enter_context(helper("-m", "tests.benchmarks.venue_process"))
    ports = json.loads(venue.hear())

    def addresses(name: str) -> tuple[str, str]:
        return f"http://127.0.0.1:{ports['rest']}", f"ws://127.0.0.1:{ports['streams']}/{name}"

    pids = {"bare": stack.enter_context(module("bare_client", addresses("bare")[1])).pid}
    for name, kind, transport in (
        ("connector", "connector", "picows"),
        ("websockets", "connector", "websockets"),
        ("engine", "engine", "picows"),
    ):
        client = stack.enter_context(module("own_client", kind, *addresses(name), transport))
        pids[name] = client.pid
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="tctl-"))
    pids["daemon"] = stack.enter_context(daemon_on(Path(directory), *addresses("daemon")))
    bench = Bench(venue, stack.enter_context(module("idle_ticker")), pids)
    _keep_apart(venue.pid, pids)
    for name in CLIENTS:
        bench.ask(wait=name)
    return bench


def _turns(number: int) -> tuple[str, ...]:
    """The clients in this round's order."""
    start = number % len(CLIENTS)
    return CLIENTS[start:] + CLIENTS[:start]


def tick_rows(effort: Effort) -> Iterator[Row]:
    """From a print's bytes written to the order's bytes received."""
    p50: dict[str, list[float]] = {name: [] for name in CLIENTS}
    p99: dict[str, list[float]] = {name: [] for name in CLIENTS}
    excess: dict[str, list[float]] = {name: [] for name in CLIENTS}
    idles: list[float] = []
    with ExitStack() as stack:
        bench = _start(stack)
        for name in CLIENTS:
            bench.ticks(name, effort.count(100, least=3))
        for number in range(effort.rounds):
            for name in _turns(number):
                times, idle = bench.ticks(name, effort.count(300, least=5))
                idles.append(idle)
                p50[name].append(quantile(times, 0.5))
                p99[name].append(quantile(times, 0.99))
                excess[name].append(max(0.0, p99[name][-1] - idle))
    note = f"picows p99 {median(p99['bare']):,.0f} us, idle ticker p99 {median(idles):,.0f} us"
    for name, what in WHAT.items():
        goals = (Goal(2.5, "picows"),) if name == "daemon" else (Goal(1.3, "picows"),) if name == "connector" else ()
        yield Row(
            name=f"tick.{name}", what=f"print written to order received, p50, wall: {what}", unit="us",
            values=p50[name], floors={"picows": p50["bare"]}, goals=goals,
        )  # fmt: skip
        yield Row(
            name=f"tick.{name}-p99", what=f"the same, p99 above the idle ticker's; raw {median(p99[name]):,.0f} us",
            unit="us", values=excess[name], floors={"own p50": p50[name]},
            goals=(Goal(3.0, "own p50"),) if name == "daemon" else (), note=note,
        )  # fmt: skip


def receive_rows(effort: Effort) -> Iterator[Row]:
    """A flood of prints to a strategy that does nothing."""
    count = effort.count(20_000, least=100)
    found: dict[str, list[float]] = {name: [] for name in CLIENTS}
    with ExitStack() as stack:
        bench = _start(stack)
        for name in CLIENTS:
            bench.flood_us(name, max(100, count // 4))
        for number in range(effort.rounds):
            for name in _turns(number):
                found[name].append(bench.flood_us(name, count))
    for name, what in WHAT.items():
        goals = (Goal(1.3, "picows"),) if name in ("connector", "engine") else ()
        rate = 1e6 / median(found[name])
        yield Row(
            name=f"receive.{name}", what=f"one print received, decoded and dispatched, CPU of the main thread: {what}",
            unit="us", values=found[name], floors={"picows": found["bare"]}, goals=goals,
            note=f"{rate:,.0f} a second and core",
        )  # fmt: skip
