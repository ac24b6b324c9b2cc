"""Where a running sandbox listens: the content of ``endpoint.json`` in its state directory."""

from msgspec import Struct


class Endpoint(Struct, frozen=True):
    """Written once the sandbox listens, removed at a clean end. ``started`` is wall time in nanoseconds."""

    host: str
    port: int
    pid: int
    instance: str
    started: int
    tls_port: int = 0
