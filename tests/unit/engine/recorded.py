"""A recorded run with two strategies, orders by hand, funding and timers: the material of the replay tests.

Run as a script it prints a digest of everything the engine decided, for comparison between interpreters.
"""

import hashlib
import random
from decimal import Decimal
from fractions import Fraction

import msgspec

from tests.unit.engine.harness import BTC, MINUTE, SECOND, WIDE, Bench, config
from tests.unit.engine.live import Live
from tradectl.engine.config import QueueLimits, StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.model.events import (
    CancelRequested,
    ConnectionChanged,
    HaltRequested,
    OrderRequested,
    ResumeRequested,
    TradePrinted,
)
from tradectl.model.market_data import Bar
from tradectl.model.money import use_exact_context
from tradectl.model.orders import OrderType, Side
from tradectl.strategies.buy_and_hold import BuyAndHold
from tradectl.strategies.ema_cross import EmaCross


class Ladder(Strategy):
    """Keeps a resting buy below the market, re-set by a timer, and remembers things of every kind."""

    symbol: str = "BTCUSDT"

    def on_start(self) -> None:
        self.bars = self.subscribe_bars(self.symbol, "1m")
        self._mean = self.bars.sma(3)
        del self.bars
        self.subscribe_trades(self.symbol)
        self.seen = 0
        self.levels = (Decimal("1.5"), [1, 2.5], {"deep": None})
        self.set_timer("again", 90)

    def on_bar(self, bar: Bar) -> None:
        self.seen += 1
        if not self.orders and self._mean.ready:
            self.buy(self.symbol, "0.2", round(self._mean.value - 5, 1), reason="below the mean")

    def on_trade(self, trade: TradePrinted) -> None:
        self.levels = (Decimal(repr(trade.price)), [self.seen], {"deep": trade.trade_id})

    def on_timer(self, name: str) -> None:
        self.cancel(symbol=self.symbol, reason=name)
        self.set_timer("again", 90)


CLASSES = {"ema_cross": EmaCross, "buy_and_hold": BuyAndHold, "ladder": Ladder}
STRATEGIES = (
    StrategyConfig(name="cross", class_="ema_cross", params={"fast": 2, "slow": 5}),
    StrategyConfig(name="ladder", class_="ladder"),
    StrategyConfig(name="hold", class_="buy_and_hold", enabled=False),
)


def record(seed: int, bars: int = 40) -> Bench:
    """A run through thick and thin."""
    use_exact_context()
    draw = random.Random(seed)
    live = Live(config(*STRATEGIES, risk=WIDE, queue=QueueLimits(derivative_create=3)), CLASSES)
    price = 100.0
    for number in range(bars):
        price = round(max(price + draw.choice((-3.0, -1.0, 0.5, 2.0, 3.5)), 20.0), 1)
        live.bar(number, price)
        _something_else(live, draw)
    return live.bench


def _something_else(live: Live, draw: random.Random) -> None:
    bench, kind = live.bench, draw.randrange(12)
    now = bench.now
    if kind == 0:
        side = draw.choice((Side.BUY, Side.SELL))
        live.feed(OrderRequested(now, "me", BTC, side, OrderType.MARKET, Decimal(draw.randrange(1, 9)) / 10))
    elif kind == 1:
        live.feed(CancelRequested(now, "me"))
    elif kind == 2:
        live.venue.fund(BTC, Fraction(draw.randrange(-5, 6), 10_000), Decimal(100))
        said, live.venue.said = live.venue.said, []
        for event in said:
            live.feed(event)
    elif kind == 3:
        live.wait(draw.choice((2 * SECOND, MINUTE // 2)))
    elif kind == 4:
        live.feed(HaltRequested(now, "me", draw.random() < 0.5))
        live.feed(ResumeRequested(now, "me"))
    elif kind == 5:
        live.feed(ConnectionChanged(now, "private", False, "cut"))
        live.feed(ConnectionChanged(now, "private", True))
    elif kind == 6:
        live.feed(ConnectionChanged(now, "public:linear", True))
    elif kind == 7:
        live.feed(TradePrinted(now, now, BTC, Side.BUY, live.price, 1.0, str(now)))
    elif kind == 8:
        for _ in range(3):
            live.feed(
                OrderRequested(
                    now, "me", BTC, Side.BUY, OrderType.LIMIT, Decimal("0.3"), Decimal(draw.randrange(15, 20))
                )
            )


def digest(seed: int) -> str:
    """One line for everything that was decided."""
    bench = record(seed)
    return hashlib.sha256(msgspec.msgpack.encode(bench.answers) + bench.engine.checkpoint()).hexdigest()


if __name__ == "__main__":
    print(digest(1))
