"""A strategy that wants more than the venue allows; also copied into a daemon's folder of user strategies."""

from tradectl.engine.strategy import Strategy, param
from tradectl.model.orders import OrderStatus, OrderType


class Flooder(Strategy):
    """Rests orders, moves them, cancels them, and trades a little in and out, as fast as the queue lets it."""

    symbol: str = param("BTCUSDT")
    seed: int = param(1, low=0, high=1000)
    most: int = param(40, low=1, high=100)
    intents: int = param(500, low=1, high=100_000)
    price: float = param(100.0, low=1.0, high=1e6)
    size: str = param("0.1")
    resting: int = param(24, low=1, high=100)

    def on_start(self) -> None:
        self.subscribe_quotes(self.symbol)
        self.subscribe_trades(self.symbol)  # a stepped venue tells its time by them
        self.asked = 0
        self.turn = self.seed
        self.busy = False

    def on_quote(self, quote: object) -> None:
        if not self.busy:
            self.busy = True
            self.set_timer("go", 0.01 * (1 + self.seed))

    def on_timer(self, name: str) -> None:
        self.set_timer("go", 0.25)
        held = self.orders
        mine = [o for o in held if o.status is OrderStatus.NEW and o.type is OrderType.LIMIT]
        free = self.resting - len(held)
        for _ in range(min(int(self.most * (1.0 - self.pressure)) // 2, self.intents - self.asked)):
            self.turn = (self.turn * 1103515245 + 12345) % 2**31
            kind, tick = (self.turn >> 16) % 8, (self.turn >> 20) % 50
            if kind < 4 and free > 0:
                free -= 1
                self._enter(kind, self._below(tick))
            elif len(mine) > 2 and kind in (0, 4):
                self.cancel(mine.pop().link_id, reason="no longer wanted")
            elif mine:
                self.amend(mine.pop(tick % len(mine)).link_id, price=self._below(-tick), reason="moved")
            else:
                return
            self.asked += 1

    def _enter(self, kind: int, price: float) -> None:
        if kind:
            self.buy(self.symbol, self.size, price, reason="rests far below")
        else:
            (self.sell if self.position(self.symbol) > 0 else self.buy)(self.symbol, self.size, reason="in and out")

    def _below(self, tick: int) -> float:
        return round(self.price * (0.9 + tick / 1000), 1)
