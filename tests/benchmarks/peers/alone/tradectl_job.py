"""The candles, the contract and the account of the comparison as tradectl describes them."""

from decimal import Decimal

from msgspec.structs import replace

from tests.benchmarks.peers.alone.handover import MINUTE, Candles, Rules
from tradectl.backtest.job import BacktestJob
from tradectl.backtest.limits import wide_open
from tradectl.engine.config import StrategyConfig
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Candles as OurCandles
from tradectl.history.series import Kind, SeriesId
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.simulation.models import FixedSpread, Models

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
INFO = Instrument(
    BTC, "BTC", "USDT", "USDT", Decimal("0.1"), Decimal(str(Rules.LOT)), Decimal(str(Rules.LOT)), Decimal(100_000),
    Decimal(100_000), Decimal(5), max_leverage=Decimal(100), funding_interval=480,
)  # fmt: skip


def ours(candles: Candles) -> OurCandles:
    """The columns as a series."""
    return OurCandles(candles.time, candles.open, candles.high, candles.low, candles.close, candles.volume)


def history_of(candles: Candles) -> MemoryHistory:
    """History that holds them and the contract."""
    return MemoryHistory({SeriesId(BTC, Kind.CANDLES, "1m"): ours(candles)}, [INFO])


def job_of(candles: Candles) -> BacktestJob:
    """No spread, no limit that binds. The collar, by which a share of equity is sized, is as wide as the fee."""
    strategy = StrategyConfig(
        name="it", class_="it", capital=Decimal(str(Rules.SHARE)), params={"fast": Rules.FAST, "slow": Rules.SLOW}
    )
    return BacktestJob(
        strategies=(strategy,), instruments=(BTC,), interval="1m", since=int(candles.time[0]),
        until=int(candles.time[-1]) + MINUTE, cash=Decimal(Rules.CASH), models=Models(spread=FixedSpread(0)),
        limits=replace(wide_open(), collar_share=Decimal(str(Rules.FEE))),
    )  # fmt: skip
