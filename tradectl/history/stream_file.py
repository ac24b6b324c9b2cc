"""A file of Bybit's public stream, one message a line (``orderbook.N.SYMBOL``, ``publicTrade.SYMBOL``), as series.

Times are the matching engine's (``cts`` of books, ``T`` of trades; bybit-v5 8.2), so that both stand on one clock;
a book message without ``cts`` has the time it was sent.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradectl.history.checking import bad_amounts, ordered
from tradectl.history.columns import chosen, made
from tradectl.history.file_text import lines
from tradectl.history.findings import Fault, Report, first_of
from tradectl.history.series import Columns, Kind

MS = 1_000_000
Pairs = tuple[tuple[float, float], ...]
#: A row and the line it came from.
Row = tuple[Any, ...]


class _Book(Struct, gc=False):
    s: str
    b: Pairs
    a: Pairs
    u: int = 0


class _Trade(Struct, gc=False):
    T: int
    s: str
    S: str
    v: float
    p: float
    #: Tick direction, which spot does not state (bybit-v5 8.2).
    L: str | None = None


class _Message(Struct, gc=False):
    topic: str
    data: msgspec.Raw
    type: str = ""
    ts: int = 0
    cts: int = 0


class Stream(Struct, frozen=True):
    """One series of the file: its symbol, kind and depth, its rows, and how many lines they came from.

    ``is_spot`` is ``None`` where the messages do not tell.
    """

    symbol: str
    kind: Kind
    depth: str
    columns: Columns
    read: int
    is_spot: bool | None


def is_stream(first: str) -> bool:
    """Whether a file that begins with this line is one of messages."""
    return first.lstrip().startswith("{") and '"topic"' in first


def streams_of(report: Report) -> list[Stream]:
    """Every book and tape of the file, in order of symbol and kind; other topics are passed over.

    Raises :class:`Problem` for a line that cannot be read, an impossible amount, or a file without either. Messages
    are put in order of time without a word: books and trades come over different ways.
    """
    tracks = _Tracks(report)
    for number, text in enumerate(lines(report), 1):
        if text.strip():
            tracks.take(number, text)
    found = [it for it in tracks.streams() if len(it.columns)]
    if not found:
        raise report.problem(1, "file", "holds no message of orderbook or publicTrade", "Give a recording of those")
    return found


class _Tracks:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._message = msgspec.json.Decoder(_Message)
        self._book = msgspec.json.Decoder(_Book, strict=False)
        self._trades = msgspec.json.Decoder(tuple[_Trade, ...], strict=False)
        self._rows: dict[tuple[str, str, str], list[Row]] = {}
        self._lines: dict[tuple[str, str, str], list[int]] = {}
        self._updates: dict[tuple[str, str, str], int] = {}
        self._is_spot: dict[str, bool] = {}
        self._skipped: set[str] = set()

    def take(self, number: int, text: str) -> None:
        """One line."""
        try:
            message = self._message.decode(text)
            kind, _, rest = message.topic.partition(".")
            if kind == "orderbook":
                self._add_book(number, message, rest.partition(".")[0])
            elif kind == "publicTrade":
                self._add_trades(number, message)
            elif kind not in self._skipped:
                self._skipped.add(kind)
                self._report.warn("topic", f"messages of {kind} are passed over", line=number)
        except msgspec.DecodeError as error:
            fault = Fault("message", "row", f"is no message of the stream: {error}", number, 1)
            self._report.mend(fault, "dropped")

    def _add_book(self, number: int, message: _Message, depth: str) -> None:
        book = self._book.decode(message.data)
        key = (book.s, Kind.BOOK.value, depth)
        whole = message.type == "snapshot" or book.u == 1
        before, self._updates[key] = self._updates.get(key), book.u
        if not whole and before is None:
            return  # a change of what nobody knows
        if not whole and before is not None and book.u != before + 1:
            text = (
                f"updates are missing before line {number}: the book of {book.s} may be wrong until its next snapshot"
            )
            self._report.warn("gap", text, line=number)
        ts = (message.cts or message.ts) * MS
        levels = [(price, size, 1) for price, size in book.b] + [(price, size, -1) for price, size in book.a]
        for place, (price, size, side) in enumerate(levels):
            self._add(key, number, (ts, price, size, side, (1 if place else 2) if whole else 0))

    def _add_trades(self, number: int, message: _Message) -> None:
        for it in self._trades.decode(message.data):
            self._is_spot[it.s] = it.L is None
            self._add((it.s, Kind.TRADES.value, ""), number, (it.T * MS, it.p, it.v, 1 if it.S == "Buy" else -1))

    def _add(self, key: tuple[str, str, str], number: int, row: Row) -> None:
        self._rows.setdefault(key, []).append(row)
        self._lines.setdefault(key, []).append(number)

    def streams(self) -> Iterator[Stream]:
        """What came, as columns in the order of time, checked."""
        for key in sorted(self._rows):
            symbol, kind, depth = key[0], Kind(key[1]), key[2]
            columns = _columns(kind, self._rows[key])
            numbers = np.array(self._lines[key], np.int64)
            bad = bad_amounts(self._report, kind, columns, numbers, self._endless(columns, numbers))
            columns, numbers = chosen(columns, ~bad), numbers[~bad]
            columns, _ = ordered(Report(self._report.path, True), columns, numbers)
            yield Stream(symbol, kind, depth, columns, len(set(self._lines[key])), self._is_spot.get(symbol))

    def _endless(self, columns: Columns, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        bad = np.zeros(len(columns), bool)
        for name, values in zip(columns.names[1:3], columns.arrays()[1:3], strict=True):
            endless = ~np.isfinite(values)
            if endless.any():
                row = first_of(endless)
                rule = f"{float(values[row])!r} is no number"
                self._report.mend(Fault("bad_value", name, rule, int(numbers[row]), int(endless.sum())), "dropped")
            bad |= endless
        return bad


def _columns(kind: Kind, rows: list[Row]) -> Columns:
    cells = list(zip(*rows, strict=True))
    arrays = [np.array(cells[0], np.int64), np.array(cells[1], float), np.array(cells[2], float)]
    return made(kind, [*arrays, *(np.array(column, np.int8) for column in cells[3:])])
