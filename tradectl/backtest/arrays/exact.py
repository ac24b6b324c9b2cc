"""The same run as :mod:`simulate` in exact arithmetic, one bar after another: slow, obvious, and never in doubt.

Every amount is a whole number or a fraction without bound. It stands in where float64 cannot decide, and it is what
the compiled run is held against in the tests.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from tradectl.backtest.arrays.codes import (
    ACCOUNT,
    ALWAYS,
    BROKE,
    FILL,
    FLAT,
    LEAVE_LONG,
    LEAVE_SHORT,
    LIMITED,
    LONG,
    OFF_TICK,
    SHORT,
    SLICED,
    STAND,
)
from tradectl.backtest.arrays.prepared import Asked, exact
from tradectl.backtest.arrays.rules import UNIT
from tradectl.backtest.job import BacktestJob
from tradectl.model.instruments import Instrument


def simulate_exactly(asked: Asked) -> tuple[Any, Any, Any, Any]:
    """Fills, stands, days and the final record, as :func:`simulate` fills them in."""
    account = _Account(asked)
    account.run()
    return account.arrays()


class _Account:
    """Money, position, and what happened."""

    def __init__(self, asked: Asked) -> None:
        self.job: BacktestJob = asked.inputs.job
        self.info: Instrument = asked.inputs.instrument
        (self.rules, self.codes, self.times, self.open, self.high, self.low, self.close, self.first, days, funded) = (
            asked.arguments()
        )
        self.day_ends, self.funded = days.tolist(), funded.tolist()
        self.step = int(self.rules["step"][0])
        self.tick = float(self.info.tick_size)
        self.lot = Fraction(self.info.lot_size)
        self.entry, self.patience = int(self.rules["entry"][0]), int(self.rules["patience"][0])
        self.late = bool(self.rules["late"][0])
        self.weight = exact(asked.weight)
        self.ledger, self.lots, self.flags, self.entered = int(self.job.cash / UNIT), 0, 0, -1
        self.trip_from = self.ledger
        self.fills: list[tuple[int, ...]] = []
        self.stands: list[tuple[int, ...]] = []
        self.days: list[int] = []
        self.counts = dict.fromkeys(
            ("trips", "won", "lost", "gained", "given", "fees", "funding", "orders", "refused"), 0
        )
        self.high_water = self.day_top = float(self.ledger)

    # --- time

    def run(self) -> None:
        """Every bar."""
        for bar in range(self.first, len(self.close)):
            self._watch(bar)
            self._fund(bar, after=False)
            if self.late:
                self._end_day(bar)
            self._decide(bar)
            if not self.late:
                self._end_day(bar)
            self._fund(bar, after=True)

    def _fund(self, bar: int, after: bool) -> None:
        for at, num, den, late in self.funded:
            if at == bar and bool(late) is after and self.lots:
                payment = round(Fraction(self._value(self.lots, self._ticks(self.close[bar])) * num, den))
                self.ledger -= payment
                self.counts["funding"] += payment
                self.stands.append((bar + after, self.ledger, self.lots))

    def _end_day(self, bar: int) -> None:
        if bar in self.day_ends:
            self.days.append(self._equity(bar))
            self.high_water = max(self.high_water, float(self.days[-1]))
            self.day_top = float(self.days[-1])

    def _watch(self, bar: int) -> None:
        limits = self.job.limits
        if not self.lots:
            return
        values = [price / self.tick * self.step * self.lots for price in (self.high[bar], self.low[bar])]
        best, worst = self.ledger + max(values), self.ledger + min(values)
        if worst <= 0.02 * max(map(abs, values)) and (self.lots < 0 or self.rules["borrows"][0]):
            self.flags |= BROKE
        self.high_water, self.day_top = max(self.high_water, best), max(self.day_top, best)
        fall, loss = float(limits.drawdown_share), float(limits.day_loss_share)
        if (fall < 1 or loss < 1) and (
            self.high_water - worst >= fall * self.high_water * 0.999
            or self.day_top - worst >= loss * self.day_top * 0.99
        ):
            self.flags |= LIMITED

    # --- decisions

    def _decide(self, bar: int) -> None:
        move = self._wanted(int(self.codes[bar]), bar)
        if move is None or (move == 0 and not self.lots):
            return
        mark, half = self._ticks(self.close[bar]), self._half(self.close[bar])
        bid, ask = max(mark - half, 1), mark + half
        equity = self._equity(bar)
        if move and equity <= 0:
            self.flags |= BROKE
            return
        delta = move * self._size(equity, move, bid, ask) - self.lots
        closing = min(abs(delta), abs(self.lots)) if self.lots * delta < 0 else 0
        opening = abs(delta) - closing
        least = self.rules["min_lots"][0]
        closing, opening = (closing if closing >= least else 0), (opening if opening >= least else 0)
        sign = 1 if delta > 0 else -1
        sizes = self._orders(opening, equity, sign, ask if sign > 0 else bid)
        if opening and self._refused(sizes, closing, equity, sign, bid, ask, mark):
            self.counts["refused"] += 1
            sizes = []
        self._trade(bar, sign, _cut(closing, int(self.rules["most_lots"][0])), sizes)

    def _wanted(self, code: int, bar: int) -> int | None:
        if self.entry == FLAT and self.lots:
            leave = code & (LEAVE_LONG if self.lots > 0 else LEAVE_SHORT)
            due = self.patience and bar - self.entered == self.patience
            return 0 if leave or due else None
        if code & LONG and (self.entry in (ALWAYS, FLAT) or self.lots <= 0):
            return 1
        if code & SHORT and (self.entry in (ALWAYS, FLAT) or self.lots >= 0):
            return -1
        return 0 if code & (LEAVE_LONG | LEAVE_SHORT) and self.entry != FLAT else None

    def _size(self, equity: int, move: int, bid: int, ask: int) -> int:
        share = Fraction(self.job.strategies[0].capital) * self.weight
        return int(equity * share / (self._worst(move, bid, ask) * self.step))

    def _worst(self, sign: int, bid: int, ask: int) -> Fraction:
        return ask * (1 + Fraction(self.job.limits.collar_share)) if sign > 0 else Fraction(bid)

    def _orders(self, opening: int, equity: int, sign: int, touch: int) -> list[int]:
        limits = self.job.limits
        value = equity * Fraction(limits.order_share)
        if limits.order_value:
            value = min(value, Fraction(limits.order_value) / Fraction(UNIT))
        most = int(value / (self._worst(sign, touch, touch) * self.step))
        if not opening or most < self.rules["min_lots"][0]:
            return [opening] if opening else []
        return _cut(opening, min(most, int(self.rules["most_lots"][0])))

    def _refused(self, sizes: list[int], closing: int, equity: int, sign: int, bid: int, ask: int, mark: int) -> bool:
        limits, info = self.job.limits, self.info
        price = self._worst(sign, bid, ask)
        touch = ask if sign > 0 else bid
        unit = max(price, Fraction(mark)) * self.step
        after = abs(self.lots + sign * (closing + sum(sizes))) * unit
        worst = max(after, abs(self.lots) * unit)
        order, small = max(sizes) * price * self.step, min(sizes) * price * self.step
        leverage = min(limits.leverage, info.max_leverage) if info.max_leverage >= 1 else limits.leverage
        taker = Fraction(self.job.models.fees.fees().linear_taker)

        def most(share: Any, amount: Any) -> Fraction:
            by_share = equity * Fraction(share)
            return min(by_share, Fraction(amount) / Fraction(UNIT)) if amount else by_share

        return (
            order > most(limits.order_share, limits.order_value)
            or after > most(limits.position_share, limits.position_value)
            or worst > most(limits.gross_share * limits.leverage, limits.gross_value)
            or worst > equity * Fraction(limits.leverage * max(limits.gross_share, Decimal(1)))
            or (
                bool(limits.margin_share)
                and worst / Fraction(leverage) + order * taker > equity * Fraction(limits.margin_share)
            )
            or small < Fraction(info.min_notional) / Fraction(UNIT)
            or Fraction(abs(touch - mark), mark) > Fraction(limits.collar_share)
            or max(sizes) > self.rules["most_lots"][0]
            or min(sizes) < self.rules["min_lots"][0]
            or (bid == ask and limits.refuse_locked)
        )

    # --- trades

    def _trade(self, bar: int, sign: int, closing: list[int], opening: list[int]) -> None:
        if not closing and not opening:
            return
        if len(closing) + len(opening) > self.rules["slices"][0]:
            self.flags |= SLICED
        when, price = bar, self.close[bar]
        if self.late:
            when = bar + 1
            if when >= len(self.close):
                return
            if self.rules["opens"][0] and self.times[when] - self.times[bar] == self.rules["length"][0]:
                price = self.open[when]
        ticks, here = self._taken(float(price), sign), self._ticks(price)
        if closing:
            self._fill(when, sign, closing, ticks, bar)
        for size in opening:
            if not self._has_margin(size, max(here, ticks), here):
                self.counts["refused"] += 1
                self.flags |= SLICED * (len(opening) > 1)
                opening = []
        if opening:
            self._fill(when, sign, opening, ticks, bar)
        self.stands.append((when, self.ledger, self.lots))

    def _has_margin(self, size: int, dear: int, here: int) -> bool:
        """As the venue reckons it, in coin of eight decimals."""
        leverage = Fraction(min(self.job.leverage, self.info.max_leverage))
        taker = Fraction(self.job.models.fees.fees().linear_taker)
        adding, held = self._value(size, dear), abs(self._value(self.lots, here))
        need = round(adding / leverage + adding * taker * 2)
        return need <= self.ledger + self._value(self.lots, here) - round(held / leverage + held * taker)

    def _fill(self, when: int, sign: int, sizes: list[int], ticks: int, bar: int) -> None:
        taker = Fraction(self.job.models.fees.fees().linear_taker)
        fee = sum(round(self._value(it, ticks) * taker) for it in sizes)
        if not self.lots:
            self.trip_from, self.entered = self.ledger, bar
        self.ledger -= sign * self._value(sum(sizes), ticks) + fee
        self.lots += sign * sum(sizes)
        self.counts["fees"] += fee
        self.counts["orders"] += len(sizes)
        self.fills.append((when, sign * sum(sizes), ticks, fee, len(sizes), bar))
        if not self.lots:
            gain = self.ledger - self.trip_from
            self.counts["trips"] += 1
            self.counts["won"] += gain > 0
            self.counts["lost"] += gain < 0
            self.counts["gained"] += max(gain, 0)
            self.counts["given"] += max(-gain, 0)

    # --- prices

    def _ticks(self, price: float) -> int:
        ticks = round(float(price) / self.tick)
        if float(ticks * self.info.tick_size) != price:
            self.flags |= OFF_TICK
        return ticks

    def _half(self, price: float) -> int:
        return self.job.models.spread.half(self.info, float(price))

    def _taken(self, price: float, sign: int) -> int:
        bps = float(self.rules["slip_bps"][0])
        worse = round(price * bps / 10_000 / self.tick) if bps else 0
        ticks, half = self._ticks(price), self._half(price)
        return ticks + half + worse if sign > 0 else max(max(ticks - half, 1) - worse, 1)

    def _value(self, lots: int, ticks: int) -> int:
        return lots * ticks * self.step

    def _equity(self, bar: int) -> int:
        return self.ledger + self._value(self.lots, self._ticks(self.close[bar]))

    # --- what is left

    def arrays(self) -> tuple[Any, Any, Any, Any]:
        """As :func:`simulate` leaves them."""
        done = np.zeros(1, ACCOUNT)
        found = {
            **self.counts, "flags": self.flags, "fills": len(self.fills), "stands": len(self.stands),
            "ledger": self.ledger, "lots": self.lots, "equity": self._equity(len(self.close) - 1),
        }  # fmt: skip
        for name, value in found.items():
            done[name] = value
        return np.array(self.fills, FILL), np.array(self.stands, STAND), np.array(self.days, np.int64), done


def _cut(lots: int, most: int) -> list[int]:
    """Nearly equal parts of at most ``most``."""
    count = -(-lots // most)
    each, bigger = divmod(lots, count) if count else (0, 0)
    return [each + 1] * bigger + [each] * (count - bigger)
