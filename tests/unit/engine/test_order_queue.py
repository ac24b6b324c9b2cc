"""The order queue: budgets are never exceeded in any window, nothing is lost, the urgent go first (decision 8)."""

import copy
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.queue_oracle import SlowQueue, rank, single
from tradectl.engine.config import QueueLimits
from tradectl.engine.order_queue import OrderQueue, QueueState, Waiting
from tradectl.model.events import Action
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import TradingStop

MS = 1_000_000
T0 = 10**12
BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
INVERSE = InstrumentId(Category.INVERSE, "BTCUSD")
SPOT = InstrumentId(Category.SPOT, "BTCUSDT")
OPTION = InstrumentId(Category.OPTION, "BTC-27JUN25-100000-C")
INSTRUMENTS = (BTC, INVERSE, SPOT)
ACTIONS = (Action.CREATE, Action.AMEND, Action.CANCEL)
LIMITS = QueueLimits(
    derivative_create=3, derivative_amend=2, derivative_cancel=4, spot_create=2, derivative_create_batch=3,
    derivative_amend_batch=1, spot_create_batch=5, derivative_stop=2, max_wait_ms=5_000,
)  # fmt: skip
SINGLE = msgspec.structs.replace(LIMITS, batch=False)


class Drawn(msgspec.Struct, frozen=True):
    """One step of a random life: what happens after a pause."""

    pause_ms: int
    what: str
    action: Action
    instrument: InstrumentId
    link: int
    reduces: bool
    protective: bool
    batchable: bool
    delay_ms: int
    amount: int


steps = st.lists(
    st.builds(
        Drawn,
        pause_ms=st.integers(0, 900),
        what=st.sampled_from(["add"] * 8 + ["release"] * 3 + ["doubt", "drop", "block", "allow", "stop", "restart"]),
        action=st.sampled_from(ACTIONS),
        instrument=st.sampled_from(INSTRUMENTS),
        link=st.integers(0, 12),
        reduces=st.booleans(),
        protective=st.booleans(),
        batchable=st.booleans(),
        delay_ms=st.sampled_from([0, 0, 0, 0, 700]),
        amount=st.integers(1, 4),
    ),
    max_size=120,
)


def asked(d: Drawn, now: int) -> Waiting:
    """The request a step asks for; each link id keeps to one instrument, as orders do."""
    instrument = INSTRUMENTS[d.link % 3]
    if d.what == "stop":
        change = TradingStop(BTC, 0, stop_loss=Decimal(d.amount))
        return Waiting(
            Action.AMEND, "stop:BTC", BTC, True, now, protective=True, batchable=False, stop=change, strategy="s"
        )
    later = now + d.delay_ms * MS if d.delay_ms else 0
    return Waiting(
        d.action, f"o{d.link}", instrument, d.reduces, now, later, qty=Decimal(d.amount) if d.batchable else None,
        price=Decimal(d.amount) if d.reduces else None, strategy=f"s{d.link % 2}", protective=d.protective,
        batchable=d.batchable,
    )  # fmt: skip


def reborn(queue: OrderQueue, limits: QueueLimits) -> OrderQueue:
    """The queue after a restart from its own checkpoint."""
    fresh = OrderQueue(limits)
    fresh.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(queue.state), type=QueueState))
    return fresh


@given(steps, st.booleans())
@settings(max_examples=300, deadline=None)
def test_the_queue_does_what_its_slow_statement_does(drawn: list[Drawn], batch: bool) -> None:
    limits = LIMITS if batch else SINGLE
    queue, slow, now = OrderQueue(limits), SlowQueue(limits), T0
    for d in drawn:
        now += d.pause_ms * MS
        if d.what in ("add", "stop"):
            queue.add(asked(d, now))
            slow.add(asked(d, now))
        elif d.what == "drop":
            there = any((w.link_id, w.action) == (f"o{d.link}", d.action) for w in slow.waiting)
            assert queue.holds(f"o{d.link}", d.action) is there
            assert queue.drop(f"o{d.link}", d.action) is there
            slow.waiting = [w for w in slow.waiting if (w.link_id, w.action) != (f"o{d.link}", d.action)]
        elif d.what == "block":
            group = single(asked(d, now))
            queue.block(group.replace("_", ":", 1), now + 700 * MS)
            for name in (group, f"{group}_batch"):
                slow.blocked[name] = max(slow.blocked.get(name, 0), now + 700 * MS)
        elif d.what == "allow":
            queue.allow(f"derivative:{d.action.value}", d.amount)
            slow.allowed[f"derivative_{d.action.value}"] = d.amount
        elif d.what == "restart":
            queue = reborn(queue, limits)
        assert {w.key for w in queue.expired(now)} == slow.expired(now)
        if d.what in ("release", "doubt"):
            released = queue.release(now, cancels_only=d.what == "doubt")
            expected = slow.release(now, d.what == "doubt")
            key_order = [(rank(w), single(w), w.key, bool(w.batch)) for w in released]
            # Members of a batch stand by category: which of them leave, and when, is what counts.
            assert [k for k in key_order if not k[3]] == [k for k in expected if not k[3]]
            assert sorted(key_order) == sorted(expected)
            assert [k[0] for k in key_order] == sorted(k[0] for k in key_order)
        assert sorted(w.key for w in queue) == sorted(f"{w.action.value}:{w.link_id}" for w in slow.waiting)
        assert len(queue) == len(slow.waiting)
        for name in ("s", "s0", "s1"):
            assert queue.waiting_of(name) == sum(w.strategy == name for w in slow.waiting)
        fields = {w.key: (w.qty, w.price, w.since) for w in queue}
        assert fields == {f"{w.action.value}:{w.link_id}": (w.qty, w.price, w.since) for w in slow.waiting}


@given(steps)
@settings(max_examples=150, deadline=None)
def test_no_window_of_any_group_ever_exceeds_its_budget(drawn: list[Drawn]) -> None:
    """Counted by the venue's own second, from the requests that left alone: the oracle's arithmetic plays no part."""
    queue, now = OrderQueue(LIMITS), T0
    left: dict[str, list[int]] = {}
    for number, d in enumerate(drawn):
        now += d.pause_ms * MS
        queue.add(msgspec.structs.replace(asked(d, now), link_id=f"o{number}"))
        queue.expired(now)
        for w in queue.release(now):
            left.setdefault(single(w) + ("_batch" if w.batch else ""), []).append(now)
    for group, times in left.items():
        for at in times:
            assert sum(at - 1_000 * MS < t <= at for t in times) <= getattr(LIMITS, group)


@given(steps)
@settings(max_examples=150, deadline=None)
def test_waking_when_told_sends_everything_in_time(drawn: list[Drawn]) -> None:
    """Who only ever wakes at ``next_at`` ends with an empty queue, and never wakes in vain."""
    queue, now = OrderQueue(LIMITS), T0
    for number, d in enumerate(drawn):
        queue.add(msgspec.structs.replace(asked(d, now), link_id=f"o{number}"))
    if not drawn:
        assert queue.next_at(now) is None
    done: list[Waiting] = [*queue.expired(now), *queue.release(now)]
    while (again := queue.next_at(now)) is not None:
        assert again > now
        now = again
        fresh = [*queue.expired(now), *queue.release(now)]
        assert fresh, "it woke for nothing"
        done += fresh
    assert not len(queue)
    assert len(done) == len(drawn)


def waiting(action: Action, link: str, reduces: bool = False, since: int = 0, **more: object) -> Waiting:
    return Waiting(action, link, BTC, reduces, since, **more)  # type: ignore[arg-type]


def links(released: list[Waiting]) -> list[str]:
    return [w.link_id for w in released]


def test_the_most_urgent_leave_first() -> None:
    queue = OrderQueue(QueueLimits())
    for w in (
        waiting(Action.CREATE, "open"), waiting(Action.AMEND, "amend"), waiting(Action.CREATE, "close", True),
        waiting(Action.CREATE, "stop", True, protective=True), waiting(Action.CANCEL, "cancel"),
    ):  # fmt: skip
        queue.add(w)
    assert links(queue.release(T0)) == ["cancel", "stop", "close", "amend", "open"]


def test_a_reserve_is_kept_for_what_reduces() -> None:
    queue = OrderQueue(QueueLimits(derivative_create=3, reserve=1, batch=False))
    for number in range(3):
        queue.add(waiting(Action.CREATE, f"open{number}"))
    assert links(queue.release(T0)) == ["open0", "open1"]
    queue.add(waiting(Action.CREATE, "close", True))
    assert links(queue.release(T0 + 1)) == ["close"]
    assert links(queue.release(T0 + 1040 * MS - 1)) == []
    assert links(queue.release(T0 + 1040 * MS)) == ["open2"]


def test_what_the_single_budget_cannot_take_leaves_in_batches_of_one_category() -> None:
    queue = OrderQueue(QueueLimits(derivative_create=2, reserve=0, derivative_create_batch=60, spot_create=1))
    for number in range(30):
        queue.add(waiting(Action.CREATE, f"l{number:02}"))
        queue.add(Waiting(Action.CREATE, f"i{number:02}", INVERSE, False, 0))
    for number in range(25):
        queue.add(Waiting(Action.CREATE, f"s{number:02}", SPOT, False, 0))
    batches: dict[int, list[Waiting]] = {}
    released = queue.release(T0)
    for w in released:
        batches.setdefault(w.batch, []).append(w)
    alone = batches.pop(0)
    assert sorted(links(alone)) == ["i00", "l00", "s00"]
    assert [len(b) for b in batches.values()] == [20, 9, 20, 9, 10, 10]
    assert all(len({w.instrument.category for w in b}) == 1 for b in batches.values())
    numbers = [w.batch for w in released if w.batch]
    assert numbers == sorted(numbers), "the members of a batch stand side by side"
    queue.add(waiting(Action.CREATE, "next"))
    later = queue.release(T0 + 2_000 * MS)
    assert later[-1].batch not in batches, "a number is used once in a run"


def test_a_batch_is_filled_only_with_what_the_venue_takes_there() -> None:
    queue = OrderQueue(QueueLimits(derivative_amend=1, spot_amend=1), batched=(Category.LINEAR,))
    for number in range(4):
        queue.add(waiting(Action.AMEND, f"l{number}", batchable=number != 2))
        queue.add(Waiting(Action.AMEND, f"s{number}", SPOT, False, 0))
    released = {w.link_id: bool(w.batch) for w in queue.release(T0)}
    assert released == {"l0": False, "l1": True, "l3": True, "s0": False}


def test_of_options_a_whole_batch_costs_one() -> None:
    queue = OrderQueue(QueueLimits(option_create=1, option_create_batch=2, reserve=0))
    for number in range(50):
        queue.add(Waiting(Action.CREATE, f"o{number:02}", OPTION, False, 0))
    assert len(queue.release(T0)) == 1 + 2 * 20
    assert len(queue.release(T0 + 1)) == 0
    assert len(queue.release(T0 + 1040 * MS)) == 9


def test_while_books_are_in_doubt_only_cancels_leave() -> None:
    queue = OrderQueue(QueueLimits(max_wait_ms=5_000))
    queue.add(waiting(Action.CREATE, "close", True, T0))
    queue.add(waiting(Action.CANCEL, "cancel", True, T0))
    assert links(queue.release(T0, cancels_only=True)) == ["cancel"]
    assert queue.next_at(T0, cancels_only=True) == T0 + 5_000 * MS + 1  # nothing to do before it expires
    assert links(queue.release(T0)) == ["close"]


def test_creates_and_amendments_expire_and_cancels_and_stops_never() -> None:
    queue = OrderQueue(QueueLimits(max_wait_ms=1_000))
    for action in ACTIONS:
        queue.add(waiting(action, action.value))
    queue.add(waiting(Action.CREATE, "stop", True, protective=True))
    assert queue.expired(1_000 * MS) == []
    assert links(queue.expired(1_000 * MS + 1)) == ["amend", "create"]
    assert links(queue.release(10**15)) == ["cancel", "stop"]


def test_a_newer_amendment_completes_the_waiting_one_and_a_cancel_replaces_it() -> None:
    queue = OrderQueue(QueueLimits())
    queue.add(waiting(Action.AMEND, "a", qty=Decimal(2), stop_loss=Decimal(9)))
    queue.add(waiting(Action.AMEND, "a", price=Decimal(100), stop_loss=Decimal(8), since=5))
    queue.add(waiting(Action.AMEND, "b", price=Decimal(7)))
    queue.add(waiting(Action.CANCEL, "b"))
    released = queue.release(T0)
    assert links(released) == ["b", "a"]
    assert released[0].action is Action.CANCEL
    assert (released[1].qty, released[1].price, released[1].stop_loss) == (Decimal(2), Decimal(100), Decimal(8))
    assert released[1].since == 0, "who is amended again keeps its place"


def test_changes_of_a_positions_stops_complete_each_other() -> None:
    queue = OrderQueue(QueueLimits())
    for change in (
        TradingStop(BTC, 0, take_profit=Decimal(120), stop_loss=Decimal(80)),
        TradingStop(BTC, 0, stop_loss=Decimal(85)),
        TradingStop(BTC, 0, trailing=Decimal(3)),
    ):
        queue.add(Waiting(Action.AMEND, "stop:BTC:0", BTC, True, 0, protective=True, batchable=False, stop=change))
    (left,) = queue.release(T0)
    assert left.stop == TradingStop(BTC, 0, Decimal(120), Decimal(85), Decimal(3))


def test_not_before_is_waited_for() -> None:
    queue = OrderQueue(QueueLimits())
    queue.add(waiting(Action.CREATE, "later", since=T0, not_before=T0 + 5))
    assert queue.release(T0) == []
    assert queue.next_at(T0) == T0 + 5
    assert links(queue.release(T0 + 5)) == ["later"]


def test_only_a_lower_allowance_counts() -> None:
    queue = OrderQueue(QueueLimits(derivative_create=2, reserve=0, batch=False))
    queue.allow("derivative:create", 50)
    queue.allow("derivative:never_heard_of", 1)
    for number in range(4):
        queue.add(waiting(Action.CREATE, f"o{number}"))
    assert len(queue.release(T0)) == 2
    queue.allow("derivative:create", 1)
    assert len(queue.release(T0 + 1040 * MS)) == 1


def test_what_did_not_leave_gives_its_budget_back() -> None:
    queue = OrderQueue(QueueLimits(derivative_create=1, reserve=0, derivative_create_batch=1))
    for number in range(4):
        queue.add(waiting(Action.CREATE, f"o{number}"))
    first = queue.release(T0)
    assert links(first) == ["o0", "o1"]
    assert queue.release(T0) == []
    for w in first:
        queue.give_back(w)
    assert links(queue.release(T0)) == ["o2", "o3"]


def test_the_queue_pushes_back_before_it_is_full() -> None:
    queue = OrderQueue(QueueLimits(max_waiting=10, max_waiting_per_strategy=4))
    assert (queue.room("a"), queue.pressure("a")) == (4, 0.0)
    for number in range(3):
        queue.add(waiting(Action.CREATE, f"a{number}", strategy="a"))
    assert (queue.room("a"), queue.room("b"), queue.pressure("a"), queue.pressure("b")) == (1, 4, 0.75, 0.3)
    for number in range(6):
        queue.add(waiting(Action.CREATE, f"b{number}", strategy=f"b{number}"))
    assert (queue.room("c"), queue.pressure("c")) == (1, 0.9)
    queue.add(waiting(Action.CREATE, "a3", strategy="a"))
    assert (queue.room("a"), queue.room("c"), queue.pressure("a")) == (0, 0, 1.0)
    queue.release(T0)
    assert (queue.room("a"), queue.pressure("a")) == (4, 0.0)


def test_the_slow_statement_can_disagree() -> None:
    """An oracle that agrees with everything proves nothing."""
    slow = SlowQueue(SINGLE)
    for number in range(5):
        slow.add(waiting(Action.CREATE, f"o{number}"))
    twin = copy.deepcopy(slow)
    assert len(slow.release(T0, False)) == SINGLE.derivative_create - SINGLE.reserve
    twin.limits = LIMITS
    assert len(twin.release(T0, False)) == LIMITS.derivative_create - 1 + LIMITS.derivative_create_batch
