"""The RPC server over real sockets: what it answers, what it refuses and whom a bad client disturbs (nobody)."""

import asyncio
import json
import os
import socket
import stat
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import use_exact_context
from tradectl.rpc import methods as m
from tradectl.rpc.async_client import AsyncRpcClient
from tradectl.rpc.params import Params
from tradectl.rpc.server import Feed, Handler, Peer, RpcServer


class Echo(Params, frozen=True, kw_only=True):
    amount: Decimal = Decimal(0)
    text: str = ""
    wait: float = 0.0


ECHO = m.Method("echo", Echo, Echo)
SLOW = m.Method("slow", Echo, Echo)


@pytest.fixture(autouse=True)
def _exact() -> None:
    use_exact_context()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "d.sock"


def handlers(**more: Callable[[Any, Peer], Any]) -> dict[str, Handler]:
    async def slow(params: Echo, peer: Peer) -> Echo:
        await asyncio.sleep(params.wait)
        return params

    table = {"echo": Handler.of(ECHO, lambda params, peer: params), "slow": Handler.of(SLOW, slow)}
    return table | {name: Handler.of(ECHO, call) for name, call in more.items()}


class Raw:
    """A client that may say anything."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, path: Path) -> "Raw":
        return cls(*await asyncio.open_unix_connection(path, limit=16 << 20))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            return json.loads(await self.reader.readline())

    async def ended(self) -> bool:
        async with asyncio.timeout(5):
            return await self.reader.read() == b""


def request(number: int, method: str = "echo", **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


async def test_a_call_keeps_every_digit(path: Path) -> None:
    digits = Decimal("12345678901234567890.123456789012345678")
    async with RpcServer(path, handlers()):
        client = await AsyncRpcClient.connect(path)
        answer = await client.call(ECHO, Echo(amount=digits))
        await client.close()
    assert answer.amount == digits


async def test_socket_is_private_and_removed(path: Path) -> None:
    server = RpcServer(path, handlers())
    await server.start()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await server.close()
    assert not path.exists()


@pytest.mark.parametrize(
    ("line", "number", "word"),
    [
        (b"not json\n", -32700, "INVALID_REQUEST"),
        (b"\xff\xfe\n", -32700, "INVALID_REQUEST"),
        (b"[]\n", -32600, "INVALID_REQUEST"),
        (b'{"jsonrpc":"1.0","id":1,"method":"echo"}\n', -32602, "INVALID_REQUEST"),
        (b'{"jsonrpc":"2.0","id":1}\n', -32600, "INVALID_REQUEST"),
        (b'{"jsonrpc":"2.0","id":1,"method":"nope"}\n', -32601, "UNKNOWN_METHOD"),
        (b'{"jsonrpc":"2.0","id":1,"method":"echo","params":{"amount":"x"}}\n', -32602, "INVALID_REQUEST"),
        (b'{"jsonrpc":"2.0","id":1,"method":"echo","params":{"amount":"NaN"}}\n', -32602, "INVALID_REQUEST"),
        (b'{"jsonrpc":"2.0","id":1,"method":"echo","params":{"amont":1}}\n', -32602, "INVALID_REQUEST"),
        (b'{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}\n', -32602, "INVALID_REQUEST"),
    ],
)
async def test_bad_message_is_refused_and_the_connection_lives(path: Path, line: bytes, number: int, word: str) -> None:
    async with RpcServer(path, handlers()):
        raw = await Raw.connect(path)
        raw.send(line + request(2, text="still here"))
        refused, served = await raw.answer(), await raw.answer()
        raw.writer.close()
    assert refused["error"]["code"] == number
    assert refused["error"]["data"]["code"] == word
    assert served["result"]["text"] == "still here"


async def test_wrong_parameter_is_named(path: Path) -> None:
    async with RpcServer(path, handlers()):
        client = await AsyncRpcClient.connect(path)
        with pytest.raises(Problem) as caught:
            await client.call_raw("echo", {"text": 5})
        with pytest.raises(Problem) as unknown:
            await client.call_raw("echo", {"txt": "a"})
        await client.close()
    assert caught.value.field == "text"
    assert unknown.value.field == "txt"


async def test_oversized_message_ends_its_connection_only(path: Path) -> None:
    async with RpcServer(path, handlers(), max_request=4096) as server:
        bystander, offender = await Raw.connect(path), await Raw.connect(path)
        offender.send(b"x" * 5000)
        assert (await offender.answer())["error"]["data"]["code"] == "TOO_LARGE"
        assert await offender.ended()
        bystander.send(request(1, text="fine"))
        assert (await bystander.answer())["result"]["text"] == "fine"
        bystander.writer.close()
        assert server.connections <= 1


async def test_largest_message_passes_and_one_byte_more_does_not(path: Path) -> None:
    frame = len(request(1, text="")) - 1
    async with RpcServer(path, handlers(), max_request=4096):
        raw = await Raw.connect(path)
        raw.send(request(1, text="x" * (4096 - frame)))
        assert "result" in await raw.answer()
        raw.send(request(2, text="x" * (4097 - frame)))
        assert (await raw.answer())["error"]["data"]["code"] == "TOO_LARGE"


async def test_half_sent_message_is_given_up(path: Path) -> None:
    async with RpcServer(path, handlers(), half_sent=0.05):
        raw = await Raw.connect(path)
        raw.send(request(1)[:-5])
        assert (await raw.answer())["error"]["data"]["code"] == "TIMEOUT"
        assert await raw.ended()


async def test_connection_cut_in_a_message_is_forgotten(path: Path) -> None:
    async with RpcServer(path, handlers()) as server:
        raw = await Raw.connect(path)
        raw.send(request(1) + request(2)[:10])
        await raw.answer()
        raw.writer.close()
        await eventually(lambda: server.connections == 0)


async def test_byte_by_byte_is_understood(path: Path) -> None:
    async with RpcServer(path, handlers()):
        raw = await Raw.connect(path)
        for byte in request(7, text="slowly"):
            raw.send(bytes([byte]))
            await raw.writer.drain()
        assert (await raw.answer())["id"] == 7
        raw.writer.close()


async def test_answer_that_is_too_large_becomes_an_error(path: Path) -> None:
    async with RpcServer(path, handlers(), max_response=1000):
        client = await AsyncRpcClient.connect(path)
        with pytest.raises(Problem) as caught:
            await client.call(ECHO, Echo(text="x" * 2000))
        assert (await client.call(ECHO, Echo(text="y"))).text == "y"
        await client.close()
    assert caught.value.code is ErrorCode.TOO_LARGE


async def test_problem_travels_whole(path: Path) -> None:
    def refuse(params: Echo, peer: Peer) -> Echo:
        raise Problem(
            ErrorCode.RISK_REFUSED, "too big", field="qty", reason="above 2 %", remedy="Smaller.", data={"a": 1}
        )

    async with RpcServer(path, handlers(refuse=refuse)):
        client = await AsyncRpcClient.connect(path)
        with pytest.raises(Problem) as caught:
            await client.call_raw("refuse")
        await client.close()
    problem = caught.value
    assert (problem.code, problem.message, problem.field) == (ErrorCode.RISK_REFUSED, "too big", "qty")
    assert (problem.reason, problem.remedy, problem.data) == ("above 2 %", "Smaller.", {"a": 1})


async def test_a_bug_in_a_handler_is_an_error_for_its_caller_alone(path: Path) -> None:
    def broken(params: Echo, peer: Peer) -> Echo:
        raise KeyError("secret")

    async with RpcServer(path, handlers(broken=broken)):
        client = await AsyncRpcClient.connect(path)
        with pytest.raises(Problem) as caught:
            await client.call_raw("broken")
        assert (await client.call(ECHO, Echo(text="y"))).text == "y"
        await client.close()
    assert caught.value.code is ErrorCode.INTERNAL
    assert "secret" not in str(caught.value)


async def test_notification_is_served_without_an_answer(path: Path) -> None:
    seen: list[str] = []

    def note(params: Echo, peer: Peer) -> Echo:
        seen.append(params.text)
        return params

    async with RpcServer(path, handlers(note=note)):
        raw = await Raw.connect(path)
        raw.send(b'{"jsonrpc":"2.0","method":"note","params":{"text":"psst"}}\n' + request(1))
        assert (await raw.answer())["id"] == 1
        raw.writer.close()
    assert seen == ["psst"]


async def test_calls_in_flight_are_bounded_and_none_is_lost(path: Path) -> None:
    running, most = 0, 0

    async def busy(params: Echo, peer: Peer) -> Echo:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return params

    async with RpcServer(path, handlers(busy=busy), max_in_flight=3):
        raw = await Raw.connect(path)
        raw.send(b"".join(request(number, "busy") for number in range(20)))
        answered = {(await raw.answer())["id"] for _ in range(20)}
        raw.writer.close()
    assert answered == set(range(20))
    assert most == 3


async def test_one_connection_too_many_is_told_so(path: Path) -> None:
    async with RpcServer(path, handlers(), max_connections=2):
        first, second = await Raw.connect(path), await Raw.connect(path)
        first.send(request(1))
        second.send(request(1))
        await first.answer()
        await second.answer()
        third = await Raw.connect(path)
        assert (await third.answer())["error"]["data"]["code"] == "TOO_MANY_REQUESTS"
        assert await third.ended()
        first.send(request(2))
        assert (await first.answer())["id"] == 2


async def test_another_user_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = os.geteuid() + 1000
    monkeypatch.setattr(RpcServer, "credentials", lambda self, transport: (1, stranger))
    async with RpcServer(path, handlers()):
        raw = await Raw.connect(path)
        refused = await raw.answer()
        assert await raw.ended()
    assert refused["error"]["data"]["code"] == "FORBIDDEN"
    assert str(stranger) in refused["error"]["message"]


async def test_the_kernel_names_the_peer(path: Path) -> None:
    peers: list[tuple[int, int]] = []

    def who(params: Echo, peer: Peer) -> Echo:
        peers.append((peer.uid, peer.pid))
        return params

    async with RpcServer(path, handlers(who=who)):
        client = await AsyncRpcClient.connect(path)
        await client.call_raw("who")
        await client.close()
    assert peers == [(os.geteuid(), os.getpid())]


def test_it_works_on_uvloop(path: Path) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def whole_life() -> tuple[str, int]:
        async with RpcServer(path, handlers(), about={"mode": "sandbox"}) as server:
            client = await AsyncRpcClient.connect(path)
            text = (await client.call(ECHO, Echo(text="y"))).text
            raw = await Raw.connect(path)
            raw.send(b"nonsense\n" + request(1))
            await raw.answer()
            about = (await raw.answer())["about"]
            raw.writer.close()
            await client.close()
            await eventually(lambda: server.connections == 0)
        return text, len(about)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(whole_life()) == ("y", 1)


# --- the address


async def test_path_that_is_too_long_names_itself_and_the_setting(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 120) / "d.sock"
    with pytest.raises(Problem) as caught:
        await RpcServer(long, handlers(), setting="TRADECTL_STATE").start()
    assert caught.value.code is ErrorCode.INVALID_SETTING
    assert str(long) in caught.value.message
    assert "TRADECTL_STATE" in caught.value.remedy
    assert not long.parent.exists()


async def test_second_server_is_refused_and_the_first_serves_on(path: Path) -> None:
    async with RpcServer(path, handlers()):
        with pytest.raises(Problem) as caught:
            await RpcServer(path, handlers()).start()
        assert caught.value.code is ErrorCode.CONFLICT
        client = await AsyncRpcClient.connect(path)
        assert (await client.call(ECHO, Echo(text="y"))).text == "y"
        await client.close()


async def test_stale_socket_is_replaced(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    async with RpcServer(path, handlers()):
        client = await AsyncRpcClient.connect(path)
        assert (await client.call(ECHO, Echo(text="y"))).text == "y"
        await client.close()


async def test_a_file_in_the_way_is_not_removed(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_text("precious")
    with pytest.raises(Problem, match="not a socket"):
        await RpcServer(path, handlers()).start()
    assert path.read_text() == "precious"


async def test_directory_open_to_others_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o755)
    with pytest.raises(Problem, match="0755") as caught:
        await RpcServer(path, handlers()).start()
    assert "chmod 700" in caught.value.remedy


async def test_closing_leaves_a_successors_socket_alone(path: Path) -> None:
    first = RpcServer(path, handlers())
    await first.start()
    path.unlink()
    async with RpcServer(path, handlers()):
        await first.close()
        assert path.exists()


# --- subscriptions


def snapshot(seq: int) -> m.Snapshot:
    return m.Snapshot(seq, seq, "sandbox", "default", "r", m.Level.RUNNING, (), (), (), (), (), ())


def subscribing(feed: Feed, state: list[int]) -> dict[str, Handler]:
    def subscribe(params: Params, peer: Peer) -> m.Snapshot:
        feed.add(peer)
        return snapshot(state[0])

    return handlers() | {m.EVENTS_SUBSCRIBE.name: Handler.of(m.EVENTS_SUBSCRIBE, subscribe)}


async def test_snapshot_then_exactly_the_deltas_after_it(path: Path) -> None:
    feed, state = Feed(), [5]
    async with RpcServer(path, subscribing(feed, state)):
        client = await AsyncRpcClient.connect(path)
        feed.publish(m.Delta(seq=5, at=0))
        first, deltas = await client.subscribe()
        for seq in (6, 7, 9):
            feed.publish(m.Delta(seq=seq, at=0))
        async with asyncio.timeout(5):
            got = [(await anext(deltas)).seq for _ in range(3)]
        assert (first.seq, got) == (5, [6, 7, 9])
        await client.close()
        with pytest.raises(Problem):
            await anext(deltas)
        await eventually(lambda: feed.subscribers == 0)


async def test_slow_subscriber_loses_deltas_is_told_and_disturbs_nobody(path: Path) -> None:
    feed, state = Feed(), [0]
    async with RpcServer(path, subscribing(feed, state), subscriber_queue=10):
        lazy, keen = await Raw.connect(path), await AsyncRpcClient.connect(path)
        lazy.send(request(1, m.EVENTS_SUBSCRIBE.name))
        await lazy.answer()
        lazy.writer.transport.pause_reading()
        _, deltas = await keen.subscribe()
        text = m.rows.AlertRow(0, "info", "filler", "x" * 20_000)
        total = 0
        for total in range(1, 2001):
            feed.publish(m.Delta(seq=total, at=0, alerts=(text,)))
            async with asyncio.timeout(5):
                assert (await anext(deltas)).seq == total
            if any(peer.dropped for peer in feed._peers):
                break
        lazy.writer.transport.resume_reading()
        received, dropped = 0, 0
        while not dropped:
            note = await lazy.answer()
            if note["method"] == m.DROPPED_NOTIFICATION:
                dropped = note["params"]["dropped"]
            else:
                received += 1
        assert received + dropped == total
        lazy.writer.close()
        await keen.close()


async def test_subscriber_that_never_reads_is_closed(path: Path) -> None:
    feed, state = Feed(), [0]
    async with RpcServer(path, subscribing(feed, state), slow_client=0.05):
        lazy = await Raw.connect(path)
        lazy.send(request(1, m.EVENTS_SUBSCRIBE.name))
        await lazy.answer()
        lazy.writer.transport.pause_reading()
        filler = m.rows.AlertRow(0, "info", "filler", "x" * 100_000)
        for seq in range(1, 100):
            feed.publish(m.Delta(seq=seq, at=0, alerts=(filler,)))
        await eventually(lambda: feed.subscribers == 0)
        lazy.writer.transport.abort()


async def test_client_that_calls_but_does_not_read_cannot_fill_the_memory(path: Path) -> None:
    served = 0

    def large(params: Echo, peer: Peer) -> Echo:
        nonlocal served
        served += 1
        return Echo(text="x" * 100_000)

    async with RpcServer(path, handlers(large=large), slow_client=0.05) as server:
        raw = await Raw.connect(path)
        raw.writer.transport.pause_reading()
        raw.send(b"".join(request(number, "large") for number in range(1000)))
        await eventually(lambda: server.connections == 0)
        assert served < 100
        raw.writer.transport.abort()


# --- the asyncio client


async def test_nobody_there_is_daemon_not_running(path: Path) -> None:
    with pytest.raises(Problem) as caught:
        await AsyncRpcClient.connect(path)
    assert caught.value.code is ErrorCode.DAEMON_NOT_RUNNING
    assert "tradectl start" in caught.value.remedy


async def test_call_without_an_answer_times_out(path: Path) -> None:
    async with RpcServer(path, handlers()):
        client = await AsyncRpcClient.connect(path, patience=0.05)
        with pytest.raises(Problem) as caught:
            await client.call(SLOW, Echo(wait=5))
        await client.close()
    assert caught.value.code is ErrorCode.TIMEOUT


async def test_server_gone_fails_calls_under_way_and_later_ones(path: Path) -> None:
    server = RpcServer(path, handlers())
    await server.start()
    client = await AsyncRpcClient.connect(path)
    under_way = asyncio.ensure_future(client.call(SLOW, Echo(wait=30)))
    await client.call(ECHO)
    await server.close()
    with pytest.raises(Problem) as caught:
        await under_way
    with pytest.raises(Problem):
        await client.call(ECHO)
    assert caught.value.code is ErrorCode.DAEMON_NOT_RUNNING
    await client.close()


async def test_many_overlapping_calls_get_their_own_answers(path: Path) -> None:
    async with RpcServer(path, handlers()):
        client = await AsyncRpcClient.connect(path)
        answers = await asyncio.gather(*(client.call(SLOW, Echo(text=str(n), wait=0.002 * (n % 3))) for n in range(40)))
        await client.close()
    assert [answer.text for answer in answers] == [str(n) for n in range(40)]


def test_every_method_round_trips_its_parameters() -> None:
    for method in m.METHODS.values():
        fields = msgspec.structs.fields(method.params)
        assert issubclass(method.params, Params)
        assert method.params.__struct_config__.forbid_unknown_fields, method.name
        assert all(field.name.isidentifier() for field in fields)


async def eventually(condition: Callable[[], bool], within: float = 5.0) -> None:
    """Wait until ``condition`` holds; fail after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "the condition was never met"
        await asyncio.sleep(0.002)
