"""One equity for all product families, what it leaves out, and options: premium in cash, value at mark."""

from decimal import Decimal as D

import pytest

from tests.unit.engine.harness import BTC, COIN, INSTRUMENTS, INVERSE, SPOT
from tradectl.engine.market_state import MarketState
from tradectl.engine.portfolio_manager import PortfolioManager
from tradectl.engine.valuation import Valuation
from tradectl.model.events import TickerChanged
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.market_data import Ticker
from tradectl.model.money import ZERO, to_coin
from tradectl.model.orders import Execution, Side
from tradectl.model.positions import BalanceReport

CALL = InstrumentId(Category.OPTION, "BTC-26MAR27-90000-C-USDT")
OPTION = Instrument(
    CALL, "BTC", "USDT", "USDT", D("0.1"), D("0.01"), D("0.01"), D(500), D(500), D(0)
)  # fmt: skip
INFOS = {i.id: i for i in (*INSTRUMENTS, INVERSE, OPTION)}


class Account:
    """A portfolio with its prices."""

    def __init__(self, **funds: str) -> None:
        self.portfolio, self.market = PortfolioManager(), MarketState()
        self.valuation = Valuation(self.portfolio, self.market, INFOS, "USDT")
        self.portfolio.baseline(tuple(BalanceReport(c, D(a)) for c, a in funds.items()), (), (), ())
        self.count = 0

    def price(self, instrument: InstrumentId, price: float) -> None:
        self.market.on_ticker(TickerChanged(1, 1, instrument, Ticker(price, price, price)))

    def trade(
        self, i: InstrumentId, side: Side, qty: str, price: str, name: str = "a", fee: str = "0", kind: str = "Trade"
    ) -> D:
        self.count += 1
        info, size, at = INFOS[i], D(qty), D(price)
        value = to_coin(size / at) if i == COIN else size * at
        coin = info.settle_coin if not info.is_spot else "USDT"
        row = Execution(
            f"e{self.count}", i, "o", "", side, at, size, value, D(fee), coin, False, self.count, kind
        )  # fmt: skip
        return self.portfolio.trade(row, info, name).realised


def test_four_families_in_one_figure() -> None:
    account = Account(USDT="10000", BTC="1")
    account.trade(SPOT, Side.BUY, "0.1", "50000")  # 5000 of cash become 0.1 coins
    account.trade(BTC, Side.SELL, "0.2", "50000", fee="5")
    account.trade(COIN, Side.BUY, "1000", "50000", fee="0.00001")
    account.trade(CALL, Side.BUY, "0.5", "2000", fee="3")
    for i, price in ((SPOT, 60_000.0), (BTC, 60_010.0), (COIN, 60_000.0), (CALL, 3_000.0)):
        account.price(i, price)
    value = account.valuation.account()
    cash = D(10_000) - 5000 - 5 - 1000 - 3
    coins = (D("1.1") - D("0.00001")) * 60_000
    linear, inverse = D("-0.2") * 10_010, (D("0.02") - D("0.01666667")) * 60_000
    assert (value.cash, value.coins, value.premiums) == (cash, coins, D(1000))
    assert value.unrealised == linear + inverse + 500
    assert value.equity == cash + coins + 1500 + linear + inverse == value.cash + coins + 1000 + value.unrealised
    assert value.unpriced == ()
    assert account.valuation.strategy("a").equity == value.equity - 10_000 - 60_000


def test_what_has_no_mark_counts_at_its_entry_and_is_named() -> None:
    account = Account(USDT="10000")
    account.trade(BTC, Side.BUY, "1", "100", fee="0.1")
    account.trade(CALL, Side.BUY, "2", "10")
    value = account.valuation.account()
    assert value.equity == D("9999.9")
    assert value.unpriced == (str(BTC), str(CALL))
    own = account.valuation.strategy("a")
    assert (own.equity, own.unpriced) == (D("-0.1"), (str(BTC), str(CALL)))


def test_coins_without_a_price_are_named_and_hold_the_figure_back() -> None:
    account = Account(USDT="10000", BTC="1")
    account.trade(COIN, Side.BUY, "1000", "50000")
    account.price(COIN, 50_000.0)
    assert account.valuation.account().unpriced == ()  # the inverse contract's own price will do
    assert account.valuation.account().coins == 50_000
    lonely = Account(USDT="1", BTC="1")
    assert lonely.valuation.account().unpriced == ("BTC",)


@pytest.mark.parametrize("side", list(Side))
def test_an_options_premium_moves_cash_at_once_and_equity_not_at_all(side: Side) -> None:
    account = Account(USDT="10000")
    account.price(CALL, 2000.0)
    account.trade(CALL, side, "0.5", "2000")
    assert account.portfolio.state.cash["USDT"] == 10_000 - side.sign * 1000
    assert account.valuation.account().equity == 10_000
    account.price(CALL, 2400.0)
    assert account.valuation.account().equity == 10_000 + side.sign * 200
    assert account.valuation.account().unrealised == side.sign * 200


@pytest.mark.parametrize(("kind", "worth", "profit"), [("Delivery", "5000", "1500"), ("Settle", "0.000", "-1000")])
def test_an_option_ends_at_what_the_venue_settles_it_for(kind: str, worth: str, profit: str) -> None:
    account = Account(USDT="10000")
    account.trade(CALL, Side.BUY, "0.5", "2000")
    assert account.trade(CALL, Side.SELL, "0.5", worth, fee="1", kind=kind) == D(profit)
    assert account.portfolio.size("a", CALL) == 0
    assert account.portfolio.state.cash["USDT"] == 10_000 + D(profit) - 1
    value = account.valuation.account()
    assert (value.equity, value.premiums, value.unpriced) == (10_000 + D(profit) - 1, ZERO, ())


def test_both_legs_of_a_hedge_count_though_they_are_flat_in_sum() -> None:
    account = Account(USDT="1000")
    account.portfolio = PortfolioManager(hedge=True)
    account.valuation = Valuation(account.portfolio, account.market, INFOS, "USDT")
    account.trade(BTC, Side.BUY, "1", "100", "a")
    account.trade(BTC, Side.SELL, "1", "110", "b")
    account.price(BTC, 105.0)
    assert account.valuation.account().unrealised == 10
    assert sum((account.valuation.strategy(n).equity for n in "ab"), ZERO) == 10


def test_a_fee_in_a_third_coin_is_worth_its_price_in_the_books_money() -> None:
    account = Account(USDT="1")
    assert account.valuation.cross("MNT", BTC) is None
    account.price(SPOT, 50_000.0)
    assert account.valuation.cross("BTC", BTC) == 50_000
    assert account.valuation.cross("USDT", COIN) == D(1) / 50_000
