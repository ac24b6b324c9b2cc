"""A text file, plain, gzip or zip, as lines. Knows nothing of what is in it."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

from tradectl.history.findings import Fault, Report
from tradectl.model.errors import ErrorCode, Problem

GZIP_MAGIC, ZIP_MAGIC, PARQUET_MAGIC = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"


def magic(path: Path) -> bytes:
    """The first bytes of ``path``. Raises :class:`Problem` when it cannot be read or is empty."""
    try:
        with path.open("rb") as file:
            found = file.read(4)
    except OSError as error:
        raise Problem(
            ErrorCode.INVALID_REQUEST,
            f"{path} cannot be opened: {error.strerror or error}",
            field="file",
            remedy="Check the path and its permissions",
        ) from None
    if not found:
        raise Report(path, False).problem(1, "file", "is empty", "Give a file with rows")
    return found


@contextmanager
def opened(report: Report) -> Iterator[IO[bytes]]:
    """The unpacked bytes of the report's file. Raises :class:`Problem`."""
    start = magic(report.path)
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(report.path.open("rb"))
        if start[:2] == GZIP_MAGIC:
            file = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=file)))
        elif start == ZIP_MAGIC:
            file = stack.enter_context(_only_member(stack, file, report))
        yield file


def _only_member(stack: ExitStack, file: IO[bytes], report: Report) -> IO[bytes]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(file))
    except zipfile.BadZipFile as error:
        raise report.problem(0, "file", f"is a damaged zip file: {error}", "Get the file again") from None
    names = [it.filename for it in archive.infolist() if not it.is_dir() and not it.filename.startswith("__MACOSX/")]
    if len(names) != 1:
        rule = f"holds {len(names)} files, and one is expected: {', '.join(names[:5]) or 'none'}"
        raise report.problem(0, "file", rule, "Unpack it and import the files by name")
    return archive.open(names[0])


def lines(report: Report) -> Iterator[str]:
    """The lines of the report's file with their ends.

    A gzip file that ends in the middle is a fault, repaired by taking its complete lines. Raises :class:`Problem`.
    """
    number = 0
    with opened(report) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        try:
            for number, line in enumerate(text, 1):  # noqa: B007 - the number is told when the next line fails
                yield line
        except EOFError:
            rule = "is a truncated gzip file: it ends in the middle"
            report.mend(Fault("truncated", "file", rule, number + 1, 1), "left out with all that would follow")
        except (gzip.BadGzipFile, zlib.error, zipfile.BadZipFile) as error:
            raise report.problem(number + 1, "file", f"is damaged: {error}", "Get the file again") from None
        except UnicodeDecodeError:
            raise report.problem(number + 1, "file", "is not UTF-8 text", "Save it as UTF-8") from None
        except OSError as error:
            raise report.problem(number + 1, "file", f"cannot be read: {error}", "Get the file again") from None


def whole(report: Report) -> bytes:
    """All unpacked bytes. Raises :class:`Problem`."""
    try:
        with opened(report) as file:
            return file.read()
    except EOFError:
        raise report.problem(0, "file", "is a truncated gzip file", "Get the file again") from None
    except (gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, OSError) as error:
        raise report.problem(0, "file", f"is damaged: {error}", "Get the file again") from None
