"""The venue behind the wire: one market, one matching engine, one memory, moved by one clock.

Topics carry their category: ``linear/orderbook.50.BTCUSDT``. Times are venue nanoseconds UTC unless a name ends in
``_ms``. Whatever a method returns is already safe from the death of the process.
"""

import asyncio
import sqlite3
import time
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Happening, OrderHappened, Refused
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import use_exact_context
from tradectl.sandbox.account_changes import AccountChanges, Change, Result
from tradectl.sandbox.account_queries import AccountQueries
from tradectl.sandbox.market.clock import VenueClock
from tradectl.sandbox.market.opening import open_market, plan_market
from tradectl.sandbox.market.plans import MarketPlan, Origin
from tradectl.sandbox.market.publisher import Frame, Publisher
from tradectl.sandbox.market.records import Bar
from tradectl.sandbox.market.rest import MarketRest
from tradectl.sandbox.market.settings import VenueConfig
from tradectl.sandbox.memory.database import wipe
from tradectl.sandbox.memory.memory import Memory

__all__ = ["Frame", "Step", "Venue", "VenueConfig", "wipe"]

SECOND = 1_000_000_000
#: Closed candles kept per instrument; older ones are dropped now and then.
BARS_REMEMBERED = 100_000
_FORGET_EVERY = 5_000


class Step(Struct, frozen=True):
    """What one micro-step of the market did. ``happenings`` come first in time, then ``frames`` in order.

    ``ended``: the data is used up, and no further step will do anything. ``reached``: nothing happened but that the
    clock came to the time it was to stop at.
    """

    frames: list[Frame]
    happenings: list[Happening]
    ended: bool
    reached: int = 0


class _Identity(Struct, frozen=True):
    """Which sandbox this is; never changes until a reset."""

    instance: str
    origin: Origin


class Venue(AccountQueries, AccountChanges):
    """Opens (or continues) the venue of ``config``. ``wall`` is the wall clock in nanoseconds.

    Raises ``Problem`` when the data is bad, the state belongs to another market, or is in use or broken.
    """

    def __init__(self, config: VenueConfig, *, wall: Callable[[], int] = time.time_ns) -> None:
        use_exact_context()
        self.config = config
        self._wall = wall
        self._plan: MarketPlan = plan_market(config)
        self._open()

    def _open(self) -> None:
        self._memory = Memory(self.config.state)
        try:
            saved = self._memory.database.get("identity")
            if saved is None:
                self._begin()
            else:
                self._continue(msgspec.msgpack.decode(saved, type=_Identity))
        except BaseException:
            self._memory.close()
            raise
        forming = None if self.config.speed is None else max(1, int(SECOND * self.config.speed))
        self._publisher = Publisher(self._market, forming)
        self._rest = MarketRest(self._market, lambda: self.exchange, self.now)
        self._broken = False
        self._closes = 0

    def _begin(self) -> None:
        """The first start: a new instance at the market's beginning."""
        origin = self._plan.origin(self._wall())
        identity = _Identity(uuid.uuid4().hex[:16], origin)
        tape, past = self._plan.tape(origin)
        self.exchange = Exchange(self._plan.instruments, seed=self._plan.fingerprint)
        with self._memory.database.transaction():
            self._memory.database.execute("DELETE FROM bars")  # of a beginning that was cut short
            self._memory.add_bars(past)
        self._market = open_market(self._plan, tape, origin, self._memory, eager=self._eager)
        self._market.show(self.exchange)
        self.instance = identity.instance
        self._open_orders: set[str] = set()
        self._last = self._market.now
        # A new venue's time is the wall's; its market begins with the minute that has begun already.
        self._clock = VenueClock(self.config.speed, self._wall, self._last)
        if self.config.speed is not None:
            self._clock.anchor(self._wall())
        self._save([], (), changed=True)
        # Written last: a beginning without it begins again.
        with self._memory.database.transaction():
            self._memory.database.put("identity", msgspec.msgpack.encode(identity))

    def _continue(self, identity: _Identity) -> None:
        """A later start: the same instance, at the moment after the last one that was saved."""
        place, exchange = self._memory.database.get("place"), self._memory.database.get("exchange")
        if identity.origin.fingerprint != self._plan.fingerprint:
            raise _another("belongs to another market (data, seed, symbols or backfill differ)")
        if place is None or exchange is None:
            raise _another("was not begun completely")
        self.exchange = Exchange.restore(exchange, self._plan.instruments)
        if list(self.exchange.instruments.values()) != self._plan.instruments:
            raise _another("was made with other instruments, by another version")
        tape, _ = self._plan.tape(identity.origin)
        self._market = open_market(self._plan, tape, identity.origin, self._memory, eager=self._eager)
        self._last, where = msgspec.msgpack.decode(place, type=tuple[int, bytes])
        self._market.resume(where)
        self._clock = VenueClock(self.config.speed, self._wall, self._last)
        self.instance = identity.instance
        rows = self._memory.database.rows("SELECT order_id FROM orders WHERE final = 0")
        self._open_orders = {row[0] for row in rows}
        happenings = self._market.show(self.exchange)
        self._save(happenings, (), changed=True)  # what an older version wrote stands in today's form from here on

    @property
    def _eager(self) -> bool:
        return self.config.speed is not None

    def close(self) -> None:
        """Close the memory; the venue can be opened again."""
        self._memory.close()

    def reset(self) -> None:
        """Forget everything: a new instance at the market's beginning, without accounts. Watched topics stay."""
        watched = self._publisher.watched()
        self._memory.close()
        if self.config.state is not None:
            wipe(self.config.state)
        self._open()
        for topic in watched:
            self._publisher.watch(topic)

    def now(self) -> int:
        """Venue time: never decreases, and never passes the next step of the market."""
        due, clock = self._market.due(), self._clock.now()
        self._last = max(self._last, clock if due is None else min(clock, due))
        return self._last

    # --- market ---------------------------------------------------------------------------------------------------

    def watch(self, topic: str) -> None:
        """Count one more subscriber: frames are only made for watched topics. Raises ``Refused`` for an unknown one."""
        self._publisher.watch(topic)

    def unwatch(self, topic: str) -> None:
        """Count one subscriber less; unknown topics are ignored."""
        self._publisher.unwatch(topic)

    def snapshot(self, topic: str) -> dict[str, Any] | None:
        """The first message after subscribing (orderbook, tickers); ``None`` where none is sent. Watch it first."""
        return self._publisher.snapshot(topic)

    def step(self, until: int = 0) -> Step:
        """Move the market to its next moment; venue time moves with it. In any mode.

        Stepped, moments of which nobody is told anything are passed over, up to the close of a candle, but none behind
        ``until``: there the clock stops (0, or a time that is past: it does not).
        """
        self._check_usable()
        frames: list[Frame] = []
        happenings: list[Happening] = []
        closes: tuple[Bar, ...] = ()
        reached = 0
        while (due := self._market.due()) is not None:
            if self._last < until < due:
                self._last = reached = until
                break
            self._last = max(due, self._last)
            played = self._market.play(self.exchange, self._last)
            frames += self._publisher.frames(played)
            happenings += played.happenings
            closes = played.closes
            if frames or happenings or closes or self._eager:
                break
        if reached:  # nobody's account and no book changed, only the time
            self._save([], (), changed=False)
        else:
            self._keep_step(happenings, closes)
        return Step(frames, happenings, self._market.due() is None, reached)

    def _keep_step(self, happenings: list[Happening], closes: tuple[Bar, ...]) -> None:
        # Prints move resting orders forward in their queues even when nothing happens to them.
        changed = bool(happenings or self._open_orders)
        try:
            self._save(happenings, closes, changed=changed)
        except sqlite3.Error as error:
            self._broken = True
            raise _not_kept(error) from error
        self._closes += len(closes)
        if self._closes >= _FORGET_EVERY * len(self._plan.instruments):
            self._closes = 0
            before = self._market.now - BARS_REMEMBERED * self._plan.interval
            for instrument in self._plan.instruments:
                self._memory.forget_bars(str(instrument.id), before)

    async def run(self, on_step: Callable[[Step], None]) -> None:
        """Speed mode: take the steps when they are due and hand each over, until the data ends or it is cancelled."""
        while (due := self._market.due()) is not None:
            await asyncio.sleep(self._clock.seconds_until(due))
            on_step(self.step())

    def market(self, path: str, params: dict[str, str]) -> dict[str, Any]:
        """The ``result`` of ``GET /v5/market/<path>``. Raises ``Refused``; ``KeyError`` for an unknown path."""
        return self._rest.paths[path](params)

    # --- keeping ----------------------------------------------------------------------------------------------------

    def _request(self, change: Change[Result]) -> tuple[Result, list[Happening]]:
        """Carry out a change and keep it. What cannot be kept did not happen: the accounts go back (10016)."""
        self._check_usable()
        result, happenings = change(self.now())
        try:
            self._save(happenings, (), changed=True)
        except sqlite3.Error as error:
            saved = self._memory.database.get("exchange")
            assert saved is not None  # every venue begins with one
            self.exchange = Exchange.restore(saved)
            self._market.show(self.exchange)
            raise Refused(10016, f"Server error: the state cannot be kept ({error})") from error
        return result, happenings

    def _save(self, happenings: list[Happening], closes: tuple[Bar, ...], *, changed: bool) -> None:
        self._memory.save(
            place=msgspec.msgpack.encode((self._last, self._market.save())),
            happenings=happenings,
            closes=closes,
            exchange=self.exchange.save() if changed else None,
        )
        for happening in happenings:
            if isinstance(happening, OrderHappened):
                order = happening.order
                (self._open_orders.discard if order.status.is_final else self._open_orders.add)(order.order_id)

    def _check_usable(self) -> None:
        if self._broken:
            raise _not_kept("an earlier step could not be kept")


def _another(what: str) -> Problem:
    return Problem(
        ErrorCode.CONFLICT,
        f"The state of the sandbox {what}",
        field="state",
        remedy="Start it as before, choose another state directory, or reset the sandbox",
    )


def _not_kept(error: object) -> Problem:
    return Problem(
        ErrorCode.INTERNAL,
        f"The sandbox cannot keep its state: {error}",
        field="state",
        remedy="Make room in the state directory and start the sandbox again: it continues where it was",
    )
