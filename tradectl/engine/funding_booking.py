"""Funding payments into the books: of those that held the position at the settlement, whatever they hold now."""

from decimal import Decimal

from tradectl.engine.holdings import VENUE, Holdings
from tradectl.engine.legs import LONG, SHORT
from tradectl.engine.portfolio_state import EXTERNAL, Booked
from tradectl.engine.shared_fills import split
from tradectl.model.instruments import Instrument
from tradectl.model.money import ZERO
from tradectl.model.orders import Execution, Side


class FundingBooking:
    """Books funding."""

    def __init__(self, holdings: Holdings) -> None:
        self._h = holdings

    def book(self, execution: Execution, instrument: Instrument) -> list[Booked]:
        """Book a funding payment (``fee`` > 0 paid), shared over the books by what they held at its time, to the last
        digit; what nobody held is ``external``'s."""
        idx, sizes = self._holders(execution)
        shares = split(execution.fee, sizes) if sizes else {EXTERNAL: execution.fee}
        self._h.pay(execution.fee_coin or instrument.settle_coin, -execution.fee)
        for name, amount in ((VENUE, execution.fee), *shares.items()):
            self._h.place(name, instrument.id, idx).funding += amount
            self._h.sum_up(name, instrument.id)
        return [Booked(name, -amount, self._h.size(name, instrument.id)) for name, amount in shares.items()]

    def _holders(self, execution: Execution) -> tuple[int, dict[str, Decimal]]:
        """The leg that paid, and what each book held of it. Its side says which; the size settles it."""
        i = execution.instrument
        said = LONG if execution.side is Side.BUY else SHORT
        found = {}
        for idx in (said, LONG + SHORT - said) if self._h.is_hedged(i) else (0,):
            now = self._h.sizes(i, idx)
            found[idx] = self._h.state.held.at(i, idx, now, execution.ts, execution.qty)
            if abs(sum(found[idx].values(), ZERO)) == execution.qty:
                return idx, found[idx]
        return next(iter(found.items()))
