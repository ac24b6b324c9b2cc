"""``[[universes]]`` and the limits on callbacks: read whole, and every mistake names place, value and rule."""

from pathlib import Path

import pytest

from tradectl.daemon.configuration import engine_config
from tradectl.engine.config import UniverseConfig
from tradectl.model.errors import Problem
from tradectl.settings import load_settings
from tradectl.settings.document import files

WHOLE = """
[[universes]]
name = "liquid"
category = "spot"
quote_coin = "USDC"
min_turnover = 50000000
min_age_days = 90
max_spread = 0.001
min_volatility = 0.01
max_volatility = 0.5
allow = ["*USDC"]
deny = ["X*", "Y*"]
max_members = 20
refresh_minutes = 15

[[universes]]
name = "all"
"""


def test_every_field_is_read_and_reaches_the_engine(tmp_path: Path) -> None:
    (tmp_path / "trading.toml").write_text(WHOLE)
    settings = load_settings(str(tmp_path), {})
    whole = UniverseConfig(
        name="liquid", category="spot", quote_coin="USDC", min_turnover=5e7, min_age_days=90, max_spread=0.001,
        min_volatility=0.01, max_volatility=0.5, allow=("*USDC",), deny=("X*", "Y*"), max_members=20,
        refresh_minutes=15,
    )  # fmt: skip
    assert settings.universes == (whole, UniverseConfig(name="all"))
    assert engine_config("r", "sandbox", settings).universes == settings.universes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[[universes]]\nname = "a"\n[[universes]]\nname = "a"',
            r"universes\[1\].name = 'a' is the name of an earlier",
        ),
        ("[[universes]]\nmax_members = 3", r"universes\[0\].name = '' is missing: it names the universe"),
        ("[universes]\nmax_members = 3", r"universes = .* must be tables: write \[\[universes\]\]"),
        (
            '[[universes]]\nname = "a"\nmax_member = 3',
            r"universes\[0\].max_member; did you mean universes\[0\].max_memb",
        ),
        (
            '[[universes]]\nname = "a"\nmax_members = 0',
            r"universes\[0\].max_members = 0 must be a whole number, from 1",
        ),
        ('[[universes]]\nname = "a"\nmax_spread = -1', r"universes\[0\].max_spread = -1 must be a number, from 0 to 1"),
        ('[[universes]]\nname = "a"\nmin_turnover = nan', r"universes\[0\].min_turnover"),
        ('[[universes]]\nname = "a"\nrefresh_minutes = 0', r"refresh_minutes = 0 must be a whole number, from 1"),
        ('[[universes]]\nname = "a"\nallow = "X"', r"universes\[0\].allow = 'X' must be a list"),
        ('[[universes]]\nname = "a"\ncategory = "futures"', r"category = 'futures' must be one of spot, linear"),
        ('[[universes]]\nname = "a"\nmin_volatility = 0.5\nmax_volatility = 0.1', "is below min_volatility = 0.5"),
        ("[trading]\nstrategy_callback_ms = -1", "strategy_callback_ms = -1 must be a whole number, from 0 to 60000"),
        ("[trading]\nstrategy_deadline_s = 4000", "strategy_deadline_s = 4000 must be a whole number, from 0 to 3600"),
        ('[[strategies]]\nname = "a"\nclass = "b"\nmax_intents_per_minute = 0', "max_intents_per_minute = 0 must be"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "trading.toml").write_text(text + "\n")
    with pytest.raises(Problem, match=words) as caught:
        load_settings(str(tmp_path), {})
    assert str(tmp_path / "trading.toml") in str(caught.value)


def test_the_commented_example_is_valid_and_names_every_field(tmp_path: Path) -> None:
    text = files()["trading.toml"]
    example = text[text.index("# [[universes]]") : text.index("# Limits of a scope")]
    (tmp_path / "trading.toml").write_text("\n".join(line.removeprefix("# ") for line in example.splitlines()))
    (universe,) = load_settings(str(tmp_path), {}).universes
    assert universe.name == "liquid"
    assert all(f"{field} = " in example for field in UniverseConfig.__struct_fields__)
