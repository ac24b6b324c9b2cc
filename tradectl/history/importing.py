"""A foreign file into the store: read, checked, merged, and told in numbers."""

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from tradectl.history.combining import Policy, Written
from tradectl.history.market_file import Hints, MarketFile, read_market_files
from tradectl.history.open_history import ENDINGS
from tradectl.history.store import ParquetStore
from tradectl.model.errors import ErrorCode, Problem


class Imported(Struct, frozen=True):
    """A series of a file that was read, and what became of its rows; ``written`` is ``None`` for a dry run."""

    file: MarketFile
    written: Written | None


def import_file(store: ParquetStore | None, path: Path, hints: Hints, policy: Policy = "refuse") -> list[Imported]:
    """Import one file, series by series; without a store it is only read and checked.

    Raises :class:`Problem` with nothing of the series at fault written.
    """
    return [
        Imported(file, store.write(file.series, file.columns, policy) if store else None)
        for file in read_market_files(path, hints)
    ]


def files_in(paths: Iterable[Path]) -> list[Path]:
    """The files to import: those named, and all market files of folders that are named. Raises :class:`Problem`."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [it for it in sorted(path.iterdir()) if it.is_file() and it.name.lower().endswith(ENDINGS)]
            if not inside:
                raise Problem(
                    ErrorCode.NOT_FOUND,
                    f"{path} holds no file that could be imported",
                    field="file",
                    reason=f"endings known here are {', '.join(ENDINGS)}",
                    remedy="Name the files",
                )
            found += inside
        else:
            found.append(path)
    return found
