"""Ids have the venue's shapes, are those of their seed, and never come twice."""

import uuid

from tests.unit.matching.support import BUY, LINEAR, D, deep_book, instruments, market
from tradectl.matching.exchange import Exchange
from tradectl.matching.ids import IdSource, PlainIds
from tradectl.matching.records import FillHappened
from tradectl.matching.views import AccountFees


def test_ids_are_the_uuids_of_seed_kind_and_number() -> None:
    for seed in ("", "a", "ä/ß", "x" * 300):
        ids = IdSource(seed)
        for number in range(1, 60):
            assert ids.order_id(False) == str(uuid.uuid5(uuid.NAMESPACE_OID, f"{seed}/order/{number}"))
            assert ids.execution_id() == str(uuid.uuid5(uuid.NAMESPACE_OID, f"{seed}/execution/{number}"))


def test_two_sources_do_not_disturb_each_other() -> None:
    one, other = IdSource("one"), IdSource("other")
    mixed = [(one.order_id(False), other.order_id(False)) for _ in range(5)]
    alone = IdSource("other")
    assert [pair[1] for pair in mixed] == [alone.order_id(False) for _ in range(5)]
    assert len({text for pair in mixed for text in pair}) == 10


def test_plain_ids_never_come_twice() -> None:
    ids = PlainIds("a")
    made = [ids.order_id(False) for _ in range(5)] + [ids.execution_id() for _ in range(5)] + [ids.order_id(True)]
    assert len(set(made)) == 11


def test_an_exchange_with_plain_ids_does_the_same() -> None:
    seen = []
    for plain in (False, True):
        venue = Exchange(instruments(), seed="ids", plain_ids=plain)
        venue.open_account("alice", AccountFees(), 0)
        venue.deposit("alice", "USDT", D(100_000), 0)
        deep_book(venue)
        order, happened = venue.place("alice", market(BUY, "0.1"), 1)
        fills = [it.fill for it in happened if isinstance(it, FillHappened)]
        assert [fill.order_id for fill in fills] == [order.order_id]
        seen.append((len(happened), order.cum_value, venue.position("alice", LINEAR), venue.wallets("alice")))
        assert len(order.order_id) == (7 if plain else 36)
    assert seen[0] == seen[1]
