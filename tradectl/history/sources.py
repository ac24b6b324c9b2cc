"""What a download takes from and writes to: a venue's history, and a store. This room knows no exchange."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from typing import Any, Protocol

from msgspec import Struct

from tradectl.history.combining import Policy, Written
from tradectl.history.series import Columns, SeriesId
from tradectl.model.instruments import Category, Instrument, InstrumentId


class Piece(Struct, frozen=True):
    """Everything a source has of one stretch: the rows with ``since <= time < until``, oldest first, maybe none."""

    since: int
    until: int
    columns: Columns


class HistorySource(Protocol):
    """Past market data of a venue. It keeps the venue's limits and tries again by itself.

    Reads raise ``Problem`` when they fail for good. ``notes`` are sentences for the person, as they came up.
    """

    name: str
    notes: list[str]

    def refusal(self, series: SeriesId) -> str:
        """Why this source cannot give ``series``; empty when it can."""

    async def now(self, instrument: InstrumentId) -> int:
        """Everything before this moment is final at the venue, nanoseconds."""

    async def instruments(self, category: Category) -> Mapping[InstrumentId, Instrument] | None:
        """What the venue lists in ``category`` now; ``None`` when this source does not know."""

    def pieces(self, series: SeriesId, since: int, until: int) -> AsyncGenerator[Piece, None]:
        """What there is between two moments, oldest first. A stretch the source has nothing of may be left out."""

    async def close(self) -> None:
        """Let go of connections and threads."""


class HistorySink(Protocol):
    """The part of a store that a download and a recording use. Writing what is stored already changes nothing."""

    def write(self, series: SeriesId, columns: Columns, policy: Policy = "refuse") -> Written:
        """Add rows, oldest first, all or nothing within a file of the store."""

    def write_instruments(self, at: int, rows: Iterable[Instrument]) -> Any:
        """Keep the instruments as they were at ``at``."""

    def read(self, series: SeriesId, since: int, until: int) -> Iterator[Columns]:
        """The stored rows of a stretch, oldest first, in parts."""
