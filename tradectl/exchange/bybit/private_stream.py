"""The private stream: orders, executions, positions and wallet as model events.

It sends no snapshot and replays nothing, so a row that cannot be believed drops the connection: coming back, the
engine reconciles over REST, which is the only way to learn what the row should have said (bybit-v5 8.3, 12).
"""

from collections.abc import Callable
from typing import Any

import msgspec

from tradectl.exchange.bybit.order_rows import FeeCoin, execution, order_report
from tradectl.exchange.bybit.translate import (
    MS,
    balances,
    category_of,
    position_report,
)
from tradectl.exchange.bybit.wire import ExecutionFrame, OrderFrame, PositionFrame, WalletFrame
from tradectl.exchange.exchange_connector import Sink, Stamp
from tradectl.model.events import BalancesReported, Executed, OrderReported, PositionsReported

TOPICS = ("order", "execution", "position", "wallet")


class PrivateMessages:
    """Decodes the four topics. ``distrust(reason)`` is called on a frame that must not be believed."""

    def __init__(
        self,
        emit: Sink,
        stamp: Stamp,
        fee_coin: FeeCoin,
        count: Callable[[str], None],
        distrust: Callable[[str], None],
    ) -> None:
        self._emit = emit
        self._stamp = stamp
        self._fee_coin = fee_coin
        self._count = count
        self._distrust = distrust
        self._takers: dict[bytes, tuple[msgspec.json.Decoder[Any], Callable[[Any], None]]] = {
            b"order": (msgspec.json.Decoder(OrderFrame), self._orders),
            b"execution": (msgspec.json.Decoder(ExecutionFrame), self._executions),
            b"position": (msgspec.json.Decoder(PositionFrame), self._positions),
            b"wallet": (msgspec.json.Decoder(WalletFrame), self._wallet),
        }

    def take(self, topic: bytes, payload: bytes) -> None:
        """One frame of ``topic``. A topic that was not asked for is counted and ignored."""
        taker = self._takers.get(topic)
        if taker is None:
            self._count("unknown_topics")
            return
        decoder, handle = taker
        try:
            handle(decoder.decode(payload))
        except (ValueError, UnicodeDecodeError) as error:
            # msgspec's errors are ValueErrors too.
            self._count("bad_frames")
            self._distrust(f"a frame of {topic.decode()} makes no sense: {error}")

    def _orders(self, frame: OrderFrame) -> None:
        reports = [order_report(row, category_of(row.category)) for row in frame.data]
        for report in reports:
            self._emit(OrderReported(self._stamp(report.updated), report))

    def _executions(self, frame: ExecutionFrame) -> None:
        found = [execution(row, category_of(row.category), self._fee_coin) for row in frame.data]
        for one in found:
            self._emit(Executed(self._stamp(one.ts), one))

    def _positions(self, frame: PositionFrame) -> None:
        ts = frame.creationTime * MS
        reports = tuple(position_report(row, category_of(row.category)) for row in frame.data)
        self._emit(PositionsReported(self._stamp(ts), ts, reports))

    def _wallet(self, frame: WalletFrame) -> None:
        ts = frame.creationTime * MS
        self._emit(BalancesReported(self._stamp(ts), ts, balances(frame.data)))
