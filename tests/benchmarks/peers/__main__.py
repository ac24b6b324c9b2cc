"""``python -m tests.benchmarks.peers [--setup]``: the same strategy, candles and costs in tradectl and in others.

``--setup`` makes an environment for each of the others in the user's cache folder (``TRADECTL_PEERS`` names another
one). Everybody runs in a process of its own, its rounds interleaved with those of the others; CPU time is counted.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import environments, market, sweeps
from tests.benchmarks.peers.compare import read
from tests.benchmarks.peers.registry import PEERS, Peer
from tests.benchmarks.peers.report import absent, described, judged, names, table, verdicts
from tests.benchmarks.peers.runs import Runner


def set_up(wanted: list[str], say: Any) -> int:
    """Make environments anew, all or those of the peers named; the number of those that could not be made."""
    failed = 0
    for peer in {it.environment: it for it in _chosen(wanted) if it.environment}.values():
        why = environments.make(peer)
        failed += bool(why)
        say(f"{peer.name}: {why or f'installed in {environments.folder() / peer.environment}'}")
    return failed


def _chosen(wanted: list[str]) -> list[Peer]:
    unknown = [name for name in wanted if name not in names()]
    if unknown:
        raise SystemExit(f"{', '.join(unknown)}: no such peer; there are {', '.join(names())}")
    return [it for it in PEERS if not wanted or it.name in wanted]


def _at_hand(wanted: list[str]) -> tuple[list[Peer], dict[str, str]]:
    chosen = _chosen(wanted)
    missing = {it.name: environments.reason(it) for it in chosen if environments.python_of(it) is None}
    return [it for it in chosen if it.name not in missing], missing


def run(given: argparse.Namespace, scratch: Path, say: Any) -> dict[str, Any]:
    """Everything that was asked for, as plain values."""
    peers, missing = _at_hand(given.peer)
    columns = market.of_file(given.data) if given.data else market.made_up(given.candles)
    folder = market.store(columns, scratch / "candles")
    runner = Runner(scratch)
    found = runner.all(peers, folder, given.repeat, say)
    candles = read(folder)
    told = {
        "candles": len(candles), "load_average": os.getloadavg()[0], "peers": described(found, candles),
        "bars": verdicts(found), "absent": missing,
    }  # fmt: skip
    if given.sweep:
        told["sweep"] = sweeps.run(runner, given, scratch, say)
        told["bars"] += sweeps.verdicts(told["sweep"])
    return told


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers", description=__doc__)
    parser.add_argument("peer", nargs="*", help="some of them alone")
    parser.add_argument("--setup", action="store_true", help="make the environments of the peers, then end")
    parser.add_argument("--candles", type=int, default=500_000, help="how many are made up (default 500,000)")
    parser.add_argument("--data", type=Path, help="a file of one-minute candles instead")
    parser.add_argument("--repeat", type=int, default=3, help="rounds (default 3)")
    parser.add_argument("--sweep", action="store_true", help="also 1,000 pairs of parameters over 100,000 candles")
    parser.add_argument("--pairs", type=int, default=1000, help="of the sweep")
    parser.add_argument("--sweep-candles", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    if given.setup:
        return 1 if set_up(given.peer, say) else 0
    with tempfile.TemporaryDirectory() as scratch:
        told = run(given, Path(scratch), say)
    if given.json:
        print(json.dumps(told, indent=1))
        return 0
    parts = [table(told["peers"])]
    if given.sweep:
        parts.append(sweeps.table(told["sweep"]))
    parts += [judged(told["bars"]), absent(told["absent"]), f"load average {told['load_average']:.2f}"]
    print("\n\n".join(part for part in parts if part))
    return 0


if __name__ == "__main__":
    sys.exit(main())
