"""Watches how the start goes, and tells whoever waits for it."""

import asyncio
import os

from tradectl.daemon.readiness import Readiness
from tradectl.daemon.service import Service
from tradectl.model.commands import Level, StrategyStatus
from tradectl.rpc.methods import Life

_HALTED_EXIT = 12


class StartWatch:
    """Knows when the daemon trades, or is held by something only a person lifts."""

    def __init__(self, service: Service, readiness: Readiness) -> None:
        self._service = service
        self._readiness = readiness

    @property
    def settled(self) -> bool:
        """The books were compared with the venue's and no strategy waits for history."""
        engine = self._service.engine
        warming = any(r.status is StrategyStatus.WARMING for r in engine.host.runners.values())
        return self._service.life is Life.UP and not engine.world.unreconciled and not warming

    async def run(self) -> None:
        """Until it is told."""
        while not self._readiness.told:
            if self.settled:
                self._tell()
            await asyncio.sleep(0.01)

    def _tell(self) -> None:
        s = self._service
        if s.views.state is Level.RUNNING:
            state, run = s.views.state.value, s.config.run
            self._readiness.up(pid=os.getpid(), state=state, mode=s.mode, profile=s.profile, run=run)
            return
        held = [r.text for r in s.views.reasons if r.clears == "person" and not r.scope]
        if held:
            text = f"up, but {s.views.state.value}: {'; '.join(held)}"
            self._readiness.down(_HALTED_EXIT, text, "tradectl resume", alive=True)
