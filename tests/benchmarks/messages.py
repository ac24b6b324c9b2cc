"""Messages as the venue writes them (bybit-v5 8.2 to 8.4), by the hundred: compact JSON, every one a little different.

Real captures need not be at hand: sizes follow them (a delta of a 50-level book changes about 8 levels at rest and
twice that in a busy market, deeper books more).
"""

import json
import random
from typing import Any

START_MS = 1_767_225_600_000
DEPTHS = (50, 200, 1000)
#: Levels a delta changes, by depth.
CHANGES = {50: 16, 200: 40, 1000: 50}


def encoded(message: dict[str, Any]) -> bytes:
    """Without spaces, as the venue does."""
    return json.dumps(message, separators=(",", ":")).encode()


def _price(ticks: int) -> str:
    return f"{ticks // 10}.{ticks % 10}0"


def _size(rng: random.Random) -> str:
    return f"{rng.randint(1, 9000) / 1000:.3f}"


def _book(topic: str, kind: str, bids: list[list[str]], asks: list[list[str]], update: int) -> bytes:
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": update, "seq": 512_000_000_000 + update}
    ts = START_MS + 20 * update
    return encoded({"topic": topic, "type": kind, "ts": ts, "data": data, "cts": ts - 4})


def quotes(count: int) -> list[bytes]:
    """``orderbook.1``: snapshots of one level a side."""
    rng = random.Random(1)
    found = []
    for n in range(count):
        ticks = 875_000 + rng.randint(-500, 500)
        bid, ask = [[_price(ticks), _size(rng)]], [[_price(ticks + 1), _size(rng)]]
        found.append(_book("orderbook.1.BTCUSDT", "snapshot", bid, ask, n + 2))
    return found


class _Levels:
    """A book of ``depth`` levels a side that wanders and never crosses."""

    def __init__(self, depth: int, rng: random.Random) -> None:
        self.depth, self.rng, self.middle = depth, rng, 875_000
        self.sides = [{self._place(s, n): _size(rng) for n in range(1, depth + 1)} for s in (-1, 1)]

    def _place(self, sign: int, distance: int) -> int:
        return self.middle + sign * distance

    def rows(self) -> list[list[list[str]]]:
        return [[[_price(p), s] for p, s in side.items()] for side in self.sides]

    def move(self, changes: int) -> list[list[list[str]]]:
        """Change ``changes`` levels: most near the touch, as a market does; crossed ones go first."""
        rng = self.rng
        self.middle += rng.choice((-1, 0, 0, 1))
        moved: list[list[list[str]]] = []
        for sign, side in zip((-1, 1), self.sides, strict=True):
            gone = [p for p in side if (p - self.middle) * sign <= 0]
            out = dict.fromkeys(gone, "0")
            for _ in range(changes // 2 - len(gone)):
                distance = min(self.depth, 1 + int(rng.expovariate(4 / self.depth)))
                price = self._place(sign, distance)
                out[price] = "0" if price in side and rng.random() < 0.4 else _size(rng)
            for price, size in out.items():
                if size == "0":
                    side.pop(price, None)
                else:
                    side[price] = size
            moved.append([[_price(p), s] for p, s in out.items()])
        return moved


def book(depth: int, deltas: int) -> list[bytes]:
    """``orderbook.DEPTH``: a snapshot and contiguous deltas."""
    levels = _Levels(depth, random.Random(depth))
    topic = f"orderbook.{depth}.BTCUSDT"
    found = [_book(topic, "snapshot", *levels.rows(), 2)]
    for n in range(deltas):
        found.append(_book(topic, "delta", *levels.move(CHANGES[depth]), 3 + n))
    return found


def trade(n: int, side: str = "Buy") -> bytes:
    """``publicTrade`` with one print."""
    ticks, ts = 875_000 + n * 7 % 1000, START_MS + n
    row = {"T": ts, "s": "BTCUSDT", "S": side, "v": f"0.{n % 900 + 100}", "p": _price(ticks), "L": "ZeroPlusTick",
           "i": f"c2a6c2b8-5d4e-5d2f-9f0a-{n:012x}", "BT": False, "RPI": False, "seq": 512_009_387_112 + n}  # fmt: skip
    return encoded({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": ts + 3, "data": [row]})


def trades(count: int) -> list[bytes]:
    """Single prints."""
    return [trade(n) for n in range(count)]


def ticker_snapshot() -> bytes:
    """``tickers``, whole (linear)."""
    data = {
        "symbol": "BTCUSDT", "tickDirection": "ZeroPlusTick", "price24hPcnt": "-0.005424", "lastPrice": "87532.60",
        "prevPrice24h": "88010.00", "highPrice24h": "88466.90", "lowPrice24h": "87020.00", "prevPrice1h": "87480.10",
        "markPrice": "87534.11", "indexPrice": "87561.02", "openInterest": "54210.118",
        "openInterestValue": "4745234412.91", "turnover24h": "6312401255.1023", "volume24h": "71991.4210",
        "nextFundingTime": "1767254400000", "fundingRate": "0.00007215", "bid1Price": "87530.10", "bid1Size": "2.418",
        "ask1Price": "87530.20", "ask1Size": "1.077", "preOpenPrice": "", "preQty": "", "curPreListingPhase": "",
    }  # fmt: skip
    return encoded({"topic": "tickers.BTCUSDT", "type": "snapshot", "data": data, "cs": 512_009_387_112,
                    "ts": START_MS + 131})  # fmt: skip


def ticker_deltas(count: int) -> list[bytes]:
    """``tickers``: mark price, best bid and open interest moved."""
    found = []
    for n in range(count):
        data = {"symbol": "BTCUSDT", "markPrice": _price(875_000 + n % 800), "indexPrice": _price(875_200 + n % 800),
                "openInterest": f"542{n % 90 + 10}.118", "openInterestValue": "4745234412.91",
                "bid1Price": _price(874_990 + n % 800), "bid1Size": "2.118"}  # fmt: skip
        found.append(encoded({"topic": "tickers.BTCUSDT", "type": "delta", "data": data, "cs": 512_009_387_190 + n,
                              "ts": START_MS + 231 + 100 * n}))  # fmt: skip
    return found


def klines(count: int) -> list[bytes]:
    """``kline.1``, each of a minute of its own and confirmed."""
    found = []
    for n in range(count):
        start = START_MS + 60_000 * n
        row = {"start": start, "end": start + 59_999, "interval": "1", "open": "87510.1", "close": "87532.6",
               "high": "87544", "low": "87480.3", "volume": "41.327", "turnover": "3617120.4412", "confirm": True,
               "timestamp": start + 59_958}  # fmt: skip
        found.append(encoded({"topic": "kline.1.BTCUSDT", "type": "snapshot", "ts": start + 60_012, "data": [row]}))
    return found
