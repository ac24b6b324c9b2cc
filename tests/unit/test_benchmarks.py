"""The benchmarks run: every row of every area once, at the least effort. No figure is judged here."""

import json
import math

import pytest

from tests.benchmarks.__main__ import chosen, main, measured
from tests.benchmarks.areas import AREAS
from tests.benchmarks.measure import Effort, Goal, Row, interleaved, quantile, spread
from tests.benchmarks.table import legend, plain, table
from tradectl.model.money import use_exact_context

SMOKE = Effort(rounds=1, scale=0.01)


@pytest.mark.parametrize("area", AREAS)
def test_every_row_can_be_measured(area: str) -> None:
    use_exact_context()
    rows = list(measured([area], SMOKE, lambda name: None))
    assert rows
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert row.name.startswith(f"{area}.")
        assert len(row.values) == 1
        assert all(math.isfinite(value) and value >= 0 for value in row.values)
        assert all(len(values) == 1 and values[0] > 0 for values in row.floors.values())
        assert {goal.floor for goal in row.goals} <= {"", *row.floors}
        assert row.name in table([row])
        assert row.what in legend([row])
    assert json.loads(json.dumps(plain(rows)))[0]["row"] == rows[0].name


def test_a_ratio_is_taken_round_by_round() -> None:
    row = Row(name="a.b", what="w", unit="us", values=[2.0, 9.0, 4.0], floors={"f": [1.0, 3.0, 4.0]})
    assert row.ratios("f") == [2.0, 3.0, 1.0]
    assert row.is_met(Goal(2.0, "f"))
    assert not row.is_met(Goal(1.9, "f"))
    assert not row.is_met(Goal(3.9))
    assert row.is_met(Goal(4.0, at_least=True))


def test_the_table_shows_each_goal_with_its_verdict() -> None:
    goals = (Goal(5.0), Goal(1.5, "f"), Goal(3.0, "g"))
    row = Row(name="a.b", what="w", unit="us", values=[4.0], floors={"f": [2.0], "g": [2.0]}, goals=goals)
    lines = table([row]).splitlines()[2:]
    assert [line.split()[-1] for line in lines] == ["met", "MET", "met"]
    assert "NOT MET" in lines[1]
    assert "2.00x" in lines[1]
    shared = Row(name="a.b", what="w", unit="us", values=[4.0], floors={"f": [2.0]}, goals=(Goal(5.0),))
    (line,) = table([shared]).splitlines()[2:]
    assert "2.00x" in line
    assert line.endswith("met")


def test_statistics() -> None:
    assert spread([3.0]) == 0.0
    assert spread([1.0, 3.0]) == 1.0
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == 1.0
    assert quantile([float(n) for n in range(1, 101)], 0.99) == 100.0
    assert quantile([5.0, 1.0, 3.0], 0.5) == 3.0


def test_rounds_are_interleaved_and_rotate() -> None:
    order: list[str] = []

    def job(name: str) -> float:
        order.append(name)
        return float(len(order))

    found = interleaved(2, {"a": lambda: job("a"), "b": lambda: job("b")})
    assert order == ["a", "b", "b", "a"]
    assert found == {"a": [1.0, 4.0], "b": [2.0, 3.0]}


def test_rows_are_chosen_by_their_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    assert chosen([]) == list(AREAS)
    assert chosen(["engine.order", "decode"]) == [area for area in AREAS if area in ("engine", "decode")]
    with pytest.raises(SystemExit, match="nonsense: no such row"):
        chosen(["nonsense"])
    assert main(["decode.trade", "--json", "--rounds", "1", "--scale", "0.01"]) == 0
    assert {row["row"] for row in json.loads(capsys.readouterr().out)} == {"decode.trade", "decode.trade-ack"}
