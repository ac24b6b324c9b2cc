"""The control socket: one call and its answer, against a bare echo on the same loop."""

import json
import socket
import tempfile
import time
from collections.abc import Iterator
from functools import partial

from tests.benchmarks.measure import Effort, Goal, Row, interleaved, quantile
from tests.benchmarks.processes import module
from tradectl.paths import Paths


class Caller:
    """A blocking client that sends the same line and reads one line."""

    def __init__(self, path: str, line: bytes) -> None:
        self._line = line
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(10.0)
        self._socket.connect(path)

    def call(self) -> bytes:
        """One round trip. Raises ``RuntimeError`` when the answer is a refusal."""
        self._socket.sendall(self._line)
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self._socket.recv(1 << 16)
        return answer

    def close(self) -> None:
        self._socket.close()


def _trips(caller: Caller, times: int, found: list[float]) -> float:
    """The median of many round trips; all of them are kept in ``found`` for the tail."""
    clock = time.perf_counter_ns
    trips = []
    for _ in range(times):
        before = clock()
        caller.call()
        trips.append((clock() - before) / 1_000)
    found[:] = trips
    return quantile(trips, 0.5)


def _measured(name: str, method: str, state: str, effort: Effort) -> Iterator[Row]:
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}).encode() + b"\n"
    run = Paths(state).run
    callers = {"own": Caller(f"{run}/daemon.sock", line), "echo": Caller(f"{run}/echo.sock", line)}
    answer = json.loads(callers["own"].call())
    if "result" not in answer:
        raise RuntimeError(f"{method} was refused: {answer}")
    times = effort.count(3_000, least=20)
    last: dict[str, list[float]] = {name: [] for name in callers}
    tails: dict[str, list[float]] = {name: [] for name in callers}

    def trips(who: str) -> float:
        median = _trips(callers[who], times, last[who])
        tails[who].append(quantile(last[who], 0.99))
        return median

    found = interleaved(effort.rounds, {who: partial(trips, who) for who in callers})
    for caller in callers.values():
        caller.close()
    what = f"{method} over the control socket and back ({len(json.dumps(answer)):,} bytes), wall"
    yield Row(name=f"rpc.{name}-p50", what=what, unit="us", values=found["own"], floors={"echo": found["echo"]},
              goals=(Goal(100.0),))  # fmt: skip
    yield Row(name=f"rpc.{name}-p99", what=what, unit="us", values=tails["own"], floors={"echo": tails["echo"]},
              goals=(Goal(1_000.0),))  # fmt: skip


def rows(effort: Effort) -> Iterator[Row]:
    """A small call and the largest common one."""
    with tempfile.TemporaryDirectory(prefix="tctl-") as state, module("status_server", state):
        yield from _measured("call", "reconcile", state, effort)
        yield from _measured("status", "status", state, effort)
