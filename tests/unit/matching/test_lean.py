"""An exchange that publishes less does the same: fills, orders, refusals, accounts and ids."""

import pytest

from tests.unit.matching.flows import Flow, opened, said
from tests.unit.matching.support import BUY, LINEAR, SELL, D, exchange, instruments, levels, limit, market
from tradectl.matching.accounts import FORGOTTEN_AT_ONCE, REMEMBERED_LINKS, Account
from tradectl.matching.exchange import Exchange
from tradectl.matching.records import (
    EVERYTHING,
    FillHappened,
    Happening,
    LedgerHappened,
    OrderHappened,
    PositionHappened,
    Refused,
    WalletHappened,
)
from tradectl.matching.views import AccountFees

CHOICES = [
    frozenset({FillHappened, OrderHappened}),
    frozenset({PositionHappened, WalletHappened}),
    frozenset({LedgerHappened}),
    frozenset[type[Happening]](),
]


@pytest.mark.parametrize(
    "kinds", CHOICES, ids=lambda kinds: "-".join(sorted(kind.__name__ for kind in kinds)) or "none"
)
def test_what_is_published_changes_nothing_else(kinds: frozenset[type[Happening]]) -> None:
    seen: set[type[Happening]] = set()
    for seed in range(6):
        full, lean, flow = opened(), opened(publish=kinds), Flow(seed)
        for _ in range(250):
            call = flow.next(full)
            answer, happened = said(full, call)
            assert said(lean, call) == (answer, [it for it in happened if type(it) in kinds])
            seen |= {type(it) for it in happened}
        assert lean.save() == full.save()
    assert seen == EVERYTHING


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="ever happens"):
        Exchange(instruments(), seed="x", publish=frozenset({Refused}))  # type: ignore[arg-type]


def test_an_order_handed_out_is_never_changed_afterwards() -> None:
    """Final orders are handed out without a copy: nothing that happens later may show in them."""
    venue, flow = opened(), Flow(77)
    handed: list[tuple[OrderHappened, str]] = []
    for _ in range(400):
        _, happened = said(venue, flow.next(venue))
        handed += [(it, repr(it)) for it in happened if isinstance(it, OrderHappened)]
    assert len(handed) > 150
    assert [repr(it) for it, _ in handed] == [text for _, text in handed]


def test_only_links_of_open_orders_are_reserved_where_none_are_remembered() -> None:
    venue = Exchange(instruments(), seed="links", remember_links=False)
    venue.open_account("alice", AccountFees(), 0)
    venue.deposit("alice", "USDT", D(10_000), 0)
    venue.set_last(LINEAR, D(50_000), 0)
    venue.place("alice", limit(BUY, "0.01", "49000", link="a"), 1)
    with pytest.raises(Refused, match="110072"):
        venue.place("alice", limit(BUY, "0.01", "49000", link="a"), 2)
    venue.cancel("alice", LINEAR, "", "a", 3)
    assert venue.place("alice", limit(BUY, "0.01", "49000", link="a"), 4)[0].link_id == "a"


def test_remembered_links_are_bounded_and_the_oldest_go_first() -> None:
    account = Account("a", AccountFees())
    for number in range(REMEMBERED_LINKS + 5 * FORGOTTEN_AT_ONCE):
        account.remember_link(f"l{number}")
        assert len(account.used_links) < REMEMBERED_LINKS + FORGOTTEN_AT_ONCE
    newest = REMEMBERED_LINKS + 5 * FORGOTTEN_AT_ONCE
    assert list(account.used_links)[-REMEMBERED_LINKS:] == [f"l{it}" for it in range(newest - REMEMBERED_LINKS, newest)]


def test_a_market_order_needs_no_mark() -> None:
    """A backtest knows the last price and its book: that is enough, and what the position is worth then follows it."""
    venue = Exchange(instruments(), seed="plain")
    venue.open_account("alice", AccountFees(), 0)
    venue.deposit("alice", "USDT", D(10_000), 0)
    venue.set_book(LINEAR, levels(("49999.9", "10")), levels(("50000.1", "10")), 1)
    venue.set_last(LINEAR, D(50_000), 1)
    order, _ = venue.place("alice", market(BUY, "1"), 2)
    assert (order.status.value, order.cum_value) == ("Filled", D("50000.1"))
    venue.set_last(LINEAR, D(51_000), 3)
    assert venue.account("alice").unrealised == D("999.9")
    with pytest.raises(Refused, match="110007"):
        venue.place("alice", market(BUY, "2"), 4)
    venue.set_book(LINEAR, levels(("50999.9", "10")), levels(("51000.1", "10")), 5)
    assert venue.place("alice", market(SELL, "1", reduce_only=True), 5)[0].cum_value == D("50999.9")


def test_it_is_known_whether_anybody_waits_for_a_price() -> None:
    venue = exchange("ann", "bob")
    assert not venue.has_resting(LINEAR)
    order, _ = venue.place("bob", limit(BUY, "0.01", "49000"), 1)
    assert venue.has_resting(LINEAR)
    venue.cancel("bob", LINEAR, order.order_id, "", 2)
    assert not venue.has_resting(LINEAR)
