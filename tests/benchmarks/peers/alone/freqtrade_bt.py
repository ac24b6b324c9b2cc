"""freqtrade: its ``Backtesting`` over an exchange whose one market is told to it, since it would ask over the network.

It enters and leaves at the open of the next candle, which is the same moment; the same price where candles open at the
close before. Measured is what its command does after the data are loaded: indicators, signals, and the run.
"""

import logging

import numpy as np
import pandas as pd
from freqtrade.enums import RunMode
from freqtrade.exchange import Exchange
from freqtrade.optimize.backtesting import Backtesting
from freqtrade.resolvers import StrategyResolver
from freqtrade.strategy import IStrategy
from handover import Answer, Candles, Rules, asked, seeded

PAIR = "BTC/USDT"
MARKET = {
    "id": "BTCUSDT", "symbol": PAIR, "base": "BTC", "quote": "USDT", "active": True, "spot": True, "swap": False,
    "type": "spot", "linear": None, "contract": False, "contractSize": None, "taker": Rules.FEE, "maker": Rules.FEE,
    "precision": {"amount": 0.001, "price": 0.1}, "info": {},
    "limits": {
        "amount": {"min": 0.001, "max": 1e9}, "cost": {"min": 5, "max": None}, "price": {"min": None, "max": None},
        "leverage": {"min": None, "max": None},
    },
}  # fmt: skip


def average(close, period):
    """The average of all closes, NaN until there is one."""
    made = pd.Series(seeded(close, period)).ewm(span=period, adjust=False).mean().to_numpy(copy=True)
    made[: period - 1] = np.nan
    return made


class Cross(IStrategy):
    """One coin long while the fast average is above."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    stoploss = -0.99
    minimal_roi = {}
    startup_candle_count = 0

    def populate_indicators(self, dataframe, metadata):
        close = dataframe["close"].to_numpy(copy=True)
        dataframe["gap"] = average(close, Rules.FAST) - average(close, Rules.SLOW)
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        gap, before = dataframe["gap"], dataframe["gap"].shift(1)
        dataframe.loc[(before <= 0) & (gap > 0), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        gap, before = dataframe["gap"], dataframe["gap"].shift(1)
        dataframe.loc[(before >= 0) & (gap < 0), "exit_long"] = 1
        return dataframe

    def custom_stake_amount(self, pair, current_time, current_rate, *others, **more):
        return Rules.SIZE * current_rate


def settings():
    """The least of a configuration."""
    return {
        "exchange": {"name": "binance", "pair_whitelist": [PAIR], "pair_blacklist": []}, "dry_run": True,
        "dry_run_wallet": Rules.CASH, "stake_currency": "USDT", "stake_amount": "unlimited", "max_open_trades": 1,
        "tradable_balance_ratio": 1.0, "fee": Rules.FEE, "timeframe": "1m", "trading_mode": "spot", "margin_mode": "",
        "runmode": RunMode.BACKTEST, "pairlists": [{"method": "StaticPairList"}], "strategy": "Cross",
        "entry_pricing": {"price_side": "same"}, "exit_pricing": {"price_side": "same"}, "dataformat_ohlcv": "feather",
        "export": "none", "user_data_dir": "/nonexistent", "datadir": "/nonexistent", "candle_type_def": "spot",
        "position_stacking": False, "enable_protections": False, "verbosity": 0, "unfilledtimeout": {"unit": "minutes"},
    }  # fmt: skip


class Told(Exchange):
    """An exchange that knows its market already."""

    def __init__(self, config):
        super().__init__(config, validate=False, load_leverage_tiers=False)
        self._markets = {PAIR: MARKET}
        self._api.markets = {PAIR: MARKET}
        self._api.precisionMode = 4  # steps, not digits


def backtesting(config):
    """Everything but the run; the strategy is this file's and not looked for in folders."""
    StrategyResolver._load_strategy = staticmethod(lambda name, config, extra_dir=None: Cross(config))
    return Backtesting(config, exchange=Told(config))


def fills(results):
    """Entries and exits in order of time; what it closed because the candles ended does not count."""
    rows = []
    for row in results.itertuples():
        rows.append((row.open_date.value, 1, row.open_rate, row.amount))
        if row.exit_reason != "force_exit":
            rows.append((row.close_date.value, -1, row.close_rate, row.amount))
    return sorted(rows)


def main():
    folder, path, _ = asked()
    logging.disable(logging.CRITICAL)
    answer = Answer("freqtrade")
    candles = Candles(folder)
    frame = pd.DataFrame(
        {
            "date": pd.to_datetime(candles.time, utc=True), "open": candles.open, "high": candles.high,
            "low": candles.low, "close": candles.close, "volume": candles.volume,
        }
    )  # fmt: skip
    run = backtesting(settings())
    run._set_strategy(run.strategylist[0])
    answer.loaded()

    def work():
        processed = run.strategy.advise_all_indicators({PAIR: frame})
        ends = frame["date"].iloc[0].to_pydatetime(), frame["date"].iloc[-1].to_pydatetime()
        return run.backtest(processed=processed, start_date=ends[0], end_date=ends[1])["results"]

    results = answer.run(work)
    rows = fills(results)
    at, side, price, qty = zip(*rows, strict=True) if rows else ((), (), (), ())
    cash = Rules.CASH - sum(s * p * q + p * q * Rules.FEE for _, s, p, q in rows)
    equity = cash + sum(s * q for _, s, _, q in rows) * candles.close[-1]
    answer.write(path, at, side, price, qty, equity)


main()
