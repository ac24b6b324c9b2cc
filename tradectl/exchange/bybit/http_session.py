"""pybit's ``HTTP`` as this project needs it: time and signature injected, no retries, answers kept as bytes.

Imported inside a worker thread only: pybit costs a second on a slow machine. pybit retries some codes by itself,
prints the secret in its ``repr`` and adds a log handler; all three are switched off here.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import requests
from msgspec import Struct
from pybit.exceptions import FailedRequestError  # type: ignore[import-untyped]
from pybit.unified_trading import HTTP  # type: ignore[import-untyped]

from tradectl.exchange.bybit.signing import Signer
from tradectl.exchange.bybit.wire import Envelope

_ENVELOPE = msgspec.json.Decoder(Envelope)


class SessionPlan(Struct, frozen=True):
    """What a session is made of. ``now_ms`` is the venue's clock as we know it, in milliseconds."""

    endpoint: str
    signer: Signer | None
    now_ms: Callable[[], int]
    recv_window: int
    timeout: float
    proxy: str = ""
    ca_file: str = ""


class Reply(Struct, frozen=True):
    """One answer: ``status`` of HTTP, ``code`` and ``message`` of the envelope, ``result`` still JSON.

    ``extra`` is ``retExtInfo``. ``time`` is the venue's transport clock in milliseconds, 0 when it did not say.
    ``sent`` is false when the request certainly never left (no connection was made).
    """

    code: int
    message: str
    result: msgspec.Raw = msgspec.Raw(b"{}")
    time: int = 0
    status: int = 200
    headers: Mapping[str, str] = {}
    sent: bool = True
    extra: msgspec.Raw = msgspec.Raw(b"{}")


class BybitSession(HTTP):  # type: ignore[misc]  # pybit carries no types
    """A session of one worker thread."""

    def __init__(self, plan: SessionPlan) -> None:
        log = logging.getLogger("pybit._http_manager")
        handlers = list(log.handlers)
        super().__init__(
            api_key=plan.signer.key if plan.signer else None,
            api_secret="",
            timeout=plan.timeout,
            recv_window=plan.recv_window,
            max_retries=1,
            retry_codes={-999999},
        )
        log.handlers[:] = handlers
        self.endpoint = plan.endpoint
        self._plan = plan
        # The proxy was decided by the configuration; requests must not look for another one.
        self.client.trust_env = False
        if plan.proxy:
            self.client.proxies = {"http": plan.proxy, "https": plan.proxy}
        if plan.ca_file:
            self.client.verify = plan.ca_file

    def __repr__(self) -> str:
        return f"BybitSession({self._plan.endpoint}, {self._plan.signer!r})"

    __str__ = __repr__

    def _prepare_headers(
        self, payload: str, recv_window: int, content_type: str = "application/json"
    ) -> dict[str, str]:
        signer, timestamp = self._plan.signer, self._plan.now_ms()
        if signer is None:
            raise PermissionError("this request needs an API key")
        return {
            "Content-Type": content_type,
            "X-BAPI-API-KEY": signer.key,
            "X-BAPI-SIGN": signer.request(timestamp, recv_window, payload),
            "X-BAPI-TIMESTAMP": str(timestamp),
            "X-BAPI-RECV-WINDOW": str(recv_window),
        }

    def _check_status_code(self, response: Any, method: str, path: str, params: Any) -> None:
        """Every status is judged in :meth:`_handle_response`."""

    def _handle_response(
        self, response: Any, method: str, path: str, params: Any, recv_window: int, retries_attempted: int
    ) -> Reply:
        try:
            envelope = _ENVELOPE.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            code = response.status_code if response.status_code != 200 else 10000
            return Reply(code, f"HTTP {response.status_code} without a valid envelope", status=response.status_code)
        code = envelope.retCode or (0 if response.status_code == 200 else response.status_code)
        return Reply(
            code,
            envelope.retMsg or "",
            envelope.result,
            envelope.time,
            response.status_code,
            response.headers,
            extra=envelope.retExtInfo,
        )


def call(session: BybitSession, method: str, parameters: dict[str, Any]) -> Reply:
    """Call one of pybit's methods by name. Every failure comes back as a :class:`Reply` with a code."""
    try:
        reply = getattr(session, method)(**parameters)
    except requests.exceptions.ConnectTimeout as error:
        return Reply(0, f"no connection: {type(error).__name__}", status=0, sent=False)
    except requests.exceptions.ConnectionError as error:
        return Reply(0, _plain(error), status=0, sent=not _never_connected(error))
    except (requests.exceptions.RequestException, FailedRequestError) as error:
        return Reply(0, _plain(error), status=0)
    assert isinstance(reply, Reply)
    return reply


def _never_connected(error: BaseException) -> bool:
    """Whether no connection was made at all: urllib3 hides that one level down."""
    return "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)


def _plain(error: BaseException) -> str:
    """The error's kind alone: its text may carry the whole request."""
    return f"no answer: {type(error).__name__}"
