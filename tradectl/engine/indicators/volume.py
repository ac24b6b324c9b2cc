"""Price and volume together: OBV, MFI, VWAP of the session and of a window, Chaikin money flow."""

import math

from tradectl.engine.indicators.indicator import Indicator, positive, whole
from tradectl.engine.indicators.kernels import Before, Window, typical
from tradectl.model.market_data import Bar

DAY = 86_400_000_000_000


class OnBalanceVolume(Indicator):
    """OBV: volume added on a rising close, taken off on a falling one.

    With a ``period`` it is the sum of that many bars. Without one (0) it adds up from the first bar seen, so that its
    level depends on where history began: only differences mean something, and no model may learn from it.
    """

    def __init__(self, period: int = 0) -> None:
        super().__init__(whole("obv", "period", period, 0) + 1, f"obv({period})" if period else "obv")
        self._total = 0.0
        self._before = Before()
        self._window = Window(period) if period else None
        self._parts = (self._before, self._window) if self._window else (self._before,)

    def _next(self, bar: Bar) -> float:
        change = bar.close - self._before.close
        self._before.take(bar)
        signed = bar.volume * ((change > 0) - (change < 0))
        if self._window is not None:
            full = self._window.push(signed if change == change else math.nan)
            return math.fsum(self._window.values) if full else math.nan
        # the first bar counts as rising, as in TA-Lib
        return self.value + signed if self.ready else bar.volume


class MoneyFlow(Indicator):
    """MFI: the share of ``period`` bars' turnover at a rising typical price, 0 to 100; 50 when there was none."""

    def __init__(self, period: int = 14) -> None:
        super().__init__(whole("mfi", "period", period) + 1, f"mfi({period})")
        self._price = Window(1)
        self._up, self._down = Window(period), Window(period)
        self._parts = (self._price, self._up, self._down)

    def _next(self, bar: Bar) -> float:
        price = typical(bar)
        before = self._price.values[0] if self._price.values else math.nan
        self._price.push(price)
        if before != before:
            return math.nan
        flow = price * bar.volume
        self._down.push(flow if price < before else 0.0)
        if not self._up.push(flow if price > before else 0.0):
            return math.nan
        up, down = math.fsum(self._up.values), math.fsum(self._down.values)
        return 100.0 * up / (up + down) if up + down else 50.0


class RollingVwap(Indicator):
    """Typical price of the last ``period`` bars weighted by volume; their plain mean while nothing was traded."""

    def __init__(self, period: int) -> None:
        super().__init__(whole("vwap", "period", period), f"vwap({period})")
        self._prices, self._volumes = Window(period), Window(period)
        self._parts = (self._prices, self._volumes)

    def _next(self, bar: Bar) -> float:
        self._volumes.push(bar.volume)
        if not self._prices.push(typical(bar)):
            return math.nan
        traded = math.fsum(self._volumes.values)
        if not traded:
            return math.fsum(self._prices.values) / self._prices.size
        pairs = zip(self._prices.values, self._volumes.values, strict=True)
        return math.fsum(p * v for p, v in pairs) / traded


class _Session:
    """The sums of the running day: its number, price times volume, volume."""

    def __init__(self) -> None:
        self.day, self.money, self.traded = -1, 0.0, 0.0

    def take(self, bar: Bar) -> None:
        day = bar.open_time // DAY
        if day != self.day:
            self.day, self.money, self.traded = day, 0.0, 0.0
        self.money += typical(bar) * bar.volume
        self.traded += bar.volume

    def state(self) -> list[float]:
        return [float(self.day), self.money, self.traded]

    def restore(self, state: list[float]) -> None:
        self.day, self.money, self.traded = int(state[0]), state[1], state[2]


class SessionVwap(Indicator):
    """VWAP since midnight UTC, of typical prices; right once a midnight was seen, so ``lookback`` is a day of bars."""

    def __init__(self, bar_length: int) -> None:
        super().__init__(max(DAY // int(positive("vwap", "bar_length", bar_length)), 1), "vwap")
        self._session = _Session()
        self._parts = (self._session,)

    def _next(self, bar: Bar) -> float:
        self._session.take(bar)
        return self._session.money / self._session.traded if self._session.traded else typical(bar)


class ChaikinMoneyFlow(Indicator):
    """CMF, -1 to 1: ``period`` bars' volume weighted by where each close lay in its range; 0 when nothing traded."""

    def __init__(self, period: int = 20) -> None:
        super().__init__(whole("cmf", "period", period), f"cmf({period})")
        self._flows, self._volumes = Window(period), Window(period)
        self._parts = (self._flows, self._volumes)

    def _next(self, bar: Bar) -> float:
        span = bar.high - bar.low
        place = ((bar.close - bar.low) - (bar.high - bar.close)) / span if span else 0.0
        self._volumes.push(bar.volume)
        if not self._flows.push(place * bar.volume):
            return math.nan
        traded = math.fsum(self._volumes.values)
        return math.fsum(self._flows.values) / traded if traded else 0.0
