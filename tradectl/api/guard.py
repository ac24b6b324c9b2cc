"""What stands before every endpoint: the bearer token, the rate limits and the headers of each answer."""

import time
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradectl.api.config import ApiConfig
from tradectl.api.limits import AddressBuckets, TokenBucket
from tradectl.api.responses import problem_answer, too_many
from tradectl.api.token import matches
from tradectl.model.errors import ErrorCode, Problem

#: Key of the ASGI scope: whether the request carried the token.
AUTHENTICATED = "tradectl.authenticated"
#: Answered without the token, and then without details.
OPEN_PATHS = frozenset({"/api/health"})
READS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_HEADER = 512

#: An API answer is data for its one reader: nothing keeps, sniffs, frames or runs it. No CORS header is ever sent.
SECURITY_HEADERS: list[tuple[bytes, bytes]] = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]


class Guard:
    """ASGI middleware. ``clock`` is a steady clock in seconds."""

    def __init__(
        self, app: ASGIApp, token: str, config: ApiConfig, identity: Callable[[], list[tuple[bytes, bytes]]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._app, self._token, self._identity, self._clock = app, token.encode(), identity, clock
        now = clock()
        self._reads = TokenBucket(config.reads_per_second, config.read_burst, now)
        self._commands = TokenBucket(config.commands_per_second, config.command_burst, now)
        self._refused = AddressBuckets(config.refused_per_second, config.refused_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *SECURITY_HEADERS, *self._identity()]
            await send(message)

        refusal = self._refuse(scope)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refuse(self, scope: Scope) -> Response | None:
        """The answer to a request that may not pass, ``None`` for one that may; marks the scope."""
        now = self._clock()
        given = _bearer(scope)
        scope[AUTHENTICATED] = given is not None and matches(self._token, given)
        if not scope[AUTHENTICATED] and (given is not None or scope["path"] not in OPEN_PATHS):
            return self._unauthorized(scope, given is None, now)
        bucket, what = (self._reads, "reads") if scope["method"] in READS else (self._commands, "commands")
        wait = bucket.take(now)
        return too_many(wait, what) if wait else None

    def _unauthorized(self, scope: Scope, missing: bool, now: float) -> Response:
        client = scope.get("client")
        wait = self._refused.take(client[0] if client else "", now)
        if wait:
            return too_many(wait, "requests without a valid token")
        problem = Problem(
            ErrorCode.UNAUTHORIZED,
            "A valid bearer token is required",
            field="Authorization",
            reason="Missing bearer token" if missing else "Wrong bearer token",
            remedy="Send the header Authorization: Bearer TOKEN with the content of api.token in the state directory.",
        )
        return problem_answer(problem, headers={"WWW-Authenticate": 'Bearer realm="tradectl"'})


def _bearer(scope: Scope) -> bytes | None:
    """The token of the request's one ``Authorization`` header, ``b""`` for a malformed one, ``None`` for none."""
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    if not found:
        return None
    scheme, _, token = found[0].partition(b" ")
    if len(found) > 1 or scheme.lower() != b"bearer" or len(token) > MAX_HEADER:
        return b""
    return bytes(token.strip())
