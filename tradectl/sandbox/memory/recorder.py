"""Writes what happened to accounts: one row per order, execution, ledger entry and closing order."""

from decimal import Decimal

import msgspec

from tradectl.matching.records import (
    Fill,
    FillHappened,
    Happening,
    LedgerEntry,
    LedgerHappened,
    OrderHappened,
    PositionHappened,
    VenueOrder,
)
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import ZERO, to_coin
from tradectl.model.orders import Side
from tradectl.sandbox.memory.database import Database
from tradectl.sandbox.memory.order_kinds import kind_of
from tradectl.sandbox.memory.records import ClosedPnl

_encode = msgspec.msgpack.encode


class Recorder:
    """Turns happenings into rows; call :meth:`record` inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leverage: dict[tuple[str, InstrumentId], Decimal] = {}

    def record(self, happenings: list[Happening]) -> None:
        """Write everything that is not a view of something else: positions and wallets live in the snapshot."""
        for happening in happenings:
            if isinstance(happening, OrderHappened):
                self._order(happening.order)
            elif isinstance(happening, FillHappened):
                self._fill(happening.fill)
            elif isinstance(happening, LedgerHappened):
                self._entry(happening.entry)
            elif isinstance(happening, PositionHappened):
                position = happening.position
                self._leverage[position.uid, position.instrument] = position.leverage

    def _order(self, order: VenueOrder) -> None:
        instrument = order.instrument
        self._database.execute(
            "INSERT INTO orders (uid, category, symbol, order_id, link_id, status, kind, final, filled, created,"
            " updated, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET"
            " status = excluded.status, kind = excluded.kind, final = excluded.final, filled = excluded.filled,"
            " updated = excluded.updated, body = excluded.body",
            (
                order.uid, instrument.category.value, instrument.symbol, order.order_id, order.link_id,
                order.status.value, kind_of(order), int(order.status.is_final), int(order.cum_qty > 0), order.created,
                order.updated, _encode(order),
            ),
        )  # fmt: skip

    def _fill(self, fill: Fill) -> None:
        self._database.execute(
            "INSERT INTO executions (uid, category, symbol, exec_id, order_id, link_id, type, ts, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                fill.uid, fill.instrument.category.value, fill.instrument.symbol, fill.exec_id, fill.order_id,
                fill.link_id, fill.type, fill.ts, _encode(fill),
            ),
        )  # fmt: skip
        if fill.instrument.category is not Category.SPOT and fill.type != "Funding":
            self._closed(fill)

    def _entry(self, entry: LedgerEntry) -> None:
        category = entry.instrument.category.value if entry.instrument else ""
        symbol = entry.instrument.symbol if entry.instrument else ""
        self._database.execute(
            "INSERT INTO ledger (uid, category, symbol, coin, type, ts, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (entry.uid, category, symbol, entry.coin, entry.type, entry.ts, _encode(entry)),
        )

    # --- closed profit ----------------------------------------------------------------------------------------------

    def _closed(self, fill: Fill) -> None:
        """Fees paid to open wait in a pool per position; each closing fill takes its share of it."""
        name = f"open_fees/{fill.uid}/{fill.instrument}/{fill.position_idx}"
        pool, size = self._pool(name)
        opened = fill.qty - fill.closed_qty
        close_fee = to_coin(fill.fee * fill.closed_qty / fill.qty)
        if fill.closed_qty > 0:
            share = pool if fill.closed_qty >= size else to_coin(pool * fill.closed_qty / size)
            self._add_closed(fill, share, close_fee)
            pool, size = pool - share, max(size - fill.closed_qty, ZERO)
        self._database.put(name, _encode((pool + fill.fee - close_fee, size + opened)))

    def _pool(self, name: str) -> tuple[Decimal, Decimal]:
        saved = self._database.get(name)
        return (ZERO, ZERO) if saved is None else msgspec.msgpack.decode(saved, type=tuple[Decimal, Decimal])

    def _add_closed(self, fill: Fill, open_fee: Decimal, close_fee: Decimal) -> None:
        found = self._database.rows("SELECT body FROM closed_pnl WHERE order_id = ?", (fill.order_id,))
        row = msgspec.msgpack.decode(found[0][0], type=ClosedPnl) if found else self._first_close(fill)
        exit_value = _exit_value(fill)
        row.closed_qty += fill.closed_qty
        row.exit_value += exit_value
        # A sell closes a long, whose profit is exit - entry; a buy closes a short. Inverse values are in coins, of
        # which a long has the fewer the higher it sells: there it is the other way round (bybit-v5 6.1).
        gains = (fill.side is Side.SELL) is (fill.instrument.category is not Category.INVERSE)
        row.entry_value += exit_value - fill.pnl if gains else exit_value + fill.pnl
        row.open_fee += open_fee
        row.close_fee += close_fee
        row.pnl += fill.pnl - open_fee - close_fee
        row.fill_count += 1
        row.updated = fill.ts
        self._database.execute(
            "INSERT INTO closed_pnl (uid, category, symbol, order_id, ts, body) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (order_id) DO UPDATE SET ts = excluded.ts, body = excluded.body",
            (fill.uid, fill.instrument.category.value, fill.instrument.symbol, fill.order_id, fill.ts, _encode(row)),
        )

    def _first_close(self, fill: Fill) -> ClosedPnl:
        return ClosedPnl(
            uid=fill.uid,
            instrument=fill.instrument,
            order_id=fill.order_id,
            side=fill.side.value,
            order_type=fill.order_type,
            order_price=fill.order_price,
            order_qty=fill.order_qty,
            closed_qty=ZERO,
            entry_value=ZERO,
            exit_value=ZERO,
            pnl=ZERO,
            open_fee=ZERO,
            close_fee=ZERO,
            fill_count=0,
            leverage=self._leverage.get((fill.uid, fill.instrument), Decimal(10)),
            created=fill.ts,
            updated=fill.ts,
            exec_type=fill.type,
        )


def _exit_value(fill: Fill) -> Decimal:
    """The value of the closing part: in quote coin, of an inverse contract in the settle coin."""
    if fill.instrument.category is Category.INVERSE:
        return fill.value if fill.closed_qty == fill.qty else to_coin(fill.closed_qty / fill.price)
    return fill.closed_qty * fill.price
