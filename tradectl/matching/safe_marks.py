"""Between which marks of one instrument an account cannot be liquidated, so that a caller may pass over prices."""

from collections.abc import Iterator
from decimal import Decimal

from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.margin import margin_of, sums_of
from tradectl.matching.margin_sums import MAINTENANCE_RATE, ROUNDING, AccountSums
from tradectl.matching.state import DOLLARS, State
from tradectl.model.money import ZERO, exact

HIGHEST = Decimal("Infinity")
#: Between them is every price.
EVERYWHERE = (ZERO, HIGHEST)
TWICE = 2 * ROUNDING


def liquidation_bounds(state: State, account: Account, book: Book, at: float = 0.0) -> tuple[Decimal, Decimal] | None:
    """``(low, high)``: no mark strictly between them liquidates, everything else standing still. Conservative.

    ``None`` when no mark can, because there is no position it would value. Nothing lies between ``(mark, mark)``: the
    account holds or settles in a coin whose own price comes into it, or it is due now, or there is no price yet.
    Linear: with the position's sizes ``s`` the account is safe while ``rest + sum(s) x mark - sum(|s|) x rate x mark
    > 0``, a line in the mark. ``at`` is the mark, if the book does not know.
    """
    if len(account.holdings) == len(account.wallets) == 1:
        alone = _alone(account, book, at)
        if alone is not None:
            return alone or None
    sums = sums_of(state, account)
    if not sums.held:
        return None
    mark = exact(at) if at else book.reference()
    if not all(coin in DOLLARS for coin in _coins(account, sums)):
        return (mark or ZERO, mark or ZERO)
    legs = [(account.holdings[leg].position, need) for leg in book.legs if (need := sums.legs.get(leg)) and need.size]
    if not legs:
        return None
    if mark is None:
        return ZERO, ZERO
    rate = MAINTENANCE_RATE + account.fees.linear_taker
    slope, rest = ZERO, margin_of(state, account).safety - ROUNDING * (len(legs) + 1)
    for position, need in legs:
        slope += position.size - need.size * rate
        rest -= need.unrealised - need.maintenance + position.cost
    return _between(rest, slope, mark)


def _between(rest: Decimal, slope: Decimal, mark: Decimal) -> tuple[Decimal, Decimal]:
    """Where ``rest + slope x mark`` is above 0."""
    if rest + slope * mark <= ZERO:
        return mark, mark
    if not slope:
        return EVERYWHERE
    zero = -rest / slope
    if slope < ZERO:
        return ZERO, zero
    return zero if zero > ZERO else ZERO, HIGHEST


def _alone(account: Account, book: Book, at: float) -> tuple[Decimal, Decimal] | tuple[()] | None:
    """The bounds where there is one position in dollars and nothing else, which need no sums; ``()`` where it is flat,
    ``None`` where something else is there."""
    holding = account.holdings.get(book.legs[0])
    wallet = account.wallets.get(book.instrument.settle_coin)
    if holding is None or wallet is None or wallet.coin not in DOLLARS:
        return None
    position, size = holding.position, holding.position.size
    if not size:
        return ()
    slope = size - abs(size) * (MAINTENANCE_RATE + account.fees.linear_taker)
    rest = wallet.balance - position.cost - TWICE
    if slope > ZERO and rest >= ZERO:
        return EVERYWHERE  # what was paid for it is all there is to lose
    mark = exact(at) if at else book.reference()
    return None if mark is None else _between(rest, slope, mark)


def _coins(account: Account, sums: AccountSums) -> Iterator[str]:
    """What decides what the account is worth and needs: the coins it has and those its positions settle in."""
    for wallet in account.wallets.values():
        if wallet.balance:
            yield wallet.coin
    for need in sums.legs.values():
        if need.size:
            yield need.coin
