"""Indicators the slow obvious way: each over whole columns, every window cut out anew, every recursion from the start.

The arithmetic of one step is the definition's, so that the incremental form must agree to the last bit. Each function
returns its lines by name; the main line is ``""``.
"""

import math
from collections.abc import Callable
from itertools import pairwise

from tradectl.model.market_data import Bar

NAN = math.nan
Column = list[float]
Lines = dict[str, Column]


def windows(values: Column, n: int, work: Callable[[Column], float]) -> Column:
    """``work`` of the last ``n`` values at each place; values that are NaN begin the column and are skipped."""
    first = next((i for i, v in enumerate(values) if v == v), len(values))
    return [NAN if i - n + 1 < first else work(values[i - n + 1 : i + 1]) for i in range(len(values))]


def mean(values: Column) -> float:
    return math.fsum(values) / len(values)


def weighted(values: Column) -> float:
    n = len(values)
    return math.fsum((i + 1) * v for i, v in enumerate(values)) / (n * (n + 1) / 2)


def spread(values: Column) -> float:
    if len(set(values)) == 1:
        return 0.0
    middle = mean(values)
    return math.sqrt(math.fsum((v - middle) ** 2 for v in values) / len(values))


def smoothed(values: Column, n: int, alpha: float) -> Column:
    """A recursive average seeded with the mean of the first ``n`` numbers."""
    out: Column = []
    numbers: Column = []
    average = NAN
    for value in values:
        if value == value:
            numbers.append(value)
            if len(numbers) == n:
                average = sum(numbers) / n
            elif len(numbers) > n:
                average = average + alpha * (value - average)
        out.append(average)
    return out


def ema_of(values: Column, n: int) -> Column:
    return smoothed(values, n, 2.0 / (n + 1))


def rma_of(values: Column, n: int) -> Column:
    return smoothed(values, n, 1.0 / n)


def close(bars: list[Bar]) -> Column:
    return [b.close for b in bars]


def typical(bars: list[Bar]) -> Column:
    return [(b.high + b.low + b.close) / 3.0 for b in bars]


def ranges(bars: list[Bar]) -> Column:
    return [NAN] + [max(b.high, a.close) - min(b.low, a.close) for a, b in pairwise(bars)]


def place(value: float, low: float, high: float) -> float:
    return 100.0 * (value - low) / (high - low) if high > low else 50.0


def sma(bars: list[Bar], n: int) -> Lines:
    return {"": windows(close(bars), n, mean)}


def ema(bars: list[Bar], n: int) -> Lines:
    return {"": ema_of(close(bars), n)}


def wma(bars: list[Bar], n: int) -> Lines:
    return {"": windows(close(bars), n, weighted)}


def rma(bars: list[Bar], n: int) -> Lines:
    return {"": rma_of(close(bars), n)}


def by_volume(prices: Column, bars: list[Bar], n: int) -> Column:
    out = []
    for i in range(len(bars)):
        volumes, part = [b.volume for b in bars[max(i - n + 1, 0) : i + 1]], prices[max(i - n + 1, 0) : i + 1]
        if len(part) < n:
            out.append(NAN)
        elif sum(volumes):
            out.append(math.fsum(p * v for p, v in zip(part, volumes, strict=True)) / math.fsum(volumes))
        else:
            out.append(mean(part))
    return out


def vwma(bars: list[Bar], n: int) -> Lines:
    return {"": by_volume(close(bars), bars, n)}


def rolling_vwap(bars: list[Bar], n: int) -> Lines:
    return {"": by_volume(typical(bars), bars, n)}


def session_vwap(bars: list[Bar]) -> Lines:
    out, money, traded, day = [], 0.0, 0.0, -1
    for bar, price in zip(bars, typical(bars), strict=True):
        if bar.open_time // 86_400_000_000_000 != day:
            day, money, traded = bar.open_time // 86_400_000_000_000, 0.0, 0.0
        money, traded = money + price * bar.volume, traded + bar.volume
        out.append(money / traded if traded else price)
    return {"": out}


def dema(bars: list[Bar], n: int) -> Lines:
    one = ema_of(close(bars), n)
    two = ema_of(one, n)
    return {"": [2.0 * a - b for a, b in zip(one, two, strict=True)]}


def tema(bars: list[Bar], n: int) -> Lines:
    one = ema_of(close(bars), n)
    two = ema_of(one, n)
    three = ema_of(two, n)
    return {"": [3.0 * a - 3.0 * b + c for a, b, c in zip(one, two, three, strict=True)]}


def trix(bars: list[Bar], n: int) -> Lines:
    three = ema_of(ema_of(ema_of(close(bars), n), n), n)
    return {"": [NAN] + [(b / a - 1.0) * 100.0 for a, b in pairwise(three)]}


def hma(bars: list[Bar], n: int) -> Lines:
    half, full = windows(close(bars), n // 2, weighted), windows(close(bars), n, weighted)
    return {"": windows([2.0 * a - b for a, b in zip(half, full, strict=True)], math.isqrt(n), weighted)}


def kama(bars: list[Bar], n: int, fast: int, slow: int) -> Lines:
    prices, out = close(bars), []
    quickest, slowest = 2.0 / (fast + 1), 2.0 / (slow + 1)
    average = NAN
    for i, price in enumerate(prices):
        if i < n:
            out.append(NAN)
            continue
        way = math.fsum(abs(b - a) for a, b in pairwise(prices[i - n : i + 1]))
        ratio = min(abs(price - prices[i - n]) / way, 1.0) if way else 1.0
        before = prices[i - 1] if average != average else average
        average = before + (ratio * (quickest - slowest) + slowest) ** 2 * (price - before)
        out.append(average)
    return {"": out}


def macd(bars: list[Bar], fast: int, slow: int, signal: int) -> Lines:
    prices = close(bars)
    quick = [NAN] * (slow - fast) + ema_of(prices[slow - fast :], fast)
    line = [a - b for a, b in zip(quick, ema_of(prices, slow), strict=True)]
    smooth = ema_of(line, signal)
    return {"": line, "signal": smooth, "histogram": [a - b for a, b in zip(line, smooth, strict=True)]}


def rsi_of(prices: Column, n: int) -> Column:
    changes = [NAN] + [b - a for a, b in pairwise(prices)]
    ups = rma_of([max(c, 0.0) if c == c else NAN for c in changes], n)
    downs = rma_of([max(-c, 0.0) if c == c else NAN for c in changes], n)
    return [100.0 * u / (u + d) if u + d else 50.0 for u, d in zip(ups, downs, strict=True)]


def rsi(bars: list[Bar], n: int) -> Lines:
    return {"": rsi_of(close(bars), n)}


def stochastic(bars: list[Bar], n: int, smooth: int, signal: int) -> Lines:
    raw = [
        NAN if i < n - 1 else place(bars[i].close, min(b.low for b in part), max(b.high for b in part))
        for i in range(len(bars))
        for part in [bars[max(i - n + 1, 0) : i + 1]]
    ]
    k = windows(raw, smooth, mean)
    return {"": k, "d": windows(k, signal, mean)}


def stoch_rsi(bars: list[Bar], n: int, period: int, signal: int) -> Lines:
    k = windows(rsi_of(close(bars), n), period, lambda w: place(w[-1], min(w), max(w)))
    return {"": k, "d": windows(k, signal, mean)}


def cci(bars: list[Bar], n: int) -> Lines:
    def work(w: Column) -> float:
        middle = mean(w)
        return (w[-1] - middle) / (0.015 * mean([abs(v - middle) for v in w])) if len(set(w)) > 1 else 0.0

    return {"": windows(typical(bars), n, work)}


def williams_r(bars: list[Bar], n: int) -> Lines:
    out = []
    for i in range(len(bars)):
        part = bars[max(i - n + 1, 0) : i + 1]
        high, low = max(b.high for b in part), min(b.low for b in part)
        value = -100.0 * (high - bars[i].close) / (high - low) if high > low else -50.0
        out.append(value if len(part) == n else NAN)
    return {"": out}


def roc(bars: list[Bar], n: int) -> Lines:
    return {"": windows(close(bars), n + 1, lambda w: (w[-1] / w[0] - 1.0) * 100.0)}


def momentum(bars: list[Bar], n: int) -> Lines:
    return {"": windows(close(bars), n + 1, lambda w: w[-1] - w[0])}


def ultimate(bars: list[Bar], *periods: int) -> Lines:
    pressure = [NAN] + [b.close - min(b.low, a.close) for a, b in pairwise(bars)]
    parts = []
    for n in periods:
        above, below = windows(pressure, n, math.fsum), windows(ranges(bars), n, math.fsum)
        parts.append([a / b if b else 0.0 * a for a, b in zip(above, below, strict=True)])
    return {"": [100.0 * (4.0 * a + 2.0 * b + c) / 7.0 for a, b, c in zip(*parts, strict=True)]}


def adx(bars: list[Bar], n: int) -> Lines:
    plus, minus, strength = [NAN], [NAN], [NAN]
    ups = downs = total = 0.0
    for i, (a, b) in enumerate(pairwise(bars), 1):
        up, down = b.high - a.high, a.low - b.low
        new = (up if up > down and up > 0 else 0.0, down if down > up and down > 0 else 0.0, ranges([a, b])[1])
        if i < n:
            ups, downs, total = ups + new[0], downs + new[1], total + new[2]
            row = (NAN, NAN, NAN)
        else:
            ups, downs, total = ups - ups / n + new[0], downs - downs / n + new[1], total - total / n + new[2]
            p, m = (100.0 * ups / total, 100.0 * downs / total) if total else (0.0, 0.0)
            row = (p, m, 100.0 * abs(p - m) / (p + m) if p + m else 0.0)
        for column, value in zip((plus, minus, strength), row, strict=True):
            column.append(value)
    return {"": rma_of(strength, n), "plus": plus, "minus": minus}


def aroon(bars: list[Bar], n: int) -> Lines:
    up, down = [], []
    for i in range(len(bars)):
        newest_first = bars[max(i - n, 0) : i + 1][::-1]
        high, low = max(b.high for b in newest_first), min(b.low for b in newest_first)
        since_high = next(k for k, b in enumerate(newest_first) if b.high == high)
        since_low = next(k for k, b in enumerate(newest_first) if b.low == low)
        full = len(newest_first) == n + 1
        up.append(100.0 * (n - since_high) / n if full else NAN)
        down.append(100.0 * (n - since_low) / n if full else NAN)
    return {"": [a - b for a, b in zip(up, down, strict=True)], "up": up, "down": down}


def supertrend(bars: list[Bar], n: int, multiplier: float) -> Lines:
    lines: Lines = {"": [], "direction": [], "upper": [], "lower": []}
    upper = lower = direction = before = NAN
    for bar, atr in zip(bars, rma_of(ranges(bars), n), strict=True):
        stop = NAN
        if atr == atr:
            high, low = (bar.high + bar.low) / 2.0 + multiplier * atr, (bar.high + bar.low) / 2.0 - multiplier * atr
            upper = high if upper != upper or high < upper or before > upper else upper
            lower = low if lower != lower or low > lower or before < lower else lower
            broken = bar.close < lower if direction == 1.0 else bar.close <= upper
            direction = -1.0 if broken else 1.0
            stop = lower if direction == 1.0 else upper
        before = bar.close
        for name, value in (("", stop), ("direction", direction), ("upper", upper), ("lower", lower)):
            lines[name].append(value)
    return lines


def psar(bars: list[Bar], step: float, most: float) -> Lines:
    """Wilder's rule as the book tells it: the extreme, the acceleration and the stop of the running trade."""
    stops, directions = [NAN], [NAN]
    first, second = bars[0], bars[1]
    falls = first.low - second.low > max(second.high - first.high, 0.0)
    long = not falls
    stop, best, pace = (first.low, second.high, step) if long else (first.high, second.low, step)
    for i in range(1, len(bars)):
        bar, last = bars[i], bars[max(i - 1, 1)]
        floor, ceiling = min(last.low, bar.low), max(last.high, bar.high)
        hit = bar.low <= stop if long else bar.high >= stop
        if hit:
            long = not long
            stop = min(best, floor) if long else max(best, ceiling)
            best, pace = (bar.high if long else bar.low), step
        stops.append(stop)
        directions.append(1.0 if long else -1.0)
        if not hit and (bar.high > best if long else bar.low < best):
            best, pace = (bar.high if long else bar.low), min(pace + step, most)
        coming = stop + pace * (best - stop)
        stop = min(coming, floor) if long else max(coming, ceiling)
    return {"": stops, "direction": directions}


def linreg(bars: list[Bar], n: int) -> Lines:
    centre = (n - 1) / 2.0

    def slope(w: Column) -> float:
        return math.fsum((i - centre) * v for i, v in enumerate(w)) / (n * (n * n - 1) / 12.0)

    return {
        "": windows(close(bars), n, lambda w: mean(w) + slope(w) * centre),
        "slope": windows(close(bars), n, slope),
        "forecast": windows(close(bars), n, lambda w: mean(w) + slope(w) * (centre + 1.0)),
    }


def atr(bars: list[Bar], n: int) -> Lines:
    line = rma_of(ranges(bars), n)
    return {"": line, "percent": [100.0 * a / b.close for a, b in zip(line, bars, strict=True)]}


def volatility(bars: list[Bar], n: int) -> Lines:
    squares = [NAN] + [math.log(b.close / a.close) ** 2 for a, b in pairwise(bars)]
    minutes = math.sqrt(365 * 24 * 60)
    return {"": windows(squares, n, lambda w: math.sqrt(mean(w)) * minutes)}


def stddev(bars: list[Bar], n: int) -> Lines:
    return {"": windows(close(bars), n, spread)}


def zscore(bars: list[Bar], n: int) -> Lines:
    return {"": windows(close(bars), n, lambda w: (w[-1] - mean(w)) / spread(w) if spread(w) else 0.0)}


def bollinger(bars: list[Bar], n: int, width: float) -> Lines:
    prices = close(bars)
    middle, away = windows(prices, n, mean), [width * s for s in windows(prices, n, spread)]
    upper = [m + a for m, a in zip(middle, away, strict=True)]
    lower = [m - a for m, a in zip(middle, away, strict=True)]
    rows = list(zip(prices, middle, upper, lower, strict=True))
    return {
        "": middle, "upper": upper, "lower": lower,
        "percent_b": [NAN if u != u else (p - d) / (u - d) if u > d else 0.5 for p, _, u, d in rows],
        "bandwidth": [(u - d) / m for _, m, u, d in rows],
    }  # fmt: skip


def keltner(bars: list[Bar], n: int, width: float, atr_period: int) -> Lines:
    middle, away = ema_of(close(bars), n), rma_of(ranges(bars), atr_period)
    both = list(zip(middle, away, strict=True))
    return {"": middle, "upper": [m + width * a for m, a in both], "lower": [m - width * a for m, a in both]}


def donchian(bars: list[Bar], n: int) -> Lines:
    upper, lower = windows([b.high for b in bars], n, max), windows([b.low for b in bars], n, min)
    return {"": [(u + d) / 2.0 for u, d in zip(upper, lower, strict=True)], "upper": upper, "lower": lower}


def highest(bars: list[Bar], n: int) -> Lines:
    return {"": windows(close(bars), n, max)}


def lowest(bars: list[Bar], n: int) -> Lines:
    return {"": windows(close(bars), n, min)}


def ichimoku(bars: list[Bar], conversion: int, base: int, span: int) -> Lines:
    tenkan, kijun, long = (donchian(bars, n)[""] for n in (conversion, base, span))
    ahead = [(t + k) / 2.0 for t, k in zip(tenkan, kijun, strict=True)]
    count = len(bars)
    return {
        "": tenkan, "base": kijun,
        "span_a": ([NAN] * base + ahead)[:count], "span_b": ([NAN] * base + long)[:count],
    }  # fmt: skip


def signed_volume(bars: list[Bar]) -> Column:
    return [NAN] + [b.volume * ((b.close > a.close) - (b.close < a.close)) for a, b in pairwise(bars)]


def obv(bars: list[Bar]) -> Lines:
    out = [bars[0].volume]
    for volume in signed_volume(bars)[1:]:
        out.append(out[-1] + volume)
    return {"": out}


def rolling_obv(bars: list[Bar], n: int) -> Lines:
    return {"": windows(signed_volume(bars), n, math.fsum)}


def mfi(bars: list[Bar], n: int) -> Lines:
    prices = typical(bars)
    out = [NAN] * min(n, len(bars))
    for i in range(n, len(bars)):
        steps = range(i - n + 1, i + 1)
        up = math.fsum(prices[j] * bars[j].volume for j in steps if prices[j] > prices[j - 1])
        down = math.fsum(prices[j] * bars[j].volume for j in steps if prices[j] < prices[j - 1])
        out.append(100.0 * up / (up + down) if up + down else 50.0)
    return {"": out}


def cmf(bars: list[Bar], n: int) -> Lines:
    flows = [
        ((b.close - b.low) - (b.high - b.close)) / (b.high - b.low) * b.volume if b.high > b.low else 0.0 for b in bars
    ]
    above, below = windows(flows, n, math.fsum), windows([b.volume for b in bars], n, math.fsum)
    return {"": [a / b if b else 0.0 * a for a, b in zip(above, below, strict=True)]}


def correlation(first: Column, second: Column) -> float:
    """Of two windows."""
    x, y = mean(first), mean(second)
    both = spread(first) * spread(second)
    return mean([(a - x) * (b - y) for a, b in zip(first, second, strict=True)]) / both if both else 0.0


def slope(of: Column, on: Column) -> float:
    """Least squares of one window on another."""
    y, x = mean(of), mean(on)
    return mean([(a - y) * (b - x) for a, b in zip(of, on, strict=True)]) / spread(on) ** 2 if spread(on) else 0.0


def hedged(first: Column, second: Column) -> tuple[float, float, float]:
    """Z-score, hedge ratio and residual of a window of log prices."""
    hedge, y, x = slope(first, second), mean(first), mean(second)
    residuals = [(a - y) - hedge * (b - x) for a, b in zip(first, second, strict=True)]
    width = math.sqrt(mean([r**2 for r in residuals])) if len(set(residuals)) > 1 else 0.0
    return (residuals[-1] / width if width else 0.0), hedge, residuals[-1]
