"""A strategy that goes in and out by the clock, on one side or through zero; copied into a daemon's folder."""

from tradectl.engine.strategy import Strategy, param


class Swinger(Strategy):
    """Adds ``size`` in two steps and gives it back in three uneven ones; ``turns``: instead it swings between long and
    short, crossing zero in one trade."""

    symbol: str = param("BTCUSDT")
    side: int = param(1, low=-1, high=1)
    size: str = param("0.013")
    every: int = param(3, low=1, high=100)
    turns: bool = param(False)

    def on_start(self) -> None:
        self.subscribe_bars(self.symbol, "1m")
        self.seen = 0

    def on_bar(self, bar: object) -> None:
        self.seen += 1
        if self.seen % self.every:
            return
        step = self.seen // self.every
        lots = self.instrument(self.symbol)
        whole = lots.floor_qty(type(lots.lot_size)(self.size))
        if self.turns:
            side = self.side if step % 2 else -self.side
            self._trade(side, whole if step == 1 else whole * 2 + lots.lot_size * (step % 3))
        elif step % 5 < 2:
            self._trade(self.side, whole)
        else:
            held = abs(self.position(self.symbol))
            self._trade(-self.side, held if step % 5 == 4 else lots.floor_qty(held / 3))

    def _trade(self, side: int, qty: object) -> None:
        if qty:
            (self.buy if side > 0 else self.sell)(self.symbol, qty, reason="by the clock")
