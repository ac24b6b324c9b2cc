"""Earns funding: holds the coin, sells its perpetual short, and is indifferent to the price."""

from decimal import Decimal

from tradectl.engine.strategy import Strategy, param
from tradectl.model.commands import ExecutionBooked
from tradectl.model.market_data import Bar
from tradectl.model.orders import Side


class FundingCarry(Strategy):
    """Spot long against the perpetual short while the funding rate pays for it.

    Above ``enter`` it buys spot in clips, one a bar, up to half of its capital; the perpetual is sold as the spot
    fills, by exactly what is not hedged yet. Below ``leave`` both legs are closed. Rates are per funding interval.
    """

    symbol: str = param("BTCUSDT", help="the symbol, both as a spot pair and as a perpetual")
    interval: str = param("15m", help="candle interval at which it decides")
    enter: float = param(0.0001, low=0, high=0.01, help="funding rate from which it builds up")
    leave: float = param(0.0, low=-0.01, high=0.01, help="funding rate below which it closes")
    clip: float = param(0.1, low=0.01, high=1, help="part of the capital bought at a time")

    def on_start(self) -> None:
        if self.leave > self.enter:
            raise ValueError(f"leave ({self.leave}) must not be above enter ({self.enter})")
        self._spot, self._perpetual = f"spot:{self.symbol}", f"linear:{self.symbol}"
        self.subscribe_bars(self._perpetual, self.interval)
        self.subscribe_quotes(self._spot)
        self.leaving = False

    def on_bar(self, bar: Bar) -> None:
        ticker = self.ticker(self._perpetual)
        if ticker is None:
            return
        held, short = self.position(self._spot), self.position(self._perpetual)
        dust = self.instrument(self._spot).min_qty  # the fee on spot is paid in coin and leaves a crumb
        self.leaving = ticker.funding_rate < self.leave and (held >= dust or short < 0)
        if self.leaving:
            why = f"funding {ticker.funding_rate:.6f}"
            self.close(self._spot, reason=why)
            self.close(self._perpetual, reason=why)
        elif not self._hedge() and ticker.funding_rate >= self.enter and not bar.late:
            self._add(bar, held, f"funding {ticker.funding_rate:.6f}")

    def _add(self, bar: Bar, held: Decimal, why: str) -> None:
        """Another clip of spot, if half of the capital has room for it."""
        price = Decimal(repr(bar.close))
        qty = self.instrument(self._perpetual).floor_qty(self.capital * Decimal(repr(self.clip)) / price)
        if (held + qty) * price <= self.capital / 2:
            self.buy(self._spot, qty, reason=why)

    def on_execution(self, execution: ExecutionBooked) -> None:
        if execution.execution.instrument.symbol == self.symbol and not self.leaving:
            self._hedge()

    def _hedge(self) -> bool:
        """Bring the perpetual to the size of the spot, counting what is on its way; whether there was a need."""
        flying = sum(
            (o.side.sign * (o.qty - o.filled) for o in self.orders if o.instrument.category.value == "linear"),
            Decimal(0),
        )
        info = self.instrument(self._perpetual)
        gap = self.position(self._spot) + self.position(self._perpetual) + flying
        qty = info.floor_qty(abs(gap))
        if qty < info.min_qty:
            return False
        side = Side.SELL if gap > 0 else Side.BUY
        send = self.sell if side is Side.SELL else self.buy
        send(self._perpetual, qty, reduce_only=side is Side.BUY, reason="hedge the spot leg")
        return True
