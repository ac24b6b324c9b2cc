"""The measuring venue: prints trades, takes the orders that follow, and times the way between, in its own process.

``python -m tests.benchmarks.venue_process`` says ``{"rest": PORT, "streams": PORT}`` and then obeys JSON lines:
``{"wait": CLIENT}``, ``{"ticks": CLIENT, "count": N, "pace_us": U, "quiet": Q}``, ``{"fill": CLIENT, "count": N}``
(prints for a client that is stopped) and ``{"drain": CLIENT}`` (until it has handled them). Clients are told apart by
the first part of the path they connect to; each has a public, a trade and perhaps a private socket.
"""

import asyncio
import json
import sys
import time
from typing import Any

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

from tests.benchmarks import messages, private_messages
from tests.benchmarks.venue_rest import serve_rest

PATIENCE = 20.0
_TOPIC = b'"publicTrade.BTCUSDT"'


class Client:
    """The sockets of one client, and the order it is waited for."""

    def __init__(self) -> None:
        self.sockets: dict[str, WSTransport] = {}
        self.hears = asyncio.Event()
        self.order: asyncio.Future[int] | None = None
        self.orders = 0

    def took(self, payload: bytes) -> None:
        """An order's bytes are here: note the time first, answer afterwards."""
        now = time.perf_counter_ns()
        if self.order is not None and not self.order.done():
            self.order.set_result(now)
        message = json.loads(payload)
        link = message["args"][0]["orderLinkId"]
        self.orders += 1
        order_id, ms = f"{self.orders:032x}", time.time_ns() // 1_000_000
        self.sockets["trade"].send(WSMsgType.TEXT, private_messages.ack(message["reqId"], link, order_id, ms))
        if "private" in self.sockets:
            row = private_messages.order(link, order_id, "Cancelled", "0.001", "0", ms, self.orders)
            self.sockets["private"].send(WSMsgType.TEXT, row)


class Listener(WSListener):
    """One socket of a client."""

    def __init__(self, client: Client, role: str) -> None:
        self._client = client
        self._role = role

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._client.sockets[self._role] = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        payload = frame.get_payload_as_bytes()
        if self._role == "trade" and b'"order.create"' in payload:
            self._client.took(payload)
            return
        self._control(transport, json.loads(payload), _TOPIC in payload)

    def _control(self, transport: WSTransport, message: dict[str, Any], hears: bool) -> None:
        op = message["op"]
        if self._role == "trade":
            answer = {"reqId": message.get("reqId"), "retCode": 0, "retMsg": "", "op": op, "connId": "c"}
        else:
            answer = {"success": True, "ret_msg": "", "op": op, "conn_id": "c", "req_id": message.get("req_id")}
        transport.send(WSMsgType.TEXT, json.dumps(answer).encode())
        topics = message.get("args", []) if op == "subscribe" else []
        if "tickers.BTCUSDT" in topics:
            transport.send(WSMsgType.TEXT, messages.ticker_snapshot())
        if "orderbook.1.BTCUSDT" in topics:
            transport.send(WSMsgType.TEXT, messages.quotes(1)[0])
        if hears and op == "subscribe":
            self._client.hears.set()


class Venue:
    """All clients, and what is asked about them."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self._serial = 0

    def client(self, name: str) -> Client:
        return self.clients.setdefault(name, Client())

    def accept(self, request: Any) -> Listener:
        name, _, rest = request.path.decode().strip("/").partition("/v5/")
        return Listener(self.client(name), rest.partition("/")[0])

    def _print(self, name: str, side: str) -> None:
        self._serial += 1
        self.clients[name].sockets["public"].send(WSMsgType.TEXT, messages.trade(self._serial, side))

    async def tick(self, name: str) -> float:
        """Microseconds from a print's bytes written to the order's bytes received. Raises ``TimeoutError``.

        The venue does not sleep meanwhile: waking a processor that has gone idle takes longer than an order, and the
        longer a client takes the likelier that is.
        """
        client = self.clients[name]
        client.order = order = asyncio.get_running_loop().create_future()
        before = time.perf_counter_ns()
        self._print(name, "Sell")
        async with asyncio.timeout(PATIENCE):
            while not order.done():  # noqa: ASYNC110 - to stay awake is the point
                await asyncio.sleep(0)
        return (order.result() - before) / 1_000

    async def ticks(self, name: str, count: int, pace_us: float, quiet: int) -> list[float]:
        """``count`` times; after each, ``quiet`` prints that ask for nothing, ``pace_us`` apart."""
        found = []
        for _ in range(count):
            found.append(await self.tick(name))
            for _ in range(quiet):
                await asyncio.sleep(pace_us / 1e6)
                self._print(name, "Buy")
            await asyncio.sleep(pace_us / 1e6)
        return found

    def fill(self, name: str, count: int) -> int:
        """Write prints without waiting; the last one, when it is handled, brings an order."""
        client = self.clients[name]
        client.order = asyncio.get_running_loop().create_future()
        for _ in range(count - 1):
            self._print(name, "Buy")
        self._print(name, "Sell")
        return count

    async def drain(self, name: str) -> bool:
        """Wait until everything written was handled. Raises ``TimeoutError``."""
        order = self.clients[name].order
        assert order is not None
        async with asyncio.timeout(PATIENCE):
            await order
        return True

    async def obey(self, asked: dict[str, Any]) -> Any:
        """Carry out one line."""
        if "wait" in asked:
            async with asyncio.timeout(PATIENCE):
                await self.client(asked["wait"]).hears.wait()
            return True
        if "ticks" in asked:
            return await self.ticks(asked["ticks"], asked["count"], asked["pace_us"], asked["quiet"])
        if "fill" in asked:
            return self.fill(asked["fill"], asked["count"])
        return await self.drain(asked["drain"])


async def main() -> None:
    """Serve until standard input ends."""
    venue = Venue()
    server = await ws_create_server(venue.accept, "127.0.0.1", 0)
    streams = server.sockets[0].getsockname()[1]
    print(json.dumps({"rest": serve_rest(), "streams": streams}), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            answer = {"ok": await venue.obey(json.loads(line))}
        except TimeoutError:
            answer = {"error": f"nothing came within {PATIENCE:g} s after {line.strip()}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
