"""One file of Bybit's public archive over HTTP: begun files go on where they were, broken ones begin again."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from msgspec import Struct

from tradectl.exchange.retry_handler import RetryPolicy, backoff
from tradectl.model.errors import ErrorCode, Problem

_PIECE = 1 << 20


class Broken(Exception):
    """An attempt that failed and may be made again; ``fresh`` when what came so far is worthless."""

    def __init__(self, reason: str, *, fresh: bool = False) -> None:
        super().__init__(reason)
        self.fresh = fresh


class ArchiveFile(Struct, frozen=True):
    """Where a file is, and where it is gathered: ``<path>.part`` until it is whole."""

    url: str
    path: Path

    @property
    def part(self) -> Path:
        return self.path.with_name(self.path.name + ".part")

    @property
    def tag(self) -> Path:
        """The version of the file the part is of (its ETag or date), so that two are never mixed."""
        return self.path.with_name(self.path.name + ".tag")

    def forget(self) -> None:
        """Remove everything that came."""
        for path in (self.path, self.part, self.tag):
            path.unlink(missing_ok=True)


async def fetch(
    client: httpx.AsyncClient, file: ArchiveFile, policy: RetryPolicy, again: Callable[[str], None]
) -> bool:
    """Bring the file; whether there is one (404 says no). ``again`` hears why an attempt is repeated.

    The file's size is checked against what the server states, and its content against the checksum inside gzip.
    Raises ``Problem`` when the last attempt failed.
    """
    file.path.parent.mkdir(parents=True, exist_ok=True)
    attempt = 0
    while True:
        try:
            return await _attempt(client, file)
        except (httpx.TransportError, Broken) as failure:
            if isinstance(failure, Broken) and failure.fresh:
                file.forget()
            attempt += 1
            reason = str(failure) or type(failure).__name__
            if attempt >= policy.attempts:
                raise _given_up(file.url, reason, attempt) from failure
            again(f"{file.url}: {reason}; trying again")
            await asyncio.sleep(backoff(attempt - 1, policy.first, policy.longest, policy.random))


async def _attempt(client: httpx.AsyncClient, file: ArchiveFile) -> bool:
    if not file.path.exists():
        start = file.part.stat().st_size if file.part.exists() else 0
        async with _opened(client, file, start) as answer:
            if answer.status_code == 404:
                return False
            if answer.status_code != 416:  # the part is whole already, or of another file: the check tells
                await _receive(answer, file, start)
        file.part.replace(file.path)
    await asyncio.to_thread(check_gzip, file.path)
    return True


@asynccontextmanager
async def _opened(client: httpx.AsyncClient, file: ArchiveFile, start: int) -> AsyncIterator[httpx.Response]:
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if file.tag.exists():
            headers["If-Range"] = file.tag.read_text()
    async with client.stream("GET", file.url, headers=headers) as answer:
        if answer.status_code not in (200, 206, 404) and not (start and answer.status_code == 416):
            raise Broken(f"HTTP {answer.status_code}")
        yield answer


async def _receive(answer: httpx.Response, file: ArchiveFile, start: int) -> None:
    """Append what comes to the part, from its beginning where the server sends the whole file."""
    if answer.status_code == 200:
        start = 0
    elif not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise Broken(f"the server sent {answer.headers.get('Content-Range')!r} for bytes {start}-", fresh=True)
    tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
    if tag and not tag.startswith("W/"):
        file.tag.write_text(tag)
    with file.part.open("r+b" if start else "wb") as part:
        part.seek(start)
        async for data in answer.aiter_raw():  # as it comes: gathered bytes would be lost with the connection
            part.write(data)
        size = part.tell()
    stated = answer.headers.get("Content-Length")
    if stated and size - start != int(stated):
        raise Broken(f"{size - start} bytes came of {stated}")


def check_gzip(path: Path) -> None:
    """Raises :class:`Broken` unless the whole of ``path`` unpacks and its checksum is right."""
    try:
        with gzip.open(path, "rb") as stream:
            while stream.read(_PIECE):
                pass
    except (OSError, EOFError, zlib.error) as error:
        raise Broken(f"the file is damaged: {error}", fresh=True) from error


def _given_up(url: str, reason: str, attempts: int) -> Problem:
    return Problem(
        ErrorCode.NOT_READY,
        f"{url} could not be downloaded in {attempts} attempts: {reason}",
        field="url",
        reason=reason,
        remedy="Check the network and --url; then run the command again, it goes on where it was",
    )
