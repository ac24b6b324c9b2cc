"""The shape in which an exchange is written down."""

from decimal import Decimal

from msgspec import Struct

from tradectl.matching.accounts import Account
from tradectl.matching.ids import IdSource
from tradectl.matching.state import MarketAccount
from tradectl.model.instruments import Instrument, InstrumentId


class SavedBook(Struct, array_like=True):
    """One market: displayed and used sizes by key. Resting and conditional orders come back from the accounts."""

    instrument: InstrumentId
    bids: dict[int, int]
    asks: dict[int, int]
    bids_used: dict[int, int]
    asks_used: dict[int, int]
    mark: Decimal | None
    index: Decimal | None
    last: Decimal | None
    premiums: list[tuple[int, Decimal]]


class SavedExchange(Struct, array_like=True):
    version: int
    ids: IdSource
    instruments: list[Instrument]
    books: list[SavedBook]
    accounts: list[Account]
    market: MarketAccount
