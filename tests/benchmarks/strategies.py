"""Strategies made for measuring: one that only listens, and ones that order at every tick."""

from tradectl.engine.strategy import Strategy
from tradectl.model.events import QuoteChanged, TradePrinted
from tradectl.model.orders import Side, TimeInForce
from tradectl.strategies.buy_and_hold import BuyAndHold
from tradectl.strategies.dca import Dca
from tradectl.strategies.donchian_breakout import DonchianBreakout
from tradectl.strategies.ema_cross import EmaCross
from tradectl.strategies.grid import Grid
from tradectl.strategies.ma_cross import MaCross
from tradectl.strategies.market_maker import MarketMaker
from tradectl.strategies.rsi_reversion import RsiReversion
from tradectl.strategies.squeeze import Squeeze

SYMBOL = "BTCUSDT"


class Listener(Strategy):
    """Hears every quote and print and does nothing."""

    def on_start(self) -> None:
        self.subscribe_quotes(SYMBOL)
        self.subscribe_trades(SYMBOL)

    def on_quote(self, quote: QuoteChanged) -> None:
        return

    def on_trade(self, trade: TradePrinted) -> None:
        return


class QuoteBuyer(Strategy):
    """Buys and sells in turn, a little, on every quote."""

    def on_start(self) -> None:
        self.long = False
        self.subscribe_quotes(SYMBOL)

    def on_quote(self, quote: QuoteChanged) -> None:
        order = self.sell if self.long else self.buy
        self.long = not self.long
        order(SYMBOL, "0.010", reason="a quote came")


class PrintBuyer(Strategy):
    """Hears every print; one whose taker sold is answered with an order that takes at once or goes."""

    def on_start(self) -> None:
        self.subscribe_trades(SYMBOL)

    def on_trade(self, trade: TradePrinted) -> None:
        if trade.side is Side.SELL:
            self.buy(SYMBOL, "0.001", trade.price, reason="the taker sold", time_in_force=TimeInForce.IOC)


CLASSES: dict[str, type[Strategy]] = {
    "ema_cross": EmaCross,
    "ma_cross": MaCross,
    "rsi_reversion": RsiReversion,
    "donchian_breakout": DonchianBreakout,
    "squeeze": Squeeze,
    "dca": Dca,
    "grid": Grid,
    "market_maker": MarketMaker,
    "buy_and_hold": BuyAndHold,
    "listener": Listener,
    "quote_buyer": QuoteBuyer,
    "print_buyer": PrintBuyer,
}
