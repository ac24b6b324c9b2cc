"""The exchange: one facade over books, accounts, margin and funding. Pure: no clock, no randomness, no I/O.

Every mutator takes ``now``, the venue's time in nanoseconds UTC, and returns what happened in the order a venue would
publish it. Call :func:`tradectl.model.money.use_exact_context` once in each thread that uses it. A :class:`Refused`
leaves everything unchanged.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from tradectl.matching.records import Happening, NewOrder, Position, VenueOrder, Wallet
from tradectl.matching.views import AccountFees, AccountView, PositionMargin, Prices
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.orders import Side

#: Book levels as ``(price, displayed size)``.
Levels = Iterable[tuple[Decimal, Decimal]]


class Exchange:
    """Price-time matching of user orders against market liquidity and each other, and the accounts behind it."""

    def __init__(self, instruments: Iterable[Instrument], *, seed: str) -> None:
        """``seed`` makes the ids: the same seed and the same calls give the same ids, another seed other ids."""
        raise NotImplementedError

    # --- accounts ---------------------------------------------------------------------------------------------

    def open_account(self, uid: str, fees: AccountFees, now: int) -> None:
        """Create an empty account. Raises ``ValueError`` when ``uid`` has one already."""
        raise NotImplementedError

    def has_account(self, uid: str) -> bool:
        raise NotImplementedError

    def fees(self, uid: str) -> AccountFees:
        raise NotImplementedError

    def deposit(self, uid: str, coin: str, amount: Decimal, now: int) -> list[Happening]:
        """Move coins in (``amount`` > 0, ledger TRANSFER_IN) or out (< 0, TRANSFER_OUT).

        Raises :class:`Refused` 131212 when more would leave than is free, 131001 for 0.
        """
        raise NotImplementedError

    def set_leverage(self, uid: str, instrument: InstrumentId, leverage: Decimal, now: int) -> list[Happening]:
        """Raises :class:`Refused` 110043 when unchanged, 110013 outside 1..max, 110044 when the margin is missing,
        10001 for spot or an unknown symbol."""
        raise NotImplementedError

    # --- orders -----------------------------------------------------------------------------------------------

    def place(self, uid: str, request: NewOrder, now: int) -> tuple[VenueOrder, list[Happening]]:
        """Check, match and rest an order; the returned order is a copy in its state after matching.

        Raises :class:`Refused` with Bybit's code (bybit-v5 10) when the gateway would refuse.
        """
        raise NotImplementedError

    def amend(
        self,
        uid: str,
        instrument: InstrumentId,
        order_id: str,
        link_id: str,
        qty: Decimal | None,
        price: Decimal | None,
        now: int,
    ) -> tuple[VenueOrder, list[Happening]]:
        """Change total quantity or price of an open order named by ``order_id`` or else ``link_id`` ("" = absent).

        A new price or a larger quantity loses the place in the queue, and may match at once. Raises
        :class:`Refused` 110001/170213 (unknown or final), 10001 (nothing changes), 110064/170313 (qty <= filled) and
        the codes of :meth:`place`.
        """
        raise NotImplementedError

    def cancel(
        self, uid: str, instrument: InstrumentId, order_id: str, link_id: str, now: int
    ) -> tuple[VenueOrder, list[Happening]]:
        """Cancel an open order. Raises :class:`Refused` 110001/170213 when it is unknown or final."""
        raise NotImplementedError

    def cancel_all(
        self, uid: str, instrument: InstrumentId | None, now: int
    ) -> tuple[list[VenueOrder], list[Happening]]:
        """Cancel every open order of the account, of one instrument or (None) of all; oldest first."""
        raise NotImplementedError

    # --- the market -------------------------------------------------------------------------------------------

    def set_book(self, instrument: InstrumentId, bids: Levels, asks: Levels, now: int) -> list[Happening]:
        """Replace the displayed book. A level whose displayed size did not change keeps what our fills used of it.

        Resting user orders that the book now crosses are filled at their own price as makers, against the crossing
        displayed size. Raises ``ValueError`` for a price off the tick.
        """
        raise NotImplementedError

    def update_levels(self, instrument: InstrumentId, bids: Levels, asks: Levels, now: int) -> list[Happening]:
        """Set the displayed size of single levels (0 removes one); each level named counts as updated."""
        raise NotImplementedError

    def print_trade(
        self, instrument: InstrumentId, side: Side, price: Decimal, qty: Decimal, now: int
    ) -> list[Happening]:
        """A public trade (``side`` is the taker's); sets the last price and fills resting user orders it reached.

        Orders strictly better than the print are filled first, at their own price, by price and time, together at
        most ``qty``. An order exactly at the price, on the maker's side, is filled only by what exceeds the displayed
        size that stood before it (:mod:`tradectl.matching.queue_position`).
        """
        raise NotImplementedError

    def set_mark(self, instrument: InstrumentId, mark: Decimal, index: Decimal, now: int) -> list[Happening]:
        """Set mark and index price; accounts whose maintenance margin reaches the margin balance are liquidated."""
        raise NotImplementedError

    def set_last(self, instrument: InstrumentId, price: Decimal, now: int) -> None:
        """Set the last price without a trade."""
        raise NotImplementedError

    def settle_funding(self, instrument: InstrumentId, rate: Decimal, now: int) -> list[Happening]:
        """Exchange funding: size x mark x rate, rounded half-even to eight decimals; longs pay a positive rate."""
        raise NotImplementedError

    # --- views (copies) ---------------------------------------------------------------------------------------

    @property
    def instruments(self) -> Mapping[InstrumentId, Instrument]:
        raise NotImplementedError

    def order(self, uid: str, order_id: str = "", link_id: str = "") -> VenueOrder | None:
        """An *open* order by either id; finished orders leave memory with the happening that reported them."""
        raise NotImplementedError

    def open_orders(self, uid: str, instrument: InstrumentId | None = None) -> list[VenueOrder]:
        """Open orders, oldest first."""
        raise NotImplementedError

    def position(self, uid: str, instrument: InstrumentId) -> Position:
        """The position, a flat one (``seq`` -1) where none was ever held."""
        raise NotImplementedError

    def positions(self, uid: str) -> list[Position]:
        """Positions that are not flat, by instrument."""
        raise NotImplementedError

    def position_margin(self, uid: str, instrument: InstrumentId) -> PositionMargin:
        raise NotImplementedError

    def wallet(self, uid: str, coin: str) -> Wallet:
        """One coin; zero where the account never held it."""
        raise NotImplementedError

    def wallets(self, uid: str) -> list[Wallet]:
        """Every coin ever held, by name."""
        raise NotImplementedError

    def account(self, uid: str) -> AccountView:
        raise NotImplementedError

    def unrealised(self, position: Position) -> Decimal:
        """``size x mark - cost`` in the settle coin, 0 while no mark is known."""
        raise NotImplementedError

    def prices(self, instrument: InstrumentId) -> Prices:
        raise NotImplementedError

    def price_band(self, instrument: InstrumentId) -> tuple[Decimal, Decimal] | None:
        """Highest buy and lowest sell price of limit orders (bybit-v5 5.1), ``None`` while there is no reference."""
        raise NotImplementedError

    def market_cash(self) -> dict[str, Decimal]:
        """Cash of the market, the counterparty of everything: with all wallets and :meth:`fees_collected` it adds up
        to what was deposited, coin by coin, to the last digit."""
        raise NotImplementedError

    def fees_collected(self) -> dict[str, Decimal]:
        raise NotImplementedError

    # --- persistence ------------------------------------------------------------------------------------------

    def save(self) -> bytes:
        """Everything needed to continue identically; the same state gives the same bytes."""
        raise NotImplementedError

    @classmethod
    def restore(cls, data: bytes) -> "Exchange":
        """The exchange that :meth:`save` wrote. Raises ``msgspec.ValidationError`` on foreign bytes."""
        raise NotImplementedError
