"""Statistical arbitrage of two symbols: when one has run away from the other, against it until they meet again."""

from tradectl.engine.strategy import Strategy, param
from tradectl.model.market_data import Bar


class Pairs(Strategy):
    """Trades the z-score of the log-price spread, hedged by the regression of the last ``period`` bars.

    Above ``entry`` it sells ``first`` and buys ``second``, below ``-entry`` the reverse; both are closed at ``leave``
    and beyond ``give_up``, after which it waits until the spread was inside ``leave`` once. A leg that is missing at
    the next bar closes the other.
    """

    first: str = param("ETHUSDT", help="the symbol that is measured")
    second: str = param("BTCUSDT", help="the symbol it is measured against")
    interval: str = param("15m", help="candle interval of both")
    period: int = param(200, low=10, high=2000, help="bars of hedge ratio and deviation")
    entry: float = param(2.0, low=0.5, high=6, help="z-score that opens")
    leave: float = param(0.5, low=0, high=3, help="z-score that closes with profit")
    give_up: float = param(4.0, low=1, high=20, help="z-score that closes with loss")

    def on_start(self) -> None:
        if not self.leave < self.entry < self.give_up:
            raise ValueError(f"leave ({self.leave}) < entry ({self.entry}) < give_up ({self.give_up}) must hold")
        self._one = self.subscribe_bars(self.first, self.interval)
        self._two = self.subscribe_bars(self.second, self.interval)
        self._spread = self._one.spread(self._two, self.period)
        self.waiting = False

    def on_bar(self, bar: Bar) -> None:
        if self._one.next_open() != self._two.next_open() or not self._spread.ready:
            return  # the other's bar is still to come
        z, hedge = self._spread.value, self._spread.hedge.value
        self.waiting = self.waiting and abs(z) > self.leave
        one, two = self.position(self.first), self.position(self.second)
        if one and two:
            self._leave_when_due(z if one < 0 else -z)
        elif one or two:
            self._leave("one leg is missing")
        elif self.entry <= abs(z) < self.give_up and hedge > 0 and not self.waiting:
            self._enter(-1.0 if z > 0 else 1.0, hedge)

    def _enter(self, side: float, hedge: float) -> None:
        """``hedge`` units of money in the second leg against one in the first; together the whole capital."""
        why = f"z {self._spread.value:.2f}, hedge {hedge:.3f}"
        self.target(self.first, weight=side / (1 + hedge), reason=why)
        self.target(self.second, weight=-side * hedge / (1 + hedge), reason=why)

    def _leave_when_due(self, away: float) -> None:
        """``away`` is how far the spread still is on the side it was sold from."""
        if away <= self.leave:
            self._leave(f"spread back at {away:.2f}")
        elif away >= self.give_up:
            self.waiting = True
            self._leave(f"spread ran to {away:.2f}")

    def _leave(self, reason: str) -> None:
        for symbol in (self.first, self.second):
            self.close(symbol, reason=reason)
