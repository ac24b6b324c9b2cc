"""What the account is worth now: cash, open positions at mark, spot coins at their price in the settle coin."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from tradectl.engine.books import Book
from tradectl.engine.market_state import MarketState
from tradectl.engine.portfolio_manager import PortfolioManager
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO

#: Coins that count as one unit of the settle coin where no pair prices them.
_PAR = frozenset({"USDT", "USDC", "USD"})


class Equity(Struct, frozen=True):
    """``equity = cash + coins + unrealised``, in the settle coin; ``unpriced`` names coins whose price is to come.

    Coins that no pair prices are worth nothing here.
    """

    equity: Decimal
    cash: Decimal
    coins: Decimal
    unrealised: Decimal
    unpriced: tuple[str, ...]


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
        """The account as a whole."""
        state = self._portfolio.state
        coins, unpriced = ZERO, []
        for coin, amount in state.cash.items():
            if coin == self._settle or not amount:
                continue
            price = self.coin_price(coin)
            if price is not None:
                coins += amount * price
            elif self.pair_of(coin) is not None:
                unpriced.append(coin)
        cash = state.cash.get(self._settle, ZERO)
        unrealised = sum((self.unrealised(i, b) for i, b in state.nets.items() if b.size), ZERO)
        return Equity(cash + coins + unrealised, cash, coins, unrealised, tuple(unpriced))

    def unrealised(self, instrument: InstrumentId, book: Book) -> Decimal:
        """Open profit of a derivative book at mark; 0 for spot, whose coins are valued as coins."""
        if instrument.category is Category.SPOT or not book.size:
            return ZERO
        mark = self._market.mark(instrument)
        return book.unrealised(mark) if mark is not None else ZERO

    def strategy(self, name: str) -> Equity:
        """Profit of one strategy's books since they began."""
        equity = unrealised = ZERO
        for instrument, book in self._portfolio.state.books.get(name, {}).items():
            mark = self._market.mark(instrument)
            equity += book.equity(mark if mark is not None else ZERO) if not book.size or mark else -book.fees
            if book.size and mark is not None:
                unrealised += book.unrealised(mark)
        return Equity(equity, equity - unrealised, ZERO, unrealised, ())

    def pair_of(self, coin: str) -> InstrumentId | None:
        """The instrument whose price a coin is valued at, ``None`` when the venue has none."""
        pairs = (InstrumentId(c, f"{coin}{self._settle}") for c in (Category.SPOT, Category.LINEAR))
        return next((pair for pair in pairs if pair in self._instruments), None)

    def coin_price(self, coin: str) -> Decimal | None:
        """Price of a coin in the settle coin, from its spot pair, else its perpetual's index; ``None`` if unknown."""
        spot = InstrumentId(Category.SPOT, f"{coin}{self._settle}")
        price = self._market.mark(spot)
        if price is not None:
            return price
        perpetual = self._market.mark(InstrumentId(Category.LINEAR, f"{coin}{self._settle}"))
        return perpetual if perpetual is not None else (Decimal(1) if coin in _PAR else None)
