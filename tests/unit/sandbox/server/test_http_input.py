"""Malformed, oversized, half-sent and slow HTTP never disturbs the server or another connection."""

import asyncio
import json
import re
import time
from typing import Any

import msgspec
import pytest

GET = b"GET /v5/market/time HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("data", [
    b"nonsense\r\n\r\n", b"get /v5/market/time HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00\xff\x16\x03\x01",
    b"POST /v5/order/create HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
])  # fmt: skip
async def test_malformed_requests_are_answered_and_closed(client: Any, data: bytes) -> None:
    assert (await client.raw(data)).startswith(b"HTTP/1.1 400 ")
    assert (await client.http("GET", "/v5/market/time")).code == 0


async def test_bounds(serve: Any, config: Any) -> None:
    client = await serve(msgspec.structs.replace(config, max_body=1000, max_head=2000))
    assert (await client.raw(GET + b"X-Long: " + b"a" * 3000 + b"\r\n\r\n")).startswith(b"HTTP/1.1 431 ")
    assert (await client.raw(b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 431 ")
    body = b"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n" + b"a" * 1001
    assert (await client.raw(body)).startswith(b"HTTP/1.1 413 ")
    assert (await client.http("GET", "/v5/market/time")).code == 0


async def test_half_a_request_is_forgotten(client: Any) -> None:
    assert await client.raw(b"POST /v5/order/create HTTP/1.1\r\nContent-Length: 50\r\n\r\n{", half=True) == b""


async def test_a_slow_request_is_closed(serve: Any, config: Any) -> None:
    client = await serve(msgspec.structs.replace(config, request_seconds=0.1))
    began = time.monotonic()
    answer = await client.raw(b"POST /v5/order/create HTTP/1.1\r\nContent-Length: 50\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("body", ["", "[]", "{", "7", '"x"', "nul", "[" * 5000, '{"a": NaN}'])
async def test_bodies_that_are_no_object(client: Any, body: str) -> None:
    answer = await client.http("POST", "/v5/order/create", body, client.headers(body))
    assert (answer.status, answer.code) == (200, 10001)


async def test_keep_alive_and_pipelining_keep_the_order(client: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
    writer.write(GET + b"\r\n" + b"GET /nowhere HTTP/1.1\r\n\r\n" + GET + b"Connection: close\r\n\r\n")
    raw = await asyncio.wait_for(reader.read(), 5)
    assert re.findall(rb"HTTP/1.1 (\d+)", raw) == [b"200", b"404", b"200"]
    writer.close()


async def test_chunked_body_is_signed_as_bytes(client: Any, order: dict[str, Any]) -> None:
    body = json.dumps(order)
    lines = [f"{name}: {value}" for name, value in client.headers(body).items()]
    head = "\r\n".join(["POST /v5/order/create HTTP/1.1", "Transfer-Encoding: chunked", "Connection: close", *lines])
    half = len(body) // 2
    chunks = "".join(f"{len(part):x}\r\n{part}\r\n" for part in (body[:half], body[half:])) + "0\r\n\r\n"
    raw = await client.raw(f"{head}\r\n\r\n{chunks}".encode())
    assert json.loads(raw.partition(b"\r\n\r\n")[2])["retCode"] == 0


async def test_ip_limit(serve: Any, config: Any) -> None:
    client = await serve(msgspec.structs.replace(config, ip_limit=3, ip_ban_seconds=600))
    statuses = [(await client.http("GET", "/v5/market/time")).status for _ in range(5)]
    assert statuses == [200, 200, 200, 403, 403]


async def test_prefix_of_constructor_only_clients(client: Any) -> None:
    assert (await client.http("GET", "/p.x/v5/market/time")).code == 0
    assert (await client.http("GET", f"http://127.0.0.1:{client.server.port}/v5/market/time")).code == 0


async def test_http2_upgrade_is_declined(client: Any) -> None:
    raw = await client.raw(GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n")
    assert raw.startswith(b"HTTP/1.1 200 ")
