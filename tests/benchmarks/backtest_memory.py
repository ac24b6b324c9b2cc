"""The memory of a backtest over many candles: ``python -m tests.benchmarks.backtest_memory``.

One-minute candles are written as a Parquet store into a temporary folder; a process of its own then trades all symbols
at once, an EMA cross 50/200 on each. By default 5 years of 20 symbols, which takes a quarter of an hour; prints JSON:
peak MB, CPU seconds, fills (what a result keeps of each fill stays in memory, so shorter averages take more).
"""

import argparse
import json
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from tests.benchmarks.peers.market import MINUTE, T0, made_up
from tests.benchmarks.processes import environment, module
from tradectl.backtest.job import BacktestJob
from tradectl.backtest.limits import wide_open
from tradectl.backtest.runner import run_backtest
from tradectl.engine.config import StrategyConfig
from tradectl.history.series import Candles, Kind, SeriesId
from tradectl.history.store import ParquetStore
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import use_exact_context
from tradectl.strategies.ema_cross import EmaCross

#: Where a run leaves the number of its fills.
FILLS = "fills.txt"
FIVE_YEARS = 5 * 365 * 24 * 60


def instrument(number: int) -> Instrument:
    """A contract like Bybit's BTCUSDT."""
    coin = f"COIN{number}"
    return Instrument(
        InstrumentId(Category.LINEAR, f"{coin}USDT"), coin, "USDT", "USDT", Decimal("0.1"), Decimal("0.001"),
        Decimal("0.001"), Decimal(100_000), Decimal(100_000), Decimal(5), max_leverage=Decimal(100),
        funding_interval=480,
    )  # fmt: skip


def stored(folder: Path, symbols: int, candles: int) -> None:
    """Write the candles of every symbol, another walk for each."""
    store = ParquetStore(folder)
    store.write_instruments(T0, [instrument(number) for number in range(symbols)])
    for number in range(symbols):
        made = made_up(candles, seed=number)
        columns = Candles(*(made[name] for name in ("time", "open", "high", "low", "close", "volume")))
        assert columns.open_time.dtype == np.int64
        store.write(SeriesId(instrument(number).id, Kind.CANDLES, "1m"), columns)


def trade(folder: Path, symbols: int, candles: int, periods: tuple[int, int]) -> None:
    """Run an EMA cross on each symbol; the number of fills goes into a file of the folder."""
    use_exact_context()
    strategies = tuple(
        StrategyConfig(
            name=f"ema{number}", class_="ema_cross", capital=Decimal(1) / (2 * symbols),
            params={"symbol": instrument(number).id.symbol, "fast": periods[0], "slow": periods[1]},
        )
        for number in range(symbols)
    )  # fmt: skip
    job = BacktestJob(
        strategies=strategies, instruments=tuple(instrument(number).id for number in range(symbols)), interval="1m",
        since=T0, until=T0 + candles * MINUTE, cash=Decimal(10_000_000),
        limits=replace(wide_open(), orders_per_minute=600_000),
    )  # fmt: skip
    result = run_backtest(job, ParquetStore(folder), {"ema_cross": EmaCross})
    if result.candles != symbols * candles or not result.fills:
        raise RuntimeError(f"{result.candles} candles, {len(result.fills)} fills: not what was asked for")
    (folder / FILLS).write_text(str(len(result.fills)))


def peak(symbols: int, candles: int, periods: tuple[int, int] = (50, 200)) -> dict[str, float]:
    """Peak resident MB, CPU seconds and fills of a process that runs it. Raises ``RuntimeError`` when it fails."""
    with tempfile.TemporaryDirectory() as scratch, module("launcher") as launcher:
        stored(Path(scratch), symbols, candles)
        words = [scratch, "--symbols", str(symbols), "--candles", str(candles), "--periods", *map(str, periods)]
        argv = [sys.executable, "-m", "tests.benchmarks.backtest_memory", "--run", *words]
        # The launcher answers when the run is over, which takes as long as it takes.
        said = launcher.ask(json.dumps({"argv": argv, "env": environment()}), patience=24 * 3600.0)
        found: dict[str, float] = json.loads(said)
        if found["code"]:
            raise RuntimeError(f"the run over {symbols} x {candles} candles failed with {found['code']:.0f}")
        return {"mb": found["mb"], "cpu_s": found["cpu"] / 1e3, "fills": int((Path(scratch) / FILLS).read_text())}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.backtest_memory", description=__doc__)
    parser.add_argument("--symbols", type=int, default=20)
    parser.add_argument("--candles", type=int, default=FIVE_YEARS, help="of each (default: 5 years)")
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="trade what an earlier step stored there")
    parser.add_argument("--periods", type=int, nargs=2, default=(50, 200), metavar=("FAST", "SLOW"))
    given = parser.parse_args()
    periods = (given.periods[0], given.periods[1])
    if given.run:
        trade(given.run, given.symbols, given.candles, periods)
    else:
        found = peak(given.symbols, given.candles, periods)
        print(json.dumps({"symbols": given.symbols, "candles": given.candles, **found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
