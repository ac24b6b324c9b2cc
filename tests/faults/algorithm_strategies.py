"""Strategies that have execution algorithms work for them, one class for each kind; copied into a daemon's folder.

Those that trade one way build a position up and take it down again; grids and ladders carry stops and end themselves.
"""

from tradectl.engine.strategy import Strategy, param
from tradectl.model.orders import Side


class Worker(Strategy):
    """Starts the next algorithm when the last one is over."""

    symbol: str = param("BTCUSDT")
    qty: str = param("0.05")
    minutes: float = param(6.0, low=0.1, high=1000)

    def on_start(self) -> None:
        self.subscribe_bars(self.symbol, "1m")
        self.price = 0.0
        self.begun = 0

    def on_bar(self, bar: object) -> None:
        self.price = bar.close  # type: ignore[attr-defined]
        if not self.algorithms and not self.orders:
            self.begun = self.now
            self.go_on(self.position(self.symbol))
        elif self.now - self.begun > 40 * 60 * 10**9:
            for algorithm in self.algorithms:
                self.cancel_algorithm(algorithm.id, reason="it takes too long")

    def go_on(self, held: object) -> None:
        """Nothing is at work: begin something."""
        if held:
            self.work(Side.SELL, abs(held))  # type: ignore[arg-type]
        else:
            self.work(Side.BUY, self.qty)

    def work(self, side: Side, qty: object) -> None:
        raise NotImplementedError

    def away(self, distance: float, sign: int = 1) -> float:
        """A price on the tick, ``distance`` from the last close."""
        return round(self.price + sign * distance, 1)


class Twap(Worker):
    def work(self, side: Side, qty: object) -> None:
        self.twap(self.symbol, side, qty, minutes=self.minutes, slices=7, reason="in parts")  # type: ignore[arg-type]


class Vwap(Worker):
    def work(self, side: Side, qty: object) -> None:
        self.vwap(
            self.symbol, side, qty, minutes=self.minutes, slices=5, reason="with the volume",  # type: ignore[arg-type]
        )  # fmt: skip


class Share(Worker):
    def work(self, side: Side, qty: object) -> None:
        self.vwap(
            self.symbol, side, qty, minutes=self.minutes, participation=0.0004, reason="a share",  # type: ignore[arg-type]
        )  # fmt: skip


class Iceberg(Worker):
    def work(self, side: Side, qty: object) -> None:
        self.iceberg(
            self.symbol, side, qty, limit=self.away(8, -side.sign), visible="0.007", reason="hidden",  # type: ignore[arg-type]
        )  # fmt: skip


class Chase(Worker):
    def work(self, side: Side, qty: object) -> None:
        self.chase(
            self.symbol, side, qty, timeout_s=60 * self.minutes, cross=True, reason="follows",  # type: ignore[arg-type]
        )  # fmt: skip


class Scaled(Worker):
    def work(self, side: Side, qty: object) -> None:
        near, far = self.away(5, -side.sign), self.away(60, -side.sign)
        self.scaled(
            self.symbol, side, qty, low=min(near, far), high=max(near, far), count=5, shape="up",  # type: ignore[arg-type]
            reason="spread",
        )  # fmt: skip


class TwoSided(Worker):
    """What a grid or a ladder leaves in the book is closed before the next one begins."""

    def go_on(self, held: object) -> None:
        if held:
            self.close(self.symbol, reason="what is left")
        else:
            self.work(Side.BUY, self.qty)


class Grid(TwoSided):
    def work(self, side: Side, qty: object) -> None:
        self.grid(
            self.symbol, side, qty, low=self.away(60, -1), high=self.away(40), levels=6,  # type: ignore[arg-type]
            stop=self.away(110, -1), take_profit=self.away(90), reason="grid",
        )  # fmt: skip


class Dca(TwoSided):
    def work(self, side: Side, qty: object) -> None:
        self.dca(
            self.symbol, side, qty, orders=3, step=0.02, take_profit=0.04,  # type: ignore[arg-type]
            stop=self.away(140, -1), reason="ladder",
        )  # fmt: skip
