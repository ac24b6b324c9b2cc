"""How a strategy asks for execution algorithms: methods every strategy has, each of which leaves an intent.

What becomes of it is told by ``on_algorithm``, which carries the id; wrong parameters are recorded as a refusal.
Sizes and prices may be Decimals, numbers or text; prices in quote coin, 0 or nothing for none.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from tradectl.engine.intents import AlgorithmIntent, CancelAlgorithmIntent, Intent
from tradectl.engine.order_methods import Amount, amount
from tradectl.model.commands import AlgorithmChanged
from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import Side

Given = bool | int | float | str | Decimal | None


class RunsAlgorithms(Protocol):
    """Where intents go, and what is at work."""

    def submit(self, intent: Intent) -> None: ...
    def algorithms(self) -> tuple[AlgorithmChanged, ...]: ...


class AlgorithmMethods:
    """Execution algorithms of one instance. The keywords are the parameters each kind declares."""

    _context: RunsAlgorithms
    _id: Callable[[str], InstrumentId]

    def twap(
        self, symbol: str, side: Side | str, qty: Amount, *, minutes: float, slices: int = 10, limit: Amount = 0,
        catch_up: float = 2.0, reason: str,
    ) -> None:  # fmt: skip
        """Equal orders at equal times."""
        self._algorithm(
            "twap", symbol, side, qty, reason, minutes=minutes, slices=slices, limit=limit, catch_up=catch_up
        )

    def vwap(
        self, symbol: str, side: Side | str, qty: Amount, *, minutes: float, slices: int = 12,
        participation: float = 0.0, limit: Amount = 0, complete: bool = True, reason: str,
    ) -> None:  # fmt: skip
        """Orders along the volumes of the past day, or a share (0..0.5) of what is printed."""
        self._algorithm(
            "vwap", symbol, side, qty, reason, minutes=minutes, slices=slices, participation=participation, limit=limit,
            complete=complete,
        )  # fmt: skip

    def iceberg(
        self, symbol: str, side: Side | str, qty: Amount, *, limit: Amount, visible: Amount = 0,
        post_only: bool = False, reason: str,
    ) -> None:  # fmt: skip
        """A limit order of which only ``visible`` is shown."""
        self._algorithm("iceberg", symbol, side, qty, reason, limit=limit, visible=visible, post_only=post_only)

    def chase(
        self, symbol: str, side: Side | str, qty: Amount, *, limit: Amount = 0, min_ticks: int = 1,
        per_second: float = 2.0, timeout_s: float = 0.0, cross: bool = False, reason: str,
    ) -> None:  # fmt: skip
        """A post-only order that follows the touch."""
        self._algorithm(
            "chase", symbol, side, qty, reason, limit=limit, min_ticks=min_ticks, per_second=per_second,
            timeout_s=timeout_s, cross=cross,
        )  # fmt: skip

    def grid(
        self, symbol: str, side: Side | str, qty: Amount, *, low: Amount, high: Amount, levels: int = 10,
        spacing: str = "arithmetic", stop: Amount = 0, take_profit: Amount = 0, reason: str,
    ) -> None:  # fmt: skip
        """Resting orders between two prices; what one level fills, the next one gives back."""
        self._algorithm(
            "grid", symbol, side, qty, reason, low=low, high=high, levels=levels, spacing=spacing, stop=stop,
            take_profit=take_profit,
        )  # fmt: skip

    def dca(
        self, symbol: str, side: Side | str, qty: Amount, *, orders: int = 5, step: float = 1.0,
        step_scale: float = 1.0, volume_scale: float = 1.0, take_profit: float = 1.0, stop: Amount = 0,
        limit: Amount = 0, every_minutes: float = 0.0, reason: str,
    ) -> None:  # fmt: skip
        """A base order, safety orders beyond it and one exit for all; or parts at an interval (``every_minutes``)."""
        self._algorithm(
            "dca", symbol, side, qty, reason, orders=orders, step=step, step_scale=step_scale,
            volume_scale=volume_scale, take_profit=take_profit, stop=stop, limit=limit, every_minutes=every_minutes,
        )  # fmt: skip

    def scaled(
        self, symbol: str, side: Side | str, qty: Amount, *, low: Amount, high: Amount, count: int = 5,
        shape: str = "flat", post_only: bool = False, reason: str,
    ) -> None:  # fmt: skip
        """Limit orders spread between two prices."""
        self._algorithm(
            "scaled", symbol, side, qty, reason, low=low, high=high, count=count, shape=shape, post_only=post_only
        )

    def cancel_algorithm(self, id: int, *, reason: str) -> None:
        """End one of this instance's algorithms: its orders go, what they filled stays."""
        self._context.submit(CancelAlgorithmIntent(id, reason))

    @property
    def algorithms(self) -> tuple[AlgorithmChanged, ...]:
        """This instance's algorithms at work."""
        return self._context.algorithms()

    def on_algorithm(self, algorithm: AlgorithmChanged) -> None:
        """One of this instance's algorithms began, changed or ended."""

    # --- inside

    def _algorithm(self, kind: str, symbol: str, side: Side | str, qty: Amount, reason: str, **given: Given) -> None:
        size = amount(qty, "qty")
        assert size is not None
        parameters = {name: str(v) if isinstance(v, Decimal) else v for name, v in given.items() if v is not None}
        self._context.submit(AlgorithmIntent(kind, self._id(symbol), Side(side), size, parameters, reason))
