"""Random wire requests against the real matching engine: only refusals, complete rows, every order of one kind."""

import json
import re
from collections import Counter
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sandbox.server.conftest import D, ScriptedVenue
from tradectl.matching.records import OrderHappened, PositionHappened, Refused
from tradectl.model.money import plain, use_exact_context
from tradectl.sandbox.config import SandboxAccount
from tradectl.sandbox.faults import Faults
from tradectl.sandbox.memory.order_kinds import FILTERS, is_wanted
from tradectl.sandbox.server.account_views import AccountViews
from tradectl.sandbox.server.calls import Call
from tradectl.sandbox.server.order_desk import OrderDesk
from tradectl.sandbox.server.position_routes import switch_mode, trading_stop
from tradectl.sandbox.server.rate_limits import RateLimiter
from tradectl.sandbox.server.received_orders import ReceivedOrders
from tradectl.sandbox.server.rows.orders import order_message_row, order_row

UID = "7"
OFFSETS = st.integers(1, 30)  # ticks from the last price
SIDES = st.sampled_from(["Buy", "Sell"])
QTY = st.sampled_from(["0.1", "0.5", "1", "2", "20"])


def step(op: str, **fields: Any) -> Any:
    return st.fixed_dictionaries({"op": st.just(op)} | fields)


_OR_NONE = st.none() | OFFSETS
ENTRY = step(
    "entry", side=SIDES, qty=QTY, limit=st.none() | st.integers(-10, 10), tp=_OR_NONE, sl=_OR_NONE,
    partial=st.booleans(), category=st.sampled_from(["linear", "linear", "spot"]),
    smp=st.sampled_from(["None", "CancelMaker", "CancelTaker", "CancelBoth"]),
    tif=st.sampled_from(["GTC", "GTC", "IOC", "FOK", "PostOnly"]),
)  # fmt: skip
CONDITIONAL = step(
    "conditional", side=SIDES, qty=QTY, rises=st.booleans(), away=OFFSETS, limit=st.none() | OFFSETS,
    category=st.sampled_from(["linear", "linear", "spot"]), kind=st.sampled_from(["StopOrder", "tpslOrder"]),
    by=st.sampled_from(["LastPrice", "MarkPrice", "IndexPrice"]), reduce=st.booleans(),
)  # fmt: skip
CLOSE = step("close", qty=st.sampled_from(["0", "0.1", "1"]), leg=st.integers(0, 1))
AMEND = step(
    "amend", n=st.integers(0, 9), qty=st.none() | QTY, price=_OR_NONE, trigger=_OR_NONE,
    tp=st.none() | st.integers(0, 30), sl=st.none() | st.integers(0, 30),
)  # fmt: skip
CANCEL = step("cancel", n=st.integers(0, 9), kind=st.sampled_from(["Order", "StopOrder", "tpslOrder"]))
CLEAR = step("clear", category=st.sampled_from(["linear", "spot"]), kind=st.sampled_from(["", *FILTERS]))
STOP = step(
    "stop", leg=st.integers(0, 1), tp=st.none() | st.integers(0, 30), sl=st.none() | st.integers(0, 30),
    trailing=_OR_NONE, partial=st.booleans(),
)  # fmt: skip
MODE = step("mode", mode=st.sampled_from([0, 3]))
PRINT = step("print", ticks=st.integers(-25, 25))
OFTEN = st.one_of(ENTRY, CONDITIONAL, PRINT, STOP)
STEPS = st.one_of(OFTEN, OFTEN, OFTEN, CLOSE, AMEND, CANCEL, CLEAR, MODE)
FLOW = st.lists(STEPS, min_size=5, max_size=30)


class Wire:
    """Order desk and position routes over a scripted venue, without sockets."""

    def __init__(self) -> None:
        use_exact_context()
        self.venue = ScriptedVenue(None)
        self.venue.open_account(UID, {"USDT": D(2_000), "BTC": D(5)})
        self.views = AccountViews(self.venue)
        self.time = 0
        limiter = RateLimiter(self._later)
        self.desk = OrderDesk(self.venue, self.views, limiter, Faults(), ReceivedOrders())
        self.floor: Any = SimpleNamespace(venue=self.venue, views=self.views)
        self.linear = self.venue.instruments[0].id
        self.codes: Counter[tuple[str, int]] = Counter()

    def _later(self) -> int:
        self.time += 1_000_000_000
        return self.time

    # --- from a step to a request -----------------------------------------------------------------------------------

    def take(self, step: dict[str, Any]) -> list[Any]:
        """Carry a step out; what happened."""
        found: list[Any] = getattr(self, f"_{step['op']}")(step)
        return found

    def _at(self, ticks: int) -> str:
        return plain(max(self.last + D(ticks) / 10, D("0.1")))

    @property
    def last(self) -> Decimal:
        found = self.venue.exchange.prices(self.linear).last
        assert found is not None
        return found

    @property
    def hedged(self) -> bool:
        return self.venue.exchange.is_hedged(UID, self.linear)

    def _order(self, op: str, body: dict[str, Any]) -> list[Any]:
        outcome = self.desk.handle("rest", UID, op, {"symbol": "BTCUSDT"} | body)
        assert outcome.code == 0 or outcome.message
        assert (outcome.result == {}) == (outcome.code != 0)
        self.codes[op, outcome.code] += 1
        return outcome.happenings

    def _position(self, route: Any, body: dict[str, Any]) -> list[Any]:
        call = Call(self.floor, SandboxAccount("k", "s", UID), {"symbol": "BTCUSDT", "category": "linear"} | body)
        try:
            found: list[Any] = route(call).happenings
        except Refused:
            return []
        self.codes[route.__name__, 0] += 1
        return found

    def _leg(self, side: str) -> int:
        return 0 if not self.hedged else 1 if side == "Buy" else 2

    def _entry(self, step: dict[str, Any]) -> list[Any]:
        up, spot = (1 if step["side"] == "Buy" else -1), step["category"] == "spot"
        body = {"category": step["category"], "side": step["side"], "qty": step["qty"], "timeInForce": step["tif"],
                "smpType": step["smp"], "orderType": "Market" if step["limit"] is None else "Limit"}  # fmt: skip
        body |= {"positionIdx": 0 if spot else self._leg(step["side"]), "orderLinkId": f"l{self.time // 10**9}"}
        body |= {} if step["limit"] is None else {"price": self._at(step["limit"])}
        body |= {} if step["tp"] is None else {"takeProfit": self._at(up * (step["tp"] + 10))}
        body |= {} if step["sl"] is None else {"stopLoss": self._at(-up * (step["sl"] + 10))}
        return self._order("order.create", body | ({"tpslMode": "Partial"} if step["partial"] else {}))

    def _conditional(self, step: dict[str, Any]) -> list[Any]:
        away = step["away"] if step["rises"] else -step["away"]
        body = {"category": step["category"], "side": step["side"], "qty": step["qty"], "triggerPrice": self._at(away),
                "orderType": "Market" if step["limit"] is None else "Limit"}  # fmt: skip
        body |= {} if step["limit"] is None else {"price": self._at(away - step["limit"] + 15)}
        if step["category"] == "spot":
            return self._order("order.create", body | {"orderFilter": step["kind"], "marketUnit": "baseCoin"})
        body |= {"triggerDirection": 1 if step["rises"] else 2, "triggerBy": step["by"]}
        entry = {"Buy": "Sell", "Sell": "Buy"}[step["side"]] if step["reduce"] else step["side"]
        return self._order("order.create", body | {"positionIdx": self._leg(entry), "reduceOnly": step["reduce"]})

    def _close(self, step: dict[str, Any]) -> list[Any]:
        legs = self.views.positions(UID, self.linear)
        leg = legs[step["leg"] % len(legs)]
        body = {"side": "Sell" if leg["side"] == "Buy" else "Buy", "positionIdx": leg["positionIdx"],
                "category": "linear", "orderType": "Market", "qty": step["qty"], "reduceOnly": True,
                "closeOnTrigger": True}  # fmt: skip
        return self._order("order.create", body)

    def _chosen(self, n: int) -> dict[str, Any]:
        orders = self.venue.exchange.open_orders(UID)
        if not orders:
            return {"category": "linear", "orderId": "nobody"}
        return {
            "category": orders[n % len(orders)].instrument.category.value,
            "orderId": orders[n % len(orders)].order_id,
        }

    def _amend(self, step: dict[str, Any]) -> list[Any]:
        names = {"price": "price", "trigger": "triggerPrice", "tp": "takeProfit", "sl": "stopLoss"}
        prices = {wire: "0" if step[ours] == 0 else self._at(step[ours] - 15)
                  for ours, wire in names.items() if step[ours] is not None}  # fmt: skip
        qty = {} if step["qty"] is None else {"qty": step["qty"]}
        return self._order("order.amend", self._chosen(step["n"]) | prices | qty)

    def _cancel(self, step: dict[str, Any]) -> list[Any]:
        chosen = self._chosen(step["n"])
        spot = chosen["category"] == "spot"
        return self._order("order.cancel", chosen | ({"orderFilter": step["kind"]} if spot else {}))

    def _clear(self, step: dict[str, Any]) -> list[Any]:
        return self._order("order.cancel-all", {"category": step["category"], "orderFilter": step["kind"]})

    def _stop(self, step: dict[str, Any]) -> list[Any]:
        legs = self.views.positions(UID, self.linear)
        leg = legs[step["leg"] % len(legs)]
        up = 1 if leg["side"] == "Buy" else -1
        body: dict[str, Any] = {"positionIdx": leg["positionIdx"], "tpslMode": "Partial" if step["partial"] else "Full"}
        for ours, wire, way in (("tp", "takeProfit", up), ("sl", "stopLoss", -up)):
            if step[ours] is not None:
                body[wire] = "0" if step[ours] == 0 else self._at(way * step[ours])
                body |= {f"{ours}Size": "0.1"} if step["partial"] and step[ours] else {}
        if step["trailing"] is not None and not step["partial"]:
            body["trailingStop"] = plain(D(step["trailing"]) / 10)
        return self._position(trading_stop, body)

    def _mode(self, step: dict[str, Any]) -> list[Any]:
        return self._position(switch_mode, {"mode": step["mode"]})

    def _print(self, step: dict[str, Any]) -> list[Any]:
        return self.venue.print(self.linear, self._at(step["ticks"]))


def check_text(row: dict[str, Any]) -> None:
    text = json.dumps(row)
    assert "null" not in text
    assert not re.search(r'"[a-zA-Z]*(Price|Qty|Fee|Value|Pnl|Loss|Profit)": [0-9-]', text)
    assert "E+" not in text
    assert "E-" not in text


@settings(max_examples=150, deadline=None)
@given(FLOW)
def test_any_flow_leaves_complete_rows(flow: list[dict[str, Any]]) -> None:
    wire = Wire()
    for step in flow:
        for happening in wire.take(step):
            match happening:
                case OrderHappened(order):
                    check_text(order_message_row(order, wire.views.instrument(order.instrument)))
                case PositionHappened(position):
                    check_text(wire.views.position_message(position))
        orders = wire.venue.exchange.open_orders(UID)
        for order in orders:
            row = order_row(order, wire.views.instrument(order.instrument))
            check_text(row)
            assert (row["orderStatus"] == "Untriggered") == (not is_wanted(order, "Order"))
            assert sum(is_wanted(order, kind) for kind in FILTERS) == 1
            assert row["orderLinkId"] == "" or row["parentOrderLinkId"] == ""
        assert len({order.order_id for order in orders}) == len(orders)
        legs = wire.views.positions(UID, wire.linear)
        assert [row["positionIdx"] for row in legs] in ([0], [1, 2])
        for row in legs:
            check_text(row)
            kinds = {
                o.stop_order_type
                for o in orders
                if o.position_idx == row["positionIdx"] and o.instrument.category != "spot"
            }
            for kind, name in (
                ("TakeProfit", "takeProfit"),
                ("StopLoss", "stopLoss"),
                ("TrailingStop", "trailingStop"),
            ):
                assert (row[name] != "0") == (kind in kinds), (row, kinds)


@settings(max_examples=50, deadline=None)
@given(FLOW)
def test_any_flow_can_be_cleared(flow: list[dict[str, Any]]) -> None:
    """Cancel-all without a filter leaves no derivative order; every spot kind has a filter that ends it."""
    wire = Wire()
    for step in flow:
        wire.take(step)
    wire.take({"op": "clear", "category": "linear", "kind": ""})
    for kind in FILTERS:
        wire.take({"op": "clear", "category": "spot", "kind": kind})
    assert wire.venue.exchange.open_orders(UID) == []
    assert all(wallet.locked == 0 for wallet in wire.venue.exchange.wallets(UID))
