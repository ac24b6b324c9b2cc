"""The records of the memory that the matching engine does not have."""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.instruments import InstrumentId


class ClosedPnl(Struct):
    """What one closing order realised (``position/closed-pnl``, bybit-v5 6.5). ``side`` is the closing order's.

    ``pnl`` = exit value - entry value (negated for shorts) - ``open_fee`` - ``close_fee``; funding is not in it.
    """

    uid: str
    instrument: InstrumentId
    order_id: str
    side: str
    order_type: str
    order_price: Decimal
    order_qty: Decimal
    closed_qty: Decimal
    entry_value: Decimal
    exit_value: Decimal
    pnl: Decimal
    open_fee: Decimal
    close_fee: Decimal
    fill_count: int
    leverage: Decimal
    created: int
    updated: int
    exec_type: str = "Trade"
