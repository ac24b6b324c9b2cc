"""Two lists of records side by side: what is missing, added and changed, field by field."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tradectl.backtest.differences import about, decision_changes, field_changes, record_changes
from tradectl.model.commands import CancelTimer, DecisionMade, RiskApproved, SetTimer
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import OrderSpec, OrderType, Side

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
ORDER = OrderSpec("t0000000r-001-0000000001", BTC, Side.BUY, OrderType.LIMIT, Decimal("0.10"), Decimal(50))
SENT = RiskApproved(3, 7, ORDER)
MADE = DecisionMade(
    7, 3, 5, "ema", BTC, "buy", Side.BUY, Decimal("0.1"), None, "fast above slow", True, orders=(ORDER.link_id,)
)
RECORDS = st.lists(
    st.sampled_from([SetTimer("a", 1), SetTimer("a", 2), SetTimer("b", 1), CancelTimer("a"), SENT, MADE]), max_size=8
)


def test_a_changed_order_names_its_fields_and_nothing_else() -> None:
    other = replace(SENT, order=replace(ORDER, qty=Decimal("0.1"), price=None))
    (change,) = record_changes([SetTimer("a", 1), SENT], [SetTimer("a", 1), other])
    assert (change.kind, change.record) == ("changed", "RiskApproved")
    assert change.about == "t0000000r-001-0000000001: buy 0.1 linear:BTCUSDT at 50"
    assert [(f.field, f.recorded, f.replayed) for f in change.fields] == [
        ("order.qty", "0.10", "0.1"),
        ("order.price", "50", "None"),
    ]


def test_a_longer_tuple_shows_what_came_in() -> None:
    changes = list(field_changes(MADE, replace(MADE, orders=(ORDER.link_id, "second"))))
    assert [(f.field, f.recorded, f.replayed) for f in changes] == [("orders.1", "-", "second")]


def test_a_decision_is_told_in_words() -> None:
    assert about(MADE) == "ema: buy buy 0.1 linear:BTCUSDT (fast above slow)"
    assert "refused" in about(replace(MADE, accepted=False))


def test_decisions_are_compared_without_their_ids() -> None:
    assert decision_changes(4, [MADE], [replace(MADE, id=99, cause=1, at=8, orders=())]) == []
    (change,) = decision_changes(4, [MADE], [replace(MADE, qty=Decimal("0.2"))])
    assert ("0.1" in change.recorded, "0.2" in change.replayed, change.seq) == (True, True, 4)
    (gone,) = decision_changes(4, [MADE, MADE], [MADE])
    assert gone.replayed == "-"
    (come,) = decision_changes(4, [], [MADE])
    assert come.recorded == "-"


@given(RECORDS, RECORDS)
def test_changes_account_for_every_record(then: list[object], now: list[object]) -> None:
    changes = record_changes(then, now)
    assert (not changes) is (then == now)
    kinds = [change.kind for change in changes]
    assert len(then) - kinds.count("missing") == len(now) - kinds.count("added")
    assert all(change.fields for change in changes if change.kind == "changed")
