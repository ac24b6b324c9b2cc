"""What is missing, what is asked for, and that a stopped download ends as an undisturbed one."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradectl.history.coverage import Coverage, merged, without
from tradectl.history.download import INCOMING, Download, Told, Wanted
from tradectl.history.missing import missing_funding, missing_points, on_grid
from tradectl.history.series import Candles, Kind, SeriesId, Tape
from tradectl.history.sources import Piece
from tradectl.history.spool import Spool
from tradectl.history.store import ParquetStore
from tradectl.history.trade_bars import bars_of
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.market_data import INTERVALS

MINUTE, HOUR, DAY = INTERVALS["1m"], INTERVALS["1h"], INTERVALS["1d"]
BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
CANDLES = SeriesId(BTC, Kind.CANDLES, "1m")
TRADES = SeriesId(BTC, Kind.TRADES)
START = 20_000 * DAY
PAGE = 100 * MINUTE


def candles(since: int, until: int) -> Candles:
    """A candle a minute whose prices follow from its time."""
    times = np.arange(since, until, MINUTE, dtype=np.int64)
    price = 100.0 + (times // MINUTE % 997) / 8
    return Candles(times, price, price + 1, price - 1, price + 0.5, price / 3, price * 7)


def tape(since: int, until: int) -> Tape:
    """Two equal trades every minute."""
    times = np.repeat(np.arange(since, until, MINUTE, dtype=np.int64), 2)
    return Tape(times, np.full(len(times), 5.0), np.full(len(times), 2.0), np.ones(len(times), np.int8))


class Source:
    """Gives candles and trades in pages and remembers what it was asked; ``fail_at`` breaks at that page."""

    name = "test"

    def __init__(self, now: int, fail_at: int = -1, lacks: tuple[int, int] = (0, 0)) -> None:
        self.notes: list[str] = []
        self.asked: list[tuple[int, int]] = []
        self._now, self._fail_at, self._lacks = now, fail_at, lacks

    def refusal(self, series: SeriesId) -> str:
        return "not here" if series.kind is Kind.QUOTES else ""

    async def now(self, instrument: InstrumentId) -> int:
        return self._now

    async def instruments(self, category: Category) -> Mapping[InstrumentId, Instrument] | None:
        return None

    async def pieces(self, series: SeriesId, since: int, until: int) -> AsyncGenerator[Piece, None]:
        step = PAGE if series.kind is Kind.CANDLES else DAY
        for start in range(since // step * step, until, step):
            if len(self.asked) == self._fail_at:
                raise Problem(ErrorCode.NOT_READY, "the network is down")
            self.asked.append((start, start + step))
            await asyncio.sleep(0)
            if series.kind is Kind.TRADES:
                yield Piece(start, start + step, tape(start, start + step))
                continue
            page = candles(start, start + step)
            lost = (page.times >= self._lacks[0]) & (page.times < self._lacks[1])
            yield Piece(start, start + step, Candles(*(column[~lost] for column in page.arrays())))

    async def close(self) -> None:
        return


def run(source: Source, folder: Path, wanted: Wanted) -> Download:
    job = Download(source, ParquetStore(folder), folder)
    asyncio.run(job.run(wanted, START))
    return job


def stored(folder: Path, series: SeriesId) -> list[tuple[float, ...]]:
    rows = ParquetStore(folder).read_all(series)
    return list(zip(*(column.tolist() for column in rows.arrays()), strict=True))


def test_a_failed_download_goes_on_where_it_was_and_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    wanted = Wanted((CANDLES,), START, START + 10 * PAGE)
    whole, broken, again = Source(START + DAY), Source(START + DAY, fail_at=4), Source(START + DAY)
    run(whole, tmp_path / "whole", wanted)
    with pytest.raises(Problem, match="network is down"):
        run(broken, tmp_path / "broken", wanted)
    run(again, tmp_path / "broken", wanted)
    assert broken.asked + again.asked == whole.asked
    assert stored(tmp_path / "broken", CANDLES) == stored(tmp_path / "whole", CANDLES)
    assert len(stored(tmp_path / "whole", CANDLES)) == 1000


def test_what_is_stored_is_not_asked_for_and_a_gap_is(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.write(CANDLES, candles(START, START + 3 * PAGE))
    store.write(CANDLES, candles(START + 4 * PAGE, START + 5 * PAGE))
    source = Source(START + DAY)
    job = run(source, tmp_path, Wanted((CANDLES,), START, START + 5 * PAGE))
    assert source.asked == [(START + 3 * PAGE, START + 4 * PAGE)]
    assert job.outcomes[0].rows == 100
    assert len(stored(tmp_path, CANDLES)) == 500


def test_what_the_source_does_not_have_is_told_and_asked_for_again(tmp_path: Path) -> None:
    hole = (START + 5 * MINUTE, START + 9 * MINUTE)
    wanted = Wanted((CANDLES,), START, START + PAGE)
    assert run(Source(START + DAY, lacks=hole), tmp_path, wanted).outcomes[0].left == [hole]
    later = Source(START + DAY)
    assert run(later, tmp_path, wanted).outcomes[0].left == []
    assert later.asked == [(START, START + PAGE)]


def test_the_candle_that_has_not_ended_is_left_out(tmp_path: Path) -> None:
    job = run(Source(START + 10 * MINUTE + 59), tmp_path, Wanted((CANDLES,), START + 1))
    assert (job.outcomes[0].since, job.outcomes[0].until) == (START + MINUTE, START + 10 * MINUTE)
    assert [row[0] for row in stored(tmp_path, CANDLES)] == [START + n * MINUTE for n in range(1, 10)]


def test_trades_of_a_day_are_stored_once_and_equal_ones_both_count(tmp_path: Path) -> None:
    wanted = Wanted((TRADES,), START, START + 3 * DAY)
    run(Source(START + 9 * DAY), tmp_path, wanted)
    again = Source(START + 9 * DAY)
    run(again, tmp_path, wanted)
    assert again.asked == []
    assert len(stored(tmp_path, TRADES)) == 3 * 2 * 1440


def test_a_covered_day_whose_file_is_gone_is_asked_for_again(tmp_path: Path) -> None:
    wanted = Wanted((TRADES,), START, START + 3 * DAY)
    run(Source(START + 9 * DAY), tmp_path, wanted)
    files = sorted((tmp_path / "linear/BTCUSDT/trades").glob("*.parquet"))
    files[1].unlink()
    again = Source(START + 9 * DAY)
    run(again, tmp_path, wanted)
    assert again.asked == [(START + DAY, START + 2 * DAY)]
    assert len(stored(tmp_path, TRADES)) == 3 * 2 * 1440


def test_rows_of_a_killed_download_are_moved_into_the_store_and_not_asked_for(tmp_path: Path) -> None:
    spool = Spool(tmp_path / INCOMING, CANDLES)
    spool.append(candles(START, START + PAGE))
    spool.close()
    source = Source(START + DAY)
    run(source, tmp_path, Wanted((CANDLES,), START, START + 2 * PAGE))
    assert source.asked == [(START + PAGE, START + 2 * PAGE)]
    assert len(stored(tmp_path, CANDLES)) == 200
    assert not list((tmp_path / INCOMING).glob("*.spool"))


def test_a_torn_record_of_a_spool_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path, CANDLES)
    spool.append(candles(START, START + PAGE))
    whole = spool.path.stat().st_size
    spool.append(candles(START + PAGE, START + 2 * PAGE))
    spool.close()
    for length in (whole + 1, whole + 9, spool.path.stat().st_size - 1):
        data = spool.path.read_bytes()
        spool.path.write_bytes(data[:length])
        torn = Spool(tmp_path, CANDLES)
        assert (torn.rows, torn.path.stat().st_size) == (100, whole)
        torn.close()
        spool.path.write_bytes(data)
    spool.path.write_bytes(data[:whole] + bytes([data[whole] ^ 1]) + data[whole + 1 :])
    assert Spool(tmp_path, CANDLES).rows == 100


def test_a_series_has_one_writer(tmp_path: Path) -> None:
    first = Spool(tmp_path, CANDLES)
    with pytest.raises(Problem, match="another process") as caught:
        Spool(tmp_path, CANDLES)
    assert caught.value.code is ErrorCode.CONFLICT
    first.close()
    Spool(tmp_path, CANDLES).close()


def test_a_kind_the_source_refuses_is_an_error_before_anything_is_asked(tmp_path: Path) -> None:
    source = Source(START + DAY)
    with pytest.raises(Problem, match="cannot be downloaded from test: not here"):
        run(source, tmp_path, Wanted((CANDLES, SeriesId(BTC, Kind.QUOTES)), START))
    assert source.asked == []


def test_progress_ends_at_all_of_it(tmp_path: Path) -> None:
    told: list[Told] = []
    job = Download(Source(START + DAY), ParquetStore(tmp_path), tmp_path, told.append)
    asyncio.run(job.run(Wanted((CANDLES, TRADES), START, START + DAY), START))
    assert told[-1].done == told[-1].total == 2 * DAY
    assert [it.done for it in told] == sorted(it.done for it in told)


def test_a_cancelled_download_has_stored_what_came(tmp_path: Path) -> None:
    async def stop_after_three() -> Source:
        source = Source(START + 2 * DAY)
        job = Download(source, ParquetStore(tmp_path), tmp_path, lambda told: told.rows == 300 and task.cancel())
        task = asyncio.ensure_future(job.run(Wanted((CANDLES,), START, START + DAY), START))
        with pytest.raises(asyncio.CancelledError):
            await task
        return source

    asked = len(asyncio.run(stop_after_three()).asked)
    assert 3 <= asked <= 4
    assert len(stored(tmp_path, CANDLES)) in (300, 400)
    assert not list((tmp_path / INCOMING).glob("*.spool"))


STRETCHES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


@given(STRETCHES, st.integers(0, 40), st.integers(0, 40))
def test_stretches_are_merged_and_taken_out_as_sets_of_moments(
    stretches: list[tuple[int, int]], since: int, until: int
) -> None:
    moments = {at for start, stop in stretches for at in range(start, stop)}
    found = merged(stretches)
    assert {at for start, stop in found for at in range(start, stop)} == moments
    assert all(before[1] < after[0] for before, after in itertools.pairwise(found))
    left = without(since, until, stretches)
    assert {at for start, stop in left for at in range(start, stop)} == set(range(since, until)) - moments


@given(st.sets(st.integers(0, 30)), st.integers(0, 30), st.integers(0, 30))
def test_missing_points_are_those_of_the_grid_that_are_not_there(there: set[int], first: int, last: int) -> None:
    step = INTERVALS["5m"]
    times = np.array(sorted(there), np.int64) * step
    found = missing_points(times, first * step, last * step, "5m")
    points = [at // step for since, until in found for at in range(since, until, step)]
    assert points == sorted(set(range(first, last)) - there)


def test_weeks_are_on_their_mondays() -> None:
    assert np.datetime64(on_grid(START, "1w"), "ns").astype("datetime64[D]").astype(object).weekday() == 0


def test_funding_is_missing_between_settlements_further_apart_than_any_period() -> None:
    eight = 8 * HOUR
    times = np.array([START, START + eight, START + 4 * eight], np.int64)
    assert missing_funding(times, START, START + 5 * eight, eight) == [(START + eight + 1, START + 4 * eight)]
    assert missing_funding(times, START - eight, START + 5 * eight + 1, eight)[0] == (START - eight, START)
    assert missing_funding(times, START, START + 5 * eight + 1, eight)[-1] == (
        START + 4 * eight + 1,
        START + 5 * eight + 1,
    )
    assert missing_funding(times[:0], START, START + eight, eight) == [(START, START + eight)]


def test_coverage_survives_and_damage_of_it_is_told(tmp_path: Path) -> None:
    Coverage(tmp_path, TRADES).add(START, START + DAY)
    Coverage(tmp_path, TRADES).add(START + DAY, START + 2 * DAY)
    kept = Coverage(tmp_path, TRADES)
    assert kept.stretches == [(START, START + 2 * DAY)]
    kept.path.write_text("{")
    with pytest.raises(Problem, match="damaged"):
        Coverage(tmp_path, TRADES)


def slow_bars(trades: list[tuple[int, float, float]], count: int, before: float) -> list[tuple[float, ...]]:
    """Minute by minute, trade by trade."""
    found, last = [], before
    for minute in range(count):
        inside = [it for it in trades if minute * MINUTE <= it[0] < (minute + 1) * MINUTE]
        if not inside and not last:
            continue
        open_ = last or inside[0][1]
        prices = [open_, *(price for _, price, _ in inside)]
        volume = round(sum(size for *_, size in inside), 8)
        found.append((minute * MINUTE, open_, max(prices), min(prices), prices[-1], volume))
        last = prices[-1]
    return found


@given(
    st.lists(st.tuples(st.integers(0, 5 * MINUTE - 1), st.integers(1, 50), st.integers(1, 9)), max_size=12),
    st.sampled_from([0.0, 7.5]),
)
def test_candles_of_trades_equal_the_slow_way(raw: list[tuple[int, int, int]], before: float) -> None:
    trades = [(at, price / 2, size / 4) for at, price, size in sorted(raw, key=lambda it: it[0])]
    columns = list(zip(*trades, strict=True)) or [(), (), ()]
    made = Tape(
        np.array(columns[0], np.int64), np.array(columns[1], float), np.array(columns[2], float),
        np.ones(len(trades), np.int8),
    )  # fmt: skip
    bars = bars_of(made, 0, 5 * MINUTE, MINUTE, before)
    assert list(zip(*(column.tolist() for column in bars.arrays()[:6]), strict=True)) == slow_bars(trades, 5, before)


def test_turnover_of_an_inverse_candle_is_in_base_coin() -> None:
    made = Tape(np.array([1, 2], np.int64), np.array([50.0, 100.0]), np.array([100.0, 100.0]), np.ones(2, np.int8))
    bars = bars_of(made, 0, MINUTE, MINUTE, inverse=True)
    assert (bars.volume.tolist(), bars.turnover.tolist()) == ([200.0], [3.0])
