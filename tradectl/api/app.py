"""The gateway put together: routes, error handlers and the tasks that live as long as it does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from loguru import logger
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tradectl.api.config import ApiConfig
from tradectl.api.endpoints import Endpoints
from tradectl.api.guard import Guard
from tradectl.api.links import PING_EVERY, DaemonLink, StoreLink
from tradectl.api.projection import Projection
from tradectl.api.responses import problem_answer
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category

Handler = Callable[[Request], Awaitable[Response]]


def create_app(
    config: ApiConfig,
    token: str,
    *,
    daemon_socket: Path,
    store_socket: Path,
    default_category: Category = Category.LINEAR,
    ping_every: float = PING_EVERY,
) -> ASGIApp:
    """The ASGI application. It connects to both sockets by itself, whenever they come and go."""
    projection = Projection()
    daemon = DaemonLink(daemon_socket, projection, timeout=config.command_timeout, ping_every=ping_every)
    store = StoreLink(store_socket, timeout=config.command_timeout)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        following = asyncio.create_task(daemon.run())
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await store.close()

    def identity() -> list[tuple[bytes, bytes]]:
        """Which account an answer speaks of: every message names mode and profile."""
        known = (("x-mode", projection.mode), ("x-profile", projection.profile))
        return [(name.encode(), value.encode("latin-1", "replace")) for name, value in known if value]

    endpoints = Endpoints(config, daemon, store, projection, default_category)
    app = Starlette(routes=routes(endpoints), lifespan=lifespan, exception_handlers={
        Problem: _on_problem, HTTPException: _on_http_error, Exception: _on_error,
    })  # fmt: skip
    return Guard(app, token, config, identity)


def routes(endpoints: Endpoints) -> list[Route]:
    """Every endpoint; docs/rest-api.md documents each."""
    orders = {"GET": endpoints.orders, "POST": endpoints.place_order}
    one_order = {"GET": endpoints.order, "DELETE": endpoints.cancel_order}
    return [
        Route("/api/portfolio", endpoints.portfolio, methods=["GET"]),
        Route("/api/trades", endpoints.trades, methods=["GET"]),
        Route("/api/orders", by_method(orders), methods=list(orders)),
        Route("/api/orders/{id}", by_method(one_order), methods=list(one_order)),
        Route("/api/market-data", endpoints.market_data, methods=["GET"]),
        Route("/api/health", endpoints.health, methods=["GET"]),
    ]


def by_method(handlers: Mapping[str, Handler]) -> Handler:
    """One endpoint of several methods, so that a 405 names them all."""

    async def handle(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return handle


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_answer(error)


async def _on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own refusals: a path or a method that is not there."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        problem = Problem(
            ErrorCode.UNKNOWN_METHOD,
            f"{request.method} is not possible here",
            field="method",
            reason="Unknown method",
            remedy="See docs/rest-api.md for the methods of each path.",
        )
        return problem_answer(problem, status=405, headers=error.headers)
    problem = Problem(
        ErrorCode.NOT_FOUND,
        "There is no such endpoint",
        field="path",
        reason="Unknown path",
        remedy="See docs/rest-api.md for all paths.",
    )
    return problem_answer(problem, status=error.status_code)


async def _on_error(request: Request, error: Exception) -> Response:
    logger.opt(exception=error).error("{} {} failed", request.method, request.url.path)
    return problem_answer(
        Problem(
            ErrorCode.INTERNAL,
            "The request failed by an error in the program",
            reason="Internal error",
            remedy="See the gateway's log and report it.",
        )
    )
