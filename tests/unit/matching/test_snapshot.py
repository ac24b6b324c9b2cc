"""Saved and restored, the exchange continues as if nothing had happened."""

import msgspec
import pytest

from tests.unit.matching.support import BUY, LINEAR, SELL, SPOT, D, exchange, levels, limit, market
from tradectl.matching.exchange import Exchange
from tradectl.matching.records import FillHappened, Happening, Refused
from tradectl.matching.views import AccountFees


def start() -> Exchange:
    venue = exchange("ann", "bob", btc="1")
    for instrument in (LINEAR, SPOT):
        venue.set_book(instrument, levels(("49999", "2"), ("49998", "3")), levels(("50001", "2"), ("50002", "3")), 1)
        venue.place("ann", market(BUY, "0.5", instrument=instrument), 2)
        venue.place("ann", limit(BUY, "0.5", "49999", instrument=instrument, link=f"a-{instrument.category.value}"), 3)
        venue.place("bob", limit(SELL, "0.4", "50000", instrument=instrument), 4)
        venue.place("bob", limit(SELL, "0.4", "50000", instrument=instrument), 5)
    venue.place("ann", limit(SELL, "0.3", "50100", reduce_only=True), 6)
    venue.set_leverage("bob", LINEAR, D(25), 7)
    return venue


def finish(venue: Exchange) -> list[Happening]:
    happenings: list[Happening] = []
    for instrument in (LINEAR, SPOT):
        happenings += venue.place("ann", market(BUY, "0.9", instrument=instrument), 8)[1]
        happenings += venue.print_trade(instrument, SELL, D(49999), D("2.2"), 9)
        happenings += venue.set_book(instrument, levels(("50105", "1")), levels(("50106", "2")), 10)
    happenings += venue.settle_funding(LINEAR, D("0.0001"), 11)
    happenings += venue.set_mark(LINEAR, D(52000), D(52000), 12)
    return happenings


def test_a_restored_exchange_continues_identically() -> None:
    venue, data = start(), start().save()
    assert venue.save() == data
    restored = Exchange.restore(data)
    assert restored.save() == data
    assert len(finish(start())) > 30
    assert finish(restored) == finish(venue)
    assert restored.save() == venue.save()


def test_used_client_ids_survive() -> None:
    restored = Exchange.restore(start().save())
    used = restored.open_orders("ann", LINEAR)[0].link_id
    restored.cancel("ann", LINEAR, "", used, 20)
    restored = Exchange.restore(restored.save())
    with pytest.raises(Refused, match="110072"):
        restored.place("ann", limit(BUY, "0.1", "49000", link=used), 21)


def test_foreign_bytes_are_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        Exchange.restore(b"not a snapshot")
    data = msgspec.msgpack.decode(start().save())
    data[0] = 99
    with pytest.raises(ValueError, match="version 99"):
        Exchange.restore(msgspec.msgpack.encode(data))


def test_a_market_added_later_is_as_one_that_was_there_from_the_start() -> None:
    instruments = list(exchange("ann").instruments.values())
    later = Exchange((), seed="seed")
    later.open_account("ann", AccountFees(), 0)
    later.deposit("ann", "USDT", D(100_000), 0)
    for instrument in (*instruments, *instruments):
        later.add(instrument)
    known = Exchange(instruments, seed="seed")
    known.open_account("ann", AccountFees(), 0)
    known.deposit("ann", "USDT", D(100_000), 0)
    for venue in (later, known):
        for instrument in (LINEAR, SPOT):
            venue.set_book(instrument, levels(("49999", "2")), levels(("50001", "2")), 1)
            venue.place("ann", market(BUY, "0.5", instrument=instrument), 2)
    assert later.account("ann") == known.account("ann")  # also what a coin is worth
    assert later.save() == known.save()


def test_what_is_published_and_remembered_may_be_chosen_anew() -> None:
    restored = Exchange.restore(start().save(), publish=frozenset({FillHappened}), remember_links=False)
    for now in (20, 22):
        restored.place("ann", limit(BUY, "0.1", "49000", link="again"), now)
        assert restored.cancel("ann", LINEAR, "", "again", now + 1)[1] == []


def test_a_market_takes_new_filters_once_nothing_rests_in_it() -> None:
    venue = exchange("ann")
    venue.set_book(LINEAR, levels(("49999", "2")), levels(("50001", "2")), 1)
    venue.place("ann", market(BUY, "0.5"), 2)
    venue.place("ann", limit(BUY, "0.1", "49000", link="rests"), 3)
    finer = msgspec.structs.replace(venue.instruments[LINEAR], tick_size=D("0.01"))
    with pytest.raises(ValueError, match="has orders"):
        venue.relist(finer)
    venue.cancel("ann", LINEAR, "", "rests", 4)
    before = venue.account("ann")
    venue.relist(finer)
    assert venue.account("ann") == before
    venue.set_book(LINEAR, levels(("49998.99", "2")), levels(("50000.01", "2")), 5)
    happened = venue.place("ann", market(SELL, "0.5", reduce_only=True), 6)[1]
    assert [str(it.fill.price) for it in happened if isinstance(it, FillHappened)] == ["49998.99"]
    venue.set_mark(LINEAR, D(40000), D(40000), 7)
    assert Exchange.restore(venue.save()).account("ann") == venue.account("ann")
