"""Every verb against a fake daemon: what it asks, what it shows, as a table and as JSON, and its exit code."""

import io
import json
import sys
from decimal import Decimal
from typing import Any

import pytest

from tradectl.cli.app import COMMANDS
from tradectl.cli.app import run as full
from tradectl.cli.quick import answer
from tradectl.cli.words import split
from tradectl.model.errors import MEANINGS, ErrorCode, Problem

#: Command line -> (method asked, parameters, a word of the table, path of a number in the JSON and its digits).
SHOWN: dict[str, tuple[str, dict[str, Any], str]] = {
    "status": ("status", {}, "RUNNING"),
    "orders": ("orders.list", {}, "tRUN-001-0000000001"),
    "orders list": ("orders.list", {}, "50000.5"),
    "order": ("orders.list", {}, "BTCUSDT"),
    "orders --symbol btcusdt": ("orders.list", {"symbol": "BTCUSDT"}, "BTCUSDT"),
    "orders list --strategy=ema --category linear --all --limit 5": (
        "orders.list",
        {"strategy": "ema", "category": "linear", "open_only": False, "limit": 5},
        "ema",
    ),
    "orders list --history": ("orders.history", {"limit": 100}, "ema"),
    "orders show venue-1": ("orders.show", {"id": "venue-1"}, "exec-1"),
    "orders place buy btcusdt 0.1 --limit 50000": (
        "orders.place",
        {"side": "Buy", "symbol": "BTCUSDT", "size": "0.1", "price": "50000"},
        "notional 5000",
    ),
    "orders place sell BTCUSDT 5% --post-only --limit 1.50 --reduce-only --sl 60000 --tp 40000 --dry-run": (
        "orders.place",
        {
            "side": "Sell",
            "symbol": "BTCUSDT",
            "size": "5%",
            "price": "1.5",
            "time_in_force": "PostOnly",
            "reduce_only": True,
            "stop_loss": "60000",
            "take_profit": "40000",
            "dry_run": True,
        },
        "notional 5000",
    ),
    "--verbose orders place buy BTCUSDT 0.1": ("orders.place", {"size": "0.1"}, "order size"),
    "orders place buy btcusdt 0.1 --stop 60000 --trigger-by mark --close-on-trigger": (
        "orders.place",
        {"stop": "60000", "trigger_by": "mark", "close_on_trigger": True},
        "notional 5000",
    ),
    "orders place buy BTCUSDT 1 --algorithm twap --set minutes=30 --set slices=6": (
        "orders.place",
        {"algorithm": "twap", "parameters": {"minutes": "30", "slices": "6"}},
        "notional 5000",
    ),
    "orders place buy BTCUSDT 500USDT --category spot --ioc --strategy s --reason why": (
        "orders.place",
        {
            "side": "Buy",
            "symbol": "BTCUSDT",
            "size": "500USDT",
            "category": "spot",
            "time_in_force": "IOC",
            "strategy": "s",
            "reason": "why",
        },
        "sent",
    ),
    "orders amend x --qty 1 --limit 2": ("orders.amend", {"id": "x", "qty": "1", "price": "2"}, "amended"),
    "orders amend x --stop 3 --sl 0 --tp 4.50": (
        "orders.amend",
        {"id": "x", "stop": "3", "stop_loss": "0", "take_profit": "4.5", "qty": None},
        "amended",
    ),
    "orders list --limit 3": ("orders.list", {"limit": 3}, "slice 2 of 4"),
    "orders show a4": ("algorithms.show", {"id": "a4"}, "slices=4"),
    "orders cancel a4": ("orders.cancel", {"id": "a4"}, "cancelled"),
    "orders cancel x": ("orders.cancel", {"id": "x"}, "cancelled"),
    "orders cancel --all --symbol btcusdt": ("orders.cancel", {"every": True, "symbol": "BTCUSDT"}, "cancelled"),
    "positions": ("positions.list", {}, "-0.25"),
    "positions --books": ("positions.list", {"books": True}, "-0.25"),
    "positions show BTCUSDT": ("positions.show", {"symbol": "BTCUSDT"}, "-0.25"),
    "positions close BTCUSDT --strategy ema": (
        "positions.close",
        {"symbol": "BTCUSDT", "strategy": "ema"},
        "closing",
    ),
    "positions adopt BTCUSDT --strategy ema": (
        "positions.adopt",
        {"symbol": "BTCUSDT", "strategy": "ema"},
        "adopted",
    ),
    "positions set btcusdt --sl 0 --trailing 150.50 --active 60000 --leg long": (
        "positions.set",
        {"symbol": "BTCUSDT", "stop_loss": "0", "trailing": "150.5", "active_price": "60000", "leg": "long"},
        "are being set",
    ),
    "portfolio": ("portfolio.show", {}, "100012.5"),
    "portfolio metrics --strategy ema --since 2026-01-01": (
        "portfolio.metrics",
        {"strategy": "ema", "since": 1767225600000000000},
        "total return                   5.12 %",
    ),
    "portfolio pnl --by day --symbol btcusdt": ("portfolio.pnl", {"by": "day", "symbol": "BTCUSDT"}, "2025-06-15"),
    "portfolio allocation": ("portfolio.allocation", {}, "12.34 %"),
    "portfolio rebalance": ("portfolio.rebalance", {}, "nothing to change"),
    "risk": ("risk.show", {}, "83 %"),
    "risk show --scope strategy:ema": ("risk.show", {"scope": "strategy:ema"}, "changed by a person"),
    "risk limits": ("risk.limits", {}, "largest order"),
    "risk set order_share=1% deny=X*,Y* --scope strategy:ema --reason calmer": (
        "risk.set",
        {"changes": {"order_share": "1%", "deny": "X*,Y*"}, "scope": "strategy:ema", "reason": "calmer"},
        "limits set",
    ),
    "risk reset day_loss --strategy ema": ("risk.reset", {"code": "day_loss", "strategy": "ema"}, "lifted day_loss"),
    "risk test buy btcusdt 0.5 --limit 60000 --sl 59000 --reduce-only": (
        "risk.test",
        {"side": "Buy", "symbol": "BTCUSDT", "price": "60000", "stop_loss": "59000", "reduce_only": True},
        "would be accepted",
    ),
    "why link-1": ("why", {"id": "link-1"}, "ema wanted to buy"),
    "why-not btcusdt --since 2026-01-01": (
        "why.quiet",
        {"symbol": "BTCUSDT", "since": 1767225600000000000},
        "1 x order_size",
    ),
    "trades": ("trades.list", {}, "exec-1"),
    "trades --limit 7 --cursor abc": ("trades.list", {"limit": 7, "cursor": "abc"}, "more: --cursor next"),
    "trades list --since 2026-01-01": ("trades.list", {"since": 1767225600000000000}, "exec-1"),
    "trades show exec-1": ("trades.show", {"id": "exec-1"}, "tRUN-001-0000000001"),
    "strategies": ("strategies.list", {}, "EmaCross"),
    "strategies show ema": ("strategies.show", {"name": "ema"}, "fast"),
    "strategies enable ema": ("strategies.enable", {"name": "ema"}, "enabled"),
    "strategies disable ema --flatten --yes": ("strategies.disable", {"name": "ema", "flatten": True}, "disabled"),
    "strategies set ema fast=12 slow=40": (
        "strategies.set",
        {"name": "ema", "parameters": {"fast": "12", "slow": "40"}},
        "new parameters",
    ),
    "universe": ("universe.show", {}, "liquid (linear): 2 members"),
    "universe show liquid": ("universe.show", {"name": "liquid"}, "used by ema"),
    "universe check xusdt": ("universe.show", {}, "turnover 1 below 2"),
    "strategies reload": ("strategies.reload", {}, "nothing changed"),
    "instruments --search btc": ("instruments.list", {"search": "BTC", "limit": 100}, "0.00055"),
    "instruments show BTCUSDT": ("instruments.show", {"symbol": "BTCUSDT"}, "0.001"),
    "market ticker BTCUSDT": ("market.ticker", {"symbol": "BTCUSDT"}, "49999.9"),
    "market book BTCUSDT --depth 5": ("market.book", {"symbol": "BTCUSDT", "depth": 5}, "0.3"),
    "market candles BTCUSDT --interval 5m --limit 1": (
        "market.candles",
        {"symbol": "BTCUSDT", "interval": "5m", "limit": 1},
        "0.5",
    ),
    "market funding BTCUSDT": ("market.funding", {"symbol": "BTCUSDT"}, "0.0001"),
    "halt": ("halt", {}, "HALTED"),
    "halt --reduce --strategy ema --symbol btcusdt --reason lunch": (
        "halt",
        {"reduce": True, "strategy": "ema", "symbol": "BTCUSDT", "reason": "lunch"},
        "HALTED: halted; 1 order cancelled",
    ),
    "halt --flatten --yes": ("halt", {"flatten": True}, "HALTED"),
    "resume": ("resume", {}, "RUNNING"),
    "reconcile": ("reconcile", {}, "reconciliation"),
}


@pytest.mark.parametrize("line", sorted(SHOWN))
def test_table(fake: Any, run: Any, line: str) -> None:
    method, params, word = SHOWN[line]
    ran = run(*line.split())
    assert (ran.code, ran.err) == (0, "")
    sent_method, sent = fake.calls[-1]
    assert sent_method == method
    for name, value in params.items():
        assert sent[name] == value, name
    assert word in ran.out
    assert ran.out.startswith("sandbox · default\n")


@pytest.mark.parametrize("line", sorted(SHOWN))
def test_json_has_every_digit_and_says_whose_it_is(fake: Any, run: Any, line: str) -> None:
    ran = run("--json", *line.split())
    assert ran.code == 0
    data = json.loads(ran.out, parse_float=Decimal)
    assert (data["mode"], data["profile"]) == ("sandbox", "default")
    assert not _floats(data)


def _floats(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_floats(item) for item in value.values())
    if isinstance(value, list):
        return any(_floats(item) for item in value)
    return isinstance(value, float)


def test_json_keeps_digits_a_float_would_lose(fake: Any, run: Any) -> None:
    trade = json.loads(run("trades", "--json").out, parse_float=Decimal)["trades"][0]
    assert trade["fee"] == Decimal("6.8750000000000001")
    assert trade["at"] == "2025-06-15T15:06:40.123Z"
    position = json.loads(run("positions", "--json").out, parse_float=Decimal)["positions"][0]
    assert position["entry_price"] == Decimal("50000.123456789012")
    assert position["leverage"] is None
    assert position["size"] == Decimal("-0.25")


QUICK = ["status", "orders", "orders --all", "positions --books", "portfolio", "trades --limit 3", "order list"]


@pytest.mark.parametrize("flags", [[], ["--json"], ["--quiet"], ["--tz", "Europe/Warsaw"]])
@pytest.mark.parametrize("line", QUICK)
def test_quick_path_and_full_parser_print_the_same(
    fake: Any, capsys: pytest.CaptureFixture[str], line: str, flags: list[str]
) -> None:
    options, rest = split([*flags, *line.split()])
    assert answer(options, rest) == 0
    quick = capsys.readouterr()
    assert full(options, rest) == 0
    assert capsys.readouterr() == quick
    assert fake.calls[-1][0] == fake.calls[-2][0]


@pytest.mark.parametrize(
    "line", ["orders --help", "orders list --nonsense", "trades --limit x", "status --watch --help"]
)
def test_quick_path_leaves_the_unusual_to_the_full_parser(home: Any, line: str) -> None:
    options, rest = split(line.split())
    assert answer(options, rest) is None


@pytest.mark.parametrize("code", sorted(ErrorCode))
def test_problem_becomes_its_exit_code_and_names_field_and_remedy(fake: Any, run: Any, code: ErrorCode) -> None:
    fake.answers["orders.place"] = Problem(code, "it cannot be", field="qty", reason="rule", remedy="Do this.")
    ran = run("orders", "place", "buy", "BTCUSDT", "1")
    assert ran.code == MEANINGS[code].exit_code
    assert ran.out == ""
    assert ran.err == "error: qty: it cannot be\n  Do this.\n"


BAD_SIZES = ["", "nan", "NaN", "-1", "0", "0.0", "1e5", "1E-3", "inf", "--", "1,5", "abc", "0x10", "1" * 30, "101%",
             "-5%", "0USDT", "nanUSDT", "1.2.3", "٣"]  # fmt: skip


@pytest.mark.parametrize("size", BAD_SIZES)
def test_bad_size_is_refused_before_anything_is_asked(fake: Any, run: Any, size: str) -> None:
    ran = run("orders", "place", "buy", "BTCUSDT", size)
    assert ran.code == 2
    assert ran.err
    assert fake.calls == []
    if size != "--":
        assert ran.err.startswith("error: size ")


@pytest.mark.parametrize("price", ["", "nan", "-1", "0", "1e5", "x"])
@pytest.mark.parametrize("option", ["--limit", "--sl", "--tp", "--stop"])
def test_bad_price_names_its_option(fake: Any, run: Any, option: str, price: str) -> None:
    ran = run("orders", "place", "buy", "BTCUSDT", "1", option, price)
    assert ran.code == 2
    assert ran.err.startswith(f"error: {option} ")
    assert fake.calls == []


@pytest.mark.parametrize(
    "line",
    [
        "orders place hold BTCUSDT 1",
        "orders place buy BTCUSDT 1 --post-only",
        "orders place buy BTCUSDT 1 --ioc --fok",
        "orders amend x",
        "orders amend x --qty nan",
        "orders amend x --sl nan",
        "orders place buy BTCUSDT 1 --set slices=3",
        "orders place buy BTCUSDT 1 --algorithm twap --set slices",
        "orders place buy BTCUSDT 1 --close-on-trigger",
        "orders place buy BTCUSDT 1 --stop 3 --trigger-by moon",
        "positions set BTCUSDT",
        "positions set BTCUSDT --sl 1 --active 2",
        "positions set BTCUSDT --sl -1",
        "risk set",
        "risk set order_share",
        "risk test buy BTCUSDT nan",
        "portfolio pnl --by year",
        "why",
        "why-not BTCUSDT --since yesterday",
        "trades export --currency EUR",
        "trades export --rates none.csv",
        "orders cancel",
        "orders cancel x --all",
        "orders cancel x --symbol Y",
        "orders show",
        "orders list --since 2h",
        "trades list --since yesterday",
        "orders nonsense",
        "nonsense",
        "market candles BTCUSDT --interval 7m",
        "--profile",
        "--profile ../x status",
        "--tz Mars/Phobos orders",
        "sandbox nonsense",
        "sandbox deposit USDT",
        "strategies new Bad-Name",
        "strategies set ema fast",
        "strategies set ema",
        "halt --flatten",
        "stop --flatten --keep --yes",
    ],
)
def test_usage_errors_are_2_and_ask_nothing(fake: Any, run: Any, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    ran = run(*line.split())
    assert ran.code == 2
    assert ran.err
    assert fake.calls == []


def test_near_word_is_suggested(home: Any, run: Any) -> None:
    assert "did you mean orders" in run("ordres").err


@pytest.mark.parametrize("line", [line for line in SHOWN if line != "status"])
def test_daemon_not_running_is_69_with_what_to_do(home: Any, run: Any, line: str) -> None:
    ran = run(*line.split())
    assert ran.code == 69
    assert ran.out == ""
    assert "tradectl start" in ran.err


def test_every_command_has_help(home: Any, run: Any) -> None:
    assert run("--help").out == run().out
    for name, (_, _, text) in COMMANDS.items():
        assert text.partition(",")[0].partition(";")[0].split()[0] in run("--help").out
        ran = run(name, "--help")
        assert ran.code == 0
        assert "Usage: tradectl" in ran.out or "usage: tradectl" in ran.out


def test_a_refused_trial_order_ends_with_10(fake: Any, run: Any) -> None:
    import msgspec

    refused = msgspec.structs.replace(fake.answers["risk.test"], ok=False)
    fake.answers["risk.test"] = refused
    ran = run("risk", "test", "buy", "BTCUSDT", "5")
    assert ran.code == 10
    assert "would be refused; nothing was sent" in ran.out


def test_why_not_goes_without_the_store(fake: Any, run: Any) -> None:
    fake.answers["why.quiet"] = Problem(ErrorCode.NOT_READY, "the database does not answer")
    ran = run("why-not", "BTCUSDT")
    assert ran.code == 0
    assert "no signal: 12 bars of 1m" in ran.out
    assert "without history: the database does not answer" in ran.err


def test_export_writes_every_page_once(fake: Any, run: Any, tmp_path: Any) -> None:
    import msgspec

    pages = [fake.answers["trades.list"], msgspec.structs.replace(fake.answers["trades.list"], next_cursor="")]
    fake.answers["trades.list"] = lambda: pages.pop(0)
    ran = run("trades", "export", "--output", str(tmp_path / "out.csv"))
    assert (ran.code, ran.out) == (0, "")
    assert "1 trades written" in ran.err
    assert (tmp_path / "out.csv").read_text().count("exec-1") == 1
    assert [call[1]["cursor"] for call in fake.calls] == ["", "next"]


def test_version(home: Any, run: Any) -> None:
    from tradectl import __version__

    assert run("--version").out == f"tradectl {__version__}\n"


def test_live_is_red_where_colours_are_shown(fake: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import msgspec

    fake.answers["status"] = msgspec.structs.replace(fake.answers["status"], mode="live")
    monkeypatch.setattr("tradectl.cli.text.Paint.of", classmethod(lambda cls, stream, no_color: cls(not no_color)))
    assert run("status").out.startswith("\x1b[1;97;41mlive · default")
    assert run("status", "--no-color").out.startswith("live · default\n")


# --- status


def test_status_shows_what_matters(fake: Any, run: Any) -> None:
    out = run("status").out
    for part in (
        "up 1 h 2 min", "run00001", "100012.5 USDT", "today -3", "1 open orders, 1 positions, 3 trades",
        "trade DOWN (cut)", "clock +2 ms", "4 not yet on disk, 3.2 MB", "api down (2 restarts)", "EmaCross",
        "order", "the clock is off -> Look at NTP.",
    ):  # fmt: skip
        assert part in out


def test_status_of_a_stopped_daemon_is_3(home: Any, run: Any) -> None:
    ran = run("status")
    assert (ran.code, ran.out) == (3, "")
    assert json.loads(run("status", "--json").out)["life"] == "STOPPED"


def test_status_of_a_dead_daemon_is_1(home: Any, run: Any) -> None:
    import socket

    (home / "run").mkdir(parents=True)
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(home / "run" / "daemon.sock"))
    dead.close()
    assert run("status").code == 1
    assert json.loads(run("status", "--json").out)["life"] == "DEAD"


def test_status_that_cannot_be_told_is_4(fake: Any, run: Any) -> None:
    fake.answers["status"] = Problem(ErrorCode.INTERNAL, "broken")
    assert run("status").code == 4


def test_halted_daemon_runs(fake: Any, run: Any) -> None:
    import msgspec

    reason = fake.answers["halt"].reasons
    fake.answers["status"] = msgspec.structs.replace(fake.answers["status"], state="HALTED", reasons=reason)
    ran = run("status")
    assert ran.code == 0
    assert "needs: tradectl resume" in ran.out


def test_store_away_says_so(fake: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setattr("tradectl.cli.quick.STORE_PATIENCE", 0.1)
    os.unlink(fake.paths.store_socket)
    ran = run("trades")
    assert ran.code == 69
    assert "the store" in ran.err


# --- questions


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("yes\n", 0), ("n\n", 1), ("\n", 1)])
def test_flatten_asks(fake: Any, run: Any, monkeypatch: pytest.MonkeyPatch, typed: str, code: int) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    ran = run("halt", "--flatten")
    assert ran.code == code
    assert "[y/N]" in ran.err
    assert len(fake.calls) == (1 if code == 0 else 0)


def test_prices_keep_their_digits_however_small_the_coin() -> None:
    from tradectl.cli.text import price

    given = ("0.13127345", "0.00001234567", "91023.123456", "-0.5", "0", "5.1", None)
    assert [price(value) for value in given] == ["0.131273", "0.0000123457", "91023.1235", "-0.5", "0", "5.1", "-"]
