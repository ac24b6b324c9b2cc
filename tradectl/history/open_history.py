"""Whatever somebody names as data, opened as history: a store, a folder of files, or single files."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tradectl.history.combining import combine
from tradectl.history.file_names import named
from tradectl.history.instruments import guess_instrument
from tradectl.history.layout import INSTRUMENTS, every_series
from tradectl.history.made_up import made_up_in
from tradectl.history.market_file import GUESS, Hints, MarketFile, read_market_files
from tradectl.history.reading import History, MemoryHistory, Span, fingerprint
from tradectl.history.series import Columns, SeriesId
from tradectl.history.store import ParquetStore
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Instrument, InstrumentId

#: Files of a folder that are taken for market data; all others are left alone.
ENDINGS = (".csv", ".csv.gz", ".csv.zip", ".json", ".json.gz", ".jsonl", ".jsonl.gz", ".parquet", ".zip")


class OpenedHistory:
    """History with an instrument for everything that has prices.

    ``notes`` says what was guessed or found: texts, and whose it is where it is one instrument's.
    """

    def __init__(self, inner: History, notes: Mapping[str, InstrumentId | None]) -> None:
        self._inner = inner
        self._guessed: dict[InstrumentId, Instrument] = {}
        self._notes = dict(notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """All that was guessed or found."""
        return tuple(self._notes)

    def notes_about(self, instruments: Collection[InstrumentId]) -> tuple[str, ...]:
        """Without what is about other instruments alone."""
        return tuple(note for note, whose in self._notes.items() if whose is None or whose in instruments)

    def series(self) -> Sequence[SeriesId]:
        """Every series there is, in order."""
        return self._inner.series()

    def span(self, series: SeriesId) -> Span | None:
        """What there is of ``series``."""
        return self._inner.span(series)

    def read(self, series: SeriesId, since: int, until: int) -> Iterator[Columns]:
        """The rows with ``since <= time < until`` in parts."""
        return self._inner.read(series, since, until)

    def instruments(self, at: int) -> Mapping[InstrumentId, Instrument]:
        """The stored instruments as of ``at``, and guessed ones for whatever has prices and no stored one."""
        known = dict(self._inner.instruments(at))
        for identity in dict.fromkeys(it.instrument for it in self._inner.series()):
            if identity not in known:
                self._guess(identity)
        return {**self._guessed, **known}

    def fingerprint(self, series: Iterable[SeriesId], since: int, until: int) -> str:
        """A hash (hex) of exactly these rows."""
        return fingerprint(self, series, since, until)

    def _guess(self, identity: InstrumentId) -> None:
        if identity in self._guessed:
            return
        try:
            self._guessed[identity], note = guess_instrument(self._inner, identity)
        except Problem as problem:
            if problem.code not in (ErrorCode.NOT_FOUND, ErrorCode.UNKNOWN_SYMBOL):
                raise
            note = f"{identity}: {problem.message}"
        self._notes[note] = identity


def open_history(path: Path, hints: Hints = GUESS, only: Iterable[str] = ()) -> OpenedHistory:
    """A store's folder, a folder of market files, or one file.

    Of a folder of files, those of a symbol in ``only`` (all without) are read and checked at once, without Parquet
    files no pyarrow is needed. Files of one series are joined; they must not contradict each other.

    Raises :class:`Problem` when there is nothing, or a file is not in order.
    """
    if not path.exists():
        raise _nothing(path, "it does not exist")
    if path.is_dir() and is_store(path):
        store = ParquetStore(path)
        return OpenedHistory(store, dict(_made_up_notes(store)))
    return open_files([path], hints, path, only)


def _made_up_notes(store: ParquetStore) -> Iterator[tuple[str, InstrumentId]]:
    for series in store.series():
        for how in ("flat", "finer"):
            rows = sum(it.rows for it in made_up_in(store.folder, series) if it.how == how)
            if rows:
                words = "made up flat" if how == "flat" else "made from finer data"
                yield f"{series}: {rows} rows were {words} by a repair", series.instrument


def is_store(path: Path) -> bool:
    """Whether a folder is a store's: it holds series, instruments, or nothing yet."""
    return bool(every_series(path)) or (path / INSTRUMENTS).is_dir() or not any(path.iterdir())


def open_files(
    paths: Sequence[Path], hints: Hints = GUESS, where: Path | None = None, only: Iterable[str] = ()
) -> OpenedHistory:
    """Market files, and those in folders, as one history in memory. Raises :class:`Problem`."""
    wanted = {symbol.upper() for symbol in only}
    files = [file for path in paths for file in (_files_in(path, wanted) if path.is_dir() else [path])]
    if not files:
        raise _nothing(where or paths[0], "no store, and no file whose name says a symbol that is wanted")
    data: dict[SeriesId, Columns] = {}
    notes: list[str] = []
    joined: Counter[str] = Counter()
    for path in files:
        for file in read_market_files(path, hints):
            joined[str(file.series)] += 1
            data[file.series] = _added(file, data.get(file.series))
            notes += _notes(file)
    notes += [f"{series} is joined from {count} files" for series, count in joined.items() if count > 1]
    return OpenedHistory(MemoryHistory(data), dict.fromkeys(notes))


def _added(file: MarketFile, before: Columns | None) -> Columns:
    if before is None:
        return file.columns
    try:
        return combine(file.series, before, file.columns, "refuse")[0]
    except Problem as problem:
        told = f"{file.path} and a file before it disagree: {problem.message}"
        remedy = "Leave one of the files out"
        raise Problem(problem.code, told, field="data", reason=problem.reason, remedy=remedy) from None


def _files_in(folder: Path, symbols: set[str]) -> list[Path]:
    """The market files of a folder: their names say the symbol, one of those wanted."""
    if every_series(folder):
        raise Problem(
            ErrorCode.INVALID_REQUEST,
            f"{folder} is a store, and is read alone",
            field="data",
            remedy="Import the other files into it with tradectl data import, or name files only",
        )
    files = [it for it in sorted(folder.rglob("*")) if it.is_file() and it.name.lower().endswith(ENDINGS)]
    names = [named(it).symbol for it in files]
    return [it for it, name in zip(files, names, strict=True) if name and (not symbols or name in symbols)]


def _nothing(path: Path, reason: str) -> Problem:
    return Problem(
        ErrorCode.NOT_FOUND,
        f"there is no market data in {path}: {reason}",
        field="data",
        reason=reason,
        remedy="tradectl data download and data import fill the store; --data names another, or files such as "
        "linear_BTCUSDT_1m.csv",
    )


def _notes(file: MarketFile) -> Iterator[str]:
    for finding in file.findings:
        yield f"{file.path.name}: {finding.text}"
    if file.missing:
        yield f"{file.path.name}: {file.missing} rows are missing in {len(file.gaps)} gaps"
