"""Venue time: anchored, scaled, never backwards, never past the next step."""

import asyncio

from tradectl.sandbox.market.clock import MOST_BEHIND, VenueClock
from tradectl.sandbox.market.tape import CORNERS, MOST_PARTS, parts_per_bar
from tradectl.sandbox.venue import Step, Venue, VenueConfig

SECOND = 1_000_000_000
MINUTE = 60 * SECOND


class Wall:
    def __init__(self) -> None:
        self.time = 1_800_000_033 * SECOND

    def __call__(self) -> int:
        return self.time


def test_venue_time_runs_at_its_speed() -> None:
    wall = Wall()
    clock = VenueClock(60.0, wall, 1000 * SECOND)
    wall.time += 2 * SECOND
    assert clock.now() == 1120 * SECOND
    assert clock.seconds_until(1180 * SECOND) == 1.0
    assert clock.seconds_until(1060 * SECOND) == 0.0


def test_after_a_long_sleep_the_venue_continues_where_it_was() -> None:
    wall = Wall()
    clock = VenueClock(1.0, wall, 1000 * SECOND)
    wall.time += MOST_BEHIND + 2 * SECOND
    assert clock.seconds_until(1001 * SECOND) == 0.0
    assert clock.now() == 1001 * SECOND


def test_a_stepped_clock_stands() -> None:
    wall = Wall()
    clock = VenueClock(None, wall, 7)
    wall.time += SECOND
    assert clock.now() == 7


def test_now_never_decreases_and_never_passes_the_next_step() -> None:
    wall = Wall()
    venue = Venue(VenueConfig(speed=60.0, symbols=("BTCUSDT",), backfill=5), wall=wall)
    start = venue.now()
    assert start - start % MINUTE == wall.time - wall.time % MINUTE
    wall.time += 100 * SECOND
    due = venue.now()
    assert start <= due < start + MINUTE
    venue.step()
    assert venue.now() > due
    wall.time -= 50 * SECOND  # the wall is set back
    assert venue.now() > due


def test_micro_steps_per_candle() -> None:
    assert parts_per_bar(MINUTE, None) == CORNERS
    assert parts_per_bar(MINUTE, 60.0) == CORNERS
    assert parts_per_bar(MINUTE, 1.0) == 240
    assert parts_per_bar(60 * MINUTE, 0.5) == MOST_PARTS


async def test_run_takes_the_steps_when_they_are_due_until_it_is_cancelled() -> None:
    venue = Venue(VenueConfig(speed=6000.0, symbols=("BTCUSDT",), backfill=5))
    venue.watch("linear/kline.1.BTCUSDT")
    enough = asyncio.Event()
    starts: list[int] = []

    def on_step(step: Step) -> None:
        starts.extend(row["start"] for f in step.frames for row in f.payload["data"] if row["confirm"])
        if len(starts) >= 10:
            enough.set()

    task = asyncio.create_task(venue.run(on_step))
    await asyncio.wait_for(enough.wait(), 20)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert starts == list(range(starts[0], starts[0] + len(starts) * 60_000, 60_000))
    assert venue.now() >= (starts[-1] + 60_000) * 1_000_000
