"""Runs peers in processes of their own, in turn, and collects what they found."""

import json
import subprocess
from pathlib import Path
from statistics import median
from typing import Any

from msgspec import Struct

from tests.benchmarks.peers.compare import Trades, trades_of
from tests.benchmarks.peers.environments import python_of
from tests.benchmarks.peers.registry import Peer
from tests.benchmarks.processes import environment, module

#: Seconds a peer may take: ten times what the slowest needs for the usual candles.
PATIENCE = 3600.0
ALONE = Path(__file__).parent / "alone"


class Once(Struct, kw_only=True):
    """One process. ``runs`` are CPU and wall seconds of each run in it; ``mb`` and ``seconds`` of the whole process."""

    runs: list[dict[str, float]]
    load: float
    mb: float
    seconds: float
    equity: float
    version: str
    python: str
    notes: list[str]
    more: dict[str, Any] = {}

    @property
    def warm(self) -> float:
        """CPU seconds of a run once everything is compiled and loaded: the median of all but the first."""
        return float(median([it["cpu"] for it in self.runs[1:]] or [self.runs[0]["cpu"]]))


class Found(Struct):
    """All rounds of one peer, and the trades of the last."""

    peer: Peer
    rounds: list[Once]
    trades: Trades = {}

    def middle(self, what: str) -> float:
        """The median over the rounds of an attribute."""
        return float(median(getattr(it, what) for it in self.rounds))


class Runner:
    """Starts scripts from a small process, whose memory is not charged to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def once(self, script: str, python: Path, candles: Path, words: tuple[str, ...]) -> tuple[Once, Path]:
        """Run a script. Raises ``RuntimeError`` with its last words when it fails."""
        answer = self.folder / f"{Path(script).stem}-{'-'.join(words)}"
        for ending in (".json", ".npz"):
            answer.with_name(answer.name + ending).unlink(missing_ok=True)
        argv = [str(python), str(ALONE / script), str(candles), str(answer), *words]
        with module("launcher") as launcher:
            said = json.loads(launcher.ask(json.dumps({"argv": argv, "env": environment()}), PATIENCE))
        if said["code"]:
            again = subprocess.run(argv, env=environment(), capture_output=True, text=True)
            raise RuntimeError(f"{script} failed: {(again.stderr.strip().splitlines() or ['without a word'])[-1]}")
        told = json.loads(answer.with_name(answer.name + ".json").read_text())
        usual = {name: told.pop(name) for name in ("runs", "load", "version", "python", "notes", "equity")}
        once = Once(**usual, mb=said["mb"], seconds=said["wall"] / 1e3, more=told)
        return once, answer.with_name(answer.name + ".npz")

    def all(self, peers: list[Peer], candles: Path, rounds: int, say: Any) -> list[Found]:
        """Every peer in each round, in an order that rotates; one that fails says why and is left out."""
        found = {peer.name: Found(peer, []) for peer in peers}
        for number in range(rounds):
            turn = number % len(peers)
            for peer in peers[turn:] + peers[:turn]:
                say(f"round {number + 1}: {peer.name}")
                python = python_of(peer)
                assert python is not None
                once, trades = self.once(peer.script, python, candles, peer.words)
                found[peer.name].rounds.append(once)
                if number == rounds - 1:
                    found[peer.name].trades = trades_of(trades)
        return list(found.values())
