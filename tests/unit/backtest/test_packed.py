"""Records that are packed read like the records they were."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.backtest.candles import BTC, history, job, walk
from tradectl.backtest import packed
from tradectl.backtest.packed import Packed, derived
from tradectl.backtest.runner import run_backtest
from tradectl.model.orders import Execution, Side
from tradectl.strategies.ema_cross import EmaCross


def execution(number: int) -> Execution:
    return Execution(
        f"e{number}", BTC, "o", "", Side.BUY, Decimal(number) / 8, Decimal("0.10"), Decimal(1), Decimal(0), "USDT",
        True, number, pnl=None,
    )  # fmt: skip


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "PLAIN", 12)
    monkeypatch.setattr(packed, "BLOCK", 4)


def made(count: int) -> Packed[Execution]:
    records = Packed(Execution)
    for number in range(count):
        records.append(execution(number))
    return records


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 12, 13, 30, 33])
def test_it_is_the_sequence_it_was_made_of(count: int) -> None:
    records, plain = made(count), [execution(number) for number in range(count)]
    assert list(records) == plain
    assert len(records) == count
    assert records == plain
    assert [records[i] for i in range(-count, count)] == plain * 2
    assert records[2:25:3] == plain[2:25:3]
    assert list(derived(records.done(), lambda it: it.exec_id)) == [it.exec_id for it in plain]
    assert isinstance(records.done(), tuple) is (count < 12)
    with pytest.raises(IndexError):
        records[count]


@given(st.integers(0, 60), st.integers(1, 12), st.integers(1, 9))
def test_whatever_the_blocks_are(count: int, plain: int, block: int) -> None:
    before = packed.PLAIN, packed.BLOCK
    packed.PLAIN, packed.BLOCK = plain * block, block
    try:
        assert list(made(count)) == [execution(number) for number in range(count)]
    finally:
        packed.PLAIN, packed.BLOCK = before


def test_a_run_with_packed_records_is_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    data, classes = {BTC: walk(3000)}, {"ema": EmaCross}
    asked = job(data, "ema", {"fast": 3, "slow": 9})
    plain = run_backtest(asked, history(data), classes)
    monkeypatch.setattr(packed, "PLAIN", 20)
    monkeypatch.setattr(packed, "BLOCK", 10)
    small = run_backtest(asked, history(data), classes)
    assert isinstance(plain.executions, tuple)
    assert not isinstance(small.executions, tuple)
    for name in ("executions", "fills", "orders"):
        assert tuple(getattr(small, name)) == getattr(plain, name), name
    assert (small.metrics, small.per_strategy, small.warnings) == (plain.metrics, plain.per_strategy, plain.warnings)
