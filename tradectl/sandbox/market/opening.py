"""From a configuration to its plan, and from a plan and a memory to the market."""

from typing import Protocol

from tradectl.history.trades import is_trade_file
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import INTERVALS
from tradectl.sandbox.market.bar_moments import corners
from tradectl.sandbox.market.bars import KEPT, BarHistory, ReadBars
from tradectl.sandbox.market.folder_replay import FolderReplay
from tradectl.sandbox.market.instrument_market import InstrumentMarket
from tradectl.sandbox.market.market import Market
from tradectl.sandbox.market.plans import (
    CandleReplay,
    GeneratedMarket,
    MarketPlan,
    Origin,
    TradeReplay,
    bad_setting,
)
from tradectl.sandbox.market.records import Kline
from tradectl.sandbox.market.settings import VenueConfig
from tradectl.sandbox.market.tape import Tape

#: Candles whose corner prints an opening market shows as its recent trades.
RECALLED = 5


class PastBars(Protocol):
    """Reads closed candles of one instrument from the memory."""

    def newest_bars(self, instrument: str, count: int) -> list[Kline]: ...

    def reader_of(self, instrument: str) -> ReadBars: ...


def plan_market(config: VenueConfig) -> MarketPlan:
    """Read and check everything the configuration names. Raises ``Problem`` naming the setting or the file's row."""
    if config.speed is not None and not 0 < config.speed <= 1_000_000:
        raise bad_setting("speed", config.speed, "must be above 0 and at most 1000000")
    if config.data is None:
        return GeneratedMarket(config)
    if config.category not in (Category.SPOT.value, Category.LINEAR.value):
        raise bad_setting("category", config.category, "must be spot or linear")
    lengths = {name: length for name, length in INTERVALS.items() if length <= INTERVALS["1d"]}
    if config.interval not in lengths:
        raise bad_setting("interval", config.interval, f"must be one of {', '.join(lengths)}")
    if config.data.is_dir():
        return FolderReplay(config, config.data, lengths[config.interval])
    identity = InstrumentId(Category(config.category), config.symbol)
    replay = TradeReplay if is_trade_file(config.data) else CandleReplay
    return replay(config, config.data, identity, lengths[config.interval])


def open_market(plan: MarketPlan, tape: Tape, origin: Origin, memory: PastBars, *, eager: bool) -> Market:
    """The market at the tape's beginning, with the candles of ``memory`` behind it."""
    markets = []
    for instrument in plan.instruments:
        name = str(instrument.id)
        past = memory.newest_bars(name, 2 * KEPT)
        history = BarHistory(memory.reader_of(name), older=len(past) == 2 * KEPT)
        for kline in past:
            history.add(kline)
        price = past[-1].close if past else plan.first_price(instrument.id)
        market = InstrumentMarket(instrument, plan.liquidity(instrument), history, price)
        for kline in past[-RECALLED:]:
            market.recall(corners(kline, instrument), kline.open_time + plan.interval - 1)
        market.ratio = past[-1].index_ratio if past else market.ratio
        markets.append(market)
    return Market(markets, tape, plan.funding(origin), plan.interval, eager=eager)
