"""Strategies whose every position has stops, one class for each way of asking for them; copied into a daemon's folder.

Stops and targets lie so near that both fire within some bars of the generated candles.
"""

from tradectl.engine.strategy import Strategy, param
from tradectl.model.orders import Side


class Cycle(Strategy):
    """Enters on a bar when it is flat, and leaves the exit to its stops."""

    symbol: str = param("BTCUSDT")
    qty: str = param("0.013")
    way: str = param("long", choices=("long", "short", "turns"))
    every: int = param(3, low=1, high=1000)
    near: float = param(55.0, low=1.0, high=1e6, help="from the entry to the stop, in price")
    far: float = param(70.0, low=1.0, high=1e6, help="from the entry to the target, in price")

    def on_start(self) -> None:
        self.subscribe_bars(self.symbol, "1m")
        self.seen = self.turn = 0
        self.price = 0.0

    def on_bar(self, bar: object) -> None:
        self.seen += 1
        self.price = bar.close  # type: ignore[attr-defined]
        if self.seen % self.every == 0 and not self.position(self.symbol) and not self.orders:
            self.turn += 1
            short = self.way == "short" or (self.way == "turns" and self.turn % 2 == 0)
            self.enter(Side.SELL if short else Side.BUY)
        elif self.position(self.symbol):
            self.hold()

    def enter(self, side: Side) -> None:
        """Open; at market unless a class says otherwise."""
        (self.buy if side is Side.BUY else self.sell)(self.symbol, self.qty, reason=f"entry {self.turn}")

    def hold(self) -> None:
        """A bar with a position."""

    def away(self, distance: float, sign: int) -> float:
        """A price on the tick, ``distance`` from the last close."""
        return round(self.price + sign * distance, 1)


class Bracket(Cycle):
    """Take-profit and stop-loss attached to the entry, which is a limit order every other time."""

    at_market: bool = param(False, help="always at market")

    def enter(self, side: Side) -> None:
        limit = self.away(10, -side.sign) if self.turn % 2 and not self.at_market else None
        self.bracket(
            self.symbol, side, self.qty, limit, take_profit=self.away(self.far, side.sign),
            stop_loss=self.away(self.near, -side.sign), reason=f"bracket {self.turn}",
        )  # fmt: skip


class Pyramid(Bracket):
    """Adds further brackets to what it holds, each with stops of its own; all come with the same side."""

    def hold(self) -> None:
        size = self.position(self.symbol)
        if self.seen % self.every == 0 and abs(size) < 4 * float(self.qty):
            self.enter(Side.BUY if size > 0 else Side.SELL)


class Moved(Bracket):
    """Moves the stops of its bracket on every bar, a little around where they were."""

    def enter(self, side: Side) -> None:
        self.begun = self.price
        super().enter(side)

    def hold(self) -> None:
        sign = 1 if self.position(self.symbol) > 0 else -1
        stop = round(self.begun - sign * (self.near + self.seen % 7), 1)
        self.protect(
            self.symbol, stop_loss=stop, take_profit=round(self.begun + sign * (self.far + self.seen % 5), 1),
            reason="moved",
        )  # fmt: skip


class Late(Cycle):
    """Sets its stops when the fill is told."""

    def on_execution(self, execution: object) -> None:
        size = self.position(self.symbol)
        if size:
            self.secure(1 if size > 0 else -1)

    def secure(self, sign: int) -> None:
        self.protect(
            self.symbol, stop_loss=self.away(self.near, -sign), take_profit=self.away(self.far, sign), reason="stops"
        )


class Oco(Late):
    """Two exits for the whole position, each of which ends the other."""

    def secure(self, sign: int) -> None:
        self.oco(
            self.symbol, abs(self.position(self.symbol)), take_profit=self.away(self.far, sign),
            stop_loss=self.away(self.near, -sign), reason="one of two",
        )  # fmt: skip


class Trail(Late):
    """A stop that follows the price."""

    def secure(self, sign: int) -> None:
        self.trail(self.symbol, distance=self.near, reason="trailing")
