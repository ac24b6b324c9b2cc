"""The control path ``/sandbox/control``: lock-step reports and faults, JSON text, never counted as frames [2]."""

from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from tradectl.sandbox.faults import Fault
from tradectl.sandbox.server.channel import Channel
from tradectl.sandbox.server.sockets import encode

if TYPE_CHECKING:
    from tradectl.sandbox.server.server import SandboxServer


class Attach(Struct, tag_field="op", tag="attach"):
    """Lead the market; answered with ``state``."""


class Seen(Struct, tag_field="op", tag="seen", forbid_unknown_fields=True):
    """After everything the client handled: text frames handled so far on each of its sockets by its local port,
    requests without an answer, and whether it is ready for the market to move.

    ``timer`` is when it wants to act next (nanoseconds of venue time, 0: not by itself): the clock does not leap past
    it but stops there and says so with ``time``; ``told`` is the last time it was told so and has handled.
    """

    frames: dict[int, int]
    outstanding: int = 0
    ready: bool = True
    timer: int = 0
    told: int = 0


class FaultMessage(Struct, tag_field="op", tag="fault"):
    """Arm a fault, or with ``action`` clear forget all; answered with those still armed."""

    fault: Fault | None = None
    action: Literal["arm", "clear"] = "arm"


class AskState(Struct, tag_field="op", tag="state"):
    """Ask for ``state`` without attaching."""


class AskAllowances(Struct, tag_field="op", tag="allowances"):
    """Ask what the rate limits refused so far and admitted in each second; answered with ``allowances``."""


_decoder = msgspec.json.Decoder(Attach | Seen | FaultMessage | AskState | AskAllowances)


class ControlSocket:
    """One control client. Only one at a time is attached."""

    def __init__(self, server: "SandboxServer", channel: Channel) -> None:
        self._server = server
        self._channel = channel
        self._attached = False
        channel.idle_seconds = float("inf")
        channel.outlives_reset = True
        channel.on_text = self._on_text
        channel.on_close = self._on_close

    def send(self, message: dict[str, object]) -> None:
        self._channel.send(encode(message))

    def _on_text(self, raw: bytes) -> None:
        try:
            message = _decoder.decode(raw)
        except (msgspec.MsgspecError, RecursionError) as error:
            self.send({"op": "error", "message": f"not a control message: {error}"})
            return
        if isinstance(message, Seen):  # first: one per frame
            if self._attached and self._server.lockstep is not None:
                lockstep = self._server.lockstep
                lockstep.seen(message.frames, message.outstanding, message.ready, message.timer, message.told)
        elif isinstance(message, Attach):
            self._attach()
        elif isinstance(message, FaultMessage):
            self._fault(message)
        elif isinstance(message, AskAllowances):
            self.send({"op": "allowances"} | self._server.floor.limiter.counts.describe())
        else:
            self.send(self._server.describe_clock())

    def _attach(self) -> None:
        if self._server.control is not None and self._server.control is not self:
            self.send({"op": "error", "message": "another control client is attached"})
            return
        self._attached = True
        self._server.control = self
        self.send(self._server.describe_clock())
        if self._server.lockstep is not None:
            self._server.lockstep.attach()

    def _fault(self, message: FaultMessage) -> None:
        faults = self._server.faults
        try:
            if message.action == "clear":
                faults.clear()
            elif message.fault is not None:
                faults.arm(message.fault)
        except ValueError as error:
            self.send({"op": "error", "message": str(error)})
            return
        self.send({"op": "faults", "armed": msgspec.to_builtins(faults.pending()), "fired": faults.fired})

    def _on_close(self) -> None:
        if self._attached:
            self._server.control = None
            if self._server.lockstep is not None:
                self._server.lockstep.detach()
