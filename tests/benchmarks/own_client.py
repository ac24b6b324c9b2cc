"""The real connector with less behind it than the daemon has: nothing, or the engine without a journal.

``python -m tests.benchmarks.own_client connector|engine REST STREAMS TRANSPORT``. It ends with its standard input.
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import cast

import uvloop

from tests.benchmarks.engine_script import BTC, config
from tests.benchmarks.strategies import CLASSES
from tradectl.daemon.clocks import WallClock
from tradectl.daemon.pump import Pump
from tradectl.daemon.timers import WallTimers
from tradectl.engine.config import StrategyConfig
from tradectl.engine.trading_engine import TradingEngine
from tradectl.exchange.bybit.config import BybitConfig, Credentials, TransportName
from tradectl.exchange.bybit.connector import BybitConnector
from tradectl.exchange.exchange_connector import VenueCommand
from tradectl.journal import Journal
from tradectl.model.commands import VENUE_COMMANDS, CancelTimer, Command, Entry, RiskApproved, SetTimer, Subscribe
from tradectl.model.events import Event, Started, TradePrinted
from tradectl.model.market_data import MarketKey
from tradectl.model.money import exact, use_exact_context
from tradectl.model.orders import OrderSpec, OrderType, Side, TimeInForce

_QTY = Decimal("0.001")


class NoJournal:
    """Takes every entry and keeps none: what is measured here is everything else."""

    reserved = 1 << 40

    def append(self, entry: Entry, reserve: bool = False) -> None:
        return


class Connector:
    """A strategy right behind the connector."""

    def __init__(self, make: Callable[[Callable[[Event], None]], BybitConnector]) -> None:
        self.connector = make(self._take)
        self._serial = 0

    def start(self) -> None:
        self.connector.execute(Subscribe(MarketKey("trades", BTC)))

    def _take(self, event: Event) -> None:
        if type(event) is TradePrinted and event.side is Side.SELL:
            self._serial += 1
            order = OrderSpec(
                f"t0000000r-001-{self._serial:010d}", BTC, Side.BUY, OrderType.LIMIT, _QTY, exact(event.price),
                TimeInForce.IOC,
            )  # fmt: skip
            self.connector.execute(RiskApproved(0, 0, order))


class Engine:
    """The engine between, driven as the daemon drives it."""

    def __init__(self, make: Callable[[Callable[[Event], None]], BybitConnector], clock: WallClock) -> None:
        strategies = (StrategyConfig(name="buyer", class_="print_buyer"),)
        engine = TradingEngine(config(strategies), CLASSES)
        self._pump = Pump(engine, cast(Journal, NoJournal()), self._carry_out, lambda entry: None)
        self._clock = clock
        self._timers = WallTimers(clock, self._pump.feed)
        self._pump.timers = self._timers
        self.connector = make(self._pump.feed)

    def start(self) -> None:
        self._pump.feed(Started(self._clock(0), "0000000r", False, 1))

    def _carry_out(self, commands: Sequence[Command]) -> None:
        to_venue = [cast(VenueCommand, command) for command in commands if isinstance(command, VENUE_COMMANDS)]
        if to_venue:
            self.connector.execute_all(to_venue)
        for command in commands:
            if isinstance(command, SetTimer):
                self._timers.set(command.timer, command.at)
            elif isinstance(command, CancelTimer):
                self._timers.cancel(command.timer)


async def main(kind: str, rest: str, streams: str, transport: str) -> None:
    """Open the venue and serve until standard input ends."""
    clock = WallClock()
    settings = BybitConfig(rest_base=rest, ws_base=streams, transport=TransportName(transport))

    def make(sink: Callable[[Event], None]) -> BybitConnector:
        return BybitConnector(settings, Credentials("benchmark", "benchmark"), sink, clock)

    client = Connector(make) if kind == "connector" else Engine(make, clock)
    if isinstance(client, Engine):
        client.start()
    await client.connector.open()
    if isinstance(client, Connector):
        client.start()
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await client.connector.close()


if __name__ == "__main__":
    use_exact_context()
    uvloop.run(main(*sys.argv[1:]))
