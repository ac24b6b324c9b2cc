"""Missed maker fills: taker orders that a resting order would have saved the spread and most of the fee.

Assumed: instead of taking, an order rests one tick better than the best price that was paid, from the next full minute
on. It counts as filled when a candle of the following minutes trades *through* it by at least one tick, so that no
place in the queue matters. An order that would not have filled is sent late: it costs what the price moved until the
last of those minutes, for or against. Stops that were triggered and liquidations could not wait and are left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from tradectl.backtest.review.books import CARRIED
from tradectl.backtest.review.slippage import MINUTE, Against, Minutes
from tradectl.model.account_past import AccountPast
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.market_data import Bar
from tradectl.model.money import ZERO, exact, to_coin
from tradectl.model.orders import Execution
from tradectl.performance.fills import Fill

#: How long the resting order would have waited.
WAIT = 5


class MakerChance(Struct, frozen=True, kw_only=True):
    """Orders that took, counted; amounts in dollars, > 0 saved.

    ``saved_fees`` and ``saved_spread`` are of orders that would have filled; ``chase`` > 0 is what the others would
    have lost by waiting. ``unmeasured`` have no candles, tick or maker rate to judge by.
    """

    minutes: int
    orders: int = 0
    would: int = 0
    would_not: int = 0
    unmeasured: int = 0
    value: Decimal = ZERO
    saved_fees: Decimal = ZERO
    saved_spread: Decimal = ZERO
    chase: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        """What always waiting would have brought."""
        return self.saved_fees + self.saved_spread - self.chase


class _Taken(Struct, frozen=True):
    """One order's taker fills together."""

    instrument: Instrument
    buy: bool
    at: int
    best: Decimal
    average: Decimal
    value: Decimal
    fee: Decimal


def maker_chance(
    past: AccountPast, fills: Sequence[Fill], against: Mapping[str, Against], minutes: Minutes
) -> MakerChance:
    """What resting orders would have changed."""
    rates = _maker_rates(past)
    total = MakerChance(minutes=WAIT)
    for it in _taken(past, fills, against):
        total = _added(total, it, rates.get(it.instrument.id), _after(minutes, it))
    return total


def moments(past: AccountPast) -> dict[InstrumentId, list[int]]:
    """When taker fills happened, by instrument: around these candles are needed."""
    found: dict[InstrumentId, list[int]] = {}
    for it in past.executions:
        if not it.execution.is_maker and it.execution.type == "Trade":
            found.setdefault(it.execution.instrument, []).append(it.execution.ts)
    return found


def _maker_rates(past: AccountPast) -> dict[InstrumentId, Decimal]:
    """Today's rate of each instrument, else that of the account's own newest maker fill in it."""
    found = {
        it.execution.instrument: it.execution.fee_rate
        for it in past.executions
        if it.execution.is_maker and it.execution.type == "Trade"
    }
    return found | {it.instrument: it.maker for it in past.fees}


def _taken(past: AccountPast, fills: Iterable[Fill], against: Mapping[str, Against]) -> list[_Taken]:
    instruments = {it.id: it for it in past.instruments}
    executions = {it.execution.exec_id: it.execution for it in past.executions}
    orders: dict[str, list[tuple[Fill, Execution]]] = {}
    for fill in fills:
        done = executions.get(fill.id)
        waits = against.get(fill.id) in (Against.MARK, Against.CANDLE, Against.NOTHING)
        if done is not None and fill.qty and waits and done.type == "Trade" and not fill.id.startswith(CARRIED):
            orders.setdefault(done.order_id, []).append((fill, done))
    return [_together(own, instruments[own[0][0].instrument]) for own in orders.values()]


def _together(own: Sequence[tuple[Fill, Execution]], instrument: Instrument) -> _Taken:
    fills = [fill for fill, _ in own]
    buy, value = fills[0].qty > 0, sum((abs(it.value) for it in fills), ZERO)
    coins = sum((abs(it.value) / it.price for it in fills), ZERO)
    prices = [it.price for it in fills]
    return _Taken(
        instrument, buy, max(it.at for it in fills), min(prices) if buy else max(prices), value / coins, value,
        sum((it.fee for it in fills), ZERO),
    )  # fmt: skip


def _after(minutes: Minutes, it: _Taken) -> list[Bar]:
    """The next full minutes, all of them or none."""
    own, first = minutes.get(it.instrument.id, {}), it.at // MINUTE * MINUTE + MINUTE
    found = [own.get(first + n * MINUTE) for n in range(WAIT)]
    return [bar for bar in found if bar is not None] if all(found) else []


def _added(total: MakerChance, it: _Taken, rate: Decimal | None, bars: Sequence[Bar]) -> MakerChance:
    def plus(**more: Decimal | int) -> MakerChance:
        kept = {name: getattr(total, name) for name in MakerChance.__struct_fields__}
        return MakerChance(**{name: value + more.get(name, 0) if name != "minutes" else value
                              for name, value in kept.items()})  # fmt: skip

    tick = it.instrument.tick_size
    if rate is None or not bars:
        return plus(orders=1, unmeasured=1, value=it.value)
    sign = 1 if it.buy else -1
    resting = it.best - sign * tick
    through = (
        min(exact(bar.low) for bar in bars) < resting if it.buy else max(exact(bar.high) for bar in bars) > resting
    )
    if through:
        better = to_coin(it.value * sign * (it.average - resting) / it.average)
        fee = to_coin((it.value - sign * better) * rate)
        return plus(orders=1, would=1, value=it.value, saved_fees=it.fee - fee, saved_spread=better)
    moved = to_coin(it.value * sign * (exact(bars[-1].close) - it.average) / it.average)
    return plus(orders=1, would_not=1, value=it.value, chase=moved)
