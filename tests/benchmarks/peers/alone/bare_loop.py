"""The least that is correct: two averages, a position and cash in one loop. What all others are compared with."""

import math

from handover import MINUTE, Answer, Candles, Rules, asked, averages


def whole_lots(cash, close):
    """What a share of the account buys."""
    return math.floor(Rules.SHARE * cash / (close * (1 + Rules.FEE)) / Rules.LOT) * Rules.LOT


def run(times, closes, by_share):
    """The fills and the equity."""
    fast, slow = averages(Rules.FAST), averages(Rules.SLOW)
    cash, held, before, size = float(Rules.CASH), 0.0, None, float(Rules.SIZE)
    fills = []
    for open_time, close in zip(times, closes, strict=True):
        one, other = fast(close), slow(close)
        if other is None:
            continue
        above = one - other
        if before is not None:
            sign = 1 if before <= 0 < above and not held else -1 if before >= 0 > above and held else 0
            if sign:
                if by_share and sign > 0:
                    size = whole_lots(cash, close)
                cash -= sign * size * close + size * close * Rules.FEE
                held += sign * size
                fills.append((open_time + MINUTE, sign, close, size))
        before = above
    return fills, cash + held * closes[-1]


def main():
    folder, path, words = asked()
    answer = Answer()
    candles = Candles(folder)
    times, closes = candles.time.tolist(), candles.close.tolist()
    answer.loaded()
    fills, equity = answer.run(lambda: run(times, closes, "share" in words))
    at, side, price, qty = zip(*fills, strict=True) if fills else ((), (), (), ())
    answer.write(path, at, side, price, qty, equity)


main()
