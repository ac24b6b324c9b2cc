"""Everything the exchange knows, in one place that the small modules around it work on."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct, field

from tradectl.matching.accounts import Account, Leg
from tradectl.matching.book import Book
from tradectl.matching.ids import IdSource
from tradectl.matching.margin_sums import AccountSums
from tradectl.matching.records import Refused
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO

#: Coins taken as one US dollar.
DOLLARS = ("USDT", "USDC")
ONE = Decimal(1)


class MarketAccount(Struct):
    """The counterparty of every user, and where fees go: what makes money conserved.

    ``cash`` by coin; ``sizes`` and ``costs`` by instrument are the mirror of all users' positions: the costs
    minus what users realised, so that sizes add up to zero and costs to what was realised.
    """

    cash: dict[str, Decimal] = field(default_factory=dict)
    fees: dict[str, Decimal] = field(default_factory=dict)
    sizes: dict[InstrumentId, Decimal] = field(default_factory=dict)
    costs: dict[InstrumentId, Decimal] = field(default_factory=dict)

    def pay(self, coin: str, amount: Decimal, fee: Decimal) -> None:
        """Give ``amount`` (may be negative) to a user, who gives ``fee`` of it to the fee account."""
        cash, fees = self.cash, self.fees
        cash[coin] = cash.get(coin, ZERO) - amount
        fees[coin] = fees.get(coin, ZERO) + fee

    def mirror(self, instrument: InstrumentId, qty: Decimal, value: Decimal) -> None:
        """Take the other side of signed ``qty`` for signed ``value``."""
        sizes, costs = self.sizes, self.costs
        sizes[instrument] = sizes.get(instrument, ZERO) - qty
        costs[instrument] = costs.get(instrument, ZERO) - value


class State:
    """Books, accounts, the market's account and the id counters; and what is only kept to be quick: the margin sums by
    account, and the legs by user whose part in them has to be worked out again.

    ``remember_links``: whether the client ids of finished orders stay reserved.
    """

    __slots__ = (
        "_coin_books", "accounts", "books", "changed", "ids", "instruments", "market", "remember_links", "sums",
    )  # fmt: skip

    def __init__(self, instruments: Iterable[Instrument], ids: IdSource) -> None:
        self.instruments = {instrument.id: instrument for instrument in instruments}
        self.changed: set[tuple[str, Leg]] = set()
        self.books = {key: Book(instrument, self.changed) for key, instrument in self.instruments.items()}
        self.accounts: dict[str, Account] = {}
        self.market = MarketAccount()
        self.ids = ids
        self.remember_links = True
        self.sums: dict[str, AccountSums] = {}
        self._coin_books: dict[str, list[Book]] = {}
        for book in self.books.values():
            self._price_coin(book)

    def add(self, instrument: Instrument) -> None:
        """A market for ``instrument``, unless it has one."""
        if instrument.id in self.instruments:
            return
        self.instruments[instrument.id] = instrument
        book = self.books[instrument.id] = Book(instrument, self.changed)
        self._price_coin(book)

    def relist(self, instrument: Instrument) -> None:
        """A market with the filters of ``instrument`` in the place of the one that has nothing resting: prices and
        positions stay, what was displayed is forgotten."""
        old, book = self.books[instrument.id], Book(instrument, self.changed)
        book.mark, book.index, book.last = old.mark, old.index, old.last
        book.holders = old.holders
        self.instruments[instrument.id] = instrument
        self.books[instrument.id] = book
        for books in self._coin_books.values():
            books[:] = [book if each is old else each for each in books]

    def _price_coin(self, book: Book) -> None:
        """Let a book in dollars price its coin."""
        if book.instrument.quote_coin in (*DOLLARS, "USD"):
            self._coin_books.setdefault(book.instrument.base_coin, []).append(book)

    def account(self, uid: str) -> Account:
        """Raises ``ValueError`` for an account that was never opened: the caller knows its users."""
        account = self.accounts.get(uid)
        if account is None:
            raise ValueError(f"there is no account {uid!r}")
        return account

    def sums_of(self, account: Account) -> AccountSums:
        """What is kept of the account's margin, made at its first use."""
        sums = self.sums.get(account.uid)
        if sums is None:
            sums = self.sums[account.uid] = AccountSums(account.fees.linear_taker)
        return sums

    def cash_moved(self, uid: str) -> None:
        """Note that a wallet changed, and with it (or just before) maybe a position."""
        sums = self.sums.get(uid)
        if sums is not None:
            sums.slack = ZERO

    def book(self, instrument: InstrumentId) -> Book:
        """Raises :class:`Refused` 10001/170121 for an unknown symbol."""
        book = self.books.get(instrument)
        if book is None:
            spot = instrument.category is Category.SPOT
            raise Refused(170121 if spot else 10001, f"symbol {instrument.symbol} is not supported")
        return book

    def dollars(self, coin: str) -> Decimal:
        """The price of a coin in USD: its index, or where none was stated mark or last; 0 when unknown."""
        if coin in DOLLARS:
            return ONE
        books = self._coin_books.get(coin, ())
        for book in books:
            if book.index is not None:
                return book.index
        for book in books:
            price = book.reference()
            if price is not None:
                return price
        return ZERO
