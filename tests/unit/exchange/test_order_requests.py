"""Orders, amendments, cancels and stops as requests: the documents' samples, and what goes together in a batch."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradectl.exchange.bybit.config import BybitConfig, Environment
from tradectl.exchange.bybit.order_requests import (
    OrderBatch,
    OrderCommand,
    OrderRequest,
    StopRequest,
    request_of,
    requests_of,
)
from tradectl.model.commands import Amendment, CancelOrder, RiskApproved
from tradectl.model.events import Action
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import (
    OrderSpec,
    OrderType,
    Protection,
    SelfMatch,
    Side,
    TimeInForce,
    TradingStop,
    Trigger,
    TriggerBy,
)

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
ETH = InstrumentId(Category.LINEAR, "ETHUSDT")
USD = InstrumentId(Category.INVERSE, "BTCUSD")
SPOT = InstrumentId(Category.SPOT, "BTCUSDT")
EVERY = frozenset(Category)
D = Decimal


def approve(order: OrderSpec, batch: int = 0) -> RiskApproved:
    return RiskApproved(1, 1, order, batch=batch)


def body(order: OrderSpec) -> dict[str, Any]:
    request = request_of(approve(order))
    assert isinstance(request, OrderRequest)
    return request.body


def limit(link: str, instrument: InstrumentId = BTC, **more: Any) -> OrderSpec:
    return OrderSpec(link, instrument, Side.BUY, OrderType.LIMIT, D("0.010"), D("87200.0"), **more)


def test_the_documents_order_with_attached_stops() -> None:
    protection = Protection(D(89000), D(86500), sl_by=TriggerBy.MARK, partial=False)
    order = limit(
        "td-20260101-000042",
        time_in_force=TimeInForce.POST_ONLY,
        protection=protection,
        self_match=SelfMatch.CANCEL_MAKER,
    )
    assert body(order) == {
        "category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01",
        "price": "87200", "timeInForce": "PostOnly", "positionIdx": 0, "orderLinkId": "td-20260101-000042",
        "reduceOnly": False, "takeProfit": "89000", "stopLoss": "86500", "tpslMode": "Full",
        "tpOrderType": "Market", "slOrderType": "Market", "tpTriggerBy": "LastPrice", "slTriggerBy": "MarkPrice",
        "smpType": "CancelMaker",
    }  # fmt: skip


def test_partial_stops_may_be_limit_orders_and_one_may_be_missing() -> None:
    both = body(limit("t", protection=Protection(D(89000), D(86500), tp_limit=D(88990), sl_limit=D(86400))))
    assert (both["tpslMode"], both["tpOrderType"], both["tpLimitPrice"]) == ("Partial", "Limit", "88990")
    assert (both["slOrderType"], both["slLimitPrice"]) == ("Limit", "86400")
    one = body(limit("t", protection=Protection(stop_loss=D(86500))))
    assert one["stopLoss"] == "86500"
    assert not {"takeProfit", "tpTriggerBy", "tpOrderType", "tpLimitPrice"} & one.keys()


def test_a_trigger_on_futures_names_direction_and_price() -> None:
    stop = OrderSpec(
        "t-s", USD, Side.SELL, OrderType.MARKET, D(0), reduce_only=True, close_on_trigger=True, position_idx=1,
        trigger=Trigger(D("86000.50"), False, TriggerBy.INDEX),
    )  # fmt: skip
    assert body(stop) == {
        "category": "inverse", "symbol": "BTCUSD", "side": "Sell", "orderType": "Market", "qty": "0",
        "timeInForce": "IOC", "orderLinkId": "t-s", "reduceOnly": True, "positionIdx": 1, "closeOnTrigger": True,
        "triggerPrice": "86000.5", "triggerDirection": 2, "triggerBy": "IndexPrice",
    }  # fmt: skip
    assert body(limit("t", trigger=Trigger(D(90000), True)))["triggerDirection"] == 1


def test_spot_has_neither_direction_nor_sides_nor_modes() -> None:
    trigger, protection = Trigger(D(90000), True, TriggerBy.MARK), Protection(D(95000), D(86500))
    sent = body(limit("t", SPOT, trigger=trigger, protection=protection, position_idx=0, close_on_trigger=True))
    assert (sent["triggerPrice"], sent["orderFilter"]) == ("90000", "StopOrder")
    assert (sent["takeProfit"], sent["stopLoss"]) == ("95000", "86500")
    futures_only = {"triggerDirection", "triggerBy", "tpslMode", "tpTriggerBy", "slTriggerBy", "positionIdx",
                    "reduceOnly", "closeOnTrigger"}  # fmt: skip
    assert not futures_only & sent.keys()


def test_amendments_say_only_what_changes() -> None:
    amendment = Amendment("t-1", "oid", BTC, None, None, D("87000.0"), D(0), D("1E+2"))
    request = request_of(RiskApproved(1, 1, None, amendment))
    assert isinstance(request, OrderRequest)
    assert request.body == {
        "category": "linear", "symbol": "BTCUSDT", "orderLinkId": "t-1", "triggerPrice": "87000", "takeProfit": "0",
        "stopLoss": "100",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("instrument", "conditional", "wanted"), [(SPOT, True, "StopOrder"), (SPOT, False, None), (BTC, True, None)]
)
def test_a_cancel_says_where_spot_keeps_the_order(instrument: InstrumentId, conditional: bool, wanted: Any) -> None:
    request = request_of(CancelOrder(1, "t-1", "", instrument, conditional=conditional))
    assert isinstance(request, OrderRequest)
    assert request.body.get("orderFilter") == wanted


def test_a_stop_the_venue_attached_is_cancelled_where_spot_keeps_those() -> None:
    request = request_of(CancelOrder(1, "", "oid", SPOT, conditional=True))
    assert isinstance(request, OrderRequest)
    assert (request.body["orderId"], request.body["orderFilter"]) == ("oid", "tpslOrder")


def test_an_order_without_an_id_of_ours_is_named_by_the_venues_whatever_it_is_called_here() -> None:
    cancel = request_of(CancelOrder(1, "oid", "oid", BTC, conditional=True))
    assert isinstance(cancel, OrderRequest)
    assert cancel.body == {"category": "linear", "symbol": "BTCUSDT", "orderId": "oid"}
    moved = request_of(RiskApproved(1, 1, None, Amendment("oid", "oid", BTC, trigger_price=D(5))))
    assert isinstance(moved, OrderRequest)
    assert moved.body == {"category": "linear", "symbol": "BTCUSDT", "orderId": "oid", "triggerPrice": "5"}
    assert (cancel.link_id, moved.link_id) == ("oid", "oid"), "the answer finds it by the name it has here"


@pytest.mark.parametrize("instrument", [BTC, SPOT])
def test_an_order_without_an_id_of_ours_is_named_by_the_venues(instrument: InstrumentId) -> None:
    """The engine knows such an order by the venue's id, and then says so in both places."""
    cancel = request_of(CancelOrder(1, "oid", "oid", instrument, conditional=True))
    amend = request_of(RiskApproved(1, 1, None, Amendment("oid", "oid", instrument, trigger_price=D(1))))
    for request in (cancel, amend):
        assert isinstance(request, OrderRequest)
        assert (request.body["orderId"], "orderLinkId" in request.body) == ("oid", False)
        assert request.link_id == "oid", "its answer is told to the order it is about"
    assert isinstance(cancel, OrderRequest)
    assert cancel.body.get("orderFilter") == ("tpslOrder" if instrument == SPOT else None)


def test_the_documents_change_of_a_positions_stops() -> None:
    stop = TradingStop(BTC, 0, D(89500), D("86800.0"), D(0), None, TriggerBy.LAST, TriggerBy.MARK)
    request = request_of(RiskApproved(1, 1, None, None, stop))
    assert isinstance(request, StopRequest)
    assert (request.operation, request.group) == ("trading-stop", "linear:trading-stop")
    assert request.body == {
        "category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 0, "takeProfit": "89500",
        "stopLoss": "86800", "tpTriggerBy": "LastPrice", "slTriggerBy": "MarkPrice", "trailingStop": "0",
    }  # fmt: skip
    trailing = StopRequest(TradingStop(BTC, 2, trailing=D("150.50"), active_price=D(90000)))
    assert trailing.body == {
        "category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 2, "trailingStop": "150.5",
        "activePrice": "90000",
    }  # fmt: skip


def test_the_documents_batch() -> None:
    commands = [approve(limit("b-1"), 7), approve(limit("b-2", ETH), 7)]
    (batch,) = requests_of(commands, EVERY)
    assert (batch.operation, batch.group) == ("create-batch", "linear:create-batch")
    assert batch.body["category"] == "linear"
    assert [(item["symbol"], item["orderLinkId"]) for item in batch.body["request"]] == [
        ("BTCUSDT", "b-1"), ("ETHUSDT", "b-2")]  # fmt: skip
    assert all("category" not in item for item in batch.body["request"])


def test_what_cannot_go_in_a_batch_goes_alone() -> None:
    amend = RiskApproved(1, 1, None, Amendment("a-1", "", BTC, D(1)), batch=3)
    trigger = RiskApproved(1, 1, None, Amendment("a-2", "", BTC, trigger_price=D(9)), batch=3)
    stop = RiskApproved(1, 1, None, None, TradingStop(BTC, 0, D(1)), batch=3)
    plain, hidden = CancelOrder(1, "c-1", "", SPOT, 3), CancelOrder(1, "c-2", "", SPOT, 3, True)
    futures = CancelOrder(1, "c-3", "", BTC, 3, True)
    found = list(requests_of([amend, trigger, stop, plain, hidden, futures], EVERY))
    assert [(r.operation, [o.link_id for o in r.orders]) for r in found] == [
        ("amend-batch", ["a-1"]),
        ("cancel-batch", ["c-1"]),
        ("cancel-batch", ["c-3"]),
        ("amend", ["a-2"]),
        ("trading-stop", []),
        ("cancel", ["c-2"]),
    ]


def test_demo_has_batches_for_linear_and_option_only() -> None:
    batching = BybitConfig(environment=Environment.DEMO).batching
    found = requests_of([approve(limit("b-1"), 1), approve(limit("b-2", SPOT), 1)], batching)
    assert [r.operation for r in found] == ["create-batch", "create"]
    assert BybitConfig().batching == EVERY


def commands_of(choices: list[tuple[int, str, Category]]) -> list[OrderCommand]:
    made: list[OrderCommand] = []
    for number, (batch, action, category) in enumerate(choices):
        instrument, link = InstrumentId(category, "X"), f"t-{number}"
        if action == "create":
            made.append(approve(limit(link, instrument), batch))
        elif action == "amend":
            made.append(RiskApproved(1, 1, None, Amendment(link, "", instrument, D(1)), batch=batch))
        else:
            made.append(CancelOrder(1, link, "", instrument, batch, number % 2 == 0))
    return made


CHOICES = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 1, 1, 2]),
        st.sampled_from(["create", "amend", "cancel"]),
        st.sampled_from(list(Category)),
    ),
    max_size=90,
)


@given(CHOICES)
def test_no_order_is_lost_doubled_or_out_of_turn(choices: list[tuple[int, str, Category]]) -> None:
    """Every order exactly once, in its turn among those of its kind; no batch too long, mixed, or across batches."""
    commands = commands_of(choices)
    found = list(requests_of(commands, EVERY))
    sent = [order for request in found for order in request.orders]
    assert sorted(o.link_id for o in sent) == sorted(f"t-{n}" for n in range(len(choices)))
    numbers = {f"t-{n}": choice[0] for n, choice in enumerate(choices)}
    for action in Action:
        for category in (Category.LINEAR, Category.INVERSE, Category.OPTION):
            turns = [int(o.link_id[2:]) for o in sent if (o.action, o.instrument.category) == (action, category)]
            assert turns == sorted(turns)
    for request in found:
        batches = {numbers[o.link_id] for o in request.orders}
        assert len(batches) == 1
        assert isinstance(request, OrderBatch) <= (0 not in batches)
        assert len({(o.action, o.instrument.category) for o in request.orders}) == 1
        assert len(request.orders) <= (10 if request.orders[0].instrument.category is Category.SPOT else 20)


def test_a_full_batch_is_one_request() -> None:
    counts = {c: [len(r.orders) for r in requests_of([approve(limit(f"{n}", InstrumentId(c, "X")), 1)
              for n in range(25)], EVERY)] for c in (Category.LINEAR, Category.SPOT)}  # fmt: skip
    assert counts == {Category.LINEAR: [20, 5], Category.SPOT: [10, 10, 5]}
