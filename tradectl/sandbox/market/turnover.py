"""How turnover is counted: in quote coin, of an inverse contract in base coin (bybit-v5 4.2)."""

from collections.abc import Callable
from decimal import Decimal
from operator import mul as multiply

from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import to_coin

#: Turnover of a price and a quantity.
Worth = Callable[[Decimal, Decimal], Decimal]


def worth_of(identity: InstrumentId) -> Worth:
    """How the turnover of a price and a quantity is counted: in quote coin, of an inverse contract in base coin."""
    return _coins_of if identity.category is Category.INVERSE else multiply


def _coins_of(price: Decimal, qty: Decimal) -> Decimal:
    return to_coin(qty / price)
