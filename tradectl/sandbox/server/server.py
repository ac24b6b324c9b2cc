"""The sandbox server: listeners, the venue behind them, and what moves the market."""

import asyncio
import ssl
import time
from collections.abc import Callable

from tradectl.matching.records import Refused
from tradectl.sandbox.config import SandboxConfig
from tradectl.sandbox.faults import Faults
from tradectl.sandbox.server.admin import Admin
from tradectl.sandbox.server.certificates import server_context
from tradectl.sandbox.server.channel import Channel
from tradectl.sandbox.server.connection import Connection
from tradectl.sandbox.server.control_socket import ControlSocket
from tradectl.sandbox.server.delivery import Delivery, TimedDelivery
from tradectl.sandbox.server.floor import Floor
from tradectl.sandbox.server.http_messages import HttpAnswer, HttpRequest, is_local
from tradectl.sandbox.server.idle_limit import idle_limit
from tradectl.sandbox.server.late_answers import LateAnswers
from tradectl.sandbox.server.lockstep import Lockstep
from tradectl.sandbox.server.params import CATEGORIES, parse_query
from tradectl.sandbox.server.private_socket import PrivateSocket
from tradectl.sandbox.server.public_socket import PublicSocket
from tradectl.sandbox.server.received_orders import ReceivedOrders
from tradectl.sandbox.server.rest import Rest
from tradectl.sandbox.server.trade_socket import TradeSocket
from tradectl.sandbox.venue import Step, Venue

SWEEP_SECONDS = 1.0
_CONTROL_PATH = "/sandbox/control"


class SandboxServer:
    """``start`` listens, ``stop`` closes everything. ``failed`` is done when the market could not go on.

    ``port`` and ``tls_port`` are the ports listened on (0 without TLS), ``ca_file`` what a TLS client trusts.
    """

    def __init__(
        self,
        config: SandboxConfig,
        faults: Faults | None = None,
        *,
        wall: Callable[[], int] = time.time_ns,
        open_venue: Callable[..., Venue] = Venue,
    ) -> None:
        self.config = config
        self.faults = faults or Faults()
        self.wall = wall
        self._open_venue = open_venue
        self.port = self.tls_port = 0
        self.ca_file = ""
        self.control: ControlSocket | None = None
        self.lockstep: Lockstep | None = None
        self.ended = False
        self.late = LateAnswers()
        self._connections: set[Connection] = set()
        self._listeners: list[asyncio.Server] = []
        self._market: asyncio.Task[None] | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    # --- life -------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the venue and listen. Raises ``Problem`` for what the venue refuses, ``OSError`` for the port."""
        self._loop = asyncio.get_running_loop()
        self.failed: asyncio.Future[None] = self._loop.create_future()
        self.venue = self._open_venue(self.config.venue, wall=self.wall)
        self.received = ReceivedOrders(self.config.state)
        try:
            self._put_together()
            await self._listen()
        except BaseException:
            await self.stop()
            raise
        self._move_market()
        self._sweep()

    async def stop(self) -> None:
        """Close listeners, sockets, the market and the memory."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._market is not None:
            self._market.cancel()
            await asyncio.wait([self._market])
        for listener in self._listeners:
            listener.close()
        for connection in list(self._connections):
            connection.shut()
        self.venue.close()
        self.received.close()

    def reset(self) -> None:
        """A new instance at the market's beginning; every socket but the control client's is closed."""
        if self._market is not None:
            self._market.cancel()
        for connection in list(self._connections):
            connection.reset()
        self.venue.reset()
        self.received.clear()
        self.floor.limiter.clear()
        self.ended = False
        if self.lockstep is not None:
            self.lockstep.rewind()
        self._open_accounts()
        self._move_market()

    def _put_together(self) -> None:
        delivery: Delivery
        if self.config.stepped:
            delivery = self.lockstep = Lockstep(self._loop, self._frame_sent, self._step, self._end, self._tell)
        else:
            delivery = TimedDelivery(self._loop, self._frame_sent)
        self.floor = Floor(self.config, self.venue, self.faults, self.received, delivery, self.late, wall=self.wall)
        self._rest = Rest(self.floor)
        self._admin = Admin(self)
        self._open_accounts()

    def _open_accounts(self) -> None:
        instruments = self.venue.exchange.instruments.values()
        hedge = self.config.hedge and any(each.settle_coin == "USDT" for each in instruments)
        for account in self.config.accounts:
            self.venue.open_account(account.uid, self.config.fund, hedge=hedge)

    async def _listen(self) -> None:
        self.port = await self._listen_on(self.config.port, None)
        if self.config.tls:
            context, self.ca_file = server_context(self.config)
            self.tls_port = await self._listen_on(self.config.tls_port, context)

    async def _listen_on(self, port: int, context: ssl.SSLContext | None) -> int:
        listener = await self._loop.create_server(
            lambda: Connection(self, self.config, self._connections), self.config.host, port, ssl=context
        )
        self._listeners.append(listener)
        return int(listener.sockets[0].getsockname()[1])

    # --- the market -------------------------------------------------------------------------------------------------

    def _move_market(self) -> None:
        if self.lockstep is None:
            self._market = self._loop.create_task(self.venue.run(self._on_step))
            self._market.add_done_callback(self._market_done)

    def _market_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self.failed.done():
            self.failed.set_exception(error)

    def _on_step(self, step: Step) -> None:
        self.floor.private.publish(step.happenings)
        self.floor.public.publish(step.frames)
        self.ended = step.ended

    def _step(self, until: int) -> int | None:
        step = self.venue.step(until)
        self._on_step(step)
        return None if step.ended else step.reached

    def _end(self) -> None:
        if self.control is not None:
            self.control.send({"op": "end"})

    def _tell(self, at: int) -> None:
        if self.control is not None:
            self.control.send({"op": "time", "at": at})

    def _frame_sent(self, kind: str, channel: Channel) -> None:
        self.late.frame_sent()
        if self.faults.cuts_after_frame(kind):
            channel.abort()

    def describe_clock(self) -> dict[str, object]:
        """The ``state`` message: who we are and what time it is, in nanoseconds."""
        return {
            "op": "state",
            "instance": self.venue.instance,
            "uid": self.config.accounts[0].uid if self.config.accounts else "",
            "clock": "stepped" if self.config.stepped else "speed",
            "speed": self.config.speed,
            "venue_time": self.venue.now(),
            "wall_time": self.wall(),
        }

    # --- Application ------------------------------------------------------------------------------------------------

    def answer(self, request: HttpRequest) -> HttpAnswer:
        if request.path.startswith("/sandbox/"):
            return self._admin.answer(request)
        return self._rest.answer(request)

    def knows_channel(self, path: str) -> bool:
        return path == _CONTROL_PATH or _socket_of(path) is not None

    def open_channel(self, request: HttpRequest, channel: Channel) -> None:
        if request.path == _CONTROL_PATH:
            if not is_local(request.peer):
                channel.close(1008, "the control path serves this machine alone")
                return
            ControlSocket(self, channel)
            return
        try:
            options = parse_query(request.query)
            channel.idle_seconds = idle_limit(options, self.config.idle_seconds)
            channel.in_lockstep = options.get("lockstep") != "off"
        except Refused as refused:
            channel.close(1008, refused.message)
            return
        match _socket_of(request.path):
            case "private":
                PrivateSocket(self.floor, channel)
            case "trade":
                TradeSocket(self.floor, channel)
            case str(category):
                PublicSocket(self.floor, channel, category)

    # --- time -------------------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        now = self._loop.time()
        for connection in list(self._connections):
            connection.sweep(now)
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)


def _socket_of(path: str) -> str | None:
    """``private``, ``trade`` or the category of a public socket at any path that ends in ``/v5/...``."""
    _, found, tail = path.rpartition("/v5/")
    if not found:
        return None
    if tail in ("private", "trade"):
        return tail
    area, _, category = tail.partition("/")
    return category if area == "public" and category in CATEGORIES else None
