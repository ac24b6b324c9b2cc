"""Both ends of the one flow: commands out to venue, timers and log; entries out to views and subscribers."""

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from loguru import logger

from tradectl.daemon.handlers.status import delta_of, tickers_of
from tradectl.daemon.health import Health
from tradectl.daemon.service import Service
from tradectl.daemon.timers import Timers
from tradectl.exchange.exchange_connector import ExchangeConnector, VenueCommand
from tradectl.model.commands import (
    VENUE_COMMANDS,
    Alert,
    AlertLevel,
    CancelTimer,
    Command,
    Entry,
    SetTimer,
    StateChanged,
)
from tradectl.model.events import AccountChecked, ClockChecked, ConnectionChanged, TickerChanged
from tradectl.model.instruments import InstrumentId
from tradectl.rpc.methods import Life

_ALERT_LEVELS = {AlertLevel.INFO: "INFO", AlertLevel.WARNING: "WARNING", AlertLevel.CRITICAL: "CRITICAL"}
#: Prices change faster than anybody looks: subscribers get them this often (seconds, decision 21).
TICKER_PAUSE = 0.2


class Flow:
    """What the pump hands on. ``account`` is told whose key it is, once the venue said so."""

    def __init__(
        self,
        connector: ExchangeConnector,
        timers: Timers,
        service: Service,
        health: Health,
        account: Callable[[str], None],
    ) -> None:
        self._connector = connector
        self._timers = timers
        self._service = service
        self._health = health
        self._account = account
        self._moved: set[InstrumentId] = set()

    def carry_out(self, commands: Sequence[Command]) -> None:
        """The commands of one step, the venue's first; what is now so goes with its entry to :meth:`observe`."""
        to_venue = [cast(VenueCommand, command) for command in commands if isinstance(command, VENUE_COMMANDS)]
        if to_venue:
            self._connector.execute_all(to_venue)
        for command in commands:
            self._carry_out_here(command)

    def _carry_out_here(self, command: Command) -> None:
        if isinstance(command, SetTimer):
            self._timers.set(command.timer, command.at)
        elif isinstance(command, CancelTimer):
            self._timers.cancel(command.timer)
        elif isinstance(command, Alert):
            logger.log(_ALERT_LEVELS[command.level], "{}: {}", command.code, command.text)
        elif isinstance(command, StateChanged) and self._service.life is not Life.STOPPING:
            why = "; ".join(r.text for r in command.reasons)
            logger.info("trading is {}{}", command.state.value, f": {why}" if why else "")

    def observe(self, entry: Entry) -> None:
        """Views first, then whoever waits for something, then subscribers."""
        service, event = self._service, entry.event
        service.views.take(entry)
        if isinstance(event, ConnectionChanged):
            self._health.connection(event)
        elif isinstance(event, AccountChecked):
            service.uid = event.uid
            self._account(event.uid)
        elif isinstance(event, ClockChecked):
            service.clock_offset = event.offset
        service.observe(entry)
        if service.feed.subscribers:
            delta = delta_of(entry, service)
            if delta is not None:
                service.feed.publish(delta)
            if isinstance(event, TickerChanged):
                self._moved.add(event.instrument)

    async def publish_tickers(self) -> None:
        """Send subscribers the prices that moved, for as long as the daemon lives."""
        while True:
            await asyncio.sleep(TICKER_PAUSE)
            if self._moved and self._service.feed.subscribers:
                self._service.feed.publish(tickers_of(self._moved, self._service))
            self._moved.clear()
