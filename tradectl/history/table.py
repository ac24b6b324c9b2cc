"""A CSV file, plain or gzip, as rows of named columns with their line numbers, read as a stream.

Every fault is a :class:`Problem` that names file, line, field and rule.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO

from tradectl.model.errors import ErrorCode, Problem

GZIP_MAGIC = b"\x1f\x8b"
NS_PER_MS = 1_000_000
#: Years 2000 to 2100 in milliseconds: seconds, microseconds and nanoseconds of our days all lie outside.
EARLIEST_MS, LATEST_MS = 946_684_800_000, 4_102_444_800_000

#: A column under each of the names it is known by.
Columns = Mapping[str, Sequence[str]]


class Table:
    """The rows of one file; ``columns`` maps each wanted column to its accepted header names, best first.

    A column whose names end in ``""`` is optional and reads as ``""`` when absent.
    """

    def __init__(self, path: Path, columns: Columns) -> None:
        self.path = path
        self._columns = columns

    def fault(self, line: int, field: str, rule: str) -> Problem:
        """The problem of one row: ``rule`` reads on from the field's name."""
        return Problem(
            ErrorCode.INVALID_REQUEST,
            f"{self.path}, line {line}: {field} {rule}",
            field=field,
            reason=rule,
            remedy="Correct or remove the row; nothing of the file was used",
            data={"file": str(self.path), "line": line},
        )

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and wanted values of each row, in the order of ``columns``."""
        line = 0
        with self._open() as stream, self._named_faults(lambda: line + 1):
            reader = csv.reader(stream, strict=True)
            header = self._header(reader)
            places = self._places(header)
            for row in reader:
                line = reader.line_num
                if len(row) != len(header):
                    raise self._uneven(line, row, header)
                yield line, [row[i] if i >= 0 else "" for i in places]
        if line == 0:
            raise self.fault(2, "row", "is missing: the file has a header and nothing else")

    def header(self) -> list[str]:
        """The names of all columns, in lower case."""
        with self._open() as stream, self._named_faults(lambda: 1):
            return self._header(csv.reader(stream, strict=True))

    def _header(self, reader: Iterator[list[str]]) -> list[str]:
        header = next(reader, None)
        if not header:
            raise self.fault(1, "header", "is missing: the file is empty")
        return [name.removeprefix("\ufeff").strip().lower() for name in header]

    @contextmanager
    def _named_faults(self, line: Callable[[], int]) -> Iterator[None]:
        try:
            yield
        except EOFError:
            raise self.fault(line(), "file", "is a truncated gzip file: it ends in the middle") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise self.fault(line(), "file", f"is a damaged gzip file: {error}") from None
        except UnicodeDecodeError:
            raise self.fault(line(), "file", "is not UTF-8 text") from None
        except csv.Error as error:
            raise self.fault(line(), "row", f"is not CSV: {error}") from None
        except OSError as error:
            raise self.fault(line(), "file", f"cannot be read: {error.strerror or error}") from None

    def _uneven(self, line: int, row: list[str], header: list[str]) -> Problem:
        if not row:
            return self.fault(line, "row", "is empty")
        return self.fault(line, "row", f"has {len(row)} values where the header names {len(header)}")

    def _places(self, header: list[str]) -> list[int]:
        places = []
        for column, aliases in self._columns.items():
            found = next((header.index(alias) for alias in aliases if alias in header), -1)
            if found < 0 and "" not in aliases:
                raise self.fault(1, column, f"is a missing column; the header has {', '.join(header)}")
            places.append(found)
        return places

    @contextmanager
    def _open(self) -> Iterator[TextIO]:
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise Problem(
                ErrorCode.INVALID_REQUEST,
                f"{self.path} cannot be opened: {error.strerror or error}",
                field="file",
                remedy="Check the path and its permissions",
            ) from None
        with file:
            packed = file.peek(2)[:2] == GZIP_MAGIC
            binary = gzip.GzipFile(fileobj=file) if packed else file
            yield io.TextIOWrapper(binary, encoding="utf-8", newline="")

    # --- values ---------------------------------------------------------------------------------------------------

    def time(self, line: int, field: str, text: str) -> int:
        """Milliseconds of ``text`` as nanoseconds."""
        if not (text.isascii() and text.isdigit()):
            raise self.fault(line, field, f"{text!r} is not a whole number of milliseconds since 1970")
        value = int(text) if len(text) < 20 else LATEST_MS
        if not EARLIEST_MS <= value < LATEST_MS:
            raise self.fault(line, field, f"{text} is not between the years 2000 and 2100 in milliseconds")
        return value * NS_PER_MS

    def number(self, line: int, field: str, text: str) -> Decimal:
        """``text`` as a finite Decimal with exactly its digits."""
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise self.fault(line, field, f"{text!r} is not a number" if text else "is empty") from None
        if not value.is_finite():
            raise self.fault(line, field, f"{text} is not a finite number")
        # Decimal() also takes 1_000 and the digits of other scripts, which no venue writes.
        if "_" in text or not text.isascii():
            raise self.fault(line, field, f"{text!r} is not a number")
        if value and not -30 <= value.adjusted() <= 20:
            raise self.fault(line, field, f"{text} is beyond any market: 1e-30 to 1e20 are taken")
        return value

    def positive(self, line: int, field: str, text: str) -> Decimal:
        """A number above zero."""
        value = self.number(line, field, text)
        if value <= 0:
            raise self.fault(line, field, f"{text} must be above 0")
        return value
