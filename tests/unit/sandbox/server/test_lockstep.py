"""Lock-step: one socket at a time, the market only when everything was handled, identical runs, the end told once."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

TOPICS = ["kline.1.BTCUSDT", "tickers.BTCUSDT", "kline.1.ETHUSDT"]

Until = Callable[..., Any]


class Leader:
    """A control client with a public and a trade socket that reports only when told to."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def connect(self) -> "Leader":
        self.control = await self.client.socket("/sandbox/control")
        self.public = await self.client.socket("/v5/public/linear")
        self.trade = await self.client.socket("/v5/trade")
        await self.trade.auth()
        await self.public.ask({"op": "subscribe", "args": TOPICS})
        await self.public.next()
        return self

    async def attach(self) -> dict[str, Any]:
        return await self.control.ask({"op": "attach"})

    async def report(self, outstanding: int = 0, ready: bool = True, **more: int) -> None:
        frames = {str(socket.port): socket.received for socket in (self.public, self.trade)}
        message = {"op": "seen", "frames": frames, "outstanding": outstanding, "ready": ready, **more}
        await self.control.send(message)

    async def steps_taken(self) -> int:
        """After a round trip on the control socket every earlier report was handled."""
        await self.control.ask({"op": "state"})
        return self.client.server.venue.taken


@pytest.fixture
def stepped(config: Any) -> Any:
    return msgspec.structs.replace(config, stepped=True)


@pytest.fixture
async def leader(serve: Any, stepped: Any) -> Leader:
    return await Leader(await serve(stepped, steps=4)).connect()


async def nothing(socket: Any) -> None:
    with pytest.raises(TimeoutError):
        await socket.next(0.05)


async def test_attach_tells_who_and_when(leader: Leader) -> None:
    state = await leader.attach()
    assert state["op"] == "state"
    assert (state["clock"], state["instance"], state["uid"]) == ("stepped", "scripted", "900100")
    assert state["venue_time"] < state["wall_time"]
    second = await leader.client.socket("/sandbox/control")
    assert (await second.ask({"op": "attach"}))["op"] == "error"


async def test_the_market_waits_for_every_condition(leader: Leader) -> None:
    assert await leader.steps_taken() == 0
    await leader.attach()
    await leader.report(outstanding=1)
    assert await leader.steps_taken() == 0
    await leader.report(ready=False)
    assert await leader.steps_taken() == 0
    await leader.report()
    assert await leader.steps_taken() == 1


async def test_a_step_waits_for_every_frame_of_the_one_before(leader: Leader) -> None:
    await leader.attach()
    await leader.report()
    topics = []
    for _ in TOPICS:
        assert await leader.steps_taken() == 1
        topics.append((await leader.public.next())["topic"])
    await nothing(leader.public)
    assert topics == TOPICS
    await leader.report()
    assert await leader.steps_taken() == 2


async def test_one_socket_at_a_time(leader: Leader) -> None:
    await leader.attach()
    await leader.report()
    await leader.public.next()
    message = leader.trade.trade_message("order.create", "1", category="linear", symbol="BTCUSDT", side="Buy",
                                         orderType="Limit", qty="0.1", price="90")  # fmt: skip
    await leader.trade.send(message)
    for _ in range(2):
        await leader.report(outstanding=1)
        await nothing(leader.trade)  # frames of the public socket are not all reported yet
        await leader.public.next()
    await leader.report(outstanding=1)
    assert (await leader.trade.next())["retCode"] == 0
    assert await leader.steps_taken() == 1
    await leader.report()
    assert await leader.steps_taken() == 2


async def test_a_closed_socket_is_forgotten(leader: Leader) -> None:
    await leader.attach()
    await leader.report()
    assert await leader.steps_taken() == 1
    await leader.public.close()
    leader.public = leader.trade
    await leader.report()
    frames = []
    with contextlib.suppress(TimeoutError):
        while True:
            frames.append(await leader.control.next(0.5))
            if frames[-1]["op"] == "end":
                break
    assert frames[-1] == {"op": "end"}
    assert leader.client.server.venue.taken == 4


async def test_the_clock_stops_where_the_leader_wants_to_act(leader: Leader) -> None:
    """Between two steps a minute apart it is told each of its times, and nothing moves before it has handled that."""
    began = (await leader.attach())["venue_time"]
    times = [began + 1_000_000_000, began + 2_040_000_000]
    told = 0
    for at in times:
        await leader.report(timer=at, told=told)
        assert await leader.control.next() == {"op": "time", "at": at}
        await leader.report(timer=times[-1])  # a report sent before it knew of the time
        await leader.report(outstanding=1, timer=times[-1], told=at)
        assert (await leader.control.ask({"op": "state"}))["venue_time"] == at
        assert leader.client.server.venue.taken == 0
        told = at
    await leader.report(told=told)
    assert await leader.steps_taken() == 1


async def test_a_time_that_is_past_does_not_hold_the_clock(leader: Leader) -> None:
    began = (await leader.attach())["venue_time"]
    await leader.report(timer=began)
    assert await leader.steps_taken() == 1


async def test_the_market_waits_until_the_leader_knows_of_a_closed_socket(leader: Leader, until: Until) -> None:
    """A leader that is killed loses its sockets one after the other: the market must not run away meanwhile."""
    await leader.attach()
    await leader.report()
    await leader.public.next()
    await leader.public.close()
    sockets = leader.client.server.lockstep._sockets
    await until(lambda: leader.public.port not in [channel.port for channel in sockets])
    await asyncio.sleep(0.05)
    assert await leader.steps_taken() == 1
    leader.public = leader.trade
    await leader.report()
    assert await leader.steps_taken() > 1


async def test_without_a_leader_the_market_stands_and_frames_leave(leader: Leader) -> None:
    await leader.attach()
    await leader.report()
    await leader.public.next()
    await leader.control.close()
    assert [(await leader.public.next())["topic"] for _ in range(2)] == TOPICS[1:]
    await nothing(leader.public)
    assert leader.client.server.venue.taken == 1


async def test_the_end_comes_after_everything_was_seen_and_again_for_the_next_leader(leader: Leader) -> None:
    await leader.attach()
    await leader.report()
    for _ in range(4 * len(TOPICS)):
        await leader.public.next()
        await nothing_on_control(leader)
        await leader.report()
    assert await leader.control.next() == {"op": "end"}
    await leader.control.close()
    leader.control = await leader.client.socket("/sandbox/control")
    async with asyncio.timeout(5):
        while (await leader.attach())["op"] != "state":  # until the first one's end was noticed
            pass
    await leader.report()
    assert await leader.control.next() == {"op": "end"}


async def nothing_on_control(leader: Leader) -> None:
    assert (await leader.control.ask({"op": "state"}))["op"] == "state"


async def test_bystanders_do_not_hold_the_market(leader: Leader) -> None:
    bystander = await leader.client.socket("/v5/public/linear?lockstep=off")
    await bystander.ask({"op": "subscribe", "args": ["kline.1.BTCUSDT"]})
    await leader.attach()
    await leader.report()
    assert (await bystander.next())["n"] == 1
    for _ in TOPICS:
        await leader.public.next()
        await leader.report()
    assert (await bystander.next())["n"] == 2


class Trader(Leader):
    """Handles every frame as a daemon would: logs it, orders on some, reports after each."""

    def __init__(self, client: Any, jitter: random.Random) -> None:
        super().__init__(client)
        self.jitter = jitter
        self.outstanding = 0
        self.log: list[tuple[str, Any]] = []

    async def trade_to_the_end(self) -> list[tuple[str, Any]]:
        self.private = await self.client.socket("/v5/private")
        await self.private.auth()
        await self.private.ask({"op": "subscribe", "args": ["order", "execution"]})
        await self.attach()
        sockets = (self.public, self.trade, self.private)
        readers = [asyncio.create_task(self.read(socket)) for socket in sockets]
        await self.report()
        while (await self.control.next())["op"] != "end":
            pass
        for reader in readers:
            reader.cancel()
        return self.log

    async def read(self, socket: Any) -> None:
        while True:
            message = await socket.next(60)
            for _ in range(self.jitter.randrange(4)):  # another interleaving in each run
                await asyncio.sleep(0)
            await self.handle(message)

    async def handle(self, message: dict[str, Any]) -> None:
        if message.get("op") == "order.create":
            self.outstanding -= 1
            self.log.append(("ack", message["data"]))
        elif message.get("topic") in ("order", "execution"):
            row = message["data"][0]
            self.log.append((message["topic"], [row.get("execId"), row["orderLinkId"], row.get("orderStatus")]))
        else:
            self.log.append((message["topic"], message["n"]))
            if message["topic"].startswith("kline"):
                self.outstanding += 1
                name = f"{message['topic'][8:11]}-{message['n']}"
                await self.trade.send(
                    self.trade.trade_message("order.create", name, category="linear", symbol="BTCUSDT", side="Buy",
                                             orderType="Market", qty="0.1", orderLinkId=name)
                )  # fmt: skip
        await self.report(self.outstanding)

    async def report(self, outstanding: int = 0, ready: bool = True) -> None:
        sockets = (self.public, self.trade, self.private)
        frames = {str(socket.port): socket.received for socket in sockets}
        await self.control.send({"op": "seen", "frames": frames, "outstanding": outstanding, "ready": ready})


async def test_two_runs_are_identical(serve: Any, stepped: Any) -> None:
    logs = []
    for seed in (1, 2):
        trader = Trader(await serve(stepped, steps=20), random.Random(seed))
        await trader.connect()
        logs.append(await trader.trade_to_the_end())
    assert logs[0] == logs[1]
    assert [entry[1] for entry in logs[0] if entry[0] == TOPICS[0]] == list(range(1, 21))
    assert sum(entry[0] == "ack" for entry in logs[0]) == 40


async def test_reset_makes_a_new_instance(leader: Leader) -> None:
    await leader.client.order(orderLinkId="old")
    answer = await leader.client.http("POST", "/sandbox/reset", "{}")
    assert answer.json["instance"] == "scripted-again"
    assert leader.client.server.received.counts == {}
    state = (await leader.client.http("GET", "/sandbox/state")).json
    assert state["accounts"][0]["open_orders"] == 0
    assert (await leader.control.ask({"op": "state"}))["instance"] == "scripted-again"
