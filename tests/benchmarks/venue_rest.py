"""The REST side of the measuring venue: an empty, funded account, answered from a table."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

LINEAR = {
    "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC",
    "quoteCoin": "USDT", "settleCoin": "USDT", "fundingInterval": 480,
    "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
    "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
    "lotSizeFilter": {"maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001",
                      "maxMktOrderQty": "500.000", "minNotionalValue": "5"},
}  # fmt: skip
POSITION = {"symbol": "BTCUSDT", "side": "", "size": "0", "positionIdx": 0, "leverage": "1", "category": "linear"}
EMPTY: dict[str, Any] = {"list": [], "nextPageCursor": ""}


def _answer(path: str, asked: dict[str, str]) -> dict[str, Any] | None:
    linear = asked.get("category") == "linear"
    table: dict[str, Any] = {
        "/v5/market/time": {"timeSecond": "0", "timeNano": str(time.time_ns())},
        "/v5/market/instruments-info": {"list": [LINEAR] if linear else [], "nextPageCursor": ""},
        "/v5/market/orderbook": {"s": "BTCUSDT", "b": [], "a": [], "ts": time.time_ns() // 1_000_000, "u": 1},
        "/v5/account/fee-rate": {
            "list": [{"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "0.0002"}] if linear else []
        },
        "/v5/user/query-api": {
            "userID": 900100, "readOnly": 0, "deadlineDay": 88, "uta": 1, "ips": [],
            "permissions": {"ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"], "Wallet": []},
        },
        "/v5/account/info": {"marginMode": "REGULAR_MARGIN", "unifiedMarginStatus": 5},
        "/v5/position/list": {"list": [POSITION] if "symbol" in asked else [], "nextPageCursor": ""},
        "/v5/account/wallet-balance": {
            "list": [{"accountType": "UNIFIED", "coin": [{"coin": "USDT", "walletBalance": "1000000"}]}]
        },
    }  # fmt: skip
    for name in ("order/realtime", "order/history", "execution/list", "account/transaction-log"):
        table[f"/v5/{name}"] = EMPTY
    return table.get(path)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one segment an answer: two would wait for a delayed acknowledgement

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        # The clients are kept apart by the first part of their address.
        path = "/v5/" + parts.path.partition("/v5/")[2]
        result = _answer(path, dict(parse_qsl(parts.query)))
        code, message = (10017, f"no route {path}") if result is None else (0, "OK")
        payload = {"retCode": code, "retMsg": message, "result": result or {}, "retExtInfo": {},
                   "time": time.time_ns() // 1_000_000}  # fmt: skip
        data = json.dumps(payload).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def serve_rest() -> int:
    """Serve in a thread of its own, which sleeps while nobody asks; returns the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])
