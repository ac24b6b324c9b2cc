"""An exchange saved by version 1, which knew neither conditional orders nor hedge legs, read as today's."""

import msgspec
from msgspec import Struct, field

from tradectl.matching.accounts import Account, Holding, Leg
from tradectl.matching.ids import IdSource
from tradectl.matching.records import Wallet
from tradectl.matching.resting import RestingOrder
from tradectl.matching.saved import SavedBook, SavedExchange
from tradectl.matching.state import MarketAccount
from tradectl.matching.views import AccountFees
from tradectl.model.instruments import Instrument, InstrumentId


class _Account1(Struct):
    uid: str
    fees: AccountFees
    wallets: dict[str, Wallet] = field(default_factory=dict)
    holdings: dict[InstrumentId, Holding] = field(default_factory=dict)
    orders: dict[str, RestingOrder] = field(default_factory=dict)
    open_links: dict[str, str] = field(default_factory=dict)
    used_links: dict[str, None] = field(default_factory=dict)


class _Exchange1(Struct, array_like=True):
    version: int
    ids: IdSource
    instruments: list[Instrument]
    books: list[SavedBook]
    accounts: list[_Account1]
    market: MarketAccount


def read_version_1(data: bytes, version: int) -> SavedExchange:
    """What version 1 saved, as ``version`` would have. Raises ``msgspec.DecodeError`` on bytes of another kind."""
    old = msgspec.msgpack.decode(data, type=_Exchange1)
    accounts = [_account(account) for account in old.accounts]
    return SavedExchange(version, old.ids, old.instruments, old.books, accounts, old.market)


def _account(old: _Account1) -> Account:
    """Every position was one-way."""
    holdings = {Leg(instrument): holding for instrument, holding in old.holdings.items()}
    return Account(old.uid, old.fees, old.wallets, holdings, old.orders, old.open_links, old.used_links)
