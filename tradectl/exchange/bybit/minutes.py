"""One-minute candles around given moments: a year of them is not read for a few hundred trades."""

from collections.abc import Callable, Iterable, Mapping

from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.translate import MS
from tradectl.exchange.bybit.wire import KlinePage
from tradectl.exchange.retry_handler import ReadFailed
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import Bar

MINUTE = 60_000_000_000
#: Candles of one page (bybit-v5 3.2).
PAGE = 1000
Minutes = dict[InstrumentId, dict[int, Bar]]


def stretches(moments: Iterable[int], after: int) -> list[tuple[int, int]]:
    """``(first, last)`` minutes to read so that each moment's minute and the ``after`` next ones are in; near ones
    share a page."""
    found: list[tuple[int, int]] = []
    for minute in sorted({at // MINUTE for at in moments}):
        if found and minute + after - found[-1][0] < PAGE:
            found[-1] = (found[-1][0], max(found[-1][1], minute + after))
        else:
            found.append((minute, minute + after))
    return found


async def read_minutes(
    rest: Rest, moments: Mapping[InstrumentId, Iterable[int]], after: int, until: int,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Minutes, list[str]]:  # fmt: skip
    """The candles by instrument and open time, closed by ``until``; and notes about what could not be had.

    ``told`` hears how many of how many pages were read. Raises ``ReadFailed`` unless it is one instrument's own fault.
    """
    wanted = [(name, *part) for name, own in moments.items() for part in stretches(own, after)]
    found: Minutes = {name: {} for name in moments}
    notes: dict[InstrumentId, str] = {}
    for done, (name, first, last) in enumerate(wanted):
        told(done, len(wanted))
        if name in notes:
            continue
        try:
            page = await rest.read(
                "get_kline", KlinePage, category=name.category.value, symbol=name.symbol, interval="1",
                start=first * MINUTE // MS, end=last * MINUTE // MS, limit=PAGE,
            )  # fmt: skip
        except ReadFailed as failure:
            if failure.code != 10001:  # a symbol that is gone, or a sandbox without such candles
                raise
            notes[name] = f"{name} has no minute candles: {failure.message}"
            continue
        for row in page.list:
            if (row[0] * MS) + MINUTE <= until:
                found[name][row[0] * MS] = Bar(row[0] * MS, *row[1:])
    return found, list(notes.values())
