"""The order queue: budgets are never exceeded in any window, nothing is lost, cancels go first (decision 8)."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.harness import BTC, SPOT
from tradectl.engine.config import QueueLimits
from tradectl.engine.order_queue import OrderQueue, Waiting, group_of
from tradectl.model.events import Action

MS = 1_000_000
LIMITS = QueueLimits(derivative_create=3, derivative_amend=2, derivative_cancel=4, spot_create=2, max_wait_ms=5_000, batch=False)
ACTIONS = (Action.CREATE, Action.AMEND, Action.CANCEL)

steps = st.lists(
    st.tuples(
        st.integers(0, 900),  # milliseconds until this step
        st.sampled_from(["add", "release", "block", "allow"]),
        st.sampled_from(ACTIONS),
        st.booleans(),  # reduces
        st.booleans(),  # spot
    ),
    max_size=80,
)


def budget(group: str, allowed: dict[str, int]) -> int:
    configured: int = getattr(LIMITS, group.replace(":", "_"))
    return min(configured, allowed.get(group, configured))


@given(steps)
@settings(max_examples=200, deadline=None)
def test_no_window_exceeds_its_budget_and_nothing_is_lost(drawn: list[tuple[int, str, Action, bool, bool]]) -> None:
    queue, now, number = OrderQueue(LIMITS), 10**12, 0
    added: set[str] = set()
    gone: list[str] = []
    sent: dict[str, list[tuple[int, int]]] = {}
    blocked: dict[str, int] = {}
    allowed: dict[str, int] = {}
    for pause, what, action, reduces, spot in drawn:
        now += pause * MS
        instrument = SPOT if spot else BTC
        group = group_of(instrument, action)
        if what == "add":
            number += 1
            queue.add(Waiting(action, f"o{number}", instrument, reduces, now))
            added.add(f"o{number}")
        elif what == "block":
            blocked[group] = max(blocked.get(group, 0), now + 700 * MS)
            queue.block(group, now + 700 * MS)
        elif what == "allow":
            allowed[group] = 1 + number % 3
            queue.allow(group, 1 + number % 3)
        gone += [w.link_id for w in queue.expired(now)]
        for waiting in queue.release(now):
            of = group_of(waiting.instrument, waiting.action)
            assert now >= blocked.get(of, 0)
            sent.setdefault(of, []).append((now, budget(of, allowed)))
            gone.append(waiting.link_id)
    assert len(gone) == len(set(gone))
    assert added == set(gone) | {w.link_id for w in queue}
    for times in sent.values():
        for at, limit in times:
            assert sum(at - LIMITS.window_ms * MS < t <= at for t, _ in times) <= limit


@given(steps)
@settings(max_examples=100, deadline=None)
def test_waking_when_told_sends_everything_in_time(drawn: list[tuple[int, str, Action, bool, bool]]) -> None:
    """Who only ever wakes at ``next_at`` ends with an empty queue, and never wakes in vain."""
    queue, now = OrderQueue(LIMITS), 10**12
    for number, (_, _, action, reduces, spot) in enumerate(drawn):
        queue.add(Waiting(action, f"o{number}", SPOT if spot else BTC, reduces, now))
    for _ in range(len(drawn) + 1):
        done = [*queue.expired(now), *queue.release(now)]
        again = queue.next_at(now)
        assert done or not drawn
        if again is None:
            break
        assert again > now
        now = again
    assert not len(queue)


def waiting(action: Action, link: str, reduces: bool = False, since: int = 0, **more: object) -> Waiting:
    return Waiting(action, link, BTC, reduces, since, **more)  # type: ignore[arg-type]


def links(released: list[Waiting]) -> list[str]:
    return [w.link_id for w in released]


def test_cancels_then_reductions_then_the_rest() -> None:
    queue = OrderQueue(QueueLimits())
    for w in (
        waiting(Action.CREATE, "open"), waiting(Action.AMEND, "amend"), waiting(Action.CREATE, "close", True),
        waiting(Action.CANCEL, "cancel"),
    ):  # fmt: skip
        queue.add(w)
    assert links(queue.release(10**12)) == ["cancel", "close", "amend", "open"]


def test_a_reserve_is_kept_for_what_reduces() -> None:
    queue = OrderQueue(QueueLimits(derivative_create=3, reserve=1, batch=False))
    for number in range(3):
        queue.add(waiting(Action.CREATE, f"open{number}"))
    assert links(queue.release(10**12)) == ["open0", "open1"]
    queue.add(waiting(Action.CREATE, "close", True))
    assert links(queue.release(10**12 + 1)) == ["close"]
    assert links(queue.release(10**12 + 1040 * MS - 1)) == []
    assert links(queue.release(10**12 + 1040 * MS)) == ["open2"]


def test_while_books_are_in_doubt_only_cancels_leave() -> None:
    queue = OrderQueue(QueueLimits(max_wait_ms=5_000))
    now = 10**12
    queue.add(waiting(Action.CREATE, "close", True, now))
    queue.add(waiting(Action.CANCEL, "cancel", True, now))
    assert links(queue.release(now, cancels_only=True)) == ["cancel"]
    assert queue.next_at(now, cancels_only=True) == now + 5_000 * MS + 1  # nothing to do before it expires
    assert links(queue.release(now)) == ["close"]


def test_creates_and_amendments_expire_and_cancels_never() -> None:
    queue = OrderQueue(QueueLimits(max_wait_ms=1_000))
    for action in ACTIONS:
        queue.add(waiting(action, action.value, since=0))
    assert queue.expired(1_000 * MS) == []
    assert links(queue.expired(1_000 * MS + 1)) == ["amend", "create"]
    assert links(queue.release(10**15)) == ["cancel"]


def test_a_newer_amendment_completes_the_waiting_one_and_a_cancel_replaces_it() -> None:
    queue = OrderQueue(QueueLimits())
    queue.add(waiting(Action.AMEND, "a", qty=Decimal(2)))
    queue.add(waiting(Action.AMEND, "a", price=Decimal(100)))
    queue.add(waiting(Action.AMEND, "b", price=Decimal(7)))
    queue.add(waiting(Action.CANCEL, "b"))
    released = queue.release(10**12)
    assert links(released) == ["b", "a"]
    assert released[0].action is Action.CANCEL
    assert (released[1].qty, released[1].price) == (Decimal(2), Decimal(100))


def test_not_before_is_waited_for() -> None:
    queue = OrderQueue(QueueLimits())
    queue.add(waiting(Action.CREATE, "later", since=10**12, not_before=10**12 + 5))
    assert queue.release(10**12) == []
    assert queue.next_at(10**12) == 10**12 + 5
    assert links(queue.release(10**12 + 5)) == ["later"]


def test_only_a_lower_allowance_counts() -> None:
    queue = OrderQueue(QueueLimits(derivative_create=2, reserve=0, batch=False))
    queue.allow("derivative:create", 50)
    for number in range(4):
        queue.add(waiting(Action.CREATE, f"o{number}"))
    assert len(queue.release(10**12)) == 2
    queue.allow("derivative:create", 1)
    assert len(queue.release(10**12 + 1040 * MS)) == 1
