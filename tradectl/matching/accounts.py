"""The account of one user: wallets, holdings, open and conditional orders and the client ids it has used."""

from decimal import Decimal
from itertools import islice

from msgspec import Struct, field

from tradectl.matching.conditional import ConditionalOrder
from tradectl.matching.records import Position, Wallet
from tradectl.matching.resting import RestingOrder
from tradectl.matching.views import AccountFees
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import Side

#: Client ids remembered per account, at least; Bybit does not say how long one stays reserved (bybit-v5 A.5). The
#: oldest are forgotten many at a time: finding the first entry of a dict takes as long as it has lost entries before.
REMEMBERED_LINKS = 100_000
FORGOTTEN_AT_ONCE = 1_000
DEFAULT_LEVERAGE = Decimal(10)


class Leg(Struct, frozen=True, array_like=True, cache_hash=True, order=True):
    """What one position is of: ``idx`` 0 in one-way mode, in hedge mode 1 for the long and 2 for the short side."""

    instrument: InstrumentId
    idx: int = 0


class Holding(Struct):
    """A position, size and value (leaves, leaves x price) of its open orders that are not reduce-only, the number of
    those that are, and the number of conditional orders that live and die with it."""

    position: Position
    buy_qty: Decimal = ZERO
    buy_value: Decimal = ZERO
    sell_qty: Decimal = ZERO
    sell_value: Decimal = ZERO
    reducing: int = 0
    attached: int = 0

    def add_order(self, side: Side, qty: Decimal, value: Decimal) -> None:
        """Count an open order in (or, with negative amounts, out)."""
        if side is Side.BUY:
            self.buy_qty += qty
            self.buy_value += value
        else:
            self.sell_qty += qty
            self.sell_value += value


class Account(Struct):
    """``orders`` (in the book) and ``conditionals`` (not triggered) by order id, oldest first; ``open_links`` finds
    both by client id. ``hedge`` is the position mode chosen for an instrument, ``hedge_coins`` for a settle coin."""

    uid: str
    fees: AccountFees
    wallets: dict[str, Wallet] = field(default_factory=dict)
    holdings: dict[Leg, Holding] = field(default_factory=dict)
    orders: dict[str, RestingOrder] = field(default_factory=dict)
    open_links: dict[str, str] = field(default_factory=dict)
    used_links: dict[str, None] = field(default_factory=dict)
    conditionals: dict[str, ConditionalOrder] = field(default_factory=dict)
    hedge: dict[InstrumentId, bool] = field(default_factory=dict)
    hedge_coins: dict[str, bool] = field(default_factory=dict)

    def wallet(self, coin: str) -> Wallet:
        """The wallet, created empty at its first use."""
        wallet = self.wallets.get(coin)
        if wallet is None:
            wallet = self.wallets[coin] = Wallet(self.uid, coin)
        return wallet

    def holding(self, instrument: Instrument, idx: int = 0) -> Holding:
        """The holding, created flat at its first use."""
        leg = Leg(instrument.id, idx)
        holding = self.holdings.get(leg)
        if holding is None:
            holding = self.holdings[leg] = self.peek_holding(instrument, idx)
        return holding

    def peek_holding(self, instrument: Instrument, idx: int = 0) -> Holding:
        """The holding, or a flat one that is not kept: looking changes nothing. Leverage is one per instrument."""
        holding = self.holdings.get(Leg(instrument.id, idx))
        if holding is not None:
            return holding
        known = [legs.position.leverage for legs in self.legs(instrument.id)]
        leverage = known[0] if known else min(DEFAULT_LEVERAGE, instrument.max_leverage)
        return Holding(Position(self.uid, instrument.id, leverage=leverage, position_idx=idx))

    def legs(self, instrument: InstrumentId) -> list[Holding]:
        """The holdings of one instrument that were ever used."""
        found = (self.holdings.get(Leg(instrument, idx)) for idx in (0, 1, 2))
        return [holding for holding in found if holding is not None]

    def hedged(self, instrument: Instrument) -> bool:
        """Whether both sides are held apart; the choice for the symbol precedes the coin's (bybit-v5 6.3)."""
        if not self.hedge and not self.hedge_coins:
            return False
        return self.hedge.get(instrument.id, self.hedge_coins.get(instrument.settle_coin, False))

    def size(self, instrument: InstrumentId, idx: int = 0) -> Decimal:
        holding = self.holdings.get(Leg(instrument, idx))
        return ZERO if holding is None else holding.position.size

    def fee_rate(self, spot: bool, maker: bool) -> Decimal:
        fees = self.fees
        if spot:
            return fees.spot_maker if maker else fees.spot_taker
        return fees.linear_maker if maker else fees.linear_taker

    def remember_link(self, link_id: str) -> None:
        if not link_id:
            return
        self.used_links[link_id] = None
        if len(self.used_links) >= REMEMBERED_LINKS + FORGOTTEN_AT_ONCE:
            for oldest in list(islice(self.used_links, FORGOTTEN_AT_ONCE)):
                del self.used_links[oldest]

    def find_order(self, order_id: str, link_id: str) -> RestingOrder | None:
        """An order in the book; the order id wins when both are given (bybit-v5 5.2)."""
        return self.orders.get(order_id or self.open_links.get(link_id, ""))

    def find_conditional(self, order_id: str, link_id: str) -> ConditionalOrder | None:
        """A conditional order that was not triggered yet, found as in :meth:`find_order`."""
        return self.conditionals.get(order_id or self.open_links.get(link_id, ""))

    def lock(self, instrument: Instrument, side: Side, qty: Decimal, value: Decimal) -> None:
        """Hold (or, with negative amounts, release) the coins that a resting spot order pays with."""
        if side is Side.BUY:
            self.wallet(instrument.quote_coin).locked += value
        else:
            self.wallet(instrument.base_coin).locked += qty
