"""NautilusTrader 2: its engine (Rust) with a Python strategy; averages are its own, told of each candle by its engine.

Its averages begin as ours do, with the simple one of the first closes.
"""

from decimal import Decimal

from handover import MINUTE, Answer, Candles, Rules, asked
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model import (
    AccountType,
    Bar,
    BarType,
    BookType,
    CryptoPerpetual,
    Currency,
    InstrumentId,
    Money,
    OmsType,
    OrderSide,
    Price,
    Quantity,
    Symbol,
    Venue,
)
from nautilus_trader.trading import Strategy

NAME = InstrumentId.from_str("BTCUSDT-PERP.BYBIT")
BARS = BarType.from_str("BTCUSDT-PERP.BYBIT-1-MINUTE-LAST-EXTERNAL")


class Cross(Strategy):
    """Long above, flat below; its fills are kept as they are told."""

    def on_start(self):
        self.fast, self.slow = ExponentialMovingAverage(Rules.FAST), ExponentialMovingAverage(Rules.SLOW)
        self.size = Quantity(Rules.SIZE, 3)
        self.held, self.before, self.fills = False, None, []
        self.register_indicator_for_bars(BARS, self.fast)
        self.register_indicator_for_bars(BARS, self.slow)
        self.subscribe_bars(BARS)

    def on_bar(self, bar):
        if not self.slow.initialized:
            return
        above = self.fast.value - self.slow.value
        before, self.before = self.before, above
        if before is None:
            return
        if not self.held and before <= 0 < above:
            self.order(OrderSide.BUY)
        elif self.held and before >= 0 > above:
            self.order(OrderSide.SELL)

    def order(self, side):
        """One coin at market."""
        self.held = side == OrderSide.BUY
        self.submit_order(self.order_factory.market(NAME, side, self.size))

    def on_order_filled(self, event):
        self.fills.append(event)


def instrument():
    """The contract as Bybit describes it."""
    return CryptoPerpetual(
        NAME, Symbol("BTCUSDT"), Currency.from_str("BTC"), Currency.from_str("USDT"), Currency.from_str("USDT"),
        False, 1, 3, Price(0.1, 1), Quantity(0.001, 3), 0, 0, margin_init=Decimal(1), margin_maint=Decimal("0.005"),
    )  # fmt: skip


def bars(candles):
    """The candles as its own records; each is known at its end."""
    ends = (candles.time + MINUTE).tolist()
    prices = (candles.open, candles.high, candles.low, candles.close)
    rows = zip(*(it.tolist() for it in prices), candles.volume.tolist(), ends, strict=True)
    return [
        Bar(BARS, Price(o, 1), Price(h, 1), Price(low, 1), Price(c, 1), Quantity(v, 3), at, at)
        for o, h, low, c, v, at in rows
    ]


def engine(records):
    """Everything but the run."""
    made = BacktestEngine(
        BacktestEngineConfig(bypass_logging=True, run_analysis=False, logging=LoggerConfig(bypass_logging=True))
    )
    usdt = Currency.from_str("USDT")
    made.add_venue(
        Venue("BYBIT"), OmsType.NETTING, AccountType.MARGIN, [Money(Rules.CASH, usdt)], base_currency=usdt,
        default_leverage=Decimal(1), fee_model=MakerTakerFeeModel(Decimal("0.0002"), Decimal(str(Rules.FEE))),
        book_type=BookType.L1_MBP,
    )  # fmt: skip
    made.add_instrument(instrument())
    made.add_data(records)
    strategy = Cross()
    made.add_strategy(strategy)
    return made, strategy


def main():
    folder, path, _ = asked()
    answer = Answer("nautilus_trader")
    candles = Candles(folder)
    made, strategy = engine(bars(candles))
    answer.loaded()
    answer.run(made.run)
    fills = strategy.fills
    side = [1 if it.order_side == OrderSide.BUY else -1 for it in fills]
    price, qty = [float(it.last_px) for it in fills], [float(it.last_qty) for it in fills]
    cash = float(made.portfolio.account(Venue("BYBIT")).balance_total(Currency.from_str("USDT")))
    held = sum(s * q for s, q in zip(side, qty, strict=True))
    equity = cash + held * (candles.close[-1] - price[-1]) if held else cash
    answer.write(path, [it.ts_event for it in fills], side, price, qty, equity)


main()
