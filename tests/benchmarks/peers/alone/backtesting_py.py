"""backtesting.py: ``Backtest`` with orders at the close; averages as pandas reckons them, before the run."""

import warnings

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from handover import MINUTE, Answer, Candles, Rules, asked, seeded


def average(close, period):
    """The average of all closes, NaN until there is one."""
    made = pd.Series(seeded(np.asarray(close), period)).ewm(span=period, adjust=False).mean().to_numpy(copy=True)
    made[: period - 1] = np.nan
    return made


class Cross(Strategy):
    """As its own documentation writes it, with the crossing looked at without pandas."""

    def init(self):
        self.fast = self.I(average, self.data.Close, Rules.FAST)
        self.slow = self.I(average, self.data.Close, Rules.SLOW)

    def next(self):
        fast, slow = self.fast, self.slow
        if self.position:
            if fast[-2] >= slow[-2] and fast[-1] < slow[-1]:
                self.position.close()
        elif fast[-2] <= slow[-2] and fast[-1] > slow[-1]:
            self.buy(size=Rules.SIZE)


def fills(result, open_times):
    """Entries and exits of closed and open trades, in order of time."""
    closed = result["_trades"]
    at = np.concatenate((closed["EntryBar"], closed["ExitBar"])).astype(np.int64)
    price = np.concatenate((closed["EntryPrice"], closed["ExitPrice"]))
    side = np.repeat([1, -1], len(closed))
    last = [it for it in result["_strategy"].trades if it.is_long]  # still open: not among the trades it lists
    at = np.append(at, [it.entry_bar for it in last]).astype(np.int64)
    price, side = np.append(price, [it.entry_price for it in last]), np.append(side, [1] * len(last))
    order = np.argsort(at, kind="stable")
    return open_times[at[order]] + MINUTE, side[order], price[order]


def main():
    folder, path, _ = asked()
    warnings.simplefilter("ignore")
    answer = Answer("backtesting")
    candles = Candles(folder)
    frame = pd.DataFrame(
        {
            "Open": candles.open, "High": candles.high, "Low": candles.low, "Close": candles.close,
            "Volume": candles.volume,
        },
        index=pd.to_datetime(candles.time),
    )  # fmt: skip
    answer.loaded()

    def work():
        return Backtest(frame, Cross, cash=Rules.CASH, commission=Rules.FEE, trade_on_close=True).run()

    result = answer.run(work)
    at, side, price = fills(result, candles.time)
    answer.write(path, at, side, price, [Rules.SIZE] * len(at), result["Equity Final [$]"])


main()
