"""Every documented order object is read as documented; what is not offered is refused by name."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradectl.matching.records import Refused
from tradectl.model.orders import OrderType, Side, TimeInForce
from tradectl.sandbox.server import params
from tradectl.sandbox.server.order_requests import parse_create, parse_ids

# The signature vector of bybit-v5 2.1, the trade socket's of 8.4 and the batch legs of 5.8.
SAMPLES = [
    '{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.010","price":"64000.0",'
    '"timeInForce":"PostOnly","orderLinkId":"mm-000001"}',
    '{"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": "87200",'
    ' "timeInForce": "PostOnly", "orderLinkId": "td-20260101-000042"}',
    '{"symbol": "ETHUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": "1", "timeInForce": "GTC", '
    '"orderLinkId": "b-2"}',
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples(sample: str) -> None:
    body = json.loads(sample)
    order = parse_create("linear", body)
    assert (order.instrument.symbol, order.link_id) == (body["symbol"], body["orderLinkId"])
    assert (order.qty, order.price) == (Decimal(body["qty"]), Decimal(body["price"]))
    assert order.time_in_force.value == body["timeInForce"]


def test_the_long_sample_names_what_is_not_offered() -> None:
    body = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": "87200.0",
            "timeInForce": "PostOnly", "positionIdx": 0, "reduceOnly": False, "takeProfit": "89000",
            "stopLoss": "86500", "tpslMode": "Full", "smpType": "CancelMaker"}  # fmt: skip
    with pytest.raises(Refused, match="takeProfit is not offered"):
        parse_create("linear", body)
    for name in ("takeProfit", "stopLoss"):
        body[name] = "0"
    with pytest.raises(Refused, match="smpType is not offered"):
        parse_create("linear", body)
    assert parse_create("linear", body | {"smpType": "None"}).time_in_force is TimeInForce.POST_ONLY


@pytest.mark.parametrize(("category", "side", "unit", "quote"), [
    ("spot", "Buy", None, True), ("spot", "Buy", "quoteCoin", True), ("spot", "Buy", "baseCoin", False),
    ("spot", "Sell", None, False), ("linear", "Buy", None, False),
])  # fmt: skip
def test_market_unit(category: str, side: str, unit: str | None, quote: bool) -> None:
    body = {"symbol": "BTCUSDT", "side": side, "orderType": "Market", "qty": "20", "price": "5", "marketUnit": unit}
    order = parse_create(category, body)
    assert (order.quote_qty, order.price, order.time_in_force) == (quote, None, TimeInForce.IOC)
    assert (order.type, order.side) == (OrderType.MARKET, Side(side))


def test_order_id_wins() -> None:
    assert parse_ids({"orderId": "1", "orderLinkId": "a"}) == ("1", "")
    with pytest.raises(Refused):
        parse_ids({"orderId": "", "orderLinkId": None})


@given(st.text(max_size=30) | st.decimals().map(str) | st.floats().map(str))
def test_amounts_are_plain_finite_decimals(text: str) -> None:
    try:
        value = params.amount({"qty": text}, "qty")
    except Refused:
        return
    assert (value is None) == (text == "")
    if value is not None:
        assert value.is_finite()
        assert value >= 0
        assert format(value, "f") == text.lstrip(".") or Decimal(text) == value


@given(st.dictionaries(st.text(max_size=12), st.none() | st.booleans() | st.integers() | st.text(max_size=12)))
def test_no_object_breaks_the_reader(body: dict[str, object]) -> None:
    fields = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "1", "price": "1"} | body
    codes = []
    try:
        parse_create("linear", fields)
    except Refused as refused:
        codes.append(refused.code)
    assert codes in ([], [10001])


@given(st.text(alphabet="abc=&%25 3D", max_size=20))
def test_cursors_survive_any_number_of_encodings(text: str) -> None:
    from urllib.parse import quote, unquote

    while (decoded := unquote(text)) != text:
        text = decoded
    assert params.cursor({"cursor": quote(text)}) == params.cursor({"cursor": quote(quote(text))}) == text


def test_windows() -> None:
    day, week, now = params.DAY_MS, params.WEEK_MS, 10 * params.WEEK_MS
    assert params.window({}, now) == (now - week, None)
    assert params.window({}, now, day) == (now - day, None)
    assert params.window({"startTime": "5"}, now) == (5, 5 + week)
    assert params.window({"endTime": str(now)}, now) == (now - week, now)
    assert params.window({"startTime": "5", "endTime": str(5 + week)}, now, day) == (5, 5 + week)
    with pytest.raises(Refused, match="7 days"):
        params.window({"startTime": "5", "endTime": str(6 + week)}, now)
