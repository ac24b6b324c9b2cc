"""Orders and cancels: what is refused here, what reaches the daemon, and how its refusals arrive."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradectl.api.amounts import NumberText, positive_amount
from tradectl.api.order_request import parse_order
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category
from tradectl.model.orders import OrderStatus, Side, TimeInForce

SPECIFIED = b'{"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": 0.1, "price": 50000}'


def body(**changes: Any) -> bytes:
    return json.dumps({**json.loads(SPECIFIED), **changes}).encode()


async def test_the_specified_order_is_placed(rig: Any) -> None:
    answer = await rig.http.post("/api/orders", content=SPECIFIED)
    assert answer.status_code == 200
    got = answer.json()
    assert got["order"]["side"] == "BUY"
    assert (got["dry_run"], got["category"], got["quantity"], got["price"]) == (False, "linear", 0.1, 50000)
    assert (got["value"], got["fee"], got["margin_after"]) == (5000, 2.75, None)
    [(verb, params)] = rig.daemon.calls
    assert (verb, params.side, params.size, params.price) == ("place", Side.BUY, "0.1", Decimal(50000))
    assert (params.category, params.time_in_force) == (Category.LINEAR, TimeInForce.GTC)


async def test_every_key_reaches_the_daemon(rig: Any) -> None:
    content = body(
        symbol="DOGEUSDT", side="sell", type="market", quantity="0.0100", price=None, category="spot",
        time_in_force="fok", reduce_only=True, stop_loss="1.5", take_profit=2, reason="by hand", dry_run=True,
    )  # fmt: skip
    answer = await rig.http.post("/api/orders", content=content)
    assert answer.status_code == 200, answer.text
    assert answer.json()["order"] is None
    params = rig.daemon.calls[0][1]
    assert (params.side, params.size, params.price, params.category) == (Side.SELL, "0.01", None, Category.SPOT)
    assert (params.time_in_force, params.reduce_only, params.dry_run) == (TimeInForce.FOK, True, True)
    assert (params.stop_loss, params.take_profit, params.reason) == (Decimal("1.5"), Decimal(2), "by hand")


async def test_numbers_are_read_from_their_digits(rig: Any) -> None:
    digits = "0.10000000000000001"  # a float would read 0.1
    with pytest.raises(Problem, match="multiple of the lot"):
        raise_error(await rig.http.post("/api/orders", content=SPECIFIED.replace(b"0.1,", digits.encode() + b",")))
    answer = await rig.http.post("/api/orders", content=SPECIFIED.replace(b"0.1,", b"2e-3,"))
    assert answer.status_code == 200
    assert rig.daemon.calls[-1][1].size == "0.002"


def raise_error(answer: Any) -> None:
    error = answer.json()["error"]
    raise Problem(ErrorCode(error["code"]), error["message"])


BAD_FIELDS: list[tuple[str, Any, str]] = [
    ("symbol", "", "Must not be empty"),
    ("symbol", 7, "Must be a string"),
    ("symbol", "B" * 33, "at most 32"),
    ("symbol", "BTC\nUSDT", "printable"),
    ("side", "HOLD", "Must be one of BUY, SELL"),
    ("side", 1, "Must be one of"),
    ("type", "STOP", "Must be one of MARKET, LIMIT"),
    ("quantity", 0, "Must be greater than 0"),
    ("quantity", -1, "Must be greater than 0"),
    ("quantity", "-0.1", "Must be greater than 0"),
    ("quantity", "", "Must not be empty"),
    ("quantity", "NaN", "Must be a finite decimal number"),
    ("quantity", float("nan"), "Must be a finite decimal number"),
    ("quantity", float("inf"), "Must be a finite decimal number"),
    ("quantity", "-Infinity", "Must be a finite decimal number"),
    ("quantity", "٣", "Must be a finite decimal number"),
    ("quantity", " 1", "Must be a finite decimal number"),
    ("quantity", "1_000", "Must be a finite decimal number"),
    ("quantity", "1" * 40, "at most 18 digits"),
    ("quantity", "1e999", "at most 18 digits"),
    ("quantity", "1e-999", "at most 18 digits"),
    ("quantity", "0." + "0" * 18 + "1", "at most 18 digits"),
    ("quantity", True, "Must be a number"),
    ("quantity", [1], "Must be a number"),
    ("quantity", {"a": 1}, "Must be a number"),
    ("quantity", 0.001, "Must be at least 0.002"),
    ("quantity", 0.1005, "Must be a multiple of the lot 0.001"),
    ("quantity", 101, "Must be at most 100"),
    ("price", 50000.05, "Must be a multiple of the tick 0.1"),
    ("price", -50000, "Must be greater than 0"),
    ("price", "abc", "Must be a finite decimal number"),
    ("stop_loss", 49000.01, "Must be a multiple of the tick 0.1"),
    ("category", "stocks", "Must be one of SPOT, LINEAR"),
    ("time_in_force", "DAY", "Must be one of GTC"),
    ("reduce_only", "yes", "Must be true or false"),
    ("dry_run", 1, "Must be true or false"),
    ("reason", "x" * 201, "at most 200"),
    ("leverage", 5, "Unknown field"),
]


@pytest.mark.parametrize(("field", "value", "reason"), BAD_FIELDS)
async def test_a_bad_field_is_named_and_nothing_reaches_the_daemon(
    rig: Any, field: str, value: Any, reason: str
) -> None:
    answer = await rig.http.post("/api/orders", content=body(**{field: value}))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "details"}
    assert set(error["details"]) == {"field", "reason"}
    assert error["code"] == "INVALID_ORDER"
    assert error["details"]["field"] == field
    assert reason in error["details"]["reason"]
    assert rig.daemon.calls == []


@pytest.mark.parametrize("field", ["symbol", "side", "type", "quantity", "price"])
async def test_a_missing_field_is_named(rig: Any, field: str) -> None:
    content = {name: value for name, value in json.loads(SPECIFIED).items() if name != field}
    for given_body in (content, {**content, field: None}):
        error = (await rig.http.post("/api/orders", json=given_body)).json()["error"]
        assert (error["code"], error["details"]["field"]) == ("INVALID_ORDER", field)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "MARKET"}, "price"),
        ({"type": "MARKET", "price": None, "time_in_force": "GTC"}, "time_in_force"),
        ({"type": "MARKET", "price": None, "quantity": 51}, "quantity"),
        ({"price": 0.1, "quantity": 0.002}, "quantity"),
    ],
)
async def test_fields_that_do_not_go_together(rig: Any, changes: dict[str, Any], field: str) -> None:
    error = (await rig.http.post("/api/orders", content=body(**changes))).json()["error"]
    assert (error["code"], error["details"]["field"]) == ("INVALID_ORDER", field)
    assert rig.daemon.calls == []


async def test_unknown_symbol(rig: Any) -> None:
    answer = await rig.http.post("/api/orders", content=body(symbol="NOSUCH"))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "UNKNOWN_SYMBOL"
    assert answer.json()["error"]["details"] == {"field": "symbol", "reason": "Unknown linear symbol"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"1", b'"x"', b"null", b"\xff\xfe", b"[" * 15_000, b'{"symbol":"A","symbol":"B"}', b"{}x"],
)
async def test_a_body_that_is_no_object(rig: Any, content: bytes) -> None:
    answer = await rig.http.post("/api/orders", content=content)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["details"]["field"]) == ("INVALID_REQUEST", "body")


async def test_a_body_that_is_too_large(rig: Any) -> None:
    async def stream() -> Any:
        for _ in range(20):
            yield b" " * 1000

    for content in (b" " * 20_000, stream()):
        answer = await rig.http.post("/api/orders", content=content)
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "TOO_LARGE"


@pytest.mark.parametrize(
    ("problem", "status", "field"),
    [
        (Problem(ErrorCode.RISK_REFUSED, "no", field="size", reason="over 2 % of equity"), 400, "quantity"),
        (Problem(ErrorCode.EXCHANGE_REJECTED, "no", field="price", reason="170193"), 400, "price"),
        (Problem(ErrorCode.HALTED, "halted", reason="halted by hand"), 409, None),
        (Problem(ErrorCode.NOT_READY, "starting", reason="warming up"), 503, None),
    ],
)
async def test_the_daemons_refusal_arrives_as_the_specified_error(
    rig: Any, problem: Problem, status: int, field: str | None
) -> None:
    rig.daemon.failure = problem
    answer = await rig.http.post("/api/orders", content=SPECIFIED)
    assert answer.status_code == status
    assert answer.json() == {
        "error": {
            "code": problem.code.value,
            "message": problem.message,
            "details": {"field": field, "reason": problem.reason},
        }
    }


@pytest.mark.parametrize(
    ("order_status", "code"), [(OrderStatus.REFUSED, "RISK_REFUSED"), (OrderStatus.REJECTED, "EXCHANGE_REJECTED")]
)
async def test_an_order_that_ended_refused_is_an_error(rig: Any, order_status: OrderStatus, code: str) -> None:
    rig.daemon.placed_status = order_status
    error = (await rig.http.post("/api/orders", content=SPECIFIED)).json()["error"]
    assert error["code"] == code
    assert error["details"] == {"field": "price_band", "reason": "price outside the band"}


async def test_cancel(rig: Any) -> None:
    answer = await rig.http.delete("/api/orders/venue-1")
    assert answer.status_code == 200
    order_id = "t00000000-001-0000000001"
    assert answer.json() == {"id": order_id, "message": "cancel sent", "orders": [order_id]}
    assert rig.daemon.calls[0][1].id == order_id
    ended = await rig.http.delete("/api/orders/venue-2")
    assert (ended.status_code, ended.json()["error"]["code"]) == (409, "CONFLICT")
    missing = await rig.http.delete("/api/orders/none")
    assert missing.status_code == 404
    assert len(rig.daemon.calls) == 1


@given(st.decimals(min_value="0.000000000000000001", max_value="999999999999999999", places=18))
def test_any_amount_a_venue_can_have_is_read_exactly(amount: Decimal) -> None:
    for text in (str(amount), f"{amount:f}"):
        assert positive_amount("quantity", NumberText(text)) == amount


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_body_gets_past_the_parser_but_an_order(content: bytes) -> None:
    with pytest.raises(Problem) as caught:
        parse_order(content)
    assert caught.value.meaning.status == 400


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


FIELDS = ("symbol", "side", "type", "quantity", "price", "category", "time_in_force", "reduce_only", "reason")


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON_VALUES)))
def test_any_object_is_an_order_or_a_named_problem(changes: dict[str, Any]) -> None:
    found: Problem | None = None
    try:
        order = parse_order(body(**changes))
    except Problem as problem:
        found = problem
    if found is None:
        assert order.quantity > 0
        assert order.quantity.is_finite()
    else:
        assert found.meaning.status == 400
        assert found.field
