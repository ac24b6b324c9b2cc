"""An account's rows, put together from the exchange's views."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from tradectl.matching.records import Position, Refused
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.sandbox.server.rows.positions import position_message_row, position_row
from tradectl.sandbox.server.rows.wallets import wallet_row
from tradectl.sandbox.venue import Venue


class AccountViews:
    """Reads positions and wallets of the venue's accounts as rows."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def instrument(self, id: InstrumentId) -> Instrument:
        """Raises ``Refused``: 170121 for an unknown spot pair, 10001 for any other."""
        instrument: Instrument | None = self._venue.exchange.instruments.get(id)
        if instrument is None:
            if id.category is Category.SPOT:
                raise Refused(170121, "Invalid symbol.")
            raise Refused(10001, f"params error: symbol invalid {id.symbol[:40]}")
        return instrument

    def find(self, category: str, symbol: str) -> Instrument:
        """The instrument of wire text; same refusals as :meth:`instrument`."""
        return self.instrument(InstrumentId(Category(category), symbol))

    def instruments(self, category: str) -> list[Instrument]:
        """The instruments of a category, by symbol."""
        found = [i for i in self._venue.exchange.instruments.values() if i.id.category.value == category]
        return sorted(found, key=lambda instrument: instrument.id.symbol)

    def wallet(self, uid: str, coins: Collection[str] | None = None) -> dict[str, Any]:
        return wallet_row(self._venue.exchange.account(uid), coins)

    def position(self, uid: str, id: InstrumentId, position_idx: int = 0) -> dict[str, Any]:
        """The row of ``position/list`` for one leg."""
        position: Position = self._venue.exchange.position(uid, id, position_idx)
        return position_row(position, *self._context(position))

    def positions(self, uid: str, id: InstrumentId) -> list[dict[str, Any]]:
        """All legs of an instrument, also flat ones: one, or two in hedge mode."""
        legs = (1, 2) if self._venue.exchange.is_hedged(uid, id) else (0,)
        return [self.position(uid, id, leg) for leg in legs]

    def position_message(self, position: Position) -> dict[str, Any]:
        """The row of the ``position`` stream."""
        return position_message_row(position, *self._context(position))

    def _context(self, position: Position) -> tuple[Any, Decimal | None, Decimal, Decimal]:
        exchange = self._venue.exchange
        uid, id = position.uid, position.instrument
        return (
            exchange.position_margin(uid, id, position.position_idx),
            exchange.prices(id).mark,
            exchange.unrealised(position),
            exchange.fees(uid).linear_taker,
        )
