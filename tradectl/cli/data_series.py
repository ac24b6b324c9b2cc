"""What the verbs of ``data`` share: the store, a series as people write it, a span, an offset."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tradectl.cli.when import moment
from tradectl.cli.words import UsageError
from tradectl.paths import history_folder

if TYPE_CHECKING:
    from tradectl.history.series import SeriesId
    from tradectl.history.store import ParquetStore

DATA = typer.Option("", "--data", metavar="DIR", help="Folder of the store (default: $TRADECTL_DATA).")
SINCE = typer.Option("", "--since", metavar="WHEN", help="An age (30d) or a time.")
UNTIL = typer.Option("", "--until", metavar="WHEN", help="An age (30d) or a time.")
FOREVER = 2**62
_LENGTH = re.compile(r"([+-]?)(\d+)(ms|s|m|h|d)")
_UNITS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}


def open_store(data: str) -> "ParquetStore":
    """The store of ``--data``. Raises ``Problem`` where Parquet cannot be read."""
    from tradectl.history.arrow import need_arrow
    from tradectl.history.store import ParquetStore

    need_arrow()
    return ParquetStore(Path(history_folder(data)))


def parse_series(text: str) -> "SeriesId":
    """``linear:BTCUSDT candles 1m``; without a kind candles are meant. Raises ``UsageError``."""
    from tradectl.history.columns import WITH_INTERVAL
    from tradectl.history.series import Kind, SeriesId
    from tradectl.model.instruments import Category, InstrumentId
    from tradectl.model.market_data import INTERVALS

    words = [word for word in re.split(r"[\s:/]+", text) if word]
    kinds = [word for word in words[2:] if word in {kind.value for kind in Kind}]
    book = kinds == [Kind.BOOK.value]
    intervals = [word for word in words[2:] if (word.isdecimal() if book else word in INTERVALS)]
    if len(words) < 3 or words[0] not in {it.value for it in Category} or len(words) != 2 + len(kinds) + len(intervals):
        raise UsageError(f"{text!r} is no series: write it as data list does, such as 'linear:BTCUSDT candles 1m'")
    kind = Kind(kinds[0]) if kinds else Kind.CANDLES
    if bool(intervals) != (book or kind in WITH_INTERVAL):
        detail = "depth such as 50" if book else "interval"
        raise UsageError(f"{text!r}: {kind.value} {'need' if book or kind in WITH_INTERVAL else 'have no'} {detail}")
    return SeriesId(InstrumentId(Category(words[0]), words[1].upper()), kind, intervals[0] if intervals else "")


def span_given(since: str, until: str) -> tuple[int, int]:
    """``--since`` and ``--until`` in nanoseconds, all time without them. Raises ``UsageError``."""
    begin, end = moment(since) if since else -FOREVER, moment(until) if until else FOREVER
    if begin >= end:
        raise UsageError(f"--since {since} is not before --until {until or 'now'}")
    return begin, end


def length_given(option: str, text: str) -> int:
    """Nanoseconds of ``-3h``, ``+30m`` or ``250ms``. Raises ``UsageError``."""
    found = _LENGTH.fullmatch(text)
    if not found:
        raise UsageError(f"{option} {text}: write a length such as 30m, 3h or -250ms")
    return int(found[1] + found[2]) * _UNITS[found[3]]
