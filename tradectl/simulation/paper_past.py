"""What a paper account has behind it: its executions and the orders that ended, for whoever asks since when."""

from collections.abc import Iterable

from msgspec import Struct, field

from tradectl.model.events import Event, Executed, OrderReported
from tradectl.model.orders import Execution, OrderReport


class Chapter(Struct, frozen=True):
    """A piece of the past, oldest first."""

    executions: tuple[Execution, ...] = ()
    ended: tuple[OrderReport, ...] = ()

    @classmethod
    def of(cls, events: Iterable[Event]) -> "Chapter":
        """What of ``events`` is to be remembered."""
        executions, ended = [], []
        for event in events:
            if isinstance(event, Executed):
                executions.append(event.execution)
            elif isinstance(event, OrderReported) and event.report.status.is_final:
                ended.append(event.report)
        return cls(tuple(executions), tuple(ended))


class Past(Struct):
    """Everything remembered. Times are the venue's, nanoseconds."""

    executions: list[Execution] = field(default_factory=list)
    ended: list[OrderReport] = field(default_factory=list)

    def add(self, chapter: Chapter) -> None:
        """Remember what came last."""
        self.executions += chapter.executions
        self.ended += chapter.ended

    def since(self, ts: int) -> Chapter:
        """What happened at ``ts`` or later."""
        return Chapter(
            tuple(it for it in self.executions if it.ts >= ts), tuple(it for it in self.ended if it.updated >= ts)
        )

    def of_order(self, order_id: str, link_id: str) -> tuple[OrderReport | None, tuple[Execution, ...]]:
        """The last word on an ended order, named by ours or else by the venue's id, and its executions."""
        ended = [it for it in self.ended if (it.link_id == link_id if link_id else it.order_id == order_id)]
        fills = [it for it in self.executions if (it.link_id == link_id if link_id else it.order_id == order_id)]
        return (ended[-1] if ended else None), tuple(fills)

    def forget(self, before: int) -> None:
        """Forget what happened before ``before``."""
        kept = self.since(before)
        self.executions[:], self.ended[:] = kept.executions, kept.ended
