"""Fills into the books, the positions at the venue and the cash: each amount as the venue states it."""

from decimal import Decimal

from tradectl.engine.books import Book
from tradectl.engine.held_sizes import Change
from tradectl.engine.holdings import VENUE, Holdings
from tradectl.engine.legs import leg_of
from tradectl.engine.portfolio_state import Booked
from tradectl.engine.recent_trades import Trade
from tradectl.engine.shared_fills import split
from tradectl.model.instruments import Category, Instrument
from tradectl.model.money import ZERO
from tradectl.model.orders import Execution, Side

# Looking up a member of an enumeration takes longer than comparing it.
_LINEAR, _SPOT, _OPTION, _BUY = Category.LINEAR, Category.SPOT, Category.OPTION, Side.BUY


class TradeBooking:
    """Books fills of every product family."""

    def __init__(self, holdings: Holdings) -> None:
        self._h = holdings

    def leg(self, execution: Execution, idx: int = 0) -> int:
        """The leg a fill belongs to: ``idx`` of its order where that is known, else by what it closed; 0 of one-way."""
        return (idx or leg_of(execution)) if self._h.is_hedged(execution.instrument) else 0

    def trade(
        self, execution: Execution, instrument: Instrument, strategy: str, idx: int = 0,
        arrival: Decimal | None = None, fee_price: Decimal | None = None,
    ) -> Booked:  # fmt: skip
        """Book a fill that is new.

        ``idx`` is the hedge leg of the order, 0 where nobody knows it. ``arrival`` is where its slippage counts from.
        ``fee_price`` values a fee paid in a coin the instrument has nothing to do with.
        """
        if instrument.is_spot:
            return self._spot(execution, instrument, strategy, arrival, fee_price)
        if not idx and not self._h.is_hedged(execution.instrument):
            return self.single(execution, instrument, strategy, arrival, fee_price)
        parts = {strategy: execution.qty}
        return self.trade_shared(execution, instrument, parts, idx, arrival, fee_price)[0]

    def single(
        self, execution: Execution, instrument: Instrument, strategy: str, arrival: Decimal | None = None,
        fee_price: Decimal | None = None,
    ) -> Booked:  # fmt: skip
        """:meth:`trade` of a derivative's fill that belongs to one book of a position without legs."""
        # The usual case, many times a second in a backtest: what the shared way asks others for is written out here.
        h, state, id_, coin = self._h, self._h.state, instrument.id, instrument.settle_coin
        qty, price, fee, ts = execution.qty, execution.price, execution.fee, execution.ts
        sign, signed = (1, qty) if execution.side is _BUY else (-1, -qty)
        value = None if id_.category is _LINEAR else _stated_value(execution)
        paid = fee if execution.fee_coin == coin else _fee(execution, coin, fee_price)
        net = state.nets.get(id_) or h.place(VENUE, id_, 0)
        recent = state.recent.get(id_) or h.recent(id_, 0, net)
        realised = recent.book(Trade(ts, sign, qty, price, execution.pnl, value), net)
        net.fees += paid
        if id_.category is _OPTION:
            realised = _premium(execution, value)
        cash = state.cash
        if realised:
            cash[coin] = cash.get(coin, ZERO) + realised
        if fee:
            coin = execution.fee_coin or coin
            cash[coin] = cash.get(coin, ZERO) - fee
        books = state.books.get(strategy)
        book = (books.get(id_) if books is not None else None) or h.place(strategy, id_, 0)
        own = book.trade(sign, qty, price, None, value)
        book.fees += paid
        if arrival:
            net.slippage += book.slip(sign, qty, price, arrival)
        state.trades[strategy] = state.trades.get(strategy, 0) + 1
        state.held.changed(id_, Change(ts, strategy, signed))
        return Booked(strategy, own, book.size)

    def trade_shared(
        self, execution: Execution, instrument: Instrument, parts: dict[str, Decimal], idx: int = 0,
        arrival: Decimal | None = None, fee_price: Decimal | None = None,
    ) -> list[Booked]:  # fmt: skip
        """Book a derivative's fill that belongs to several books: the position once, each book its part.

        ``parts`` add up to the fill's quantity; fee and value go by them, the remainder of the rounding to the largest.
        """
        idx = self.leg(execution, idx)
        fee = _fee(execution, instrument.settle_coin, fee_price)
        value = _stated_value(execution)
        net = self._position_trade(execution, instrument, idx, value, fee)
        fees, values = split(fee, parts), split(value, parts) if value is not None else {}
        booked = []
        for name, part in parts.items():
            book = self._h.place(name, instrument.id, idx)
            own = book.trade(execution.side.sign, part, execution.price, value=values.get(name))
            book.fees += fees[name]
            net.slippage += _slip(book, execution, part, arrival)
            self._note(execution, name, part, idx)
            booked.append(Booked(name, own, self._h.size(name, instrument.id)))
        self._h.sum_up(VENUE, instrument.id)
        return booked

    def _position_trade(
        self, execution: Execution, instrument: Instrument, idx: int, value: Decimal | None, fee: Decimal
    ) -> Book:
        """A derivative's fill in the position at the venue and in the cash. Who buys an option pays for it at once."""
        h, id_ = self._h, instrument.id
        net = h.place(VENUE, id_, idx)
        trade = Trade(execution.ts, execution.side.sign, execution.qty, execution.price, execution.pnl, value)
        realised = h.recent(id_, idx, net).book(trade, net)
        net.fees += fee
        h.pay(instrument.settle_coin, _premium(execution, value) if id_.category is _OPTION else realised)
        h.pay(execution.fee_coin or instrument.settle_coin, -execution.fee)
        return net

    def _note(self, execution: Execution, name: str, part: Decimal, idx: int) -> None:
        """After a book traded: its sum, its count, and what funding may ask for later."""
        self._h.sum_up(name, execution.instrument)
        self._h.state.trades[name] = self._h.state.trades.get(name, 0) + 1
        self._h.state.held.changed(
            execution.instrument, Change(execution.ts, name, execution.side.sign * part, idx)
        )  # fmt: skip

    def _spot(
        self, execution: Execution, instrument: Instrument, strategy: str, arrival: Decimal | None,
        fee_price: Decimal | None,
    ) -> Booked:  # fmt: skip
        sign, qty = execution.side.sign, execution.qty
        coin = execution.fee_coin or (instrument.base_coin if sign > 0 else instrument.quote_coin)
        fee = _fee(execution, instrument.quote_coin, fee_price)
        own = ZERO
        for book in (self._h.place(VENUE, instrument.id, 0), self._h.place(strategy, instrument.id, 0)):
            own = book.trade(sign, qty, execution.price)
            _slip(book, execution, qty, arrival)
            if coin == instrument.base_coin:
                own += book.pay_in_kind(execution.fee, execution.price)
            else:
                book.fees += fee
        self._h.state.trades[strategy] = self._h.state.trades.get(strategy, 0) + 1
        self._h.pay(instrument.base_coin, sign * qty)
        self._h.pay(instrument.quote_coin, -sign * execution.value)
        self._h.pay(coin, -execution.fee)
        return Booked(strategy, own, self._h.size(strategy, instrument.id))


def _fee(execution: Execution, coin: str, price: Decimal | None) -> Decimal:
    """The fee in ``coin``; one in another coin at ``price``, 0 when nobody can value it."""
    if execution.fee_coin == coin or not execution.fee_coin:
        return execution.fee
    return execution.fee * price if price is not None else ZERO


def _stated_value(execution: Execution) -> Decimal | None:
    """The venue's own figure, where value is not simply quantity times price."""
    category = execution.instrument.category
    return None if category is _LINEAR or category is _SPOT or not execution.value else execution.value


def _premium(execution: Execution, value: Decimal | None) -> Decimal:
    """What an option's fill pays in at once (< 0 out)."""
    return -execution.side.sign * (execution.qty * execution.price if value is None else value)


def _slip(book: Book, execution: Execution, qty: Decimal, arrival: Decimal | None) -> Decimal:
    return book.slip(execution.side.sign, qty, execution.price, arrival) if arrival else ZERO
