"""The exchange: one facade over books, accounts, margin and funding. Pure: no clock, no randomness, no I/O.

Every mutator takes ``now``, the venue's time in nanoseconds UTC, and returns what happened in the order a venue would
publish it. Call :func:`tradectl.model.money.use_exact_context` once in each thread that uses it. A :class:`Refused`
leaves everything unchanged.
"""

import copy
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType

from tradectl.matching import (
    conditional_entry,
    funding,
    liquidation,
    margin,
    order_amend,
    order_cancel,
    order_entry,
    position_mode,
    price_band,
    queue_position,
    safe_marks,
    snapshot,
)
from tradectl.matching.accounts import Account, Holding
from tradectl.matching.at_once import AtOnce
from tradectl.matching.book import Book
from tradectl.matching.ids import IdSource, PlainIds
from tradectl.matching.matcher import Matcher
from tradectl.matching.publication import Publication, Wanted, copy_order, shown
from tradectl.matching.records import (
    EVERYTHING,
    Happening,
    NewOrder,
    Position,
    Refused,
    StopChange,
    VenueOrder,
    Wallet,
)
from tradectl.matching.state import State
from tradectl.matching.trading_stop import TradingStops
from tradectl.matching.transfers import change_leverage, transfer
from tradectl.matching.triggers import fire_due
from tradectl.matching.views import AccountFees, AccountView, PositionMargin, Prices
from tradectl.matching.walk import Step, show, stand, walk
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.orders import Protection, Side, TradingStop, TriggerBy

#: Book levels as ``(price, displayed size)``.
Levels = Iterable[tuple[Decimal, Decimal]]


class Exchange:
    """Price-time matching of user orders against market liquidity and each other, and the accounts behind it."""

    def __init__(
        self,
        instruments: Iterable[Instrument],
        *,
        seed: str,
        publish: frozenset[type[Happening]] = EVERYTHING,
        remember_links: bool = True,
        plain_ids: bool = False,
    ) -> None:
        """``seed`` makes the ids: the same seed and the same calls give the same ids, another seed other ids.

        ``publish`` are the kinds of happenings somebody reads; the others are not made. Without ``remember_links`` only
        the client ids of open orders are reserved (bybit-v5 A.5). ``plain_ids`` are counted and the same for all seeds.
        None of the three changes what happens otherwise, nor is it saved.
        """
        self._state = State(instruments, PlainIds(seed) if plain_ids else IdSource(seed))
        self._state.remember_links = remember_links
        self._wanted = Wanted.of(publish)

    # --- accounts ---------------------------------------------------------------------------------------------

    def open_account(self, uid: str, fees: AccountFees, now: int) -> None:
        """Create an empty account. Raises ``ValueError`` when ``uid`` has one already."""
        if uid in self._state.accounts:
            raise ValueError(f"account {uid!r} exists already")
        self._state.accounts[uid] = Account(uid, fees)

    def add(self, instrument: Instrument) -> None:
        """A market of its own for ``instrument``; one that has one already keeps what it was listed with."""
        self._state.add(instrument)

    def relist(self, instrument: Instrument) -> None:
        """Take the new filters of a market in which nothing rests or waits (raises ``ValueError`` otherwise).

        Prices and positions stay; what was displayed, in the old ticks, is forgotten.
        """
        if self.has_resting(instrument.id):
            raise ValueError(f"{instrument.id} has orders at the old filters")
        self._state.relist(instrument)

    def has_account(self, uid: str) -> bool:
        return uid in self._state.accounts

    def fees(self, uid: str) -> AccountFees:
        return self._state.account(uid).fees

    def deposit(self, uid: str, coin: str, amount: Decimal, now: int) -> list[Happening]:
        """Move coins in (``amount`` > 0, ledger TRANSFER_IN) or out (< 0, TRANSFER_OUT).

        Raises :class:`Refused` 131212 when more would leave than is free, 131001 for 0.
        """
        out = self._out()
        transfer(self._state, out, self._state.account(uid), coin, amount, now)
        return out.finish()

    def set_leverage(self, uid: str, instrument: InstrumentId, leverage: Decimal, now: int) -> list[Happening]:
        """Raises :class:`Refused` 110043 when unchanged, 110013 outside 1..max, 110044 when the margin is missing,
        10001 for spot or an unknown symbol."""
        out = self._out()
        change_leverage(self._state, out, self._state.account(uid), self._book(instrument), leverage, now)
        return out.finish()

    def switch_mode(self, uid: str, target: InstrumentId | str, hedge: bool, now: int) -> list[Happening]:
        """Hold both sides of an instrument, or of all of a settle coin, apart (``hedge``) or in one position.

        Raises :class:`Refused` 110029 where that is impossible, 110025 when unchanged, and for a single instrument
        110024 with a position, 110028 with an order; by coin such instruments stay as they are.
        """
        position_mode.switch(self._state, self._state.account(uid), target, hedge)
        return []

    def set_trading_stop(self, uid: str, stop: TradingStop, now: int) -> list[Happening]:
        """Edit take-profit, stop-loss and trailing stop of a whole position (mode Full).

        Raises :class:`Refused` 34040 when nothing changes, 10001 for a flat position, the wrong ``position_idx`` and
        a price on the wrong side of the market.
        """
        out, account, book = self._out(), self._state.account(uid), self._book(stop.instrument)
        TradingStops(self._state, out, account, book, stop.position_idx, now).set(stop)
        return out.finish()

    def add_partial_stops(
        self, uid: str, instrument: InstrumentId, position_idx: int, legs: Protection, size: Decimal, now: int
    ) -> list[Happening]:
        """Add take-profit and stop-loss for ``size`` of a position (mode Partial); a pair cancels each other.

        Raises :class:`Refused` as :meth:`set_trading_stop`, and 110061 above 20 of them.
        """
        out, account, book = self._out(), self._state.account(uid), self._book(instrument)
        TradingStops(self._state, out, account, book, position_idx, now).add(legs, size)
        return out.finish()

    # --- orders -----------------------------------------------------------------------------------------------

    def place(self, uid: str, request: NewOrder, now: int) -> tuple[VenueOrder, list[Happening]]:
        """Check, match and rest an order; the returned order is a copy in its state after matching.

        A conditional one is returned Untriggered. Raises :class:`Refused` with Bybit's code (bybit-v5 10) when the
        gateway would refuse.
        """
        out = self._out()
        order = order_entry.place(self._state, out, self._state.account(uid), request, now)
        happened = out.finish()
        return out.shown(order), happened

    def at_once(self, uid: str, instrument: InstrumentId) -> AtOnce:
        """The quick way for plain market orders of one account, for who reads no happenings. Not to be used after the
        instrument was relisted or the exchange restored."""
        return AtOnce(self._state, self._state.account(uid), self._book(instrument))

    def amend(
        self,
        uid: str,
        instrument: InstrumentId,
        order_id: str,
        link_id: str,
        qty: Decimal | None,
        price: Decimal | None,
        now: int,
        stops: StopChange | None = None,
    ) -> tuple[VenueOrder, list[Happening]]:
        """Change an open or conditional order named by ``order_id`` or else ``link_id`` ("" = absent): its total
        quantity, price, trigger, or the protection it will attach.

        A new price or a larger quantity loses the place in the queue, and may match at once. Raises
        :class:`Refused` 110001/170213 (unknown or final), 10001 (nothing changes), 110064/170313 (qty <= filled),
        110059 (TP/SL of a partly filled order) and the codes of :meth:`place`.
        """
        out, account, book = self._out(), self._state.account(uid), self._book(instrument)
        stops = StopChange() if stops is None else stops
        waiting = order_cancel.find_waiting(account, book, order_id, link_id)
        if waiting is not None:
            order = conditional_entry.amend(out, account, book, waiting, qty, price, stops, now)
        else:
            resting = order_entry.find(account, book, order_id, link_id)
            order = order_amend.amend(self._state, out, account, book, resting, qty, price, stops, now)
        happened = out.finish()
        return out.shown(order), happened

    def cancel(
        self, uid: str, instrument: InstrumentId, order_id: str, link_id: str, now: int
    ) -> tuple[VenueOrder, list[Happening]]:
        """Cancel an open or conditional order. Raises :class:`Refused` 110001/170213 when it is unknown or final."""
        out, account, book = self._out(), self._state.account(uid), self._book(instrument)
        order = order_cancel.cancel_one(out, account, book, order_id, link_id, now)
        happened = out.finish()
        return out.shown(order), happened

    def cancel_all(
        self,
        uid: str,
        instrument: InstrumentId | None,
        now: int,
        order_filter: str = "",
        stop_order_type: str = "",
    ) -> tuple[list[VenueOrder], list[Happening]]:
        """Cancel the orders of the account, of one instrument or (None) of all; oldest first.

        ``order_filter`` is Bybit's: Order for those in the book, StopOrder for conditional ones (``stop_order_type``
        Stop: without TP/SL), tpslOrder on spot; "" is everything on derivatives and Order on spot (bybit-v5 5.4).
        """
        out, account = self._out(), self._state.account(uid)
        cancelled = order_cancel.cancel_all(self._state, out, account, instrument, order_filter, stop_order_type, now)
        return [shown(order) for order in cancelled], out.finish()

    # --- the market -------------------------------------------------------------------------------------------

    def set_book(self, instrument: InstrumentId, bids: Levels, asks: Levels, now: int) -> list[Happening]:
        """Replace the displayed book. A level whose displayed size did not change keeps what our fills used of it.

        Resting user orders that the book now crosses are filled at their own price as makers, against the crossing
        displayed size. Raises ``ValueError`` for a price off the tick.
        """
        book = self._book(instrument)
        return self.set_sides(instrument, book.standing(Side.BUY, bids), book.standing(Side.SELL, asks), now)

    def set_sides(
        self, instrument: InstrumentId, bids: dict[int, int], asks: dict[int, int], now: int
    ) -> list[Happening]:
        """:meth:`set_book` by key, all of them with something to show: lots by ticks, those of bids negative."""
        book = self._book(instrument)
        book.bids.replace(bids)
        book.asks.replace(asks)
        return self._market_moved(book, now)

    def update_levels(self, instrument: InstrumentId, bids: Levels, asks: Levels, now: int) -> list[Happening]:
        """Set the displayed size of single levels (0 removes one); each level named counts as updated."""
        book = self._book(instrument)
        return self.change_sides(instrument, book.levels(Side.BUY, bids), book.levels(Side.SELL, asks), now)

    def change_sides(
        self, instrument: InstrumentId, bids: dict[int, int], asks: dict[int, int], now: int
    ) -> list[Happening]:
        """:meth:`update_levels` by key."""
        book = self._book(instrument)
        for key, lots in bids.items():
            book.bids.update(key, lots)
        for key, lots in asks.items():
            book.asks.update(key, lots)
        return self._market_moved(book, now)

    def displayed(self, instrument: InstrumentId) -> tuple[tuple[int, int], tuple[int, int]]:
        """The best displayed bid and ask, each in ticks and lots, whatever our fills used of them; 0 and 0: none."""
        book = self._book(instrument)
        bids, asks = book.bids, book.asks
        bid = (-bids.keys[0], bids.sizes[bids.keys[0]]) if bids.keys else (0, 0)
        return bid, (asks.keys[0], asks.sizes[asks.keys[0]]) if asks.keys else (0, 0)

    def print_trade(
        self, instrument: InstrumentId, side: Side, price: Decimal, qty: Decimal, now: int
    ) -> list[Happening]:
        """A public trade (``side`` is the taker's); sets the last price, fills resting user orders it reached, and
        fires the conditional orders whose trigger the last price reached.

        Orders strictly better than the print are filled first, at their own price, by price and time, together at
        most ``qty``. An order exactly at the price, on the maker's side, is filled only by what exceeds the displayed
        size that stood before it (:mod:`tradectl.matching.queue_position`).
        """
        book = self._book(instrument)
        ticks = book.grid.ticks(price)
        self._set_last(book, price)
        reached = book.may_reach(ticks)
        if not reached and not book.conditionals:
            return []
        out = self._out()
        if reached:
            Matcher(self._state, out, now).print_through(book, side, ticks, book.grid.whole_lots(qty))
        if book.conditionals:
            fire_due(self._state, out, book, TriggerBy.LAST, now)
        return out.finish()

    def set_mark(self, instrument: InstrumentId, mark: Decimal, index: Decimal, now: int) -> list[Happening]:
        """Set mark and index price; conditional orders they reach fire, then accounts whose maintenance margin
        reaches the margin balance are liquidated."""
        book = self._book(instrument)
        before = book.reference()
        book.mark, book.index = mark, index
        margin.price_moved(self._state, book, before)
        if not book.conditionals:
            return self._liquidate(now)
        out = self._out()
        fire_due(self._state, out, book, TriggerBy.MARK, now)
        fire_due(self._state, out, book, TriggerBy.INDEX, now)
        return out.finish() + self._liquidate(now)

    def set_last(self, instrument: InstrumentId, price: Decimal, now: int) -> list[Happening]:
        """Set the last price without a trade; conditional orders it reaches fire."""
        book = self._book(instrument)
        self._set_last(book, price)
        if not book.conditionals:
            return []
        out = self._out()
        fire_due(self._state, out, book, TriggerBy.LAST, now)
        return out.finish()

    def walk(self, instrument: InstrumentId, step: Step, now: int) -> list[Happening]:
        """One step of a price's way where only candles are known (:mod:`tradectl.matching.walk`).

        Raises ``ValueError`` for a price off the tick.
        """
        out = self._out()
        walk(self._state, out, self._book(instrument), step, now)
        return out.finish()

    def stand(
        self, instrument: InstrumentId, price: Decimal, mark: Decimal, now: int, safe: bool = False
    ) -> list[Happening] | None:
        """The price is here and the displayed sides are out of date: :meth:`show` others before an order is placed.

        ``safe``: the caller kept within :meth:`liquidation_bounds`, so that nothing needs to be looked for.
        ``None``, and nothing changed, when somebody's order waits here, for which :meth:`walk` is meant.
        """
        book = self._state.book(instrument)
        if book.buys.keys or book.sells.keys or book.conditionals:
            return None
        stand(self._state, book, price, mark)
        return [] if safe else self._liquidate(now)

    def show(self, instrument: InstrumentId, bids: dict[int, int], asks: dict[int, int]) -> None:
        """Display sides (lots by key) without crossing what rests; what fills used of the old ones is forgotten."""
        show(self._state.book(instrument), bids, asks)

    def waypoints(self, instrument: InstrumentId) -> list[Decimal]:
        """Prices at which a last price on its way does something, in no order: triggers that look at it, and for each
        resting order the first price that goes through it."""
        book = self._book(instrument)
        points = [book.grid.price(-key - 1) for key in book.buys.keys]
        points += [book.grid.price(key + 1) for key in book.sells.keys]
        if book.conditionals:
            triggers = (waiting.order.trigger for waiting in book.conditionals.values())
            points += [it.price for it in triggers if it is not None and it.by is TriggerBy.LAST]
        return points

    def settle_funding(self, instrument: InstrumentId, rate: Decimal, now: int) -> list[Happening]:
        """Exchange funding: value at mark x rate, rounded half-even to eight decimals; longs pay a positive rate."""
        out, book = self._out(), self._book(instrument)
        if book.instrument.is_spot:
            raise Refused(10001, f"{instrument} has no funding")
        funding.settle(self._state, out, book, rate, now)
        return out.finish() + self._liquidate(now)

    def has_resting(self, instrument: InstrumentId) -> bool:
        """Whether anybody has an order here, in the book or conditional: a price could do something to it."""
        book = self._state.book(instrument)
        return bool(book.buys.keys or book.sells.keys or book.conditionals)

    def liquidation_bounds(self, uid: str, instrument: InstrumentId, at: float = 0.0) -> tuple[Decimal, Decimal] | None:
        """Marks strictly between the two cannot liquidate the account, all else standing still; ``None``: no mark of
        this instrument can. ``at`` is the mark, if it was not told. See :mod:`tradectl.matching.safe_marks`."""
        state = self._state
        return safe_marks.liquidation_bounds(state, state.account(uid), state.book(instrument), at)

    # --- views (copies) ---------------------------------------------------------------------------------------

    @property
    def instruments(self) -> Mapping[InstrumentId, Instrument]:
        return MappingProxyType(self._state.instruments)

    def order(self, uid: str, order_id: str = "", link_id: str = "") -> VenueOrder | None:
        """An *open* or conditional order by either id; finished ones leave memory with the happening that reports
        them."""
        account = self._state.account(uid)
        resting = account.find_order(order_id, link_id)
        waiting = account.find_conditional(order_id, link_id)
        if resting is not None:
            return copy_order(resting.order)
        return None if waiting is None else copy_order(waiting.order)

    def open_orders(self, uid: str, instrument: InstrumentId | None = None) -> list[VenueOrder]:
        """Orders in the book and conditional ones (Untriggered), oldest first."""
        account = self._state.account(uid)
        orders = [resting.order for resting in account.orders.values()]
        orders += [waiting.order for waiting in account.conditionals.values()]
        chosen = [copy_order(order) for order in orders if instrument in (None, order.instrument)]
        return sorted(chosen, key=lambda order: order.created)

    def is_hedged(self, uid: str, instrument: InstrumentId) -> bool:
        """Whether the account holds both sides apart: ``position_idx`` is then 1 and 2, else 0."""
        return self._state.account(uid).hedged(self._book(instrument).instrument)

    def holds(self, uid: str, instrument: InstrumentId) -> bool:
        """Whether there is a position, on either side."""
        account = self._state.account(uid)
        for leg in self._state.book(instrument).legs:
            holding = account.holdings.get(leg)
            if holding is not None and holding.position.size:
                return True
            if not (account.hedge or account.hedge_coins):
                return False  # the other legs are those of hedge mode
        return False

    def position(self, uid: str, instrument: InstrumentId, position_idx: int = 0) -> Position:
        """The position, a flat one (``seq`` -1) where none was ever held."""
        return copy.copy(self._holding(uid, instrument, position_idx).position)

    def positions(self, uid: str) -> list[Position]:
        """Positions that are not flat, by instrument and leg."""
        holdings = self._state.account(uid).holdings
        return [copy.copy(holdings[key].position) for key in sorted(holdings) if holdings[key].position.size != 0]

    def position_margin(self, uid: str, instrument: InstrumentId, position_idx: int = 0) -> PositionMargin:
        account = self._state.account(uid)
        return margin.position_margin(self._state, account, self._holding(uid, instrument, position_idx))

    def wallet(self, uid: str, coin: str) -> Wallet:
        """One coin; zero where the account never held it."""
        wallet = self._state.account(uid).wallets.get(coin)
        return Wallet(uid, coin) if wallet is None else copy.copy(wallet)

    def wallets(self, uid: str) -> list[Wallet]:
        """Every coin ever held, by name."""
        wallets = self._state.account(uid).wallets
        return [copy.copy(wallets[coin]) for coin in sorted(wallets)]

    def account(self, uid: str) -> AccountView:
        return margin.account_view(self._state, self._state.account(uid))

    def unrealised(self, position: Position) -> Decimal:
        """Signed value at mark less cost in the settle coin, 0 while no mark is known."""
        return margin.unrealised(self._state, Holding(position))

    def prices(self, instrument: InstrumentId) -> Prices:
        book = self._book(instrument)
        return Prices(book.mark, book.index, book.last)

    def price_band(self, instrument: InstrumentId) -> tuple[Decimal, Decimal] | None:
        """Highest buy and lowest sell price of limit orders (bybit-v5 5.1), ``None`` while there is no reference."""
        return price_band.price_band(self._book(instrument))

    def market_cash(self) -> dict[str, Decimal]:
        """Cash of the market, the counterparty of everything: with all wallets and :meth:`fees_collected` it adds up
        to what was deposited, coin by coin, to the last digit."""
        return dict(self._state.market.cash)

    def fees_collected(self) -> dict[str, Decimal]:
        return dict(self._state.market.fees)

    # --- persistence ------------------------------------------------------------------------------------------

    def save(self) -> bytes:
        """Everything needed to continue identically; the same state gives the same bytes."""
        return snapshot.save(self._state)

    @classmethod
    def restore(
        cls,
        data: bytes,
        known: Iterable[Instrument] = (),
        *,
        publish: frozenset[type[Happening]] = EVERYTHING,
        remember_links: bool = True,
    ) -> "Exchange":
        """The exchange that :meth:`save` wrote, also that of an older version; ``known`` completes the instruments it
        kept less of, the others are as at the start. Raises ``msgspec.DecodeError`` on bytes of another kind and
        ``ValueError`` on another version's.
        """
        exchange = cls((), seed="", publish=publish)
        exchange._state = snapshot.restore(data, known)
        exchange._state.remember_links = remember_links
        return exchange

    # --- inside -----------------------------------------------------------------------------------------------

    def _out(self) -> Publication:
        return Publication(self._wanted)

    def _set_last(self, book: Book, price: Decimal) -> None:
        if book.mark is not None:
            book.last = price
            return
        before, book.last = book.reference(), price
        margin.price_moved(self._state, book, before)

    def _book(self, instrument: InstrumentId) -> Book:
        return self._state.book(instrument)

    def _holding(self, uid: str, instrument: InstrumentId, position_idx: int) -> Holding:
        """The holding, or a flat one that is not kept: reading changes nothing."""
        return self._state.account(uid).peek_holding(self._book(instrument).instrument, position_idx)

    def _market_moved(self, book: Book, now: int) -> list[Happening]:
        """After displayed levels changed: queues move forward, crossed orders trade."""
        book.sample_premium(now, price_band.premium_window(book))
        if not book.buys.keys and not book.sells.keys:
            return []
        queue_position.refresh(book.buys, book.bids)
        queue_position.refresh(book.sells, book.asks)
        out = self._out()
        Matcher(self._state, out, now).cross(book)
        return out.finish()

    def _liquidate(self, now: int) -> list[Happening]:
        out = self._out()
        liquidation.liquidate_where_due(self._state, out, now)
        return out.finish()
