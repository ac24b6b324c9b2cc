"""What can be read from the exchange: fees, market prices and the margin account, as plain records."""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.money import ZERO


class AccountFees(Struct, frozen=True):
    """Fee rates of one account as fractions of the traded value; the defaults are Bybit's VIP 0 (bybit-v5 9)."""

    spot_maker: Decimal = Decimal("0.001")
    spot_taker: Decimal = Decimal("0.001")
    linear_maker: Decimal = Decimal("0.0002")
    linear_taker: Decimal = Decimal("0.00055")


class Prices(Struct, frozen=True):
    """The reference prices of an instrument; ``None`` until the market stated one."""

    mark: Decimal | None = None
    index: Decimal | None = None
    last: Decimal | None = None


class CoinView(Struct, frozen=True):
    """One coin of an account (bybit-v5 7.1). Amounts in the coin, ``usd_value`` (of the equity) in USD."""

    coin: str
    balance: Decimal
    locked: Decimal
    equity: Decimal
    usd_value: Decimal
    unrealised: Decimal
    order_im: Decimal
    position_im: Decimal
    position_mm: Decimal
    cum_realised: Decimal


class PositionMargin(Struct, frozen=True):
    """Initial and maintenance margin of one position in the settle coin (bybit-v5 6.1), and its liquidation price.

    ``liq_price`` is the account-wide estimate of cross margin, ``None`` when it lies outside the price range.
    """

    initial: Decimal = ZERO
    maintenance: Decimal = ZERO
    liq_price: Decimal | None = None


class AccountView(Struct, frozen=True):
    """The cross margin account in USD: coins valued at their index price, USDT and USDC at 1.

    ``available = margin_balance - initial_margin`` (position and order margin); liquidation when
    ``maintenance_margin >= margin_balance``. The rates are 0 without a margin balance.
    """

    uid: str
    equity: Decimal
    wallet_balance: Decimal
    margin_balance: Decimal
    available: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    unrealised: Decimal
    im_rate: Decimal
    mm_rate: Decimal
    coins: tuple[CoinView, ...]
