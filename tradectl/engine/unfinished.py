"""Targets that wait: part of what they are about was still on its way when they were asked for.

A market order that has begun to fill trades the rest in the same instant, or never. Closing what is heard of it is
safe, closing what may never come would open the other side: so the rest is closed once the order is over.
"""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import Protection


class Unfinished(Struct):
    """A book's signed target ``size`` that is gone for again when no order of ``links`` can bring anything more."""

    strategy: str
    instrument: InstrumentId
    size: Decimal
    action: str
    reason: str
    who: str
    protection: Protection | None
    links: list[str]

    @property
    def book(self) -> tuple[str, InstrumentId]:
        """Whose it is: there is one of a book, the last."""
        return self.strategy, self.instrument
