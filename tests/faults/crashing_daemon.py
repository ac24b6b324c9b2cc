"""A composition root of the tests: the daemon, but it dies with SIGKILL at the n-th journal record or order frame.

``python -m tests.faults.crashing_daemon --at N --phase PHASE <daemon arguments>``, where PHASE is

- ``before-write``: the n-th record was decided but not written,
- ``after-write``: it was written (an order of it is still unsent),
- ``after-send``: the bytes of the n-th order request were handed to the socket, its answer has not come.

Nothing in the product knows of it.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from tradectl.daemon.__main__ import main
from tradectl.exchange.bybit.connector import BybitConnector
from tradectl.journal import JournalWriter
from tradectl.model.commands import Entry, RiskApproved

PHASES = ("before-write", "after-write", "before-send", "after-send")


def die() -> None:
    """As a kill -9 from outside, at exactly this point."""
    os.kill(os.getpid(), signal.SIGKILL)


def crash_at_record(number: int, before: bool) -> None:
    """Die around the ``number``-th record this process appends."""
    append, count = JournalWriter.append, [0]

    def counted(self: JournalWriter, entry: Entry, reserve: bool = False) -> None:
        count[0] += 1
        if before and count[0] == number:
            die()
        append(self, entry, reserve)
        if not before and count[0] == number:
            die()

    JournalWriter.append = counted  # type: ignore[method-assign]


def crash_at_order(number: int, before: bool) -> None:
    """Die around the ``number``-th order this process hands to the venue."""
    execute_all, count = BybitConnector.execute_all, [0]

    def counted(self: BybitConnector, commands: Sequence[Any]) -> None:
        for place, command in enumerate(commands):
            count[0] += isinstance(command, RiskApproved)
            if isinstance(command, RiskApproved) and count[0] == number:
                execute_all(self, commands[: place if before else place + 1])
                die()
        execute_all(self, commands)

    BybitConnector.execute_all = counted  # type: ignore[method-assign]


def arm(number: int, phase: str) -> None:
    """Die at the ``number``-th record or order of this process, before or after it."""
    crash = crash_at_record if phase.endswith("write") else crash_at_order
    crash(number, phase.startswith("before"))


def run() -> int:
    """Arm the crash, then be the daemon."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--at", type=int, required=True)
    parser.add_argument("--phase", choices=PHASES, required=True)
    mine, rest = parser.parse_known_args()
    arm(mine.at, mine.phase)
    return main(rest)


if __name__ == "__main__":
    sys.exit(run())
