"""A composition root of the tests: the daemon on a stepped venue, but the market stands while a file exists.

``python -m tests.faults.held_daemon --hold FILE [--at N --phase PHASE] <daemon arguments>``. Answers and private
messages go on meanwhile, so what daemon and venue say comes to rest and can be compared. With ``--at`` it also dies,
as :mod:`tests.faults.crashing_daemon` does. Nothing in the product knows of it.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from tests.faults.crashing_daemon import PHASES, arm
from tradectl.daemon.__main__ import main
from tradectl.daemon.barrier import Barrier

#: How often the file is looked for (seconds).
LOOK = 0.01


def hold_while(path: Path) -> None:
    """Report to be unready while ``path`` exists."""
    make, stay = Barrier.__init__, Barrier._stay

    def made(self: Barrier, *words: Any) -> None:
        make(self, *words)
        ready = self._ready
        self._ready = lambda: ready() and not path.exists()

    async def stayed(self: Barrier) -> None:
        async def look() -> None:
            while True:
                self.report()
                await asyncio.sleep(LOOK)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(look())
            tasks.create_task(stay(self))

    Barrier.__init__ = made  # type: ignore[method-assign, assignment]
    Barrier._stay = stayed  # type: ignore[method-assign]


def run() -> int:
    """Arm what was asked for, then be the daemon."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hold", type=Path, required=True)
    parser.add_argument("--at", type=int, default=0)
    parser.add_argument("--phase", choices=PHASES, default=PHASES[0])
    mine, rest = parser.parse_known_args()
    hold_while(mine.hold)
    if mine.at:
        arm(mine.at, mine.phase)
    return main(rest)


if __name__ == "__main__":
    sys.exit(run())
