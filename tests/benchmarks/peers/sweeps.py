"""A thousand pairs of parameters over one series: tradectl, vectorbt, and the bare kernel, in turn, in wall time."""

import argparse
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tests.benchmarks.measure import spread
from tests.benchmarks.peers import market
from tests.benchmarks.peers.environments import python_of
from tests.benchmarks.peers.registry import PEERS
from tests.benchmarks.peers.report import drawn
from tests.benchmarks.peers.runs import Once, Runner
from tests.benchmarks.table import number

#: Runs in one process: the last is warm.
RUNS = 3
OURS, VECTORBT, KERNEL = "tradectl sweep", "vectorbt", "bare kernel"
_SCRIPTS = {OURS: "sweep_tradectl.py", VECTORBT: "sweep_vectorbt.py", KERNEL: "sweep_kernel.py"}
#: Returns this near are the same but for the rounding of float64.
NEAR = 1e-9


def run(runner: Runner, given: argparse.Namespace, scratch: Path, say: Any) -> dict[str, Any]:
    """Rounds of all who are there. Returns speeds, seconds from command to result, and what differs in the returns."""
    folder = market.store(market.made_up(given.sweep_candles, seed=2), scratch / "sweep")
    pythons = {name: python_of(PEERS[0]) for name in _SCRIPTS}
    pythons[VECTORBT] = python_of(next(it for it in PEERS if it.environment == "vectorbt"))
    found: dict[str, list[tuple[Once, Once]]] = {name: [] for name, python in pythons.items() if python}
    returns: dict[str, Any] = {}
    chunk = "0"
    for turn in range(given.repeat):
        order = list(found)
        for name in order[turn % len(order) :] + order[: turn % len(order)]:
            say(f"sweep, round {turn + 1}: {name}")
            python = pythons[name]
            assert python is not None
            warm, path = runner.once(_SCRIPTS[name], python, folder, (str(given.pairs), str(RUNS), chunk))
            with np.load(path) as stored:
                returns[name] = stored["returns"]
            chunk = str(warm.more.get("chunk", chunk))
            whole, _ = runner.once(_SCRIPTS[name], python, folder, (str(given.pairs), "1", chunk))
            found[name].append((warm, whole))
    work = given.pairs * given.sweep_candles
    told = {name: _described(rounds, returns[name], returns[KERNEL], work) for name, rounds in found.items()}
    return {"pairs": given.pairs, "candles": given.sweep_candles, "chunk": int(chunk), "who": told}


def _described(rounds: list[tuple[Once, Once]], returns: Any, expected: Any, work: int) -> dict[str, Any]:
    off = np.abs(returns - expected)
    return {
        "per_wall_s": [work / warm.runs[-1]["wall"] for warm, _ in rounds],
        "command_to_result_s": [whole.seconds for _, whole in rounds],
        "mb": [warm.mb for warm, _ in rounds],
        "returns_off": int((~(off <= NEAR)).sum()), "most_off": float(np.nanmax(off)),
        "notes": rounds[-1][0].notes,
    }  # fmt: skip


def verdicts(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The bars of the sweep, round by round."""
    who, made = told["who"], []
    bars = ((VECTORBT, "per_wall_s", 40.0, True), (KERNEL, "per_wall_s", 0.7, True),
            (VECTORBT, "command_to_result_s", 0.5, False))  # fmt: skip
    for peer, what, goal, at_least in bars:
        if peer in who:
            ratios = [ours / other for ours, other in zip(who[OURS][what], who[peer][what], strict=True)]
            figure = median(ratios)
            made.append({
                "what": f"{OURS} / {peer}, {'wall' if at_least else 'command to result'}", "figure": figure,
                "spread": spread(ratios), "goal": f"{'≥' if at_least else '≤'} {goal:g}x",
                "met": figure >= goal if at_least else figure <= goal,
            })  # fmt: skip
    return made


def table(told: dict[str, Any]) -> str:
    """A line for each, and what differs."""
    work = f"{told['pairs']:,} x {told['candles']:,}"
    rows = [
        (name, work, number(median(it["per_wall_s"])), number(spread(it["per_wall_s"])),
         number(median(it["command_to_result_s"])), number(median(it["mb"])), _same(it))
        for name, it in told["who"].items()
    ]  # fmt: skip
    head = ("sweep", "pairs x candles", "pairs x candles/s", "± ", "command to result, s", "peak MB", "returns")
    notes = [f"{name}: {text}" for name, it in told["who"].items() for text in it["notes"]]
    return "\n\n".join([drawn(head, rows), f"vectorbt took {told['chunk']} pairs at a time", *notes])


def _same(it: dict[str, Any]) -> str:
    return f"{it['returns_off']} off by at most {it['most_off']:.1e}" if it["returns_off"] else "same"
