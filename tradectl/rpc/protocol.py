"""JSON-RPC 2.0 on the wire: one message per line, what a request is, and how errors travel both ways."""

from typing import Any

import msgspec
from msgspec import Struct

from tradectl.model.errors import ErrorCode, Problem

#: Limits of one connection. A message longer than these ends the connection, because the line cannot be trusted.
MAX_REQUEST = 1 << 20
MAX_RESPONSE = 8 << 20
MAX_CONNECTIONS = 64
MAX_IN_FLIGHT = 16
SUBSCRIBER_QUEUE = 1024
#: Seconds: a subscriber that reads nothing for so long is closed; a message half sent for so long likewise.
SLOW_CLIENT, HALF_SENT = 10.0, 10.0

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
#: Our own errors: the word in ``data.code`` says which.
PROBLEM = -32000

#: What an absent ``result`` or ``params`` reads as.
NULL = msgspec.Raw(b"null")

#: Amounts are written as JSON numbers from their own digits.
ENCODER = msgspec.json.Encoder(decimal_format="number")


class Request(Struct, frozen=True):
    """A call; without ``id`` it is a notification and is not answered."""

    jsonrpc: str
    method: str
    params: msgspec.Raw = msgspec.Raw(b"{}")
    id: int | str | msgspec.UnsetType | None = msgspec.UNSET


class ErrorData(Struct, frozen=True):
    """``Problem`` on the wire. ``status`` and ``exit_code`` spare a client the table of codes."""

    code: str
    field: str = ""
    reason: str = ""
    remedy: str = ""
    status: int = 500
    exit_code: int = 1
    detail: Any = None


class Error(Struct, frozen=True):
    code: int
    message: str
    data: ErrorData | None = None


class Response(Struct, frozen=True):
    """An answer, or a notification when ``method`` is set."""

    id: int | str | None = None
    result: msgspec.Raw = NULL
    error: Error | None = None
    method: str = ""
    params: msgspec.Raw = NULL
    about: dict[str, str] = {}


REQUESTS = msgspec.json.Decoder(Request)
RESPONSES = msgspec.json.Decoder(Response)

_NUMBERS = {
    ErrorCode.UNKNOWN_METHOD: METHOD_NOT_FOUND,
    ErrorCode.INVALID_REQUEST: INVALID_PARAMS,
    ErrorCode.INTERNAL: INTERNAL_ERROR,
}


def result_line(call: int | str | None, result: Any, about: bytes = b"") -> bytes:
    """The line that answers ``call``; ``about`` is an encoded object saying who answers."""
    tail = b',"about":' + about if about else b""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b%b}\n' % (ENCODER.encode(call), ENCODER.encode(result), tail)


def error_line(call: int | str | None, problem: Problem, number: int | None = None) -> bytes:
    """The line that refuses ``call``; ``number`` overrides JSON-RPC's own error number."""
    meaning = problem.meaning
    data = ErrorData(
        code=problem.code.value,
        field=problem.field,
        reason=problem.reason,
        remedy=problem.remedy,
        status=meaning.status,
        exit_code=meaning.exit_code,
        detail=problem.data,
    )
    error = Error(number if number is not None else _NUMBERS.get(problem.code, PROBLEM), problem.message, data)
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}\n' % (ENCODER.encode(call), ENCODER.encode(error))


def notification_line(method: str, params: Any) -> bytes:
    """The line of a notification."""
    return b'{"jsonrpc":"2.0","method":%b,"params":%b}\n' % (ENCODER.encode(method), ENCODER.encode(params))


def request_line(call: int | None, method: str, params: Any) -> bytes:
    """The line of a call; ``call`` ``None`` makes it a notification."""
    tail = b"" if call is None else b',"id":%d' % call
    return b'{"jsonrpc":"2.0","method":%b,"params":%b%b}\n' % (ENCODER.encode(method), ENCODER.encode(params), tail)


def to_problem(error: Error) -> Problem:
    """The problem a server reported, as it was raised there."""
    data = error.data
    if data is None:
        return Problem(ErrorCode.INTERNAL, error.message)
    try:
        code = ErrorCode(data.code)
    except ValueError:  # a newer server knows more words
        code = ErrorCode.INTERNAL
    return Problem(code, error.message, field=data.field, reason=data.reason, remedy=data.remedy, data=data.detail)
