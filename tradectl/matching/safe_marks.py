"""Between which marks of one instrument an account cannot be liquidated, so that a caller may pass over prices."""

from decimal import Decimal

from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.margin import margin_of, position_mm, unrealised
from tradectl.matching.margin_sums import MAINTENANCE_RATE, ROUNDING
from tradectl.matching.state import DOLLARS, State
from tradectl.model.money import ZERO

HIGHEST = Decimal("Infinity")


def liquidation_bounds(state: State, account: Account, book: Book) -> tuple[Decimal, Decimal] | None:
    """``(low, high)``: no mark strictly between them liquidates, everything else standing still. Conservative.

    ``None`` when no mark can, because there is no position it would value. Nothing lies between ``(mark, mark)``: the
    account holds or settles in a coin whose own price comes into it, or it is due now, or there is no price yet.
    Linear: with the position's sizes ``s`` the account is safe while ``rest + sum(s) x mark - sum(|s|) x rate x mark
    > 0``, a line in the mark.
    """
    mark = book.reference()
    holdings = [holding for holding in account.legs(book.instrument.id) if holding.position.size]
    if _needs_coin_prices(state, account):
        return (mark or ZERO, mark or ZERO)
    if not holdings:
        return None
    if mark is None:
        return ZERO, ZERO
    total = margin_of(state, account)
    rate = MAINTENANCE_RATE + account.fees.linear_taker
    slope = sum((it.position.size - abs(it.position.size) * rate for it in holdings), ZERO)
    here = sum((unrealised(state, it) - position_mm(state, account, it) for it in holdings), ZERO)
    costs = sum((it.position.cost for it in holdings), ZERO)
    rest = total.balance - total.maintenance - here - costs - ROUNDING * (len(holdings) + 1)
    if rest + slope * mark <= 0:
        return mark, mark
    if slope == 0:
        return ZERO, HIGHEST
    zero = -rest / slope
    return (max(zero, ZERO), HIGHEST) if slope > 0 else (ZERO, zero)


def _needs_coin_prices(state: State, account: Account) -> bool:
    """Whether what the account is worth, or needs, depends on the price of a coin that is no dollar."""
    coins = [wallet.coin for wallet in account.wallets.values() if wallet.balance]
    settled = [
        state.instruments[leg.instrument].settle_coin
        for leg, holding in account.holdings.items()
        if holding.position.size
    ]
    if not settled:
        return False
    return not all(coin in DOLLARS for coin in (*coins, *settled))
