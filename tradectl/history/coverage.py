"""Which stretches of trades and quotes were followed without a break: rows alone cannot tell silence from a gap."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tradectl.history.series import SeriesId
from tradectl.history.spool import series_file
from tradectl.model.errors import ErrorCode, Problem

#: ``since <= time < until``, nanoseconds.
Stretch = tuple[int, int]


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same moments as stretches that neither touch nor overlap, in order; empty ones vanish."""
    found: list[Stretch] = []
    for since, until in sorted(stretches):
        if since >= until:
            continue
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return found


def without(since: int, until: int, taken: Iterable[Stretch]) -> list[Stretch]:
    """What of ``since`` to ``until`` is in none of ``taken``."""
    left: list[Stretch] = []
    for start, end in merged(taken):
        if end <= since:
            continue
        if start >= until:
            break
        left.append((since, start))
        since = end
    left.append((since, until))
    return merged(left)


class Coverage:
    """The stretches of one series that are complete, kept in a JSON file of ``folder``."""

    def __init__(self, folder: Path, series: SeriesId) -> None:
        self.path = series_file(folder, series, ".covered.json")
        self._stretches = self._load()

    @property
    def stretches(self) -> list[Stretch]:
        """What is complete, in order."""
        return list(self._stretches)

    def add(self, since: int, until: int) -> None:
        """``since`` to ``until`` is complete; it is on disk when this returns."""
        self._stretches = merged([*self._stretches, (since, until)])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            file.write(msgspec.json.encode(self._stretches))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)

    def missing(self, since: int, until: int) -> list[Stretch]:
        """What of ``since`` to ``until`` is not complete."""
        return without(since, until, self._stretches)

    def _load(self) -> list[Stretch]:
        if not self.path.exists():
            return []
        try:
            return merged(msgspec.json.decode(self.path.read_bytes(), type=list[Stretch]))
        except msgspec.DecodeError as error:
            raise Problem(
                ErrorCode.CONFLICT,
                f"{self.path} is damaged: {error}",
                field="file",
                remedy="Remove it: what it covered is then downloaded again",
            ) from error
