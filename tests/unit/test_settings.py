"""Settings: generated files equal the defaults, every source counts, every mistake is named and changes nothing."""

from decimal import Decimal
from pathlib import Path

import pytest

from tradectl.model.errors import ErrorCode, Problem
from tradectl.paths import Paths, config_directories, is_profile_name
from tradectl.settings import SANDBOX_STRATEGIES, SETTINGS, Settings, load_file, load_settings
from tradectl.settings.document import files
from tradectl.settings.write import with_setting, write_setting

CONFIG = Path(__file__).parents[2] / "config"
DEFAULTS = load_settings(env={"XDG_CONFIG_HOME": "/nonexistent"})


def differences(one: Settings, other: Settings) -> list[str]:
    return [key for key in SETTINGS if one.value(key) != other.value(key)]


@pytest.mark.parametrize("name", sorted(files()))
def test_file_is_generated_and_equals_the_defaults(name: str) -> None:
    assert (CONFIG / name).read_text() == files()[name], "run: python -m tradectl.settings.document config"
    assert differences(load_file(CONFIG / name), DEFAULTS) == []


def test_every_setting_is_in_one_toml_and_one_env_file() -> None:
    for setting in SETTINGS.values():
        mentions = [name for name, text in files().items() if f"\n{setting.variable}=" in text]
        assert len(mentions) == 1, setting.key
        assert setting.default == load_file(CONFIG / mentions[0]).value(setting.key)


def test_every_setting_is_described() -> None:
    assert [key for key, setting in SETTINGS.items() if not setting.description] == []


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "trading.toml").write_text("[risk]\norder_share = 0.01\nposition_share = 0.2\ngross_share = 0.5\n")
    (tmp_path / "trading.env").write_text("RISK_POSITION_SHARE=0.3\nexport TRADECTL_RISK_GROSS_SHARE='0.6'\n# no\n\n")
    env = {"TRADECTL_RISK_GROSS_SHARE": "0.7"}
    settings = load_settings(str(tmp_path), env, {"trading.mode": "testnet"})
    assert settings.risk.order_share == Decimal("0.01")
    assert settings.risk.position_share == Decimal("0.3")
    assert settings.risk.gross_share == Decimal("0.7")
    assert settings.trading.mode == "testnet"
    assert settings.origins["risk.gross_share"] == "environment variable TRADECTL_RISK_GROSS_SHARE"


def test_decimal_settings_never_pass_through_float(tmp_path: Path) -> None:
    (tmp_path / "trading.toml").write_text("[risk]\ngross_share = 0.1000000000000000000000000001\n")
    assert load_settings(str(tmp_path), {}).risk.gross_share == Decimal("0.1000000000000000000000000001")


def test_the_documented_variables() -> None:
    env = {"BYBIT_API_KEY": "k3y", "BYBIT_API_SECRET": "s3cret", "ENVIRONMENT": "Production", "LOG_LEVEL": "WARNING"}
    settings = load_settings(env=env | {"XDG_CONFIG_HOME": "/nonexistent"})
    assert (settings.app.environment, settings.app.log_level) == ("production", "warning")
    assert (settings.secrets.api_key, settings.secrets.api_secret) == ("k3y", "s3cret")
    assert "s3cret" not in repr(settings)
    assert settings.trading.mode == "sandbox", "ENVIRONMENT never selects the exchange"


def test_only_the_sandbox_trades_without_being_told_what() -> None:
    assert DEFAULTS.strategies == SANDBOX_STRATEGIES
    assert load_settings(env={}, overrides={"trading.mode": "live"}).strategies == ()


def test_strategies_are_read(tmp_path: Path) -> None:
    (tmp_path / "trading.toml").write_text(
        '[[strategies]]\nname = "a"\nclass = "ema_cross"\ncapital = 0.2\nparams = { fast = 5, size = 0.5, on = true }\n'
        '[[strategies]]\nname = "b"\nclass = "mine.Own"\nenabled = false\n'
    )
    first, second = load_settings(str(tmp_path), {}).strategies
    assert (first.name, first.class_, first.capital) == ("a", "ema_cross", Decimal("0.2"))
    assert first.params == {"fast": 5, "size": 0.5, "on": True}
    assert (second.class_, second.enabled) == ("mine.Own", False)


BAD_TOML = {
    "syntax": ("[risk]\norder_share = = 1\n", ["trading.toml, line 2, column 15", "Invalid value"]),
    "cut off": ('[trading]\nsettle_coin = "USD', ["line 2"]),
    "unknown section": ("[rsk]\na = 1\n", ["rsk", "did you mean risk"]),
    "unknown setting": ("[risk]\noder_share = 1\n", ["risk.oder_share", "did you mean risk.order_share"]),
    "unknown nested": ("[exchange.stale]\nboook = 1\n", ["exchange.stale.boook", "did you mean exchange.stale.book"]),
    "hidden": ('[exchange]\nenvironment = "mainnet"\n', ["there is no setting exchange.environment"]),
    "type": ('[risk]\norders_per_second = "many"\n', ["risk.orders_per_second = 'many'", "whole number"]),
    "fraction": ("[risk]\norders_per_second = 1.5\n", ["risk.orders_per_second = 1.5", "whole number"]),
    "bool for int": ("[risk]\nopen_orders = true\n", ["risk.open_orders", "whole number"]),
    "int for bool": ("[api]\nenabled = 1\n", ["api.enabled", "true or false"]),
    "range": ("[risk]\norder_share = 12\n", ["risk.order_share = 12", "from 0 to 10"]),
    "negative": ("[risk]\norder_share = -0.1\n", ["risk.order_share = -0.1", "from 0 to 10"]),
    "nan": ("[risk]\norder_share = nan\n", ["risk.order_share", "finite"]),
    "infinite float": ("[exchange]\nrest_timeout = inf\n", ["exchange.rest_timeout", "finite"]),
    "choice": ('[trading]\nmode = "lve"\n', ["trading.mode = 'lve'", "sandbox, paper, demo, testnet, live"]),
    "enum": ('[exchange]\nsite = "mars"\n', ["exchange.site", "bybit, bytick"]),
    "list": ('[sandbox]\nsymbols = "BTCUSDT"\n', ["sandbox.symbols", "must be a list"]),
    "list item": ("[sandbox]\nsymbols = [1]\n", ["sandbox.symbols", "must be text"]),
    "table": ("[sandbox]\nfund = 5\n", ["sandbox.fund", "must be a table"]),
    "section is a value": ("risk = 1\n", ["risk = 1", "write [risk]"]),
    "strategies is a table": ("[strategies]\nname = 'a'\n", ["write [[strategies]]"]),
    "strategy without a class": ("[[strategies]]\nname = 'a'\n", ["strategies[0].class", "is missing"]),
    "strategy without a name": ("[[strategies]]\nclass = 'a'\n", ["strategies[0].name", "is missing"]),
    "strategy twice": (
        "[[strategies]]\nname='a'\nclass='x'\n[[strategies]]\nname='a'\nclass='x'\n",
        ["strategies[1].name", "an earlier strategy"],
    ),
    "strategy's unknown key": ("[[strategies]]\nname='a'\nclass='x'\ncapitl=1\n", ["strategies[0].capitl", "capital"]),
    "strategy's capital": ("[[strategies]]\nname='a'\nclass='x'\ncapital=-1\n", ["strategies[0].capital"]),
    "strategy's parameter": ("[[strategies]]\nname='a'\nclass='x'\nparams={x=[1]}\n", ["strategies[0].params"]),
}


@pytest.mark.parametrize("case", sorted(BAD_TOML))
def test_bad_toml_is_named(tmp_path: Path, case: str) -> None:
    text, expected = BAD_TOML[case]
    (tmp_path / "trading.toml").write_text(text)
    with pytest.raises(Problem) as caught:
        load_settings(str(tmp_path), {})
    assert caught.value.code is ErrorCode.INVALID_SETTING
    assert caught.value.meaning.exit_code == 78
    assert str(tmp_path / "trading.toml") in caught.value.message
    assert caught.value.remedy
    for part in expected:
        assert part in str(caught.value)


def test_broken_syntax_has_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "app.toml").write_text('[app]\nlog_level = "info"\nenvironment 5\n')
    with pytest.raises(Problem) as caught:
        load_settings(str(tmp_path), {})
    assert caught.value.field == f"{tmp_path}/app.toml:3:13"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("RISK_ODER_SHARE=1", "did you mean TRADECTL_RISK_ORDER_SHARE"),
        ("nonsense", "NAME=value"),
        ("API_ENABLED=perhaps", "true or false"),
        ("RISK_OPEN_ORDERS=", "whole number"),
        ("RISK_ORDER_SHARE=NaN", "finite"),
    ],
)
def test_bad_env_file_is_named_with_its_line(tmp_path: Path, line: str, expected: str) -> None:
    (tmp_path / "app.env").write_text(f"# comment\n{line}\n")
    with pytest.raises(Problem) as caught:
        load_settings(str(tmp_path), {})
    assert f"{tmp_path}/app.env, line 2" in caught.value.message
    assert expected in caught.value.message


@pytest.mark.parametrize("name", ["TRADECTL_RISK_ODER_SHARE", "TRADECTL_RSK_ORDER_SHARE", "TRADECTL_API_XYZ"])
def test_a_slip_in_a_variable_is_refused(name: str) -> None:
    with pytest.raises(Problem, match="there is no setting"):
        load_settings(env={name: "1"})


def test_production_insists_on_the_mode_of_a_file_with_secrets(tmp_path: Path) -> None:
    secret = tmp_path / "app.env"
    secret.write_text("BYBIT_API_KEY=k\nBYBIT_API_SECRET=s\n")
    secret.chmod(0o644)
    assert load_settings(str(tmp_path), {}).secrets.api_key == "k"
    with pytest.raises(Problem, match="chmod 600"):
        load_settings(str(tmp_path), {"ENVIRONMENT": "production"})
    secret.chmod(0o600)
    assert load_settings(str(tmp_path), {"ENVIRONMENT": "production"}).secrets.api_secret == "s"


def test_foreign_variables_are_left_alone() -> None:
    assert differences(load_settings(env={"TRADECTL_STATE": "/x", "PATH": "/bin", "TRADECTL_FOO": "1"}), DEFAULTS) == []


def test_missing_directory_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="there is no directory"):
        load_settings(str(tmp_path / "none"), {})


def test_open_gateway_without_tls_is_refused() -> None:
    with pytest.raises(Problem, match=r"api\.host"):
        load_settings(env={"TRADECTL_API_HOST": "0.0.0.0"})


# --- config set

BEFORE = """\
# mine
[risk]
# how much
order_share = 0.02  # two
[sandbox]
symbols = [
  "A",
  "B",
]
seed = 1

[queue]
"""


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("risk.order_share", "0.01", BEFORE.replace("order_share = 0.02  # two", "order_share = 0.01")),
        ("sandbox.symbols", '["C"]', BEFORE.replace('[\n  "A",\n  "B",\n]', '["C"]')),
        ("sandbox.speed", "2.0", BEFORE.replace("seed = 1\n", "seed = 1\nspeed = 2.0\n")),
        ("risk.leverage", "2", BEFORE.replace("# two\n", "# two\nleverage = 2\n")),
        ("queue.reserve", "2", BEFORE + "reserve = 2\n"),
        ("trading.mode", '"demo"', BEFORE + '\n[trading]\nmode = "demo"\n'),
    ],
)
def test_a_setting_is_written_in_place(key: str, value: str, expected: str) -> None:
    assert with_setting(BEFORE, key, value) == expected


def test_written_setting_is_read_back_and_only_it_changed(tmp_path: Path) -> None:
    for name, text in files().items():
        (tmp_path / name).write_text(text)
    path = write_setting(tmp_path, "risk.order_share", "0.015")
    assert path == tmp_path / "trading.toml"
    after = load_settings(str(tmp_path), {})
    assert differences(after, DEFAULTS) == ["risk.order_share"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(files())


@pytest.mark.parametrize(("key", "text"), [("risk.order_share", "-1"), ("risk.nope", "1"), ("api.host", "0.0.0.0")])
def test_bad_value_is_not_written(tmp_path: Path, key: str, text: str) -> None:
    (tmp_path / "trading.toml").write_text("[risk]\n")
    with pytest.raises(Problem):
        write_setting(tmp_path, key, text)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("trading.toml", "[risk]\n")]


def test_broken_file_is_not_made_worse(tmp_path: Path) -> None:
    (tmp_path / "trading.toml").write_text("[risk\n")
    with pytest.raises(Problem, match="line 1"):
        write_setting(tmp_path, "risk.order_share", "0.01")
    assert (tmp_path / "trading.toml").read_text() == "[risk\n"


# --- paths


def test_paths_follow_the_environment() -> None:
    assert Paths.of("", {"XDG_STATE_HOME": "/x"}).daemon_socket == "/x/tradectl/default/run/daemon.sock"
    assert Paths.of("", {"TRADECTL_STATE": "/s"}).store_socket == "/s/run/store.sock"
    assert Paths.of("a", {"TRADECTL_STATE": "/s"}).state == "/s/a"
    assert Paths.of("", {"TRADECTL_STATE": "/s", "TRADECTL_PROFILE": "b"}).state == "/s/b"


def test_profile_names() -> None:
    assert is_profile_name("main-2_x")
    assert not any(is_profile_name(name) for name in ("", "../x", "a b", "x" * 33, "é"))


def test_config_directories() -> None:
    assert config_directories("/c", {"TRADECTL_CONFIG": "/d"}) == ("/c",)
    assert config_directories("", {"TRADECTL_CONFIG": "/d"}) == ("/d",)
    assert config_directories("", {"XDG_CONFIG_HOME": "/e"}) == ("/e/tradectl", "/etc/tradectl")


def written(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "trading.toml").write_text(text, encoding="utf-8")
    return load_settings(str(tmp_path), {})


def test_limits_of_scopes_groups_and_allocation(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        '[[groups]]\nname = "majors"\nsymbols = ["BTC*", "ETH*"]\n'
        '[[limits]]\nscope = "group:majors"\ngross_share = 0.5\n'
        '[[limits]]\nscope = "strategy:*"\nlosing_streak = 5\nday_loss_share = 0.01\n'
        '[allocation]\npolicy = "risk_parity"\nmax_share = 0.3\nshares = { a = 0.1 }\n',
    )
    assert found.groups == {"majors": ("BTC*", "ETH*")}
    assert found.limits["group:majors"].gross_share == Decimal("0.5")
    assert found.limits["strategy:*"].losing_streak == 5
    assert (found.allocation.policy, found.allocation.shares) == ("risk_parity", {"a": Decimal("0.1")})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[limits]]\nscope = "nobody"\n', "must be strategy:NAME"),
        ("[[limits]]\norder_share = 0.01\n", "must be strategy:NAME"),
        ('[[limits]]\nscope = "symbol:X"\nlosing_streak = 3\n', "is no limit of a symbol"),
        ('[[limits]]\nscope = "symbol:X"\norder_shar = 3\n', "did you mean limits[0].order_share"),
        ('[[limits]]\nscope = "symbol:X"\n[[limits]]\nscope = "symbol:X"\n', "has limits already"),
        ('[[limits]]\nscope = "strategy:a"\norder_share = 0.05\n', "a scope may only narrow"),
        ('[[limits]]\nscope = "group:majors"\ngross_share = 0.5\n', "has no members"),
        ('[[groups]]\nname = "majors"\n', "is missing"),
        ('[[groups]]\nname = "a"\nsymbols = ["X"]\n[[groups]]\nname = "a"\nsymbols = ["Y"]\n', "earlier group"),
        ("limits = 3\n", "must be tables: write [[limits]]"),
        ("[risk]\norder_share = 0.2\n", "order_share 0.2 is above position_share 0.1"),
        ('[allocation]\npolicy = "luck"\n', "allocation.policy"),
        ("[allocation]\nband = -1\n", "allocation.band"),
    ],
)
def test_limits_and_allocation_that_cannot_be_meant(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Problem) as caught:
        written(tmp_path, text)
    assert said in str(caught.value)
