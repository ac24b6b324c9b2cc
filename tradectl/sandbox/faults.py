"""What can be made to go wrong on purpose, and the counters that decide when: always a count, never a time."""

from typing import Literal

from msgspec import Struct

Kind = Literal["cut", "lose_answer", "late_answer", "repeat_answer", "answer", "push"]
Place = Literal["public", "private", "trade", "rest"]
PushAction = Literal["drop", "duplicate", "delay", "reorder"]


class Fault(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault: at the ``after``-th match (1 is the next one), and for ``times`` matches from there.

    - ``cut``: the socket of kind ``place`` (public, private, trade) is aborted right after its ``after``-th frame.
    - ``lose_answer``: a request matching ``place`` (rest, trade) and ``op`` is carried out, its answer never sent
      (a REST connection is closed instead).
    - ``late_answer``: the answer waits until ``by`` more WebSocket frames were sent, or for ``delay_ms`` of wall time.
    - ``repeat_answer``: the answer to a request of the trade socket is sent twice.
    - ``answer``: answered with ``code`` and ``message``; carried out first when ``taken``, else not at all.
    - ``push``: a private message of ``topic`` is dropped, duplicated, delayed until ``by`` further messages of the
      account were sent, or swapped with the next one.

    ``op`` is the trade socket's word (``order.create``) for both ways in, the path below ``/v5/`` for other signed REST
    requests (``position/list``); ``*`` is any of them. A late answer never holds back the private messages.
    """

    kind: Kind
    place: Place | Literal["*"] = "*"
    after: int = 1
    times: int = 1
    op: str = "*"
    topic: str = "*"
    action: PushAction = "drop"
    code: int = 10016
    message: str = "Server error."
    taken: bool = False
    by: int = 1
    delay_ms: float = 0.0


class _Armed:
    """A fault with the number of matches it has seen."""

    __slots__ = ("fault", "seen")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0

    def count(self) -> bool:
        self.seen += 1
        return self.fault.after <= self.seen < self.fault.after + self.fault.times

    @property
    def is_spent(self) -> bool:
        return self.seen >= self.fault.after + self.fault.times - 1


class Faults:
    """The armed faults. Each asking method counts one match and says what, if anything, goes wrong with it."""

    def __init__(self, faults: tuple[Fault, ...] = ()) -> None:
        self._armed: list[_Armed] = []
        self.fired: int = 0
        for fault in faults:
            self.arm(fault)

    def arm(self, fault: Fault) -> None:
        """Count for ``fault`` from now on; raises ``ValueError`` for counts below one and for a repeated answer
        elsewhere than on the trade socket."""
        if fault.kind == "repeat_answer" and fault.place != "trade":
            raise ValueError("repeat_answer is of place trade: a REST request has one answer")
        if fault.after < 1 or fault.times < 1 or fault.by < 1 or fault.delay_ms < 0:
            raise ValueError("after, times and by are at least 1, delay_ms at least 0")
        self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """Forget every armed fault."""
        self._armed.clear()

    def pending(self) -> list[Fault]:
        """The faults that may still strike."""
        return [armed.fault for armed in self._armed]

    def cuts_after_frame(self, place: str) -> bool:
        """A frame was sent on a socket of kind ``place``: whether that socket is to be cut now."""
        return bool(self._armed) and self._strike(("cut",), place, "", "") is not None

    def on_request(self, place: str, op: str) -> Fault | None:
        """A request arrived by ``place``: how its answer is to be spoilt."""
        if not self._armed:
            return None
        return self._strike(("lose_answer", "late_answer", "repeat_answer", "answer"), place, op, "")

    def on_push(self, topic: str) -> Fault | None:
        """A private message of ``topic`` is about to be queued: what happens to it."""
        if not self._armed:
            return None
        return self._strike(("push",), "private", "", topic)

    def _strike(self, kinds: tuple[str, ...], place: str, op: str, topic: str) -> Fault | None:
        struck: Fault | None = None
        for armed in self._armed:
            fault = armed.fault
            if fault.kind not in kinds or fault.place not in ("*", place):
                continue
            if (op and fault.op not in ("*", op)) or (topic and fault.topic not in ("*", topic)):
                continue
            if armed.count() and struck is None:
                struck = fault
        if struck is not None:
            self.fired += 1
        self._armed = [armed for armed in self._armed if not armed.is_spent]
        return struck
