"""Entries become rows exactly once, and come back as the records they were."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tradectl.model.commands import (
    AlgorithmChanged,
    AlgorithmStatus,
    AllocationChanged,
    LedgerBooked,
    LimitsChanged,
    ParametersChanged,
    UniverseChanged,
)
from tradectl.model.errors import Problem
from tradectl.model.orders import OrderStatus, Side, Trigger, TriggerBy
from tradectl.storage.batch import Batch
from tradectl.storage.projector import Projector
from tradectl.storage.queries import HistoryFilter, Queries
from tradectl.storage.tables import ChangeRecord, table_of
from tradectl.storage.types import Exact

ALL = HistoryFilter(limit=1000)


def commit(engine, entries, run="run1", after=0):
    batch = Batch(run, after)
    for entry in entries:
        batch.add(entry)
    Projector(engine).commit(batch)


def test_every_record_comes_back_as_it_was(engine, make, count):
    order, execution, decision = make.order(1), make.execution("e1"), make.decision(7)
    position, equity = make.position("ema", "-0.010"), make.equity(9)
    records = (order, execution, decision, position, equity, *make.others(3))
    commit(engine, [make.entry(1, *records)])
    queries = Queries(engine)
    assert [row.record for row in queries.orders(ALL).rows] == [order]
    assert [row.record for row in queries.trades(ALL).rows] == [execution]
    assert [(row.run, row.record) for row in queries.decisions(ALL).rows] == [("run1", decision)]
    assert [row.record for row in queries.positions()] == [position]
    assert [row.record for row in queries.equity(ALL).rows] == [equity]
    assert {name: count(name) for name in ("balances", "alerts", "state_changes", "strategy_changes")} == {
        "balances": 1,
        "alerts": 1,
        "state_changes": 1,
        "strategy_changes": 1,
    }
    assert queries.counts()["executions"] == 1
    assert Projector(engine).offset("run1") == 1


def test_stops_legs_and_inputs_come_back_as_they_were(engine, make):
    trigger = Trigger(Decimal("104000.5"), False, TriggerBy.MARK)
    order = make.order(
        1, trigger=trigger, take_profit=Decimal("110000"), stop_loss=Decimal("1E+5"), parent="link-0",
        stop_type="StopLoss", algorithm=4, position_idx=2,
    )  # fmt: skip
    execution = replace(make.execution("e1"), arrival=Decimal("105000.05"))
    execution = replace(execution, execution=replace(execution.execution, stop_order_type="Stop", create_type="x"))
    decision = replace(make.decision(7), event="bar", inputs=(("ema(10)", 1.5),), algorithm=4)
    legs = [replace(make.position("", size), position_idx=idx) for idx, size in ((1, "2"), (2, "-1"))]
    algorithm = AlgorithmChanged(
        5, 4, "twap", "ema", order.instrument, Side.BUY, Decimal("1.50"), Decimal("0.5"), AlgorithmStatus.WORKING,
        "", "slice 2 of 4", (("slices", "4"),),
    )  # fmt: skip
    ledger = LedgerBooked(6, "ledger-1", "TRANSFER_IN", "USDT", Decimal("100.00"), 5)
    commit(engine, [make.entry(1, order, execution, decision, *legs, algorithm, ledger)])
    commit(engine, [make.entry(2, replace(algorithm, at=9, status=AlgorithmStatus.DONE), ledger)], after=1)
    queries = Queries(engine)
    assert queries.order("link-1").record == order
    assert queries.trade("e1").record == execution
    assert queries.decision("run1", 7).record == decision
    assert [row.record for row in queries.positions()] == legs
    assert [row.record.status for row in queries.algorithms(ALL).rows] == [AlgorithmStatus.DONE]
    assert [row.record for row in queries.ledger(ALL).rows] == [ledger]


def test_changes_are_kept_whole(engine, make):
    changes = (
        LimitsChanged(1, "anna", "strategy:ema", (("order_share", "0.01"),), "calmer"),
        ParametersChanged(2, "ema", "anna", (("fast", "12"),)),
        UniverseChanged(3, "liquid", ("BTCUSDT",), ("BTCUSDT",), (), (("DOGEUSDT", "turnover too low"),)),
        AllocationChanged(4, "equal", (("ema", Decimal("0.50")),)),
    )
    commit(engine, [make.entry(1, *changes)])
    with engine.connect() as connection:
        table = table_of(ChangeRecord)
        rows = list(connection.execute(select(table).order_by(table.c.at)).mappings())
    assert [(row["kind"], row["name"], row["who"]) for row in rows] == [
        ("limits", "strategy:ema", "anna"), ("parameters", "ema", "anna"), ("universe", "liquid", ""),
        ("allocation", "equal", ""),
    ]  # fmt: skip
    assert rows[0]["content"] == {"limits": {"order_share": "0.01"}, "reason": "calmer"}
    assert rows[2]["content"]["refused"] == {"DOGEUSDT": "turnover too low"}
    assert rows[3]["content"]["shares"] == {"ema": "0.5"}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.decimals(allow_nan=False, allow_infinity=False, places=None))
def test_amounts_keep_every_digit(engine, amount):
    text = Exact().process_bind_param(amount, engine.dialect)
    with engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT ?", (text,)).scalar_one()
    assert Exact().process_result_value(stored, engine.dialect) == amount


@pytest.mark.parametrize("text", ["1E+3", "1E-18", "-0.00000001", "123456789012345678901234567890.123456789", "0E-8"])
def test_projected_amounts_keep_every_digit(engine, make, text):
    commit(engine, [make.entry(1, make.order(1, qty=Decimal(text)))])
    assert Queries(engine).order("link-1").record.qty == Decimal(text)
    with engine.connect() as connection:
        assert "E" not in connection.exec_driver_sql("SELECT qty FROM orders").scalar_one()


def test_an_order_is_one_row_in_its_last_state(engine, make, count):
    changes = [make.order(1), make.order(1, status=OrderStatus.PARTIALLY_FILLED, at=2000)]
    commit(engine, [make.entry(1, *changes)])
    commit(engine, [make.entry(2, make.order(1, status=OrderStatus.FILLED, at=3000))], after=1)
    assert count("orders") == 1
    assert Queries(engine).order("order-1").record.status is OrderStatus.FILLED


def test_an_older_run_projected_later_does_not_turn_an_order_back(engine, make):
    commit(engine, [make.entry(1, make.order(1, at=9000, status=OrderStatus.FILLED))], run="new")
    commit(engine, [make.entry(1, make.order(1, at=1000))], run="old")
    assert Queries(engine).order("link-1").record.status is OrderStatus.FILLED


def test_an_order_without_a_link_id_is_kept_by_the_venues_id(engine, make, count):
    commit(engine, [make.entry(1, make.order(1, link_id=""), make.order(2, link_id=""))])
    assert count("orders") == 2
    assert Queries(engine).order("order-2").record.link_id == ""


def test_an_execution_is_stored_once(engine, make, count):
    commit(engine, [make.entry(1, make.execution("e1"), make.execution("e1"))])
    commit(engine, [make.entry(2, make.execution("e1"), make.execution("e2"))], after=1)
    commit(engine, [make.entry(1, make.execution("e2"))], run="run2")
    assert count("executions") == 2


def test_a_batch_is_stored_once(engine, make, count):
    entries = [make.entry(1, make.execution("e1"), make.equity(1))]
    commit(engine, entries)
    with pytest.raises(Problem, match="another store"):
        commit(engine, entries)
    with pytest.raises(Problem, match="another store"):
        commit(engine, [make.entry(9, make.equity(9))], after=8)
    assert count("equity") == 1
    assert Projector(engine).offset("run1") == 1


def test_rows_and_offset_are_committed_together(engine, make, count):
    bad = make.order(2, qty=None)
    with pytest.raises(IntegrityError):
        commit(engine, [make.entry(1, make.execution("e1")), make.entry(2, bad)])
    assert count("executions") == 0
    assert Projector(engine).offset("run1") == 0


def test_entries_without_rows_move_the_offset(engine, make):
    commit(engine, [make.entry(1), make.entry(5)])
    assert Projector(engine).offset("run1") == 5
