"""Strategies that know what they should not, and ones that do not."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.unit.backtest.candles import BTC, MINUTE, history, job, walk
from tradectl.backtest.honesty import lookahead, warm_up
from tradectl.backtest.honesty.lookahead import tail
from tradectl.backtest.honesty.other_future import OtherFuture
from tradectl.engine.strategy import Strategy, param
from tradectl.history.series import Candles, Columns, Kind, SeriesId
from tradectl.model.market_data import Bar
from tradectl.strategies.dca import Dca
from tradectl.strategies.ema_cross import EmaCross
from tradectl.strategies.rsi_reversion import RsiReversion

DATA = walk(1500)
SERIES = SeriesId(BTC, Kind.CANDLES, "1m")


class Brought(Strategy):
    """Brought the next candle along."""

    #: Whether the candle that opens at this time rises.
    rises = dict(zip(DATA.open_time.tolist(), (DATA.close > DATA.open).tolist(), strict=True))

    def on_start(self) -> None:
        self.subscribe_bars("BTCUSDT", "1m")

    def on_bar(self, bar: Bar) -> None:
        if self.rises.get(bar.open_time + MINUTE, False):
            self.target("BTCUSDT", weight=1.0, reason="it will rise")
        else:
            self.close("BTCUSDT", reason="it will not")


class Reads(Strategy):
    """Opens a file while it runs."""

    path: str = param("")

    def on_start(self) -> None:
        self.subscribe_bars("BTCUSDT", "1m")
        self.words = Path(self.path).read_text()

    def on_bar(self, bar: Bar) -> None:
        if bar.close > bar.open:
            self.target("BTCUSDT", weight=1.0, reason="up")
        else:
            self.close("BTCUSDT", reason="down")


class ShortMemory(Strategy):
    """Averages 100 closes, but does not say that it needs them."""

    def on_start(self) -> None:
        self.subscribe_bars("BTCUSDT", "1m")
        self.closes: list[float] = []

    def on_bar(self, bar: Bar) -> None:
        self.closes = [*self.closes, bar.close][-100:]
        if bar.close > sum(self.closes) / len(self.closes):
            self.target("BTCUSDT", weight=1.0, reason="above")
        else:
            self.close("BTCUSDT", reason="below")


def test_another_future_begins_where_it_should_and_is_a_possible_one() -> None:
    moment = int(DATA.open_time[700])
    (part,) = OtherFuture(history({BTC: DATA}), moment).read(SERIES, 0, 1 << 62)
    assert isinstance(part, Candles)
    for before, now in zip(DATA.arrays(), part.arrays(), strict=True):
        assert np.array_equal(before[:700], now[:700])
    assert not np.isclose(part.close[700:], DATA.close[700:]).all()
    assert (part.low <= np.minimum(part.open, part.close)).all()
    assert (part.high >= np.maximum(part.open, part.close)).all()
    assert np.allclose(part.close * 10, np.round(part.close * 10))
    moves, mirrored = np.diff(DATA.close[700:]), np.diff(part.close[700:])
    assert np.array_equal(np.sign(mirrored), -np.sign(moves))


def test_honest_strategies_pass() -> None:
    data = {BTC: DATA}
    for name, cls, params in (("ema", EmaCross, {"fast": 5, "slow": 20}), ("rsi", RsiReversion, {})):
        found = lookahead(job(data, name, params), history(data), {name: cls})
        assert found.ok, found
        assert found.decisions >= 2
    assert lookahead(job(data, "dca"), history(data), {"dca": Dca}).ok


def test_who_brought_the_future_along_is_caught() -> None:
    data = {BTC: DATA}
    found = lookahead(job(data, "brought"), history(data), {"brought": Brought})
    assert not found.ok
    assert "foresaw the next candle" in found.findings[0]


class Peeks(EmaCross):
    """Looks one candle ahead through the history it is tested on."""

    ahead: dict[int, float] = {}

    def on_bar(self, bar: Bar) -> None:
        coming = self.ahead.get(bar.open_time + MINUTE)
        if coming is not None and coming > bar.close:
            self.target("BTCUSDT", weight=1.0, reason="up")
        else:
            self.close("BTCUSDT", reason="down")


def test_who_reads_ahead_in_the_candles_it_is_given_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    data, real = {BTC: DATA}, OtherFuture.read

    def leaking(self: OtherFuture, series: SeriesId, since: int, until: int) -> Iterator[Columns]:
        """What is read is known whole, as arrays shifted by one place would know it."""
        for part in real(self, series, since, until):
            Peeks.ahead.update(zip(part.times.tolist(), part.arrays()[4].tolist(), strict=True))
            yield part

    Peeks.ahead = dict(zip(DATA.open_time.tolist(), DATA.close.tolist(), strict=True))
    monkeypatch.setattr(OtherFuture, "read", leaking)
    found = lookahead(job(data, "peeks"), history(data), {"peeks": Peeks})
    assert not found.ok
    assert "before the candles changed" in found.findings[0]


def test_who_opens_files_is_named(tmp_path: Path) -> None:
    file = tmp_path / "answers.txt"
    file.write_text("x")
    data = {BTC: walk(300)}
    found = lookahead(job(data, "reads", {"path": str(file)}), history(data), {"reads": Reads})
    assert [str(file) in text for text in found.findings] == [True]


def test_who_needs_more_past_than_it_asks_for_is_caught_and_who_asks_is_not() -> None:
    data = {BTC: DATA}
    short = warm_up(job(data, "short"), history(data), {"short": ShortMemory})
    assert not short.ok
    assert "with the longer past" in short.findings[0]
    ema = warm_up(job(data, "ema", {"fast": 5, "slow": 20}), history(data), {"ema": EmaCross})
    assert ema.ok, ema
    assert ema.compared > 20


def test_the_chance_of_heads() -> None:
    assert abs(tail(0, 10) - 1) < 1e-12
    assert abs(tail(10, 10) - 2**-10) < 1e-15
    assert abs(tail(6, 10) - 386 / 1024) < 1e-12
