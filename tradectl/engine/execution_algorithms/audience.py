"""Who wants the quotes and the trades of an instrument: nobody pays for what no algorithm follows."""

from collections.abc import Callable, Mapping

from tradectl.engine.execution_algorithms.algorithm import Algorithm
from tradectl.engine.execution_algorithms.state import Run
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import MarketKey


class Audience:
    """Ids of algorithms by instrument, and the streams they need."""

    def __init__(self, subscribe: Callable[[MarketKey], None]) -> None:
        self._subscribe = subscribe
        self.quotes: dict[InstrumentId, list[int]] = {}
        self.trades: dict[InstrumentId, list[int]] = {}

    def index(self, working: Mapping[int, Run], made: Mapping[int, Algorithm]) -> None:
        """List exactly these."""
        self.quotes, self.trades = {}, {}
        for id_, run in working.items():
            if made[id_].follows_quotes:
                self.quotes.setdefault(run.instrument, []).append(id_)
            if made[id_].follows_trades:
                self.trades.setdefault(run.instrument, []).append(id_)

    def follow(self, run: Run, trades: bool) -> None:
        """Ask for the streams one needs."""
        for kind in ("ticker", "quotes", *(("trades",) if trades else ())):
            self._subscribe(MarketKey(kind, run.instrument))
