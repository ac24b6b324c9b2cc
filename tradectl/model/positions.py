"""What the venue says the account holds: assertions to check our own books against, never copied into them."""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO


class PositionReport(Struct, frozen=True, array_like=True, gc=False):
    """The venue's position row. ``size`` is signed; ``avg_price`` is ``None`` when flat."""

    instrument: InstrumentId
    size: Decimal
    avg_price: Decimal | None = None
    position_idx: int = 0
    leverage: Decimal | None = None
    mark_price: Decimal | None = None
    liq_price: Decimal | None = None
    unrealised_pnl: Decimal = ZERO
    updated: int = 0
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    trailing: Decimal | None = None


class BalanceReport(Struct, frozen=True, array_like=True, gc=False):
    """One coin of the venue's wallet; ``locked`` covers spot orders."""

    coin: str
    wallet: Decimal
    equity: Decimal = ZERO
    locked: Decimal = ZERO


class LedgerRow(Struct, frozen=True, array_like=True, gc=False):
    """A row of the transaction log that is no trade and no funding: a transfer, a bonus, interest."""

    id: str
    type: str
    coin: str
    change: Decimal
    ts: int
    instrument: InstrumentId | None = None
