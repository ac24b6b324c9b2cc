"""What can be set about the REST gateway."""

from ipaddress import ip_address
from typing import Annotated

from msgspec import Meta, Struct

from tradectl.model.errors import ErrorCode, Problem

Port = Annotated[int, Meta(ge=0, le=65535, description="TCP port, 0 takes a free one")]
Rate = Annotated[float, Meta(gt=0, le=100_000)]
Burst = Annotated[int, Meta(ge=1, le=100_000)]


class ApiConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Listener and limits of the gateway. Rates are requests per second over all clients, bursts are requests.

    ``refused_per_second`` counts requests without a valid token, per client address. Timeouts are in seconds,
    ``body_limit`` in bytes. ``tls_cert`` and ``tls_key`` are PEM files, empty for plain HTTP.
    """

    enabled: Annotated[bool, Meta(description="start the gateway with the daemon")] = True
    host: Annotated[str, Meta(description="address to listen on; without TLS a loopback address")] = "127.0.0.1"
    port: Port = 8787
    tls_cert: Annotated[str, Meta(description="PEM file of the certificate chain, empty for plain HTTP")] = ""
    tls_key: Annotated[str, Meta(description="PEM file of the key that belongs to tls_cert")] = ""
    reads_per_second: Annotated[Rate, Meta(description="GET requests per second, all clients together")] = 2000.0
    read_burst: Annotated[Burst, Meta(description="GET requests at once above the rate")] = 4000
    commands_per_second: Annotated[Rate, Meta(description="orders and cancels per second handed to the daemon")] = 10.0
    command_burst: Annotated[Burst, Meta(description="orders and cancels at once above the rate")] = 20
    refused_per_second: Annotated[Rate, Meta(description="requests without a valid token, per client address")] = 5.0
    refused_burst: Annotated[Burst, Meta(description="requests without a valid token at once, per address")] = 20
    body_limit: Annotated[int, Meta(ge=256, le=1 << 20, description="longest request body in bytes")] = 16_384
    body_timeout: Annotated[float, Meta(gt=0, le=300, description="seconds a request body may take")] = 10.0
    command_timeout: Annotated[float, Meta(gt=0, le=300, description="seconds to wait for the daemon")] = 10.0

    @property
    def tls(self) -> bool:
        return bool(self.tls_cert)


def is_loopback(host: str) -> bool:
    """Whether ``host`` can only be reached from this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_listener(config: ApiConfig) -> None:
    """Raises ``Problem(INVALID_SETTING)`` for half a TLS pair, or an open address without TLS."""
    if bool(config.tls_cert) != bool(config.tls_key):
        missing = "tls_key" if config.tls_cert else "tls_cert"
        raise Problem(
            ErrorCode.INVALID_SETTING,
            f"api.{missing} is empty while its other half is set",
            field=f"api.{missing}",
            reason="tls_cert and tls_key belong together",
            remedy=f"Set api.{missing} to a PEM file, or clear both for plain HTTP on 127.0.0.1.",
        )
    if not config.tls and not is_loopback(config.host):
        raise Problem(
            ErrorCode.INVALID_SETTING,
            f"api.host {config.host!r} can be reached from other machines and TLS is off",
            field="api.host",
            reason="must be a loopback address unless TLS is on",
            remedy="Set api.host to 127.0.0.1, or set api.tls_cert and api.tls_key.",
        )
