"""``python -m tests.benchmarks [ROW...] [--json]``: every hot path, each with its floor and its goal."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator

from tests.benchmarks.areas import AREAS
from tests.benchmarks.measure import Effort, Row
from tests.benchmarks.table import legend, plain, table
from tradectl.model.money import use_exact_context


def chosen(names: list[str]) -> list[str]:
    """The areas in which the named rows are; all without a name. Raises ``SystemExit`` for a name of nothing."""
    unknown = [name for name in names if name.partition(".")[0] not in AREAS]
    if unknown:
        raise SystemExit(f"{', '.join(unknown)}: no such row; there are {', '.join(AREAS)}")
    wanted = {name.partition(".")[0] for name in names}
    return [area for area in AREAS if not wanted or area in wanted]


def measured(names: list[str], effort: Effort, say: Callable[[str], None]) -> Iterator[Row]:
    """The rows asked for, as they come; ``engine`` names a whole area, ``engine.bar`` those that begin like that."""
    for area in chosen(names):
        say(area)
        for row in AREAS[area](effort):
            if not names or any(row.name == name or row.name.startswith(name) for name in names):
                yield row


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"an area ({', '.join(AREAS)}) or the start of a row")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row (default 5)")
    parser.add_argument("--scale", type=float, default=1.0, help="operations per round, as a share of the usual")
    given = parser.parse_args(arguments)
    # Installed byte code is a part of what is measured.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    use_exact_context()
    effort = Effort(given.rounds, given.scale)
    rows = list(measured(given.rows, effort, lambda area: print(f"measuring {area} ...", file=sys.stderr, flush=True)))
    if given.json:
        print(json.dumps(plain(rows), indent=1))
    elif rows:
        print(table(rows), legend(rows), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
