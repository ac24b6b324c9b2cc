"""Every indicator equals its own batch form to the last bit, also when it is written down and brought back on the way.

``TRADECTL_TEST_MONTH=1 pytest tests/unit/engine/indicators`` tries the whole month instead of its first two days.
"""

import random
import struct

import msgspec
import pytest

from tests.unit.engine.indicators.cases import CASES, SOURCES, candles
from tradectl.engine.indicators import Indicator, batch
from tradectl.model.market_data import Bar


def bits(column: list[float]) -> list[bytes]:
    """The exact values, every NaN alike."""
    return [struct.pack("<d", v if v == v else float("nan")) for v in column]


def by_line(columns: dict[str, list[float]], label: str) -> dict[str, list[bytes]]:
    return {name.removeprefix(label).removeprefix("."): bits(column) for name, column in columns.items()}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", CASES)
def test_it_equals_the_batch_form_bit_for_bit(name: str, source: str, bar_count: int) -> None:
    bars = candles(source, bar_count)
    indicator = CASES[name].make()
    found = by_line(batch(indicator, bars), indicator.label)
    expected = {line: bits(column) for line, column in CASES[name].slow(bars).items()}
    assert found.keys() == expected.keys()
    for line, column in expected.items():
        wrong = [n for n, (a, b) in enumerate(zip(found[line], column, strict=True)) if a != b]
        assert not wrong, f"{name}.{line} differs first at bar {wrong[0]}"
    assert found[""][-1] != bits([float("nan")])[0]


def with_restarts(name: str, bars: list[Bar], at: set[int]) -> tuple[Indicator, dict[str, list[float]]]:
    indicator = CASES[name].make()
    columns: dict[str, list[float]] = {label: [] for label, _ in indicator.outputs()}
    for number, bar in enumerate(bars):
        if number in at:
            written = msgspec.msgpack.encode(indicator.state())
            indicator = CASES[name].make()
            indicator.restore(msgspec.msgpack.decode(written, type=list[float]))
        indicator.update(bar)
        for label, line in indicator.outputs():
            columns[label].append(line.value)
            columns.setdefault(f"{label} previous", []).append(line.previous)
    return indicator, columns


@pytest.mark.parametrize("source", SOURCES[:2])
@pytest.mark.parametrize("name", CASES)
def test_twenty_restarts_change_no_bit(name: str, source: str) -> None:
    bars = candles(source, 1_500)
    draw = random.Random(name)
    early = set(draw.sample(range(60), 8))
    _, plain = with_restarts(name, bars, set())
    _, torn = with_restarts(name, bars, early | set(draw.sample(range(60, 1_500), 12)))
    assert {k: bits(v) for k, v in torn.items()} == {k: bits(v) for k, v in plain.items()}
