"""The account of one user: wallets, linear holdings, open orders and the client ids it has used."""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.matching.records import Position, Wallet
from tradectl.matching.resting import RestingOrder
from tradectl.matching.views import AccountFees
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import Side

#: Client ids remembered per account; Bybit does not say how long one stays reserved (bybit-v5 A.5).
REMEMBERED_LINKS = 100_000
DEFAULT_LEVERAGE = Decimal(10)


class Holding(Struct):
    """A position, size and value (leaves, leaves x price) of its open orders that are not reduce-only, and the number
    of those that are."""

    position: Position
    buy_qty: Decimal = ZERO
    buy_value: Decimal = ZERO
    sell_qty: Decimal = ZERO
    sell_value: Decimal = ZERO
    reducing: int = 0

    def add_order(self, side: Side, qty: Decimal, value: Decimal) -> None:
        """Count an open order in (or, with negative amounts, out)."""
        if side is Side.BUY:
            self.buy_qty += qty
            self.buy_value += value
        else:
            self.sell_qty += qty
            self.sell_value += value


class Account(Struct):
    """``orders`` by order id, oldest first; ``open_links`` finds them by client id."""

    uid: str
    fees: AccountFees
    wallets: dict[str, Wallet] = field(default_factory=dict)
    holdings: dict[InstrumentId, Holding] = field(default_factory=dict)
    orders: dict[str, RestingOrder] = field(default_factory=dict)
    open_links: dict[str, str] = field(default_factory=dict)
    used_links: dict[str, None] = field(default_factory=dict)

    def wallet(self, coin: str) -> Wallet:
        """The wallet, created empty at its first use."""
        wallet = self.wallets.get(coin)
        if wallet is None:
            wallet = self.wallets[coin] = Wallet(self.uid, coin)
        return wallet

    def holding(self, instrument: Instrument) -> Holding:
        """The holding, created flat at its first use."""
        holding = self.holdings.get(instrument.id)
        if holding is None:
            holding = self.holdings[instrument.id] = self.peek_holding(instrument)
        return holding

    def peek_holding(self, instrument: Instrument) -> Holding:
        """The holding, or a flat one that is not kept: looking changes nothing."""
        holding = self.holdings.get(instrument.id)
        if holding is not None:
            return holding
        leverage = min(DEFAULT_LEVERAGE, instrument.max_leverage)
        return Holding(Position(self.uid, instrument.id, leverage=leverage))

    def size(self, instrument: InstrumentId) -> Decimal:
        holding = self.holdings.get(instrument)
        return ZERO if holding is None else holding.position.size

    def is_flat(self) -> bool:
        return all(holding.position.size == 0 for holding in self.holdings.values())

    def fee_rate(self, spot: bool, maker: bool) -> Decimal:
        fees = self.fees
        if spot:
            return fees.spot_maker if maker else fees.spot_taker
        return fees.linear_maker if maker else fees.linear_taker

    def remember_link(self, link_id: str) -> None:
        if not link_id:
            return
        self.used_links[link_id] = None
        if len(self.used_links) > REMEMBERED_LINKS:
            del self.used_links[next(iter(self.used_links))]

    def find_order(self, order_id: str, link_id: str) -> RestingOrder | None:
        """An open order; the order id wins when both are given (bybit-v5 5.2)."""
        return self.orders.get(order_id or self.open_links.get(link_id, ""))

    def reserve(self, instrument: Instrument, side: Side, reduce_only: bool, qty: Decimal, value: Decimal) -> None:
        """Hold (or, with negative amounts, release) what a resting order needs: coins on spot, margin on linear."""
        if instrument.is_spot:
            if side is Side.BUY:
                self.wallet(instrument.quote_coin).locked += value
            else:
                self.wallet(instrument.base_coin).locked += qty
        elif not reduce_only:
            self.holding(instrument).add_order(side, qty, value)
