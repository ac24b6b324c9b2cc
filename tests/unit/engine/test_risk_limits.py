"""Limits: read from text, contradicting each other, changed by a person while trading, narrowed by scopes."""

from typing import Any

import pytest
from msgspec.structs import fields, replace

from tests.unit.engine.harness import BTC, ETH, SECOND, Bench, config, encoded, ready
from tests.unit.engine.risk_bench import BUY, PLAIN, SELL, D, failed, fill, limits, place
from tradectl.engine.config import RiskLimits, ScopeLimits, StrategyConfig
from tradectl.engine.limit_book import LimitBook
from tradectl.engine.limit_contradictions import contradictions, require_consistent
from tradectl.engine.limit_rules import NAMES, limit_text, parse_change, unit_of
from tradectl.engine.risk_limits import SCOPES, ZERO_IS_OFF
from tradectl.engine.risk_report import limits_in_force
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import Alert, LimitsChanged, RequestAnswered
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import LimitsSet

ONE = StrategyConfig(name="one", class_="idle")


# --- from text


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("order_share", "0.02", D("0.02")), ("order_share", "2%", D("0.02")), ("order_share", "10", D(10)),
        ("net_share", "off", D(0)), ("repeat_orders", "off", 0), ("open_orders", "500", 500),
        ("require_stop", "yes", True), ("refuse_locked", "FALSE", False), ("deny", "BTC*, spot:*", ("BTC*", "spot:*")),
        ("order_value", "1000.5", D("1000.5")), ("leverage", "1", D(1)),
    ],
)  # fmt: skip
def test_a_limit_is_read(name: str, text: str, value: object) -> None:
    assert parse_change(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("order_share", "-0.01", "from 0 to 10"), ("order_share", "10.01", "from 0 to 10"),
        ("order_share", "NaN", "decimal number"), ("order_share", "", "decimal number"),
        ("order_share", "much", "decimal number"), ("order_share", "off", "cannot be switched off"),
        ("open_orders", "0", "from 1 to 500"), ("open_orders", "501", "from 1 to 500"),
        ("open_orders", "1.5", "whole number"), ("open_orders", "5%", "whole number"),
        ("leverage", "0.5", "from 1 to 100"), ("leverage", "5%", "decimal number"),
        ("order_value", "-1", "at least 0"), ("order_value", "Infinity", "decimal number"),
        ("require_stop", "1.0", "true or false"), ("ordershare", "1", "no limit has this name"),
        ("cooldown_minutes", "0", "from 1"), ("liquidation_share", "1.1", "from 0 to 1"),
    ],
)  # fmt: skip
def test_a_limit_that_is_wrong_is_refused_with_its_rule(name: str, text: str, rule: str) -> None:
    with pytest.raises(Problem) as found:
        parse_change(name, text)
    problem = found.value
    assert problem.code is ErrorCode.INVALID_SETTING
    assert (problem.field, rule in problem.reason, bool(problem.remedy)) == (name, True, True)
    assert repr(text) in problem.message


@pytest.mark.parametrize("scope", ["strategy", "strategy:", "account:x", ":x", "Symbol:BTCUSDT"])
def test_a_scope_that_is_none(scope: str) -> None:
    with pytest.raises(Problem, match="scope"):
        parse_change("order_share", "0.01", scope)


def test_every_limit_of_a_kind_of_scope_exists_and_nothing_else_is_taken() -> None:
    known = {f.name for f in fields(ScopeLimits)}
    assert set().union(*SCOPES.values()) == known
    assert known <= set(NAMES)
    for kind, names in SCOPES.items():
        for name in set(NAMES) - names:
            with pytest.raises(Problem, match=f"a {kind} has no limit"):
                parse_change(name, "1", f"{kind}:x")


def test_every_limit_has_a_unit_and_is_read_as_it_is_written() -> None:
    for f in fields(RiskLimits):
        assert unit_of(f.name) or isinstance(f.default, bool | tuple), f.name
        assert parse_change(f.name, limit_text(f.default)) == f.default
    assert all(getattr(RiskLimits(), name) is not None for name in ZERO_IS_OFF)


# --- contradictions


def test_the_limits_out_of_the_box_agree() -> None:
    assert contradictions(RiskLimits()) == []
    require_consistent(RiskLimits(), {}, {})


@pytest.mark.parametrize(
    ("changed", "two"),
    [
        ({"order_share": D("0.11")}, ("order_share 0.11", "position_share 0.1")),
        ({"position_share": D("1.1")}, ("position_share 1.1", "gross_share 1")),
        ({"net_share": D("1.1")}, ("net_share 1.1", "gross_share 1")),
        ({"order_value": D(2), "position_value": D(1)}, ("order_value 2", "position_value 1")),
        ({"position_value": D(2), "gross_value": D(1)}, ("position_value 2", "gross_value 1")),
        ({"day_realised_share": D("0.04")}, ("day_realised_share 0.04", "day_loss_share 0.03")),
        ({"day_loss_share": D("0.2")}, ("day_loss_share 0.2", "drawdown_share 0.1")),
        ({"orders_per_second": 301}, ("orders_per_second 301", "orders_per_minute 300")),
        ({"amends_per_second": 601}, ("amends_per_second 601", "amends_per_minute 600")),
        ({"collar_share": D("0.06")}, ("collar_share 0.06", "limit_band_share 0.05")),
    ],
)  # fmt: skip
def test_two_limits_that_cannot_both_be_meant(changed: dict[str, Any], two: tuple[str, str]) -> None:
    found = contradictions(replace(RiskLimits(), **changed))
    assert len(found) == 1
    assert all(each in found[0] for each in two)
    with pytest.raises(Problem) as problem:
        require_consistent(replace(RiskLimits(), **changed), {}, {})
    assert found[0] in str(problem.value)


def test_what_is_off_contradicts_nothing() -> None:
    assert contradictions(replace(RiskLimits(), order_value=D(5), position_value=D(0), gross_value=D(0))) == []


@pytest.mark.parametrize(
    ("scope", "own", "words"),
    [
        ("strategy:one", ScopeLimits(position_share=D("0.2")), "is above the account's position_share 0.1"),
        ("strategy:one", ScopeLimits(open_orders=51), "is above the account's open_orders 50"),
        ("strategy:one", ScopeLimits(order_share=D("0.02"), position_share=D("0.01")), "is above position_share 0.01"),
        ("symbol:BTCUSDT", ScopeLimits(leverage=D(2)), "is above the account's leverage 1"),
        ("symbol:BTCUSDT", ScopeLimits(drawdown_share=D("0.01")), "drawdown_share is no limit of a symbol"),
        ("group:majors", ScopeLimits(gross_share=D("0.5")), "group:majors has no members"),
        ("nobody", ScopeLimits(), "a scope is empty"),
        ("", ScopeLimits(), "is the account"),
    ],
)  # fmt: skip
def test_a_scope_may_only_narrow(scope: str, own: ScopeLimits, words: str) -> None:
    found = contradictions(RiskLimits(), {scope: own}, {})
    assert any(words in text for text in found), found


def test_a_scope_may_set_what_the_account_leaves_off() -> None:
    scoped = {
        "strategy:one": ScopeLimits(order_value=D(100), net_share=D("0.1")),
        "group:g": ScopeLimits(gross_share=D(1)),
    }
    assert contradictions(RiskLimits(), scoped, {"g": ("BTCUSDT",)}) == []


# --- changed while trading


def bench_of(scoped: dict[str, ScopeLimits] | None = None, **changed: Any) -> Bench:
    return ready(config(risk=limits(**changed), scoped=scoped or {}), money=PLAIN)


def set_limits(bench: Bench, changes: dict[str, str], scope: str = "") -> tuple[RequestAnswered, list[Any]]:
    out = bench.feed(LimitsSet(bench.now, "me", changes, scope, "a test"))
    return next(c for c in out if isinstance(c, RequestAnswered)), list(out)


def test_a_change_holds_from_the_next_order_on() -> None:
    bench = bench_of()
    assert failed(place(bench, "10", "100")) == ""
    answer, out = set_limits(bench, {"order_value": "999"})
    assert (answer.ok, answer.text) == (True, "limits set: order_value = 999")
    changed = next(c for c in out if isinstance(c, LimitsChanged))
    assert (changed.who, changed.scope, changed.reason) == ("me", "", "a test")
    assert dict(changed.limits)["order_value"] == "999"
    assert set(dict(changed.limits)) == set(NAMES)
    assert failed(place(bench, "10", "100")) == "order_value"
    assert not [c for c in out if isinstance(c, Alert)]


def test_raising_a_limit_tells_a_person() -> None:
    bench = bench_of(order_value=D(1000))
    for change, raised in (({"order_value": "1001"}, True), ({"order_value": "500"}, False),
                           ({"order_value": "off"}, True), ({"require_stop": "true"}, False),
                           ({"require_stop": "false"}, True),
                           ({"liquidation_share": "0.1"}, False), ({"liquidation_share": "0.05"}, True),
                           ({"deny": "X*"}, True), ({"open_orders": "10"}, False)):  # fmt: skip
        _, out = set_limits(bench, change)
        assert [a.code for a in out if isinstance(a, Alert)] == (["limits_raised"] if raised else []), change


@pytest.mark.parametrize(
    ("changes", "scope", "words"),
    [
        ({"order_value": "x"}, "", "order_value"), ({}, "", "no limit was named"), ({"nope": "1"}, "", "no limit has"),
        ({"order_value": "1", "open_orders": "0"}, "", "open_orders"), ({"order_value": "1"}, "else", "scope"),
        ({"order_value": "10", "position_value": "5"}, "", "contradict"),
        ({"position_share": "10"}, "strategy:one", "may only narrow"),
        ({"gross_value": "1"}, "group:none", "no members"),
    ],
)  # fmt: skip
def test_a_change_that_is_wrong_changes_nothing(changes: dict[str, str], scope: str, words: str) -> None:
    bench = bench_of(position_share=D(5), gross_share=D(6), order_share=D(1))
    before = bench.engine.world.limits.texts()
    answer, out = set_limits(bench, changes, scope)
    assert (answer.ok, answer.code) == (False, "INVALID_SETTING")
    assert words in answer.text
    assert bench.engine.world.limits.texts() == before
    assert bench.engine.world.limits.state.changes == {}
    assert not [c for c in out if isinstance(c, LimitsChanged)]


def test_an_old_contradiction_does_not_forbid_another_change() -> None:
    bench = bench_of(order_share=D(2), position_share=D(1))
    answer, _ = set_limits(bench, {"open_orders": "5"})
    assert answer.ok


def test_changes_of_a_scope() -> None:
    bench = bench_of()
    answer, out = set_limits(bench, {"order_value": "500"}, "symbol:BTCUSDT")
    assert answer.text == "limits of symbol:BTCUSDT set: order_value = 500"
    assert next(c for c in out if isinstance(c, LimitsChanged)).limits == (("order_value", "500"),)
    assert failed(place(bench, "5.001", "100")) == "order_value"
    assert failed(place(bench, "50", "100", instrument=ETH)) == ""


def test_changes_survive_checkpoint_and_replay() -> None:
    bench = bench_of({"symbol:BTCUSDT": ScopeLimits(order_value=D(500))})
    data, at = bench.engine.checkpoint(), len(bench.events)
    set_limits(bench, {"order_value": "700", "deny": "ETH*"})
    set_limits(bench, {"order_value": "600"}, "symbol:BTCUSDT")
    engine, again = bench.reborn(data, bench.events[at:])
    assert [encoded(out) for out in again] == [encoded(out) for out in bench.answers[at:]]
    assert engine.checkpoint() == bench.engine.checkpoint()
    restored = TradingEngine(bench.config, {})
    restored.restore(bench.engine.checkpoint())
    assert restored.world.limits.texts() == bench.engine.world.limits.texts()
    assert restored.world.limits.of("", "BTCUSDT").single.order_value == D(600)
    bench.engine = restored
    assert failed(place(bench, "6.001", "100")) == "order_value"
    assert failed(place(bench, "1", "100", instrument=ETH)) == "restricted_symbol"


def test_the_tightest_of_all_scopes_holds_for_a_single_order() -> None:
    book = LimitBook(
        RiskLimits(),
        {
            "strategy:one": ScopeLimits(order_share=D("0.015")), "symbol:BTCUSDT": ScopeLimits(order_share=D("0.01")),
            "group:g": ScopeLimits(order_share=D("0.018"), require_stop=True),
        },
        {"g": ("BTC*",)},
    )  # fmt: skip
    assert book.of("one", "BTCUSDT").single.order_share == D("0.01")
    assert book.of("one", "ETHUSDT").single.order_share == D("0.015")
    assert book.of("two", "BTCUSDT").single.order_share == D("0.01")
    assert book.of("two", "ETHUSDT").single == RiskLimits()
    assert book.of("two", "BTCUSDT").single.require_stop
    assert book.group_of("BTCUSDT") == ("g",)


def test_a_scope_never_widens_even_when_nobody_asked() -> None:
    book = LimitBook(RiskLimits(), {"symbol:BTCUSDT": ScopeLimits(order_share=D(5), leverage=D(50))}, {})
    single = book.of("one", "BTCUSDT").single
    assert (single.order_share, single.leverage) == (D("0.02"), D(1))


# --- what is in force, and how much of it is used


def used(bench: Bench, scope: str = "") -> dict[str, Any]:
    return {u.name: (u.used, u.headroom) for u in limits_in_force(bench.engine.world, scope)}


def test_every_limit_is_shown_with_what_is_used() -> None:
    eth = ScopeLimits(open_orders=3, position_value=D(5000))
    scoped = {"symbol:ETHUSDT": eth, "group:g": ScopeLimits(gross_share=D(1))}
    cfg = config(risk=limits(position_value=D(4000), gross_share=D(1), net_share=D("0.5")), scoped=scoped,
                 groups={"g": ("ETH*",)})  # fmt: skip
    bench = ready(cfg, money=PLAIN)
    fill(bench, BUY, "20")
    place(bench, "10", "100")
    place(bench, "5", "100", SELL, instrument=ETH)
    account = limits_in_force(bench.engine.world)
    assert [u.name for u in account] == list(NAMES)
    assert all(u.unit or u.limit in ("true", "false", "*", "") for u in account)
    shown = used(bench)
    assert shown["position_value"] == (D(3000), D(1000))
    assert shown["gross_share"] == (D("0.035"), D("0.965"))
    assert shown["net_share"] == (D("0.03"), D("0.47"))
    assert shown["open_orders"] == (D(2), D(498))
    assert shown["orders_per_minute"] == (D(3), D(59997))
    assert shown["order_share"] == (None, None)
    assert used(bench, "symbol:ETHUSDT") == {"position_value": (D(500), D(4500)), "open_orders": (D(1), D(2))}
    assert used(bench, "group:g") == {"gross_share": (D("0.005"), D("0.995"))}
    assert used(bench, "strategy:nobody") == {}
    with pytest.raises(Problem, match="scope"):
        limits_in_force(bench.engine.world, "somewhere")


def test_losses_are_shown_against_their_limits() -> None:
    bench = ready(config(ONE, risk=limits(day_loss_share=D("0.03"))), {"idle": Strategy}, money=PLAIN)
    bench.wait(5 * SECOND)
    fill(bench, BUY, "100")
    bench.quote(BTC, 90.0)
    assert used(bench)["day_loss_share"] == (D("0.01"), D("0.02"))
    assert used(bench)["drawdown_share"] == (D("0.01"), D("9.99"))
