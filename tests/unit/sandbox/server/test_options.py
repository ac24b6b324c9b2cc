"""Options become one configuration; a bad one is named with its value and rule, and secrets stay out of sight."""

import argparse
import stat
from decimal import Decimal
from pathlib import Path

import pytest

from tradectl.model.errors import ErrorCode, Problem
from tradectl.sandbox.config import SandboxConfig
from tradectl.sandbox.options import add_arguments, config_from_args
from tradectl.sandbox.server.credentials import with_accounts


def parse(*argv: str, environ: dict[str, str] | None = None) -> SandboxConfig:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return config_from_args(parser.parse_args(argv), environ or {})


def test_defaults_equal_the_configuration() -> None:
    assert parse() == SandboxConfig()


def test_issue_example() -> None:
    config = parse("--host", "127.0.0.1", "--port", "8099", "--api-key", "K", "--api-secret", "S",
                   "--fund", "USDT=100000", "--fund", "btc=1")  # fmt: skip
    assert (config.port, config.fund) == (8099, {"USDT": Decimal(100000), "BTC": Decimal(1)})
    assert [(account.key, account.uid) for account in config.accounts] == [("K", "900100")]


def test_replay_and_clock() -> None:
    config = parse("--data", "x.csv", "--speed", "stepped", "--interval", "5m", "--backfill", "0", "--symbols", "A,B")
    assert (config.stepped, config.data, config.interval, config.backfill) == (True, "x.csv", "5m", 0)
    assert config.venue.speed is None
    assert config.venue.data == Path("x.csv")
    assert config.ack_delay == 0
    assert parse("--speed", "60").venue.speed == 60


def test_accounts_from_the_environment_come_first() -> None:
    config = parse("--account", "k2:s2:77", environ={"TRADECTL_SANDBOX_ACCOUNTS": "k1:s1,"})
    assert [(account.key, account.uid) for account in config.accounts] == [("k1", "900100"), ("k2", "77")]
    assert "s1" not in repr(config)
    assert "s2" not in str(config)


@pytest.mark.parametrize(("argv", "field"), [
    (["--speed", "fast"], "--speed"), (["--speed", "0"], "--speed"), (["--speed", "nan"], "--speed"),
    (["--port", "70000"], "--port"), (["--fund", "USDT"], "--fund"), (["--fund", "USDT=NaN"], "--fund"),
    (["--fund", "USDT=-1"], "--fund"), (["--api-key", "k"], "--api-key"), (["--account", "k"], "--account"),
    (["--account", "k:hush:me"], "--account"), (["--account", "k:s", "--account", "k:t"], "--account"),
    (["--backfill", "-1"], "--backfill"), (["--ack-delay", "nan"], "--ack-delay"),
])  # fmt: skip
def test_bad_options(argv: list[str], field: str) -> None:
    with pytest.raises(Problem) as caught:
        parse(*argv)
    assert (caught.value.code, caught.value.field) == (ErrorCode.INVALID_SETTING, field)
    assert "hush" not in str(caught.value)


def test_an_account_is_drawn_once_and_kept(tmp_path: Path) -> None:
    config = SandboxConfig(state=str(tmp_path / "new"))
    first, second = with_accounts(config).accounts, with_accounts(config).accounts
    assert first == second
    file = tmp_path / "new" / "account.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("{")
    with pytest.raises(Problem, match=r"account\.json"):
        with_accounts(config)
    assert with_accounts(SandboxConfig()).accounts != with_accounts(SandboxConfig()).accounts
