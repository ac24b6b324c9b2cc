"""The harness: interleaved rounds, CPU and wall time, medians with their spread, and what a row of the table is.

A figure is the median over the rounds; rounds of a candidate and of its floor alternate, so that whatever else the
machine does falls on both. Nothing here judges an absolute time in a test: a goal that is met or not is only printed.
"""

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from statistics import median, quantiles

from msgspec import Struct


class Effort(Struct, frozen=True):
    """How long to measure: ``rounds`` of each candidate, ``scale`` times the usual number of operations."""

    rounds: int = 5
    scale: float = 1.0

    def count(self, usual: int, least: int = 1) -> int:
        """``usual`` operations at this effort."""
        return max(least, int(usual * self.scale))


class Goal(Struct, frozen=True):
    """A bound of goals.md: on the figure itself, or (``floor`` named) on its ratio to that floor of the same run."""

    limit: float
    floor: str = ""
    at_least: bool = False

    def holds(self, figure: float) -> bool:
        return figure >= self.limit if self.at_least else figure <= self.limit


class Row(Struct, kw_only=True):
    """One hot path. ``values`` and each of ``floors`` have one entry per round, in ``unit``."""

    name: str
    what: str
    unit: str
    values: list[float]
    floors: dict[str, list[float]] = {}
    goals: tuple[Goal, ...] = ()
    note: str = ""

    def ratios(self, floor: str) -> list[float]:
        """This round's value over this round's floor."""
        return [value / below for value, below in zip(self.values, self.floors[floor], strict=True) if below]

    def figures(self, goal: Goal) -> list[float]:
        """What the goal speaks of, by round."""
        return self.ratios(goal.floor) if goal.floor else self.values

    def is_met(self, goal: Goal) -> bool:
        """Whether the median keeps to the goal."""
        figures = self.figures(goal)
        return bool(figures) and goal.holds(median(figures))


def spread(values: list[float]) -> float:
    """Half the distance between the quartiles; with fewer than three rounds, half the range."""
    if len(values) < 3:
        return (max(values) - min(values)) / 2 if values else 0.0
    low, _, high = quantiles(values, n=4, method="inclusive")
    return (high - low) / 2


def quantile(values: list[float], share: float) -> float:
    """The value below which ``share`` of all lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def interleaved(rounds: int, jobs: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Run every job once per round, in an order that rotates; one value per job and round."""
    names = list(jobs)
    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            found[name].append(jobs[name]())
    return found


@contextmanager
def settled_memory() -> Iterator[None]:
    """What exists now is left alone by the collector, as in the daemon after its start."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def cpu_us(work: Callable[[], int]) -> float:
    """Microseconds of this thread's CPU time per operation; ``work`` returns how many it did."""
    with settled_memory():
        before = time.thread_time_ns()
        count = work()
        return (time.thread_time_ns() - before) / count / 1_000


def wall_us(work: Callable[[], int]) -> float:
    """Microseconds of wall time per operation; ``work`` returns how many it did."""
    with settled_memory():
        before = time.perf_counter_ns()
        count = work()
        return (time.perf_counter_ns() - before) / count / 1_000


def over(function: Callable[[bytes], object], messages: Iterable[bytes]) -> Callable[[], int]:
    """Work for :func:`cpu_us`: ``function`` on each message."""

    def work() -> int:
        count = 0
        for message in messages:
            function(message)
            count += 1
        return count

    return work
