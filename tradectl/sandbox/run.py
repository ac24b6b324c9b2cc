"""Run a sandbox as a process: listen, say how to connect, serve until a signal, close cleanly."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import use_exact_context
from tradectl.sandbox.config import SandboxConfig
from tradectl.sandbox.endpoint import Endpoint, code_of_sandbox
from tradectl.sandbox.options import add_arguments, config_from_args
from tradectl.sandbox.server.credentials import with_accounts

__all__ = ["Endpoint", "add_arguments", "config_from_args", "run_sandbox"]


def run_sandbox(config: SandboxConfig) -> int:
    """Serve until SIGTERM or SIGINT and return the exit code.

    Raises :class:`Problem` when it cannot start: a bad file, a port in use, a state of another market.
    """
    use_exact_context()
    return _run(_serve(with_accounts(config), drawn=not config.accounts))


def _run(main: Coroutine[Any, Any, int]) -> int:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def _serve(config: SandboxConfig, *, drawn: bool) -> int:
    from tradectl.sandbox.server.server import SandboxServer

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    code = code_of_sandbox()  # what is running, whatever is installed later
    server = SandboxServer(config)
    async with _listening(server.start, server.stop, config):
        endpoint = Endpoint(
            config.host, server.port, os.getpid(), server.venue.instance, time.time_ns(), server.tls_port, code
        )
        with _endpoint_file(config.state, endpoint):
            print(describe(config, endpoint, server.ca_file, drawn), flush=True)
            await _until(stopping, server.failed)
    return 0


async def _until(stopping: asyncio.Event, failed: asyncio.Future[None]) -> None:
    """Wait for the signal; raises what stopped the market if that comes first."""
    signalled: asyncio.Future[Any] = asyncio.ensure_future(stopping.wait())
    await asyncio.wait([signalled, failed], return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()
    if failed.done():
        failed.result()


@contextlib.asynccontextmanager
async def _listening(
    start: Callable[[], Coroutine[Any, Any, None]], stop: Callable[[], Coroutine[Any, Any, None]], config: SandboxConfig
) -> AsyncIterator[None]:
    try:
        await start()
    except OSError as error:
        raise Problem(
            ErrorCode.CONFLICT,
            f"cannot listen on {config.host}:{config.port}: {error.strerror or error}",
            field="port",
            remedy="Choose another --port, or 0 for a free one",
        ) from error
    try:
        yield
    finally:
        await stop()


@contextlib.contextmanager
def _endpoint_file(state: str, endpoint: Endpoint) -> Any:
    """``endpoint.json`` in the state directory while the sandbox listens: whole or absent, never half written."""
    if not state:
        yield
        return
    path = Path(state) / "endpoint.json"
    draft = path.with_suffix(".json.new")
    draft.write_bytes(msgspec.json.encode(endpoint) + b"\n")
    draft.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def describe(config: SandboxConfig, endpoint: Endpoint, ca_file: str, drawn: bool) -> str:
    """How to connect, in lines for a person. A secret is shown only where it was ``drawn`` and is kept nowhere."""
    base = f"{endpoint.host}:{endpoint.port}"
    clock = "stepped, in lock-step with a control client" if config.stepped else f"{config.speed:g}x"
    market = f"replay of {config.data}" if config.data else f"generated, seed {config.seed}"
    lines = [
        f"Bybit v5 sandbox {endpoint.instance}: {market}, clock {clock}",
        f"  REST      http://{base}",
        f"  public    ws://{base}/v5/public/spot  ws://{base}/v5/public/linear",
        f"  private   ws://{base}/v5/private",
        f"  trade     ws://{base}/v5/trade",
    ]
    if endpoint.tls_port:
        lines.append(f"  TLS       https://{endpoint.host}:{endpoint.tls_port}  trust {ca_file}")
    lines += [f"  key       {account.key}  (uid {account.uid})" for account in config.accounts]
    if drawn:
        kept = f"in {Path(config.state) / 'account.json'}" if config.state else config.accounts[0].secret
        lines.append(f"  secret    {kept}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """``python -m tradectl.sandbox``: parse the options and run; a problem is one line on stderr."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m tradectl.sandbox", description="A Bybit v5 server of our own.")
    add_arguments(parser)
    try:
        return run_sandbox(config_from_args(parser.parse_args(argv)))
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.meaning.exit_code
