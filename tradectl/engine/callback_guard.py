"""Who watches that a callback ends: the engine says when it begins and ends, the guard may abort it."""

from typing import Protocol


class CallbackAborted(BaseException):
    """Raised inside a callback that took too long; no ``except Exception`` of a strategy keeps it."""


class CallbackGuard(Protocol):
    """Told of every callback; it raises :class:`CallbackAborted` in code that runs between the two, nowhere else."""

    def enter(self, name: str) -> None:
        """A callback of instance ``name`` begins."""

    def leave(self) -> str:
        """It ended. Returns why it was aborted, also when the strategy swallowed the exception; else nothing."""
