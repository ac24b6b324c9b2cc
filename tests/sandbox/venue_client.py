"""A signed Bybit client of the tests' own, on urllib alone: what the sandbox says is read without any code of ours."""

import hashlib
import hmac
import json
import time
import urllib.request
from typing import Any
from urllib.parse import urlencode

#: Bybit's windows are seven days long (bybit-v5 3.2).
WINDOW_MS = 7 * 86_400_000


class VenueClient:
    """Reads one account of a sandbox."""

    def __init__(self, base: str, key: str, secret: str) -> None:
        self.base, self._key, self._secret = base, key, secret

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """``result`` of a signed GET; asserts that it succeeded."""
        query = urlencode({k: v for k, v in params.items() if v not in (None, "")})
        stamp = str(time.time_ns() // 1_000_000)
        text = f"{stamp}{self._key}20000{query}"
        headers = {
            "X-BAPI-API-KEY": self._key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": "20000",
            "X-BAPI-SIGN": hmac.new(self._secret.encode(), text.encode(), hashlib.sha256).hexdigest(),
        }
        url = f"{self.base}{path}" + (f"?{query}" if query else "")
        for _ in range(50):  # the allowance per second is Bybit's: wait for the next window
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
                body: dict[str, Any] = json.load(answer)
            if body["retCode"] != 10006:
                break
            time.sleep(0.1)
        assert body["retCode"] == 0, f"{path} {params}: {body}"
        result: dict[str, Any] = body["result"]
        return result

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """The whole answer to a signed POST, whatever its code: what a person does on the site."""
        text, stamp = json.dumps(body), str(time.time_ns() // 1_000_000)
        signed = f"{stamp}{self._key}20000{text}"
        headers = {
            "Content-Type": "application/json",
            "X-BAPI-API-KEY": self._key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": "20000",
            "X-BAPI-SIGN": hmac.new(self._secret.encode(), signed.encode(), hashlib.sha256).hexdigest(),
        }
        request = urllib.request.Request(f"{self.base}{path}", data=text.encode(), headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def state(self) -> dict[str, Any]:
        """The sandbox's own state, for operators."""
        with urllib.request.urlopen(f"{self.base}/sandbox/state", timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def allowances(self) -> dict[str, Any]:
        """What the rate limits refused so far, and what they admitted in each second."""
        with urllib.request.urlopen(f"{self.base}/sandbox/allowances", timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def rows(self, path: str, start: int, end: int, limit: int, **params: Any) -> list[dict[str, Any]]:
        """Every row between two times (milliseconds), over all windows and pages, oldest first."""
        found: list[dict[str, Any]] = []
        begin = start
        while begin <= end:
            stop = min(begin + WINDOW_MS, end)
            cursor = ""
            while True:
                page = self.get(path, startTime=begin, endTime=stop, limit=limit, cursor=cursor, **params)
                found += page["list"]
                cursor = page["nextPageCursor"]
                if not cursor or not page["list"]:
                    break
            begin = stop + 1
        return found[::-1]
