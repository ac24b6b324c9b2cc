"""One enum of error codes for CLI, RPC and REST, and the exception that carries one to the user."""

from enum import Enum
from typing import Any

from msgspec import Struct


class ErrorCode(str, Enum):
    """What went wrong, in the words every interface uses."""

    INVALID_ORDER = "INVALID_ORDER"
    INVALID_REQUEST = "INVALID_REQUEST"
    INVALID_SETTING = "INVALID_SETTING"
    UNKNOWN_SYMBOL = "UNKNOWN_SYMBOL"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    UNKNOWN_STRATEGY = "UNKNOWN_STRATEGY"
    UNKNOWN_METHOD = "UNKNOWN_METHOD"
    NOT_FOUND = "NOT_FOUND"
    RISK_REFUSED = "RISK_REFUSED"
    EXCHANGE_REJECTED = "EXCHANGE_REJECTED"
    HALTED = "HALTED"
    NOT_READY = "NOT_READY"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    CONFLICT = "CONFLICT"
    TOO_LARGE = "TOO_LARGE"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    DAEMON_NOT_RUNNING = "DAEMON_NOT_RUNNING"
    TIMEOUT = "TIMEOUT"
    INTERNAL = "INTERNAL"


class ErrorMeaning(Struct, frozen=True):
    """How each interface shows a code: HTTP status and the CLI's exit code."""

    status: int
    exit_code: int


MEANINGS: dict[ErrorCode, ErrorMeaning] = {
    ErrorCode.INVALID_ORDER: ErrorMeaning(400, 2),
    ErrorCode.INVALID_REQUEST: ErrorMeaning(400, 2),
    ErrorCode.INVALID_SETTING: ErrorMeaning(400, 78),
    ErrorCode.UNKNOWN_SYMBOL: ErrorMeaning(400, 2),
    ErrorCode.UNKNOWN_ORDER: ErrorMeaning(404, 1),
    ErrorCode.UNKNOWN_STRATEGY: ErrorMeaning(404, 1),
    ErrorCode.UNKNOWN_METHOD: ErrorMeaning(404, 1),
    ErrorCode.NOT_FOUND: ErrorMeaning(404, 1),
    ErrorCode.RISK_REFUSED: ErrorMeaning(400, 10),
    ErrorCode.EXCHANGE_REJECTED: ErrorMeaning(400, 11),
    ErrorCode.HALTED: ErrorMeaning(409, 12),
    ErrorCode.NOT_READY: ErrorMeaning(503, 1),
    ErrorCode.UNAUTHORIZED: ErrorMeaning(401, 77),
    ErrorCode.FORBIDDEN: ErrorMeaning(403, 77),
    ErrorCode.CONFLICT: ErrorMeaning(409, 1),
    ErrorCode.TOO_LARGE: ErrorMeaning(413, 2),
    ErrorCode.TOO_MANY_REQUESTS: ErrorMeaning(429, 75),
    ErrorCode.DAEMON_NOT_RUNNING: ErrorMeaning(503, 69),
    ErrorCode.TIMEOUT: ErrorMeaning(503, 75),
    ErrorCode.INTERNAL: ErrorMeaning(500, 1),
}


class Problem(Exception):
    """An error meant for a person: what, which field and value, which rule, and what to do next."""

    def __init__(
        self, code: ErrorCode, message: str, *, field: str = "", reason: str = "", remedy: str = "", data: Any = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.reason = reason or message
        self.remedy = remedy
        self.data = data

    @property
    def meaning(self) -> ErrorMeaning:
        return MEANINGS[self.code]

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message
