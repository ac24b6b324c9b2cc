"""Every documented order object is read as documented; what is not offered is refused by name."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradectl.matching.records import Refused, StopChange
from tradectl.model.orders import OrderType, Protection, SelfMatch, Side, TimeInForce, Trigger, TriggerBy
from tradectl.sandbox.server import params
from tradectl.sandbox.server.order_requests import Amendment, parse_amendment, parse_create, parse_ids

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


LONG_SAMPLE = {
    "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": "87200.0",
    "timeInForce": "PostOnly", "positionIdx": 0, "orderLinkId": "td-20260101-000042", "reduceOnly": False,
    "takeProfit": "89000", "stopLoss": "86500", "tpslMode": "Full", "tpTriggerBy": "LastPrice",
    "slTriggerBy": "MarkPrice", "smpType": "CancelMaker",
}  # fmt: skip


def test_the_long_sample_is_understood() -> None:
    """The create object of bybit-v5 5.1."""
    order = parse_create("linear", LONG_SAMPLE)
    assert order.protection == Protection(
        Decimal(89000), Decimal(86500), tp_by=TriggerBy.LAST, sl_by=TriggerBy.MARK, partial=False
    )
    assert (order.self_match, order.position_idx, order.trigger) == (SelfMatch.CANCEL_MAKER, 0, None)
    plain = parse_create("linear", LONG_SAMPLE | {"takeProfit": "0", "stopLoss": ""})
    assert plain.protection is None
    assert plain.time_in_force is TimeInForce.POST_ONLY


MARKET = {"symbol": "BTCUSDT", "side": "Sell", "orderType": "Market", "qty": "0.5"}


@pytest.mark.parametrize("direction", [1, "2"])
def test_conditional_orders(direction: object) -> None:
    stop = MARKET | {"triggerPrice": "100", "triggerDirection": direction, "triggerBy": "MarkPrice",
                     "closeOnTrigger": True, "reduceOnly": True, "positionIdx": "2"}  # fmt: skip
    order = parse_create("linear", stop)
    assert order.trigger == Trigger(Decimal(100), direction == 1, TriggerBy.MARK)
    assert (order.close_on_trigger, order.reduce_only, order.position_idx) == (True, True, 2)
    assert order.trigger.direction == int(str(direction))


def test_spot_says_by_a_filter_when_funds_are_held() -> None:
    for kind in ("StopOrder", "tpslOrder"):
        order = parse_create("spot", MARKET | {"triggerPrice": "100", "orderFilter": kind})
        assert (order.order_filter, order.trigger is not None) == (kind, True)
    limit = MARKET | {"orderType": "Limit", "price": "90", "takeProfit": "110", "tpOrderType": "Limit",
                      "tpLimitPrice": "111"}  # fmt: skip
    attached = parse_create("spot", limit).protection
    assert attached is not None
    assert (attached.partial, attached.tp_limit) == (True, Decimal(111))


def test_everything_may_be_closed_with_quantity_zero() -> None:
    order = parse_create("linear", MARKET | {"qty": "0", "reduceOnly": True, "closeOnTrigger": True})
    assert (order.qty, order.reduce_only, order.close_on_trigger) == (0, True, True)


PARTIAL = {"takeProfit": "120", "stopLoss": "80", "tpslMode": "Partial"}


def test_partial_exits_may_be_limit_orders() -> None:
    fields = {"tpOrderType": "Limit", "tpLimitPrice": "119.5", "slTriggerBy": "IndexPrice"}
    protection = parse_create("linear", MARKET | PARTIAL | fields).protection
    assert protection == Protection(
        Decimal(120), Decimal(80), sl_by=TriggerBy.INDEX, tp_limit=Decimal("119.5"), partial=True
    )


@pytest.mark.parametrize(("category", "fields", "code", "word"), [
    ("linear", {"triggerPrice": "100"}, 10001, "triggerDirection is required"),
    ("linear", {"triggerPrice": "100", "triggerDirection": 3}, 10001, "triggerDirection invalid"),
    ("linear", {"triggerDirection": 1}, 10001, "needs triggerPrice"),
    ("linear", {"triggerPrice": "100", "triggerDirection": 1, "triggerBy": "Last"}, 10001, "triggerBy"),
    ("linear", {"triggerPrice": 100, "triggerDirection": 1}, 10001, "triggerPrice must be a string"),
    ("linear", {"triggerPrice": "-1", "triggerDirection": 1}, 10001, "triggerPrice"),
    ("linear", {"orderFilter": "tpslOrder"}, 10001, "orderFilter"),
    ("linear", {"orderFilter": "StopOrder"}, 10001, "triggerPrice is required"),
    ("linear", {"positionIdx": 3}, 10001, "position idx"),
    ("linear", {"positionIdx": -1}, 10001, "position idx"),
    ("spot", {"positionIdx": 1}, 10001, "position idx"),
    ("spot", {"orderFilter": "OcoOrder"}, 170201, "orderFilter"),
    ("spot", {"orderFilter": "StopOrder"}, 10001, "triggerPrice is required"),
    ("spot", {"triggerPrice": "100"}, 10001, "orderFilter"),
    ("spot", {"closeOnTrigger": True}, 10001, "closeOnTrigger"),
    ("spot", {"takeProfit": "120"}, 10001, "orderType Limit"),
    ("spot", {"orderType": "Limit", "price": "90", "takeProfit": "120", "triggerPrice": "80",
              "orderFilter": "tpslOrder"}, 10001, "orderFilter tpslOrder"),
    ("option", {"takeProfit": "120", "orderLinkId": "a"}, 10001, "takeProfit"),
    ("option", {"triggerPrice": "120", "orderLinkId": "a"}, 10001, "triggerPrice"),
    ("linear", {"qty": "0"}, 10001, "qty 0"),
    ("linear", {"qty": "0", "reduceOnly": True}, 10001, "qty 0"),
    ("linear", {"qty": "0", "closeOnTrigger": True}, 10001, "qty 0"),
    ("linear", {"takeProfit": "120", "reduceOnly": True}, 10001, "takeProfit"),
    ("linear", {"stopLoss": "80", "reduceOnly": True}, 10001, "stopLoss"),
    ("linear", {"takeProfit": "120", "tpslMode": "Half"}, 10001, "tpslMode"),
    ("linear", {"takeProfit": "120", "tpTriggerBy": "x"}, 10001, "tpTriggerBy"),
    ("linear", {"takeProfit": "120", "tpOrderType": "Limit", "tpLimitPrice": "119"}, 10001, "tpslMode Partial"),
    ("linear", PARTIAL | {"tpOrderType": "Limit"}, 10001, "tpLimitPrice is required"),
    ("linear", PARTIAL | {"slLimitPrice": "79"}, 10001, "slOrderType Limit"),
    ("linear", {"tpslMode": "Partial", "slOrderType": "Limit", "slLimitPrice": "79"}, 10001, "needs stopLoss"),
    ("linear", {"smpType": "CancelAll"}, 10001, "smpType"),
    ("linear", {"slippageToleranceType": "TickSize"}, 10001, "slippageTolerance"),
    ("linear", {"slippageTolerance": "5"}, 10001, "slippageToleranceType"),
    ("linear", {"slippageToleranceType": "TickSize", "slippageTolerance": "0"}, 110108, "slippageTolerance 0"),
    ("linear", {"slippageToleranceType": "TickSize", "slippageTolerance": "1.5"}, 110108, "slippageTolerance 1.5"),
    ("linear", {"slippageToleranceType": "Percent", "slippageTolerance": "10.01"}, 110109, "slippageTolerance 10.01"),
    ("linear", {"slippageToleranceType": "Percent", "slippageTolerance": "1", "stopLoss": "80"}, 10001, "stopLoss"),
    ("linear", {"slippageToleranceType": "Percent", "slippageTolerance": "1"}, 10001, "not offered"),
    ("linear", {"bboLevel": "1"}, 10001, "bboLevel"),
    ("linear", {"mmp": True}, 10001, "mmp"),
    ("spot", {"isLeverage": 1}, 10001, "isLeverage"),
    ("spot", {"marketUnit": "quoteCoin"}, 10001, "marketUnit"),
])  # fmt: skip
def test_illegal_combinations_name_the_parameter(
    category: str, fields: dict[str, object], code: int, word: str
) -> None:
    with pytest.raises(Refused) as caught:
        parse_create(category, MARKET | fields)
    assert caught.value.code == code
    assert word in caught.value.message


def test_amendments() -> None:
    assert parse_amendment({"qty": "2"}) == Amendment(Decimal(2), None, None)
    stops = parse_amendment({"triggerPrice": "90", "takeProfit": "0", "slTriggerBy": "MarkPrice"}).stops
    assert stops == StopChange(trigger_price=Decimal(90), take_profit=Decimal(0), sl_by=TriggerBy.MARK)


@pytest.mark.parametrize(("body", "word"), [
    ({}, "nothing to amend"), ({"tpslMode": "Full"}, "nothing to amend"), ({"orderIv": "0.1"}, "orderIv"),
    ({"triggerPrice": "0"}, "triggerPrice 0"), ({"tpTriggerBy": "x"}, "tpTriggerBy"), ({"stopLoss": 5}, "stopLoss"),
])  # fmt: skip
def test_amendments_that_say_nothing_or_nonsense(body: dict[str, object], word: str) -> None:
    with pytest.raises(Refused, match=word):
        parse_amendment(body)


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
    assert codes in ([], [10001], [110108], [110109])


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
