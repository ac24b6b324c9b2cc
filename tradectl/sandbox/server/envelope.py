"""The frame around every REST answer (bybit-v5 3)."""

from typing import Any

import msgspec
from msgspec import Struct

from tradectl.matching.records import Happening

RATE_LIMITED = (10006, "Too many visits. Exceeded the API Rate Limit.")
_encode = msgspec.json.Encoder().encode


class Reply(Struct):
    """An answer before it is written: ``ext`` is ``retExtInfo``, ``headers`` go beside the usual ones.

    ``happenings`` are published once it was written.
    """

    result: dict[str, Any]
    code: int = 0
    message: str = "OK"
    ext: dict[str, Any] = {}
    headers: dict[str, str] = {}
    status: int = 200
    happenings: list[Happening] = []

    def body(self, now_ms: int) -> bytes:
        return _encode(
            {
                "retCode": self.code,
                "retMsg": self.message,
                "result": self.result,
                "retExtInfo": self.ext,
                "time": now_ms,
            }
        )


def refusal(code: int, message: str, *, status: int = 200) -> Reply:
    """An error answer: business errors come with HTTP 200."""
    return Reply({}, code, message, status=status)


def route_not_found() -> Reply:
    return refusal(10017, "Route not found.", status=404)
