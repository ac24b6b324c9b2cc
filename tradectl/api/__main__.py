"""The gateway's process: ``python -m tradectl.api --socket SOCKET --store-socket SOCKET --state DIR``.

It needs nothing but the two sockets and a directory for its token, knows no exchange key, and may be killed and
started again at any time: it disturbs nobody.
"""

import argparse
import os
import signal
import socket
import sys
from pathlib import Path

import uvicorn
from loguru import logger

from tradectl.api.app import create_app
from tradectl.api.config import ApiConfig
from tradectl.api.token import load_or_create
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import use_exact_context
from tradectl.paths import Paths
from tradectl.settings import Settings, load_settings

#: Connections the kernel holds until they are accepted; seconds for requests under way when it stops.
BACKLOG, SHUTDOWN_SECONDS = 128, 3


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tradectl.api", description="The REST gateway of tradectl.")
    parser.add_argument("--socket", type=Path, required=True, help="the daemon's socket")
    parser.add_argument("--store-socket", type=Path, help="the store's socket (default: store.sock beside --socket)")
    parser.add_argument("--state", type=Path, required=True, help="directory that keeps api.token")
    parser.add_argument("--config", default="", help="directory of the settings files")
    parser.add_argument("--host", help="address to listen on, instead of api.host")
    parser.add_argument("--port", type=int, help="TCP port, instead of api.port; 0 takes a free one")
    return parser.parse_args(arguments)


def read_settings(given: argparse.Namespace) -> Settings:
    """The settings with the command line's. Raises ``Problem(INVALID_SETTING)``."""
    named = {"api.host": given.host, "api.port": given.port}
    return load_settings(given.config, overrides={key: value for key, value in named.items() if value is not None})


def listen(config: ApiConfig) -> socket.socket:
    """The bound socket. Raises ``Problem(CONFLICT)`` when the address cannot be had."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((config.host, config.port))
        bound.listen(BACKLOG)  # whoever reads the address below may connect at once
    except OSError as error:
        bound.close()
        raise Problem(
            ErrorCode.CONFLICT,
            f"The gateway cannot listen on {config.host} port {config.port}: {os.strerror(error.errno or 0)}",
            field="api.port",
            reason=os.strerror(error.errno or 0),
            remedy="Stop the process that has it, or set api.port to another port (0 takes a free one).",
        ) from None
    return bound


def log_to_stderr() -> None:
    """Plain lines without the values of variables, which could be secrets."""
    logger.remove()
    logger.add(sys.stderr, format="{time:YYYY-MM-DDTHH:mm:ss.SSSZ} {level} {message}", diagnose=False, level="INFO")


def serve(given: argparse.Namespace) -> None:
    """Listen and serve until SIGTERM or SIGINT. Raises ``Problem`` when it cannot begin."""
    settings = read_settings(given)
    config = settings.api
    token_file = Path(Paths(str(given.state)).api_token)
    app = create_app(
        config,
        load_or_create(token_file),
        daemon_socket=given.socket,
        store_socket=given.store_socket or given.socket.with_name("store.sock"),
        default_category=settings.trading.default_category,
    )
    server = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        backlog=BACKLOG,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ssl_certfile=config.tls_cert or None,
        ssl_keyfile=config.tls_key or None,
    )
    _load(server, config)
    bound = listen(config)
    scheme = "https" if config.tls else "http"
    host, port = bound.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"tradectl api: {scheme}://{shown}:{port} token in {token_file}", flush=True)
    uvicorn.Server(server).run(sockets=[bound])


def _load(server: uvicorn.Config, config: ApiConfig) -> None:
    """Read the certificate. Raises ``Problem(INVALID_SETTING)`` when it cannot be used."""
    try:
        server.load()
    except OSError as error:  # ssl.SSLError is one
        raise Problem(
            ErrorCode.INVALID_SETTING,
            f"The certificate {config.tls_cert} with the key {config.tls_key} cannot be used: {error}",
            field="api.tls_cert",
            reason=str(error),
            remedy="Set api.tls_cert and api.tls_key to PEM files that belong together and can be read.",
        ) from None


def main(arguments: list[str]) -> int:
    """The exit code: 0 after SIGTERM, 130 after SIGINT, else the one of the problem."""
    use_exact_context()
    # uvicorn stops cleanly and then raises the signal again for the handler that was there before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.umask(0o077)
    log_to_stderr()
    try:
        serve(parse_arguments(arguments))
    except Problem as problem:
        print(f"tradectl api: {problem}", file=sys.stderr)
        return problem.meaning.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
