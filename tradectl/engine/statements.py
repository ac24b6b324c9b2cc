"""What the venue says the account holds, compared with the books: in words, and never copied (decision 12)."""

from decimal import Decimal

from tradectl.engine.portfolio_manager import PortfolioManager
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.positions import BalanceReport, PositionReport

_LEGS = ("", " long", " short")


def disagreements(
    portfolio: PortfolioManager, balances: tuple[BalanceReport, ...], positions: tuple[PositionReport, ...],
    tolerance: Decimal,
) -> list[str]:  # fmt: skip
    """Where a complete statement of the venue differs from the books; sizes must be equal, cash within tolerance.

    Legs of hedge mode are compared one by one: a long and a short that are both wrong by the same size do not vouch
    for each other.
    """
    stated = {(p.instrument, p.position_idx): p.size for p in positions}
    ours = {(i, idx): b.size for i, idx, b in portfolio.positions() if i.category is not Category.SPOT}
    wrong = [
        f"{_name(key)} is {stated.get(key, ZERO)} at the venue, {size} in the books"
        for key, size in ours.items()
        if stated.get(key, ZERO) != size
    ]
    wrong += [
        f"{_name(key)} is {size} at the venue, unknown to the books"
        for key, size in stated.items()
        if size and key not in ours
    ]
    for balance in balances:
        cash = portfolio.state.cash.get(balance.coin, ZERO)
        if abs(balance.wallet - cash) > tolerance:
            wrong.append(f"{balance.coin} is {balance.wallet} at the venue, {cash} in the books")
    return wrong


def is_off(
    portfolio: PortfolioManager, balances: tuple[BalanceReport, ...], positions: tuple[PositionReport, ...],
    tolerance: Decimal,
) -> bool:  # fmt: skip
    """Whether anything of what a stream said differs from the books; what it did not name is not compared."""
    stated = {(p.instrument, p.position_idx): p.size for p in positions}
    ours = {(i, idx): book.size for i, idx, book in portfolio.positions()}
    cash = portfolio.state.cash
    return any(size != ours.get(key, ZERO) for key, size in stated.items()) or any(
        abs(cash.get(b.coin, b.wallet) - b.wallet) > tolerance for b in balances
    )


def _name(key: tuple[InstrumentId, int]) -> str:
    instrument, idx = key
    return f"{instrument}{_LEGS[idx]}"
