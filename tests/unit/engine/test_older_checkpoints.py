"""The queue of a checkpoint of form 1: one list of what waited, and the requests of the last second by group."""

import msgspec
import pytest

from tests.unit.engine.harness import BTC, SECOND, Bench
from tradectl.engine.checkpoint import FORM, decode
from tradectl.engine.config import QueueLimits
from tradectl.engine.order_queue import OrderQueue
from tradectl.engine.waiting import Waiting
from tradectl.model.events import Action
from tradectl.model.money import use_exact_context

T = 1_000 * SECOND


def form_1(data: bytes, waiting: list[Waiting]) -> bytes:
    """A checkpoint as it was: without what was added since, and with the queue of that time."""
    raw = msgspec.msgpack.decode(data)
    for name in ("form", "limits", "activity", "universes", "decisions", "held", "position_stops", "protection",
                 "allocation", "algorithms"):  # fmt: skip
        del raw[name]
    names = ("action", "link_id", "instrument", "reduces", "since", "not_before", "cause", "qty", "price")
    raw["queue"] = {
        "waiting": [{name: getattr(w, name) for name in names} for w in waiting],
        "sent": {"derivative:create": [T - SECOND // 2] * 9}, "blocked": {"derivative:cancel": T + SECOND},
        "allowed": {},
    }  # fmt: skip
    return msgspec.msgpack.encode(raw)


def test_who_waited_still_waits_and_what_was_sent_still_counts() -> None:
    use_exact_context()
    bench = Bench()
    create = Waiting(Action.CREATE, "b", BTC, False, T - 5)
    cancel = Waiting(Action.CANCEL, "a", BTC, True, T - 9)
    later = Waiting(Action.CREATE, "c", BTC, False, T - 3, not_before=T + 3 * SECOND)
    state = decode(form_1(bench.engine.checkpoint(), [create, cancel, later, cancel]))
    queue = OrderQueue(QueueLimits())
    queue.restore(state.queue)
    assert [w.link_id for w in queue] == ["a", "b", "c"]
    assert queue.release(T) == [], "the one create kept for what reduces is left, and cancels are blocked"
    assert [w.link_id for w in queue.release(T + SECOND)] == ["a", "b"]


def test_everything_else_has_a_default() -> None:
    use_exact_context()
    bench = Bench()
    data = bench.engine.checkpoint()
    again = Bench()
    again.engine.restore(form_1(data, []))
    assert msgspec.msgpack.decode(again.engine.checkpoint())["form"] == FORM


def test_a_form_of_later_code_is_refused() -> None:
    bench = Bench()
    raw = msgspec.msgpack.decode(bench.engine.checkpoint())
    raw["form"] = FORM + 1
    with pytest.raises(ValueError, match=f"form {FORM + 1}"):
        decode(msgspec.msgpack.encode(raw))
