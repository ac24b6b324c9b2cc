"""What the account is worth now: cash, open positions at mark, spot coins at their price in the settle coin."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from tradectl.engine.books import Book, Components
from tradectl.engine.market_state import MarketState
from tradectl.engine.portfolio_manager import PortfolioManager
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO

#: Coins that count as one unit of the settle coin where no pair prices them.
_PAR = frozenset({"USDT", "USDC", "USD"})
_ONE = Decimal(1)


class Equity(Struct, frozen=True):
    """``equity = cash + coins + premiums + unrealised``, in the settle coin.

    ``premiums`` is what open options cost, which has left the cash. ``unpriced`` names what has no price yet: coins,
    which count nothing, and positions, which count at their entry. Coins that no pair prices are worth nothing here.
    """

    equity: Decimal
    cash: Decimal
    coins: Decimal
    unrealised: Decimal
    unpriced: tuple[str, ...]
    premiums: Decimal = ZERO


class Valuation:
    """Values books and wallets by the market state."""

    def __init__(
        self,
        portfolio: PortfolioManager,
        market: MarketState,
        instruments: Mapping[InstrumentId, Instrument],
        settle_coin: str,
    ) -> None:
        self._portfolio = portfolio
        self._market = market
        self._instruments = instruments
        self._settle = settle_coin

    def account(self) -> Equity:
        """The account as a whole: all product families in one figure."""
        coins, unpriced = self._coins()
        cash = self._portfolio.state.cash.get(self._settle, ZERO)
        unrealised = premiums = ZERO
        for instrument, _, book in self._portfolio.positions():
            if instrument.category is Category.SPOT or not (book.size or book.cost):
                continue
            rate = self.rate_of(instrument)
            if rate is None or (book.size and self._market.mark(instrument) is None):
                unpriced[str(instrument)] = None
            unrealised += self.unrealised(instrument, book) * (rate or ZERO)
            if instrument.category is Category.OPTION:
                premiums += book.cost * (rate or ZERO)
        equity = cash + coins + premiums + unrealised
        return Equity(equity, cash, coins, unrealised, tuple(unpriced), premiums)

    def _coins(self) -> tuple[Decimal, dict[str, None]]:
        """Coins beside the settle coin at their price, and those whose price is to come."""
        coins = ZERO
        unpriced: dict[str, None] = {}
        for coin, amount in self._portfolio.state.cash.items():
            if coin == self._settle or not amount:
                continue
            price = self.coin_price(coin)
            if price is not None:
                coins += amount * price
            elif self.pair_of(coin) is not None:
                unpriced[coin] = None
        return coins, unpriced

    def unrealised(self, instrument: InstrumentId, book: Book) -> Decimal:
        """Open profit of a derivative book at mark, in the coin it settles in; without a mark it counts at its entry.

        0 for spot, whose coins are valued as coins.
        """
        if instrument.category is Category.SPOT or not (book.size or book.cost):
            return ZERO
        mark = self._market.mark(instrument)
        return book.unrealised(mark) if mark is not None else ZERO

    def strategy(self, name: str) -> Equity:
        """Profit of one strategy's books since they began, in the settle coin; what has no mark counts at its entry."""
        equity = unrealised = ZERO
        unpriced: dict[str, None] = {}
        for instrument, book in self._portfolio.state.books.get(name, {}).items():
            mark, rate = self._market.mark(instrument), self.rate_of(instrument)
            if rate is None or (book.size and mark is None):
                unpriced[str(instrument)] = None
            equity += book.equity(mark) * (rate or ZERO)
            if mark is not None:
                unrealised += book.unrealised(mark) * (rate or ZERO)
        return Equity(equity, equity - unrealised, ZERO, unrealised, tuple(unpriced))

    def components(self, name: str, instrument: InstrumentId) -> Components:
        """Where the profit of one book came from, in the coin its instrument settles in (spot: in the quote coin)."""
        book = self._portfolio.state.books.get(name, {}).get(instrument, Book())
        return book.components(self._market.mark(instrument))

    # --- prices of coins

    def rate_of(self, instrument: InstrumentId) -> Decimal | None:
        """What one unit of the money its books are kept in is worth in the settle coin; ``None`` when unknown."""
        info = self._instruments.get(instrument)
        if info is None:
            return _ONE
        coin = info.quote_coin if info.is_spot else info.settle_coin
        return _ONE if coin == self._settle else self.coin_price(coin)

    def cross(self, coin: str, instrument: InstrumentId) -> Decimal | None:
        """What a coin is worth in the money of an instrument's books; ``None`` when unknown."""
        price, rate = _ONE if coin == self._settle else self.coin_price(coin), self.rate_of(instrument)
        return price / rate if price is not None and rate else None

    def pair_of(self, coin: str) -> InstrumentId | None:
        """The instrument whose price a coin is valued at, ``None`` when the venue has none."""
        return next((pair for pair in self._pairs(coin) if pair in self._instruments), None)

    def _pairs(self, coin: str) -> tuple[InstrumentId, ...]:
        name = f"{coin}{self._settle}"
        return (
            InstrumentId(Category.SPOT, name), InstrumentId(Category.LINEAR, name),
            InstrumentId(Category.INVERSE, f"{coin}USD"),
        )  # fmt: skip

    def coin_price(self, coin: str) -> Decimal | None:
        """Price of a coin in the settle coin: its spot pair's, else its perpetual's mark; ``None`` if unknown."""
        for pair in self._pairs(coin):
            price = self._market.mark(pair)
            if price is not None:
                return price
        return _ONE if coin in _PAR else None
