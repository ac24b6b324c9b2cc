"""What strategies with one position and a stop share: the stop goes to the venue with the entry."""

from decimal import Decimal

from tradectl.engine.strategy import Strategy
from tradectl.model.market_data import Bar


class Stopped(Strategy):
    """Holds one position of one symbol; ``stop`` is its stop price, 0 while flat. Call ``watch`` in ``on_start``."""

    def watch(self, symbol: str) -> None:
        """Begin flat, on ``symbol``."""
        self._symbol = symbol
        self.stop = 0.0

    @property
    def side(self) -> int:
        """1 long, -1 short, 0 flat."""
        held = self.position(self._symbol)
        return (held > 0) - (held < 0)

    def enter(self, side: int, stop: float, reason: str, weight: float = 1.0) -> None:
        """Go long (1) or short (-1) with ``weight`` of the capital and a stop at ``stop``; not without one (NaN)."""
        if not stop > 0:
            return
        self.stop = stop
        price = self.instrument(self._symbol).passive_price(Decimal(repr(stop)), buy=side > 0)
        self.target(self._symbol, weight=side * weight, stop_loss=price, reason=reason)

    def leave(self, reason: str) -> None:
        """Close the position."""
        self.close(self._symbol, reason=reason)

    def passed_stop(self, bar: Bar) -> bool:
        """Whether the bar closed beyond the stop: the market ran past it before it stood at the venue."""
        side = self.side
        return self.stop > 0 and (bar.close - self.stop) * side < 0
