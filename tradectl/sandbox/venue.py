"""The venue behind the wire: one market, one matching engine, one memory, moved by one clock.

Topics carry their category: ``linear/orderbook.50.BTCUSDT``. Times are venue nanoseconds UTC unless a name ends in
``_ms``. Whatever a method returns is already safe from the death of the process.
"""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec import Struct

from tradectl.matching.records import Fill, Happening, LedgerEntry, NewOrder, VenueOrder
from tradectl.model.instruments import InstrumentId
from tradectl.sandbox.market.settings import VenueConfig
from tradectl.sandbox.memory.records import ClosedPnl

__all__ = ["Frame", "Step", "Venue", "VenueConfig"]


class Frame(Struct, frozen=True):
    """One complete public WebSocket message (bybit-v5 8.2) for the subscribers of ``topic``.

    ``topic`` is namespaced, ``payload["topic"]`` is as Bybit writes it. Do not change the payload: it is shared.
    """

    topic: str
    payload: dict[str, Any]


class Step(Struct, frozen=True):
    """What one micro-step of the market did. ``happenings`` come first in time, then ``frames`` in order.

    ``ended``: the data is used up, and no further step will do anything.
    """

    frames: list[Frame]
    happenings: list[Happening]
    ended: bool


class Venue:
    """Opens (or continues) the venue of ``config``. ``wall`` is the wall clock in nanoseconds.

    Raises ``Problem`` when the data is bad, the state belongs to another market, or is in use or broken.
    """

    instance: str
    config: VenueConfig
    exchange: Any  # matching.exchange.Exchange

    def __init__(self, config: VenueConfig, *, wall: Callable[[], int] = time.time_ns) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Commit and close the memory; the venue can be opened again."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget everything: a new instance at the market's beginning, without accounts."""
        raise NotImplementedError

    def now(self) -> int:
        """Venue time: never decreases, and never passes the next step of the market."""
        raise NotImplementedError

    # --- market ---------------------------------------------------------------------------------------------------

    def watch(self, topic: str) -> None:
        """Count one more subscriber: frames are only made for watched topics. Raises ``Refused`` for an unknown one."""
        raise NotImplementedError

    def unwatch(self, topic: str) -> None:
        """Count one subscriber less; unknown topics are ignored."""
        raise NotImplementedError

    def snapshot(self, topic: str) -> dict[str, Any] | None:
        """The first message after subscribing (orderbook, tickers); ``None`` where none is sent. Watch it first."""
        raise NotImplementedError

    def step(self) -> Step:
        """Move the market by one micro-step, in any mode; venue time moves to the step's time."""
        raise NotImplementedError

    async def run(self, on_step: Callable[[Step], None]) -> None:
        """Speed mode: take the steps when they are due and hand each over, until the data ends or it is cancelled."""
        raise NotImplementedError

    def market(self, path: str, params: dict[str, str]) -> dict[str, Any]:
        """The ``result`` of ``GET /v5/market/<path>``. Raises ``Refused``; ``KeyError`` for an unknown path."""
        raise NotImplementedError

    # --- accounts: each is persisted before it returns; all raise ``Refused`` with nothing changed -------------------

    def open_account(self, uid: str) -> bool:
        """Open an account with VIP 0 fees; ``False`` when it was there already (then do not fund it again)."""
        raise NotImplementedError

    def deposit(self, uid: str, coin: str, amount: Decimal) -> list[Happening]:
        """Transfer in (``amount`` > 0) or out (< 0)."""
        raise NotImplementedError

    def place(self, uid: str, order: NewOrder) -> tuple[VenueOrder, list[Happening]]:
        raise NotImplementedError

    def amend(
        self,
        uid: str,
        instrument: InstrumentId,
        *,
        order_id: str = "",
        link_id: str = "",
        qty: Decimal | None = None,
        price: Decimal | None = None,
    ) -> tuple[VenueOrder, list[Happening]]:
        raise NotImplementedError

    def cancel(
        self, uid: str, instrument: InstrumentId, *, order_id: str = "", link_id: str = ""
    ) -> tuple[VenueOrder, list[Happening]]:
        raise NotImplementedError

    def cancel_all(
        self, uid: str, category: str, *, symbol: str = "", base_coin: str = "", settle_coin: str = ""
    ) -> tuple[list[VenueOrder], list[Happening]]:
        """Cancel the open orders of a category that match; the orders are as they ended."""
        raise NotImplementedError

    def set_leverage(self, uid: str, instrument: InstrumentId, leverage: Decimal) -> list[Happening]:
        raise NotImplementedError

    # --- queries: newest first, and the cursor of the next page ("" = last page) --------------------------------------

    def orders_open(
        self,
        uid: str,
        category: str,
        *,
        symbol: str = "",
        base_coin: str = "",
        settle_coin: str = "",
        order_id: str = "",
        link_id: str = "",
        open_only: int = 0,
        limit: int = 20,
        cursor: str = "",
    ) -> tuple[list[VenueOrder], str]:
        """``order/realtime``: open orders; with ``open_only`` 1 or an id also the last 500 closed ones."""
        raise NotImplementedError

    def orders_history(
        self,
        uid: str,
        category: str,
        *,
        symbol: str = "",
        base_coin: str = "",
        settle_coin: str = "",
        order_id: str = "",
        link_id: str = "",
        status: str = "",
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 20,
        cursor: str = "",
    ) -> tuple[list[VenueOrder], str]:
        """``order/history``: final orders; those without fills only for 24 hours of venue time."""
        raise NotImplementedError

    def executions(
        self,
        uid: str,
        category: str,
        *,
        symbol: str = "",
        base_coin: str = "",
        settle_coin: str = "",
        order_id: str = "",
        link_id: str = "",
        exec_type: str = "",
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 50,
        cursor: str = "",
    ) -> tuple[list[Fill], str]:
        """``execution/list``: given an id, all other filters are ignored."""
        raise NotImplementedError

    def ledger(
        self,
        uid: str,
        *,
        category: str = "",
        currency: str = "",
        base_coin: str = "",
        type: str = "",
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 20,
        cursor: str = "",
    ) -> tuple[list[LedgerEntry], str]:
        """``account/transaction-log``."""
        raise NotImplementedError

    def closed_pnl(
        self,
        uid: str,
        category: str,
        *,
        symbol: str = "",
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 50,
        cursor: str = "",
    ) -> tuple[list[ClosedPnl], str]:
        """``position/closed-pnl``: one row per closing order."""
        raise NotImplementedError
