"""The floor of receiving and of tick-to-order: picows, msgspec, one function call; no check, no engine, no record.

``python -m tests.benchmarks.bare_client STREAMS`` (``ws://host:port/name``). It ends with its standard input.
"""

import asyncio
import gc
import sys
import time

import msgspec
import uvloop
from msgspec import Struct
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect


class _Trade(Struct, gc=False):
    T: int
    S: str
    v: float
    p: float
    i: str


class _Frame(Struct, gc=False):
    topic: str
    ts: int
    data: tuple[_Trade, ...] = ()


_decode = msgspec.json.Decoder(_Frame, strict=False).decode


class Trade(WSListener):
    """The trade socket: answers are read and thrown away."""


class Orders:
    """Sends one order; made once, because a client without a purpose of its own needs nothing more."""

    def __init__(self, transport: WSTransport) -> None:
        self._transport = transport
        self._serial = 0

    def on_trade(self, trade: _Trade) -> None:
        """The whole strategy."""
        if trade.S == "Sell":
            self._serial += 1
            n, ms = self._serial, time.time_ns() // 1_000_000
            body = (
                f'{{"reqId":"{n}","header":{{"X-BAPI-TIMESTAMP":"{ms}","X-BAPI-RECV-WINDOW":"5000"}},'
                f'"op":"order.create","args":[{{"category":"linear","symbol":"BTCUSDT","side":"Buy",'
                f'"orderType":"Limit","qty":"0.001","price":"{trade.p}","timeInForce":"IOC",'
                f'"orderLinkId":"bare-{n}","reduceOnly":false,"positionIdx":0}}]}}'
            )
            self._transport.send(WSMsgType.TEXT, body.encode())


class Public(WSListener):
    """The public socket."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if b'"publicTrade' in payload:
            for trade in _decode(payload).data:
                self._orders.on_trade(trade)


async def main(base: str) -> None:
    """Connect, subscribe, serve until standard input ends."""
    trade, _ = await ws_connect(Trade, f"{base}/v5/trade")
    orders = Orders(trade)
    public, _ = await ws_connect(lambda: Public(orders), f"{base}/v5/public/linear")
    public.send(WSMsgType.TEXT, b'{"op":"subscribe","req_id":"1","args":["publicTrade.BTCUSDT"]}')
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
