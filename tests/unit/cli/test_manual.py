"""The manual pages are what the program is: every command, option, setting, exit code and variable is in them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tradectl.cli import manual
from tradectl.engine.config import StrategyConfig, UniverseConfig
from tradectl.model.errors import MEANINGS
from tradectl.settings import SETTINGS
from tradectl.settings.load import PLAIN_VARIABLES, RESERVED, SECRETS

MAN = Path(__file__).parents[3] / "man"
#: Variables of the test suite, no business of a user.
FOR_TESTS = {"TRADECTL_TEST_DATA", "TRADECTL_REQUIRE_SERVICES", "TRADECTL_SOCKET"}


@pytest.mark.parametrize("name", ["tradectl.1", "tradectl.toml.5"])
def test_page_is_generated(name: str) -> None:
    assert (MAN / name).read_text() == manual.pages()[name], "run: python -m tradectl.cli.manual man"


def test_every_command_argument_and_option_is_described() -> None:
    seen = 0
    for name, command in manual.commands():
        assert command.help, name
        for term, text in manual.parameters(command):
            assert text.strip(), f"{name} {term}"
            seen += 1
    assert seen > 100
    assert all(text.strip(" .") for _, text in manual.sandbox_options())


def test_every_setting_is_in_the_page() -> None:
    page = manual.settings_page()
    for setting in SETTINGS.values():
        assert f".B {manual.escape(setting.key.partition('.')[2])}\n" in page, setting.key
    for field in StrategyConfig.__struct_fields__:
        assert field.rstrip("_") in manual.STRATEGY_FIELDS
    for field in UniverseConfig.__struct_fields__:
        assert field in manual.UNIVERSE_FIELDS


def test_every_exit_code_is_in_the_page() -> None:
    assert {meaning.exit_code for meaning in MEANINGS.values()} <= set(manual.EXIT_CODES)


def test_every_variable_is_in_the_page() -> None:
    named = " ".join(manual.ENVIRONMENT)
    for variable in {*PLAIN_VARIABLES, *SECRETS, *RESERVED} - FOR_TESTS:
        assert variable in named, variable


@pytest.mark.parametrize("name", sorted(manual.pages()))
def test_page_is_sound(name: str) -> None:
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    ran = subprocess.run(
        ["man", "--warnings", "-l", str(MAN / name)],
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
