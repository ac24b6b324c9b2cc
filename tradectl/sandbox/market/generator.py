"""A generated market: trends that come and go, clusters of volatility (GARCH), jumps; spot and perpetuals together.

Each base coin has one fair price; its spot pair and its perpetuals trade around it, each with a small basis of its own.
Everything follows from the seed and the time: the state between two candles is a handful of numbers.
"""

import math
from collections.abc import Iterable
from decimal import Decimal

import msgspec
from msgspec import Struct

from tradectl.model.instruments import Category, Instrument
from tradectl.sandbox.market.mixing import Random, salt
from tradectl.sandbox.market.records import Bar, Kline
from tradectl.sandbox.market.symbol_specs import SPECS, Spec

#: GARCH(1,1) of one-minute variance, relative to its long-run mean.
GARCH_SHOCK, GARCH_MEMORY = 0.10, 0.86
#: A trend lasts this many candles at least, plus an exponential rest of this mean.
TREND_LEAST, TREND_REST = 12, 18.0
#: Drift of a trend in standard deviations per candle.
TREND_DRIFT = 0.30
#: One candle in so many jumps, by a normal size of this many standard deviations.
JUMP_EVERY, JUMP_SIZE = 1500, 8.0
#: Pull towards the first price, per candle: the market may run for months and must stay plausible.
REVERSION = 0.00005
#: The basis of one instrument: standard deviation, and how much of it is kept per candle.
BASIS_SIZE, BASIS_MEMORY = 0.00015, 0.97
#: The least volume of a candle in lots: enough for a print at every micro-step.
LEAST_LOTS = 5000
ZERO = Decimal(0)


class SymbolState(Struct, array_like=True):
    """Where one coin's price process stands between two candles.

    Linear, spot and inverse have a slot each. The inverse contract draws from a source of its own, so that the others
    are the same with and without it.
    """

    random: int
    log_price: float
    variance: float  # relative to the long-run mean
    direction: int = 0
    trend_left: int = 0
    basis: tuple[float, ...] = (0.0, 0.0, 0.0)
    closes: tuple[int, ...] = (0, 0, 0)  # last closes in ticks; 0 before the first
    inverse_random: int = 0


class _Move(Struct):
    """One candle of the fair price: where it ends and how wide it ranges, as fractions of the price."""

    price: float
    sigma: float
    activity: float


#: The slot of each product.
SLOTS = {Category.LINEAR: 0, Category.SPOT: 1, Category.INVERSE: 2}


class SymbolProcess:
    """The candles of one base coin: of its linear perpetual, its spot pair and its inverse perpetual."""

    def __init__(self, base: str, instruments: list[Instrument], seed: int) -> None:
        self._spec: Spec = SPECS[base]
        self._instruments = instruments
        self._anchor = math.log(float(self._spec.price))
        own = salt(seed, f"{base}USD")
        self.state = SymbolState(salt(seed, f"{base}USDT"), self._anchor, 1.0, inverse_random=own)

    def next_bars(self, open_time: int) -> list[Bar]:
        """The candle that opens at ``open_time`` of every instrument, in their order."""
        random, own = Random(self.state.random), Random(self.state.inverse_random)
        move = self._move(random)
        basis = (self._basis(random, 0), self._basis(random, 1) * 0.3, self._basis(own, 2))
        bars = [self._bar(own if SLOTS[i.id.category] == 2 else random, i, move, basis, open_time)
                for i in self._instruments]  # fmt: skip
        self.state.basis = basis
        self.state.random, self.state.inverse_random = random.state, own.state
        return bars

    def _move(self, random: Random) -> _Move:
        state = self.state
        if state.trend_left == 0:
            self._turn(random)
        state.trend_left -= 1
        sigma = self._spec.volatility * math.sqrt(state.variance)
        shock = random.gauss()
        step = sigma * (shock + TREND_DRIFT * state.direction) + REVERSION * (self._anchor - state.log_price)
        if random.below(JUMP_EVERY) == 0:
            step += sigma * JUMP_SIZE * random.gauss()
        relative = min((step / self._spec.volatility) ** 2, 40.0)
        state.variance = (1 - GARCH_SHOCK - GARCH_MEMORY) + GARCH_SHOCK * relative + GARCH_MEMORY * state.variance
        state.log_price += step
        return _Move(math.exp(state.log_price), sigma, abs(step) / sigma)

    def _turn(self, random: Random) -> None:
        others = [d for d in (-1, 0, 1) if d != self.state.direction]
        self.state.direction = others[random.below(2)]
        self.state.trend_left = TREND_LEAST + int(-TREND_REST * math.log(1.0 - random.uniform()))

    def _basis(self, random: Random, index: int) -> float:
        fresh = BASIS_SIZE * math.sqrt(1 - BASIS_MEMORY**2) * random.gauss()
        return BASIS_MEMORY * self.state.basis[index] + fresh

    def _bar(
        self, random: Random, instrument: Instrument, move: _Move, bases: tuple[float, ...], open_time: int
    ) -> Bar:
        index = SLOTS[instrument.id.category]
        basis = bases[index]
        tick = instrument.tick_size
        close = max(2, round(move.price * (1.0 + basis) / float(tick)))
        open_ = self.state.closes[index] or close
        reach = move.sigma * move.price / float(tick)
        high = max(open_, close) + int(abs(random.gauss()) * 0.5 * reach)
        low = max(1, min(open_, close) - int(abs(random.gauss()) * 0.5 * reach))
        lots = self._lots(random, instrument, move)
        closes = list(self.state.closes)
        closes[index] = close
        self.state.closes = tuple(closes)
        ratio = Decimal(round(1_000_000 / (1.0 + basis))).scaleb(-6)
        kline = Kline(
            open_time, open_ * tick, high * tick, low * tick, close * tick, lots * instrument.lot_size, ZERO, ratio
        )
        return Bar(instrument.id, kline)

    def _lots(self, random: Random, instrument: Instrument, move: _Move) -> int:
        median = self._spec.volume * (1.0 if instrument.id.category is Category.LINEAR else 0.25)
        if instrument.id.category is Category.INVERSE:
            median *= move.price  # its contracts are dollars
        units = median * math.exp(0.6 * random.gauss()) * (0.5 + move.activity)
        return max(LEAST_LOTS, int(units / float(instrument.lot_size)))


class GeneratedBars:
    """All instruments' candles, minute by minute, for ever."""

    def __init__(self, instruments: Iterable[Instrument], seed: int, interval: int, start: int) -> None:
        coins: dict[str, list[Instrument]] = {}
        for instrument in instruments:
            coins.setdefault(instrument.base_coin, []).append(instrument)
        self._processes = {base: SymbolProcess(base, traded, seed) for base, traded in coins.items()}
        self._interval = interval
        self._next = start

    def next_bars(self) -> tuple[Bar, ...]:
        """The next candle of every instrument; they share one open time."""
        open_time = self._next
        self._next += self._interval
        return tuple(bar for process in self._processes.values() for bar in process.next_bars(open_time))

    def save(self) -> bytes:
        """The position between two candles; :meth:`restore` takes it back."""
        return msgspec.msgpack.encode((self._next, {base: p.state for base, p in self._processes.items()}))

    def restore(self, position: bytes) -> None:
        """Continue where :meth:`save` was called."""
        self._next, states = msgspec.msgpack.decode(position, type=tuple[int, dict[str, SymbolState]])
        for base, process in self._processes.items():
            process.state = states[base] if base in states else _of_two(states[f"{base}USDT"])


def _of_two(state: SymbolState) -> SymbolState:
    """The state as it was kept by symbol, before there were inverse contracts: it has no slot for one."""
    state.basis, state.closes = (*state.basis, 0.0), (*state.closes, 0)
    return state
