"""Reading whole lists: cursors followed to their end, long spans cut into the venue's seven-day windows."""

from collections.abc import AsyncIterator
from typing import Any, Protocol, TypeVar

from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.wire import Text
from tradectl.exchange.retry_handler import ReadFailed

WEEK_MS = 7 * 86_400_000
#: No list of one account is this long; a cursor that never ends is a fault of the venue (bybit-v5 3.2).
MAX_PAGES = 10_000


class Page(Protocol):
    """A result with a cursor."""

    nextPageCursor: Text

    @property
    def list(self) -> tuple[Any, ...]: ...


P = TypeVar("P", bound=Page)


async def pages(rest: Rest, method: str, shape: type[P], **parameters: Any) -> AsyncIterator[P]:
    """Every page of one query. A full last page may carry a cursor, so an empty list ends it too (bybit-v5 3.2)."""
    cursor: Text = None
    for _ in range(MAX_PAGES):
        page = await rest.read(method, shape, cursor=cursor or None, **parameters)
        yield page
        if not page.nextPageCursor or not page.list or page.nextPageCursor == cursor:
            return
        cursor = page.nextPageCursor
    raise ReadFailed(0, f"{method} still has a next page after {MAX_PAGES}", again=False)


async def rows(rest: Rest, method: str, shape: type[P], **parameters: Any) -> list[Any]:
    """All rows of one query."""
    return [row async for page in pages(rest, method, shape, **parameters) for row in page.list]


async def rows_since(
    rest: Rest, method: str, shape: type[P], start_ms: int, end_ms: int, **parameters: Any
) -> list[Any]:
    """All rows between two moments, window by window; rows may repeat at the seams."""
    found: list[Any] = []
    while start_ms <= end_ms:
        stop = start_ms + WEEK_MS
        found += await rows(rest, method, shape, startTime=start_ms, endTime=stop, **parameters)
        start_ms = stop
    return found
