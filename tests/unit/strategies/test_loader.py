"""Strategies from files: found by name, and errors that name file, line and rule."""

from pathlib import Path

import pytest

from tradectl.engine.config import StrategyConfig
from tradectl.model.errors import Problem
from tradectl.strategies.loader import load_all, load_class, load_file

GOOD = """
from tradectl.engine.strategy import Strategy, param


class Mine(Strategy):
    size: int = param(3, low=1, high=9)
"""


def test_built_in_and_own_classes_are_found(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(GOOD)
    configs = (
        StrategyConfig(name="a", class_="ema_cross"),
        StrategyConfig(name="b", class_="mine", params={"size": 4}),
        StrategyConfig(name="c", class_="mine:Mine"),
    )
    classes = load_all(configs, tmp_path)
    assert {name: cls.__name__ for name, cls in classes.items()} == {
        "ema_cross": "EmaCross", "mine": "Mine", "mine:Mine": "Mine",
    }  # fmt: skip
    assert all(cls.source_hash for cls in classes.values())


def test_changed_code_has_another_hash(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(GOOD)
    before = load_file(path).source_hash
    path.write_text(GOOD + "\n# changed\n")
    assert load_file(path).source_hash != before


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def broken(:\n", "line 1: SyntaxError"),
        ("x = 1\nraise ValueError('boom')\n", "line 2: ValueError: boom"),
        ("import nothing_of_that_name\n", "ModuleNotFoundError"),
        ("x = 1\n", "holds none"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, source: str, words: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(source)
    with pytest.raises(Problem, match=words) as caught:
        load_file(path)
    assert str(path) in str(caught.value)


def test_an_unknown_class_names_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no strategy nope") as caught:
        load_class("nope", tmp_path)
    assert "ema_cross" in caught.value.remedy


def test_a_wrong_parameter_names_instance_parameter_and_rule(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"strategies\.a\.fast is 1, below 2"):
        load_all((StrategyConfig(name="a", class_="ema_cross", params={"fast": 1}),), None)
    with pytest.raises(Problem, match=r"strategies\.a\.fats is no parameter"):
        load_all((StrategyConfig(name="a", class_="ema_cross", params={"fats": 1}),), None)
