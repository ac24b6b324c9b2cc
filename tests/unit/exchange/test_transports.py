"""Both WebSocket libraries behind the one interface: messages, fragments, ends, refusals, TLS."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import Server, ServerConnection, serve

from tradectl.exchange.bybit.config import BybitConfig, TransportName
from tradectl.exchange.bybit.endpoints import tls_context
from tradectl.exchange.bybit.transport import Transport, TransportOptions, connector_of

OPTIONS = TransportOptions(2.0)
Wait = Callable[..., Any]


async def script(connection: ServerConnection) -> None:
    """Greets at once, echoes, and obeys a few words."""
    await connection.send("hello")
    async for text in connection:
        if text == "fragments":
            await connection.send(["a", "b", "c"])
        elif text == "close":
            await connection.close(1012, "restart")
        elif text == "ping":
            await connection.send("pong " + str(await (await connection.ping()) < 5))
        else:
            await connection.send(text)


def address(server: Server) -> str:
    return f"127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serve(script, "127.0.0.1", 0, compression=None) as made:
        yield made


class Client:
    """Everything a transport told."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.ends: list[str] = []

    async def open(self, name: TransportName, url: str, options: TransportOptions = OPTIONS) -> Transport:
        transport = await connector_of(name)(url, self.messages.append, self.ends.append, options)
        transport.start()
        return transport


async def test_messages_fragments_and_protocol_pings(
    server: Server, transport: TransportName, wait_until: Wait
) -> None:
    client = Client()
    opened = await client.open(transport, f"ws://{address(server)}/v5/private")
    await wait_until(lambda: client.messages == [b"hello"])
    assert opened.local_port == next(iter(server.connections)).remote_address[1]
    for word in (b"one", b"fragments", b"ping"):
        opened.send(word)
    await wait_until(lambda: len(client.messages) == 4)
    assert client.messages == [b"hello", b"one", b"abc", b"pong True"]
    opened.close()
    assert client.ends == []
    with pytest.raises(ConnectionError):
        opened.send(b"late")


async def test_the_end_is_told_once_with_its_reason(server: Server, transport: TransportName, wait_until: Wait) -> None:
    client = Client()
    opened = await client.open(transport, f"ws://{address(server)}/")
    opened.send(b"close")
    await wait_until(lambda: client.ends)
    assert "1012" in client.ends[0]
    assert "restart" in client.ends[0]
    with pytest.raises(ConnectionError):
        opened.send(b"late")
    await asyncio.sleep(0)
    assert len(client.ends) == 1


async def test_a_cut_is_told(server: Server, transport: TransportName, wait_until: Wait) -> None:
    client = Client()
    opened = await client.open(transport, f"ws://{address(server)}/")
    await wait_until(lambda: client.messages)
    next(iter(server.connections)).transport.abort()
    await wait_until(lambda: client.ends)
    assert "cut" in client.ends[0]
    opened.close()


async def test_what_cannot_be_reached_is_an_os_error(transport: TransportName) -> None:
    connect = connector_of(transport)
    with pytest.raises(ConnectionError):
        await connect("ws://127.0.0.1:9/", print, print, OPTIONS)

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    for handler in (refuse, say_nothing):
        plain = await asyncio.start_server(handler, "127.0.0.1", 0)
        port = plain.sockets[0].getsockname()[1]
        with pytest.raises((ConnectionError, TimeoutError)):
            await connect(f"ws://127.0.0.1:{port}/", print, print, TransportOptions(0.2))
        plain.close()


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, private


async def test_tls_trusts_only_the_configured_authority(
    tmp_path: Path, transport: TransportName, wait_until: Wait
) -> None:
    cert, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    async with serve(script, "127.0.0.1", 0, ssl=context, compression=None) as server:
        url = f"wss://{address(server)}/v5/private"
        client = Client()
        trusted = TransportOptions(2.0, tls=tls_context(BybitConfig(ca_file=str(cert))))
        opened = await client.open(transport, url, trusted)
        await wait_until(lambda: client.messages)
        opened.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await client.open(transport, url)


async def test_a_proxy_is_used(server: Server, transport: TransportName, wait_until: Wait) -> None:
    asked: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        up_reader, up_writer = await asyncio.open_connection(*address(server).split(":"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(4096):
                target.write(data)
            target.close()

        await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer), return_exceptions=True)

    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    client = Client()
    options = TransportOptions(2.0, proxy=f"http://127.0.0.1:{port}")
    opened = await client.open(transport, f"ws://{address(server)}/", options)
    await wait_until(lambda: client.messages)
    assert asked == [f"CONNECT {address(server)} HTTP/1.1".encode()]
    opened.close()
    proxy.close()
