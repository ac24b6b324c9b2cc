"""An account's past over REST against a scripted venue: windows, cursors, faults, and keys that can do too much."""

import itertools
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.exchange.conftest import KEY
from tradectl.exchange.bybit.account_past import AccountPastReader, Step, _windows
from tradectl.exchange.bybit.clock import VenueClock
from tradectl.exchange.bybit.config import BybitConfig, Environment
from tradectl.exchange.bybit.key_powers import key_problem, read_powers, refusal
from tradectl.exchange.bybit.minutes import MINUTE, PAGE, read_minutes, stretches
from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.signing import Signer
from tradectl.exchange.bybit.wiring import make_rest
from tradectl.exchange.retry_handler import ReadFailed
from tradectl.model.instruments import Category, InstrumentId

MS, DAY, WEEK_MS = 1_000_000, 86_400 * 10**9, 7 * 86_400_000
SINCE = 1_767_225_600 * 10**9
UNTIL = SINCE + 90 * DAY
BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
EMPTY = {"list": [], "nextPageCursor": ""}


def execution(number: int, ms: int) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT", "orderId": f"o{number}", "side": "Buy" if number % 2 else "Sell", "execFee": "0.1",
        "feeCurrency": "USDT", "execId": f"e{number}", "execPrice": "100.5", "execQty": "2", "execValue": "201",
        "execType": "Trade", "execTime": str(ms), "isMaker": False, "feeRate": "0.00055", "markPrice": "100.4",
        "closedSize": "0", "orderType": "Market",
    }  # fmt: skip


def movement(number: int, ms: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"r{number}", "symbol": "BTCUSDT", "category": "linear", "transactionTime": str(ms), "type": "TRADE",
        "currency": "USDT", "funding": "", "fee": "0.1", "cashFlow": "0", "change": "-0.1",
        "cashBalance": str(1000 - number), "tradeId": f"e{number}",
    } | changes  # fmt: skip


class Listed:
    """Rows by their time, served newest first in pages with cursors, as Bybit does. A window may not exceed a week."""

    def __init__(self, rows: list[tuple[int, dict[str, Any]]], full_last_page: bool = False) -> None:
        self.rows = sorted(rows, key=lambda it: -it[0])
        self.full_last_page = full_last_page
        self.spans: list[tuple[int, int]] = []

    def __call__(self, p: dict[str, str]) -> Any:
        start, end, limit = int(p["startTime"]), int(p["endTime"]), int(p["limit"])
        if end - start > WEEK_MS or end < start:
            return 10001, {}
        if not p.get("cursor"):
            self.spans.append((start, end))
        found = [row for ms, row in self.rows if start <= ms <= end]
        first = int(p["cursor"].removeprefix("page%3D").removeprefix("page=") if p.get("cursor") else 0)
        more = len(found) > first + limit or (self.full_last_page and len(found) == first + limit)
        return {"list": found[first : first + limit], "nextPageCursor": f"page%3D{first + limit}" if more else ""}


@pytest.fixture
async def rest(rig: Any) -> AsyncIterator[Rest]:
    config = BybitConfig(environment=Environment.MAINNET, rest_base=rig._rest, read_attempts=3)
    made, orders = make_rest(config, Signer(KEY), VenueClock(time.time_ns), random.random)
    rig.venue.routes |= {
        "/v5/account/transaction-log": lambda p: EMPTY, "/v5/execution/list": lambda p: EMPTY,
        "/v5/order/history": lambda p: EMPTY, "/v5/order/realtime": lambda p: EMPTY,
        "/v5/position/list": lambda p: EMPTY,
        "/v5/account/wallet-balance": lambda p: {"list": [{"coin": [{"coin": "USDT", "walletBalance": "900"}]}]},
    }  # fmt: skip
    yield made
    await made.close()
    await orders.close()


@given(st.integers(0, 10**15), st.integers(0, 3 * WEEK_MS))
def test_windows_hold_every_millisecond_once_and_no_more_than_a_week(first: int, length: int) -> None:
    found = _windows(first * MS, (first + length) * MS)
    assert (found[0][0], found[-1][1]) == (first, first + length)
    assert all(0 <= end - start < WEEK_MS for start, end in found)
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(found))


@pytest.mark.parametrize("full_last_page", [False, True])
async def test_ninety_days_come_whole_over_windows_and_pages(rig: Any, rest: Rest, full_last_page: bool) -> None:
    """100 executions stand in the first window: exactly one page; others on both sides of each seam."""
    seams = [SINCE // MS + n * WEEK_MS for n in range(1, 13)]
    times = [SINCE // MS + n for n in range(100)] + [ms + side for ms in seams for side in (-1, 0)] + [UNTIL // MS]
    served = Listed([(ms, execution(n, ms)) for n, ms in enumerate(times)], full_last_page)
    log = Listed([(ms, movement(n, ms)) for n, ms in enumerate(times)], full_last_page)
    rig.venue.routes |= {"/v5/execution/list": served, "/v5/account/transaction-log": log}
    steps: list[Step] = []
    past = await AccountPastReader(rest, steps.append).read("1", SINCE, UNTIL)
    assert [it.execution.ts // MS for it in past.executions] == sorted(times)
    assert [it.ts // MS for it in past.statement] == sorted(times)
    assert len({it.execution.exec_id for it in past.executions}) == len(times)
    assert len(served.spans) == 13
    assert str(past.executions[0].mark) == "100.4"
    assert past.balances[0].coin == "USDT"
    assert [it.done for it in steps] == list(range(39))
    assert {it.total for it in steps} == {13, 39}


async def test_rows_of_one_millisecond_keep_the_order_of_the_statement(rig: Any, rest: Rest) -> None:
    ms = SINCE // MS + 5
    rows = [(ms, movement(2, ms, cashBalance="8")), (ms, movement(1, ms, cashBalance="9"))]  # newest first
    rig.venue.routes["/v5/account/transaction-log"] = Listed(rows)
    past = await AccountPastReader(rest).read("1", SINCE, UNTIL)
    assert [it.id for it in past.statement] == ["r1", "r2"]


async def test_only_families_that_moved_money_are_asked_and_options_are_named(rig: Any, rest: Rest) -> None:
    ms = SINCE // MS
    rows = [(ms, movement(1, ms, category="spot")), (ms, movement(2, ms, category="option"))]
    rig.venue.routes["/v5/account/transaction-log"] = Listed(rows)
    past = await AccountPastReader(rest).read("1", SINCE, UNTIL)
    assert {p["category"] for p in rig.venue.called("/v5/execution/list")} == {"linear", "spot"}
    assert any("options" in note for note in past.notes)


async def test_a_rate_limit_is_waited_for(rig: Any, rest: Rest) -> None:
    calls: list[int] = []

    def busy(p: dict[str, str]) -> Any:
        calls.append(1)
        return (10006, {}) if len(calls) == 2 else EMPTY

    rig.venue.routes["/v5/execution/list"] = busy
    past = await AccountPastReader(rest).read("1", SINCE, SINCE + 20 * DAY)
    assert past.executions == ()
    assert len(calls) == 4  # three windows, one of them twice


async def test_a_rate_limit_that_never_ends_is_told(rig: Any, rest: Rest) -> None:
    rig.venue.routes["/v5/order/history"] = lambda p: (10006, {})
    with pytest.raises(ReadFailed) as failed:
        await AccountPastReader(rest).read("1", SINCE, SINCE + DAY)
    assert failed.value.code == 10006


async def test_a_row_that_makes_no_sense_is_an_error_and_not_a_figure(rig: Any, rest: Rest) -> None:
    ms = SINCE // MS
    rig.venue.routes["/v5/execution/list"] = Listed([(ms, execution(1, ms) | {"execQty": "-2"})])
    with pytest.raises(ReadFailed, match="makes no sense"):
        await AccountPastReader(rest).read("1", SINCE, UNTIL)


async def test_missing_fee_rates_cost_a_note(rig: Any, rest: Rest) -> None:
    ms = SINCE // MS
    rig.venue.routes |= {"/v5/execution/list": Listed([(ms, execution(1, ms))])}
    del rig.venue.routes["/v5/account/fee-rate"]  # as in demo
    past = await AccountPastReader(rest).read("1", SINCE, UNTIL)
    assert past.fees == ()
    assert any("fee rates are not known" in note for note in past.notes)


# --- the key ---------------------------------------------------------------------------------------------------------


async def test_a_key_that_can_only_read_is_welcome(rig: Any, rest: Rest) -> None:
    rig.venue.routes["/v5/user/query-api"] = lambda p: {
        "userID": 7, "readOnly": 1, "permissions": {"Wallet": ["Withdraw"]},
    }  # fmt: skip
    powers = await read_powers(rest)
    assert (powers.uid, powers.can, refusal(powers)) == ("7", (), None)


@pytest.mark.parametrize(
    ("permissions", "worst"),
    [
        ({"ContractTrade": ["Order"]}, "trade"),
        ({"Wallet": ["Withdraw"], "Spot": ["SpotTrade"]}, "withdraw"),
        ({}, "trade"),
    ],
)
async def test_a_key_that_can_do_more_is_refused_with_what_it_can(
    rig: Any, rest: Rest, permissions: dict[str, list[str]], worst: str
) -> None:
    rig.venue.routes["/v5/user/query-api"] = lambda p: {"userID": 7, "readOnly": 0, "permissions": permissions}
    problem = refusal(await read_powers(rest))
    assert problem is not None
    assert f"it can {worst}" in problem.message
    assert all(f"{group}/{name}" in problem.message for group, names in permissions.items() for name in names)


async def test_where_the_venue_does_not_tell_nothing_is_claimed(rig: Any, rest: Rest) -> None:
    del rig.venue.routes["/v5/user/query-api"]
    powers = await read_powers(rest)
    assert not powers.known


def test_a_refused_key_is_explained() -> None:
    problem = key_problem(ReadFailed(10003, "API key is invalid.", again=False))
    assert problem is not None
    assert "--mode" in problem.remedy
    assert key_problem(ReadFailed(10006, "busy", again=True)) is None


# --- candles around moments ------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 10_000), max_size=40), st.integers(1, 30))
def test_stretches_hold_each_minute_and_what_follows_it_in_whole_pages(minutes: list[int], after: int) -> None:
    found = stretches([minute * MINUTE + 7 for minute in minutes], after)
    held = {minute for first, last in found for minute in range(first, last + 1)}
    assert all(set(range(minute, minute + after + 1)) <= held for minute in minutes)
    assert all(last - first < PAGE for first, last in found)


async def test_candles_are_read_around_fills_and_only_closed_ones(rig: Any, rest: Rest) -> None:
    def kline(p: dict[str, str]) -> Any:
        if p["symbol"] != "BTCUSDT":
            return 10001, {}
        times = range(int(p["start"]), int(p["end"]) + 1, 60_000)
        return {"list": [[str(ms), "2", "3", "1", "2.5", "4", "10"] for ms in reversed(times)]}

    rig.venue.routes["/v5/market/kline"] = kline
    gone = InstrumentId(Category.LINEAR, "LUNAUSDT")
    until = SINCE + 7 * MINUTE + 1
    found, notes = await read_minutes(rest, {BTC: [SINCE + 5, SINCE + 3 * MINUTE], gone: [SINCE]}, 5, until)
    assert sorted(found[BTC]) == [SINCE + n * MINUTE for n in range(7)]
    assert found[gone] == {}
    assert "linear:LUNAUSDT has no minute candles" in notes[0]
    assert len(rig.venue.called("/v5/market/kline")) == 2
