"""The built-in strategies' rules once more, slow and obvious: columns of indicators, a position, a list of trades.

Written from the rules' descriptions over the candles alone; the engine, its books and its orders do not occur. A trade
is (minute, instrument, side, price): at market one tick beyond the close, a stop or a limit at its own price.
"""

import math
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from tests.oracles import indicator_oracle as column
from tradectl.model.market_data import Bar

Trade = tuple[int, str, str, float]
BTC, ETH = "linear:BTCUSDT", "linear:ETHUSDT"
TICK = {"BTCUSDT": Decimal("0.1"), "ETHUSDT": Decimal("0.01"), "SOLUSDT": Decimal("0.01")}
MINUTE = 60_000_000_000
NEVER = math.nan


def at_market(bar: Bar, name: str, side: int) -> Trade:
    """A market order after the close: a tick worse than it."""
    price = Decimal(repr(bar.close)) + side * TICK[name.partition(":")[2]]
    return (bar.open_time, name, "Buy" if side > 0 else "Sell", float(price))


def on_tick(price: float, name: str, down: bool) -> float:
    tick = TICK[name.partition(":")[2]]
    steps = (Decimal(repr(price)) / tick).to_integral_value(ROUND_FLOOR if down else ROUND_CEILING)
    return float(steps * tick)


def positions(bars: list[Bar], first: int, wish: Callable[[int, int], int | None]) -> list[Trade]:
    """Trades of a rule that names the position it wants at each bar: 1, 0, -1, or ``None`` for no change."""
    trades, held = [], 0
    for i in range(first, len(bars)):
        wanted = wish(i, held)
        if wanted is not None and wanted != held:
            trades.append(at_market(bars[i], BTC, 1 if wanted > held else -1))
            held = wanted
    return trades


def crossing(bars: list[Bar], first: int, fast: list[float], slow: list[float], below: int) -> list[Trade]:
    """Long after a crossing upwards, ``below`` after one downwards."""

    def wish(i: int, held: int) -> int | None:
        if fast[i - 1] <= slow[i - 1] and fast[i] > slow[i]:
            return 1
        return below if fast[i - 1] >= slow[i - 1] and fast[i] < slow[i] else None

    return positions(bars, first, wish)


Entry = tuple[int, float]


def with_stop(
    bars: list[Bar], first: int, enters: Callable[[int], Entry | None], leaves: Callable[[int, int, int], bool]
) -> list[Trade]:
    """Trades of a rule with a stop: ``enters(bar)`` says side and stop, ``leaves(bar, side, bars held)`` when to go."""
    trades: list[Trade] = []
    side, stop, since = 0, NEVER, 0
    for i in range(first, len(bars)):
        bar = bars[i]
        if side and (bar.low <= stop if side > 0 else bar.high >= stop):
            trades.append((bar.open_time, BTC, "Sell" if side > 0 else "Buy", stop))
            side = 0
        if side:
            if leaves(i, side, i - since):
                trades.append(at_market(bar, BTC, -side))
                side = 0
            continue
        entry = enters(i)
        if entry is not None and entry[1] > 0:
            side, since = entry[0], i
            stop = on_tick(entry[1], BTC, down=side > 0)
            trades.append(at_market(bar, BTC, side))
    return trades


def donchian_breakout(bars: list[Bar], first: int, entry: int, leave: int, atr: int, stop_atr: float) -> list[Trade]:
    """Both ways."""
    outer, inner, ranges = column.donchian(bars, entry), column.donchian(bars, leave), column.atr(bars, atr)[""]

    def enters(i: int) -> Entry | None:
        close, away = bars[i].close, stop_atr * ranges[i]
        if close > outer["upper"][i - 1]:
            return 1, close - away
        return (-1, close + away) if close < outer["lower"][i - 1] else None

    def leaves(i: int, side: int, held: int) -> bool:
        return bars[i].close < inner["lower"][i - 1] if side > 0 else bars[i].close > inner["upper"][i - 1]

    return with_stop(bars, first, enters, leaves)


def rsi_reversion(
    bars: list[Bar], first: int, period: int, oversold: float, middle: float, patience: int, percent: float
) -> list[Trade]:
    """Both ways."""
    rsi = column.rsi(bars, period)[""]

    def enters(i: int) -> Entry | None:
        if rsi[i - 1] >= oversold > rsi[i]:
            return 1, bars[i].close * (1 - percent / 100)
        return (-1, bars[i].close * (1 + percent / 100)) if rsi[i - 1] <= 100 - oversold < rsi[i] else None

    def leaves(i: int, side: int, held: int) -> bool:
        return held >= patience or (rsi[i] >= middle if side > 0 else rsi[i] <= middle)

    return with_stop(bars, first, enters, leaves)


def squeeze(bars: list[Bar], first: int, period: int, deviations: float, ranges: float, quiet: int) -> list[Trade]:
    """Both ways. The squeeze is counted from the first bar traded."""
    bands, channel = column.bollinger(bars, period, deviations), column.keltner(bars, period, ranges, period)
    inside = [
        u < ku and d > kd
        for u, d, ku, kd in zip(bands["upper"], bands["lower"], channel["upper"], channel["lower"], strict=True)
    ]

    def released(i: int) -> bool:
        """Bar ``i`` is outside, and at least ``quiet`` bars directly before it were inside."""
        return not inside[i] and i - quiet >= first and all(inside[i - quiet : i])

    def enters(i: int) -> Entry | None:
        if not released(i) or bars[i].close == bands[""][i]:
            return None
        return (1, channel["lower"][i]) if bars[i].close > bands[""][i] else (-1, channel["upper"][i])

    def leaves(i: int, side: int, held: int) -> bool:
        return (bars[i].close - bands[""][i]) * side < 0

    return with_stop(bars, first, enters, leaves)


def momentum_rotation(
    markets: dict[str, list[Bar]], first: int, lookback: int, top: int, every: int
) -> list[tuple[int, list[str]]]:
    """What is held after each rotation: the minute, and the names in order."""
    held = []
    anyone = next(iter(markets.values()))
    for i in range(first, len(anyone)):
        if (anyone[i].open_time + MINUTE) % (every * MINUTE):
            continue
        change = {n: b[i].close / b[i - lookback].close - 1.0 for n, b in markets.items()}
        ranked = sorted((n for n in change if change[n] > 0), key=lambda n: (-change[n], n))
        held.append((anyone[i].open_time, ranked[:top]))
    return held


def pairs(
    one: list[Bar], two: list[Bar], first: int, period: int, entry: float, leave: float, give_up: float
) -> list[Trade]:
    """Sells ETH against BTC when it is dear, buys it when it is cheap."""
    logs = [[math.log(b.close) for b in bars] for bars in (one, two)]
    trades: list[Trade] = []
    side, waiting = 0, False
    for i in range(first, len(one)):
        z, hedge, _ = column.hedged(logs[0][i - period + 1 : i + 1], logs[1][i - period + 1 : i + 1])
        waiting = waiting and abs(z) > leave
        wanted = side
        if side:
            away = -z * side
            waiting = waiting or away >= give_up
            wanted = 0 if away <= leave or away >= give_up else side
        elif entry <= abs(z) < give_up and hedge > 0 and not waiting:
            wanted = -1 if z > 0 else 1
        if wanted != side:
            way = 1 if wanted > side else -1
            trades += [at_market(one[i], ETH, way), at_market(two[i], BTC, -way)]
            side = wanted
    return trades


def legs(bar: Bar) -> list[tuple[bool, float]]:
    """A bar's way: to the low and then the high when it closes up, else the other way round."""
    low, high = (True, bar.low), (False, bar.high)
    return [low, high] if bar.close >= bar.open else [high, low]


def grid(bars: list[Bar], first: int, levels: int, step: float, stop: float) -> list[Trade]:
    """Cells between neighbouring levels: an empty one buys at its floor, a full one sells at its ceiling."""
    start = bars[first].close
    price = [on_tick(start * (1 - step / 100) ** n, BTC, down=True) for n in range(levels + 1)]
    trades: list[Trade] = []
    full, armed = [False] * levels, [False] * levels
    for i in range(first, len(bars)):
        bar = bars[i]
        for low, reached in legs(bar) if i > first else []:
            ready = [n for n in range(levels) if full[n] is not low and (full[n] or armed[n])]
            for n in ready if low else ready[::-1]:
                at = price[n + 1] if low else price[n]
                if reached < at if low else reached > at:
                    trades.append((bar.open_time, BTC, "Buy" if low else "Sell", at))
                    full[n], armed[n] = low, not low  # what is sold is bought again a step lower
        if bar.close < price[-1] * (1 - stop / 100):
            return [*trades, at_market(bar, BTC, -1)] if any(full) else trades
        armed = [armed[n] or price[n + 1] < bar.close for n in range(levels)]
    return trades


def dca(bars: list[Bar], first: int, every: int, part: float, most: int, profit: float, money: int) -> list[Trade]:
    """With the account beside it: a tenth of its equity is the capital of which each purchase takes a part."""
    fee_rate, tick, lot = Decimal("0.00055"), TICK["BTCUSDT"], Decimal("0.001")
    cash, held, paid = Decimal(money), Decimal(0), Decimal(0)
    trades: list[Trade] = []
    bought, wait = 0, 0
    for bar in bars[first:]:
        close = Decimal(repr(bar.close))
        wait -= 1
        if held and bar.close >= float(paid / held) * (1 + profit / 100):
            value = held * (close - tick)
            cash += value - paid - (value * fee_rate).quantize(Decimal("1e-8"))
            held, paid, bought, wait = Decimal(0), Decimal(0), 0, 0
            trades.append(at_market(bar, BTC, -1))
        elif wait <= 0 and bought < most:
            capital = (cash + held * close - paid) / 10
            qty = capital * Decimal(repr(part)) / close // lot * lot
            value = qty * (close + tick)
            cash -= (value * fee_rate).quantize(Decimal("1e-8"))
            held, paid, bought, wait = held + qty, paid + value, bought + 1, every
            trades.append(at_market(bar, BTC, 1))
    return trades


def market_maker(
    bars: list[Bar], first: int, half_spread: float, skew: float, tolerance: float, most: int
) -> list[Trade]:
    """Inventory in orders; each side's order is where it was last put, or not there."""
    trades: list[Trade] = []
    inventory = 0
    buy = sell = NEVER
    for bar in bars[first:]:
        for low, reached in legs(bar):
            if low and reached < buy:
                trades.append((bar.open_time, BTC, "Buy", buy))
                inventory, buy = inventory + 1, NEVER
            if not low and reached > sell:
                trades.append((bar.open_time, BTC, "Sell", sell))
                inventory, sell = inventory - 1, NEVER
        middle = bar.close * (1 - skew / 10_000 * max(min(inventory / most, 1.0), -1.0))
        bid, ask = (at_market(bar, BTC, side)[3] for side in (-1, 1))
        lower = min(middle * (1 - half_spread / 10_000), bid)
        upper = max(middle * (1 + half_spread / 10_000), ask)
        if inventory >= most:
            buy = NEVER
        elif not abs(buy / lower - 1) * 10_000 <= tolerance:
            buy = on_tick(lower, BTC, down=True)
        if inventory <= -most:
            sell = NEVER
        elif not abs(sell / upper - 1) * 10_000 <= tolerance:
            sell = on_tick(upper, BTC, down=False)
    return trades


def ai_trader(
    bars: list[Bar], first: int, predictions: dict[int, tuple[float, float]], horizon: int, sure: float, cost: float,
    atr: int, stop_atr: float,
) -> list[Trade]:  # fmt: skip
    """Both ways. ``predictions`` by index of the bar they speak of: probability and value; heard after its close."""
    ranges, root = column.atr(bars, atr)[""], math.sqrt(horizon)
    trades: list[Trade] = []
    side, stop, until = 0, NEVER, 0
    for i in range(first, len(bars)):
        bar = bars[i]
        if side and (bar.low <= stop if side > 0 else bar.high >= stop):
            trades.append((bar.open_time, BTC, "Sell" if side > 0 else "Buy", stop))
            side = 0
        if side and i >= until:
            trades.append(at_market(bar, BTC, -side))
            side = 0
        if i not in predictions:
            continue
        rises, value = predictions[i]
        says = 1 if rises >= sure else -1 if 1 - rises >= sure else 0
        if says and says == side:
            until = i + horizon
        elif says and side:
            trades.append(at_market(bar, BTC, -side))
            side = 0
        elif says:
            chance = rises if says > 0 else 1 - rises
            edge = says * value if value else (2 * chance - 1) * ranges[i] / bar.close * root
            if edge > cost:
                side, until = says, i + horizon
                stop = on_tick(bar.close - side * stop_atr * ranges[i] * root, BTC, down=side > 0)
                trades.append(at_market(bar, BTC, side))
    return trades


def funding_carry(bars: list[Bar], first: int, rates: Callable[[int], float], enter: float, leave: float) -> list[int]:
    """For each bar traded: 1 while a clip may be added, -1 when both legs are closed, 0 otherwise."""
    return [1 if rates(bar.open_time) >= enter else -1 if rates(bar.open_time) < leave else 0 for bar in bars[first:]]
