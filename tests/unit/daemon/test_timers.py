"""Timers: on the loop's clock, and on the venue's when it is stepped."""

import asyncio

from tradectl.daemon.clocks import VenueClock, WallClock
from tradectl.daemon.timers import SteppedTimers, WallTimers
from tradectl.model.events import TimerFired


def test_the_wall_clock_never_goes_back() -> None:
    clock = WallClock(floor=2**63)
    assert clock(0) == 2**63
    assert clock(5) == 2**63


def test_the_venue_clock_is_the_latest_time_shown() -> None:
    clock = VenueClock(10)
    assert [clock(ts) for ts in (5, 20, 0, 15, 21)] == [10, 20, 20, 20, 21]


async def test_wall_timers_fire_once_not_before_their_time_and_can_be_moved() -> None:
    fired: list[TimerFired] = []
    both = asyncio.Event()

    def take(event: TimerFired) -> None:
        fired.append(event)
        if len(fired) == 2:
            both.set()

    clock = WallClock()
    timers = WallTimers(clock, take)
    now = clock(0)
    timers.set("a", now + 20_000_000)
    timers.set("a", now + 40_000_000)
    timers.set("b", now - 1)
    timers.set("gone", now + 1_000_000)
    timers.cancel("gone")
    await asyncio.wait_for(both.wait(), 5)
    assert [(f.timer, f.due) for f in fired] == [("b", now - 1), ("a", now + 40_000_000)]
    assert all(f.received >= f.due for f in fired)
    assert timers.due_before(2**63) == []


async def test_stepped_timers_come_due_in_order_as_the_venue_moves() -> None:
    timers = SteppedTimers(VenueClock(0), lambda fired: None)
    for name, at in (("late", 30), ("moved", 10), ("early", 5), ("same", 20), ("cancelled", 6)):
        timers.set(name, at)
    timers.set("moved", 20)
    timers.cancel("cancelled")
    assert timers.due_before(4) == []
    assert [(f.timer, f.received) for f in timers.due_before(20)] == [("early", 5), ("moved", 20), ("same", 20)]
    assert [f.timer for f in timers.due_before(100)] == ["late"]
    assert timers.due_before(1000) == []


async def test_the_stepped_clock_is_to_stop_for_what_acts_not_for_what_looks() -> None:
    timers = SteppedTimers(VenueClock(0), lambda fired: None)
    assert timers.next_act() == 0
    for name, at in (("guard", 5), ("audit", 6), ("equity", 7), ("wall:look:x", 8)):
        timers.set(name, at)
    assert timers.next_act() == 0
    for name, at in (("queue", 40), ("strategy:a:go", 30)):
        timers.set(name, at)
    assert timers.next_act() == 30
    timers.due_before(35)
    assert timers.next_act() == 40
    timers.cancel("queue")
    assert timers.next_act() == 0
    timers.stop()


async def test_timers_that_wait_for_the_transport_run_on_wall_time_even_when_stepped() -> None:
    fired: asyncio.Future[TimerFired] = asyncio.get_running_loop().create_future()
    timers = SteppedTimers(VenueClock(100), fired.set_result)
    timers.set("wall:look:x", 100 + 10_000_000)
    assert (await asyncio.wait_for(fired, 5)).timer == "wall:look:x"
