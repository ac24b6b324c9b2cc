"""Cross margin: what positions and orders need, what the account is worth, and where it would be liquidated.

Formulas of bybit-v5 6.1 and 7.1: initial margin ``value / leverage`` and maintenance ``value x 0.5 %`` (one risk tier),
value being ``size x mark`` (inverse ``size / mark``), both with the estimated fee to close. Orders need margin for the
side that could add more, with the fees to open and to close; orders against the position need none up to its size. All
rounded half-even to eight decimals.
"""

from decimal import Decimal

from msgspec import Struct

from tradectl.matching.accounts import Account, Holding
from tradectl.matching.book import Book
from tradectl.matching.margin_sums import MAINTENANCE_RATE, AccountSums, LegNeed
from tradectl.matching.records import Position, Wallet
from tradectl.matching.state import DOLLARS, State
from tradectl.matching.views import AccountView, CoinView, PositionMargin
from tradectl.model.money import ZERO, to_coin


class Margin(Struct, gc=False):
    """Sums over an account in USD."""

    wallet: Decimal = ZERO
    unrealised: Decimal = ZERO
    initial: Decimal = ZERO
    maintenance: Decimal = ZERO

    @property
    def balance(self) -> Decimal:
        return self.wallet + self.unrealised

    @property
    def available(self) -> Decimal:
        return self.balance - self.initial

    @property
    def safety(self) -> Decimal:
        """What lies between the account and its liquidation."""
        return self.balance - self.maintenance


class _InCoin(Struct):
    """What the instruments of one settle coin need, in that coin."""

    unrealised: Decimal = ZERO
    order_im: Decimal = ZERO
    position_im: Decimal = ZERO
    position_mm: Decimal = ZERO


def unrealised(state: State, holding: Holding) -> Decimal:
    """The signed value at mark less cost: ``size x mark - cost`` on linear; 0 while no price is known."""
    position = holding.position
    book = state.books[position.instrument]
    mark = book.reference()
    if mark is None or position.size == 0:
        return ZERO
    return book.grid.signed_value(position.size, position_value(state, holding)) - position.cost


def position_value(state: State, holding: Holding) -> Decimal:
    """Unsigned value at mark in the settle coin; 0 while no price is known."""
    position = holding.position
    book = state.books[position.instrument]
    mark = book.reference()
    return ZERO if mark is None or position.size == 0 else book.grid.value_at(abs(position.size), mark)


def position_im(state: State, account: Account, holding: Holding) -> Decimal:
    position = holding.position
    if position.size == 0:
        return ZERO
    value = position_value(state, holding)
    return to_coin(value / position.leverage + value * account.fees.linear_taker)


def position_mm(state: State, account: Account, holding: Holding) -> Decimal:
    position = holding.position
    if position.size == 0:
        return ZERO
    value = position_value(state, holding)
    return to_coin(value * (MAINTENANCE_RATE + account.fees.linear_taker))


def order_im(account: Account, holding: Holding) -> Decimal:
    """Margin of the open orders: of the worse of both sides, after what only reduces the position."""
    position = holding.position
    adding = adding_value(position.size, holding.buy_qty, holding.buy_value, holding.sell_qty, holding.sell_value)
    return value_im(adding, position.leverage, account.fees.linear_taker)


def adding_value(
    size: Decimal, buy_qty: Decimal, buy_value: Decimal, sell_qty: Decimal, sell_value: Decimal
) -> Decimal:
    """The value that open orders could add to a position: of the side that could add more."""
    bought = _adding(buy_qty, buy_value, -size if size < ZERO else ZERO) if buy_qty else ZERO
    sold = _adding(sell_qty, sell_value, size if size > ZERO else ZERO) if sell_qty else ZERO
    return sold if sold > bought else bought


def value_im(adding: Decimal, leverage: Decimal, taker: Decimal) -> Decimal:
    """Initial margin of orders that add ``adding``, with the fees to open and to close."""
    return to_coin(adding / leverage + adding * taker * 2)


def _adding(qty: Decimal, value: Decimal, closes: Decimal) -> Decimal:
    """The value of what orders of ``qty`` would add to a position after closing ``closes`` of the other side."""
    if not closes:
        return value
    return value * (qty - closes) / qty if qty > closes else ZERO


def sums_of(state: State, account: Account) -> AccountSums:
    """The account's sums by coin, brought up to date."""
    if state.changed:
        _work_out(state)
    return state.sums_of(account)


def margin_of(state: State, account: Account) -> Margin:
    """The account's sums; liquidation is due when ``maintenance >= balance``."""
    sums = sums_of(state, account)
    total = _in_wallets(state, account)
    for coin, need in sums.coins.items():
        if coin in DOLLARS:
            total.unrealised += need.unrealised
            total.initial += need.initial
            total.maintenance += need.maintenance
        else:
            price = state.dollars(coin)
            total.unrealised += need.unrealised * price
            total.initial += need.initial * price
            total.maintenance += need.maintenance * price
    return total


def price_moved(state: State, book: Book, before: Decimal | None) -> None:
    """After the reference price of a book changed: what it was before is no longer what anybody's margin stands on."""
    after = book.reference()
    if not book.holders or after == before:
        return
    state.changed |= book.holders
    for uid, leg in book.holders:
        sums = state.sums.get(uid)
        if sums is None:
            continue
        if before is None or after is None:
            sums.slack = ZERO
        elif sums.slack > 0:
            sums.lose(leg, abs(after - before))


def plain_margin(state: State, account: Account) -> Margin:
    """As :func:`margin_of`, added up from all legs anew."""
    total = _in_wallets(state, account)
    for coin, need in _needs(state, account).items():
        price = state.dollars(coin)
        total.unrealised += need.unrealised * price
        total.initial += (need.order_im + need.position_im) * price
        total.maintenance += need.position_mm * price
    return total


def _in_wallets(state: State, account: Account) -> Margin:
    total = Margin()
    for wallet in account.wallets.values():
        balance, coin = wallet.balance, wallet.coin
        if balance:
            total.wallet += balance if coin in DOLLARS else balance * state.dollars(coin)
    return total


def _work_out(state: State) -> None:
    """Bring the sums of every changed leg up to date. One valued at the middle of a book, which moves unseen, stays
    changed."""
    unseen = []
    for key in state.changed:
        uid, leg = key
        account, book = state.accounts[uid], state.books[leg.instrument]
        holding = account.holdings[leg]
        state.sums_of(account).put(leg, _leg_need(account, book, holding))
        if not (holding.position.size or holding.buy_qty or holding.sell_qty):
            book.holders.discard(key)
        elif book.mark is None and book.last is None:
            unseen.append(key)
    state.changed.clear()
    state.changed.update(unseen)


def _leg_need(account: Account, book: Book, holding: Holding) -> LegNeed:
    """The sums of :func:`_needs` of one leg, without working any value out twice."""
    position, taker = holding.position, account.fees.linear_taker
    size, mark = position.size, book.reference()
    initial = order_im(account, holding) if holding.buy_qty or holding.sell_qty else ZERO
    coin, held = book.instrument.settle_coin, abs(size)
    if not size or mark is None:
        return LegNeed(coin, held, ZERO, initial, ZERO)
    value = book.grid.value_at(held, mark)
    gain = book.grid.signed_value(size, value) - position.cost
    initial += to_coin(value / position.leverage + value * taker)
    return LegNeed(coin, held, gain, initial, to_coin(value * (MAINTENANCE_RATE + taker)))


def account_view(state: State, account: Account) -> AccountView:
    total = plain_margin(state, account)
    needs = _needs(state, account)
    coins = []
    for coin in sorted(account.wallets.keys() | needs.keys()):
        wallet = account.wallets.get(coin) or Wallet(account.uid, coin)
        need = needs.get(coin, _InCoin())
        equity = wallet.balance + need.unrealised
        coins.append(
            CoinView(
                coin=coin, balance=wallet.balance, locked=wallet.locked, equity=equity,
                usd_value=equity * state.dollars(coin), unrealised=need.unrealised, order_im=need.order_im,
                position_im=need.position_im, position_mm=need.position_mm, cum_realised=wallet.cum_realised,
            )
        )  # fmt: skip
    balance = total.balance
    return AccountView(
        uid=account.uid, equity=balance, wallet_balance=total.wallet, margin_balance=balance,
        available=total.available, initial_margin=total.initial, maintenance_margin=total.maintenance,
        unrealised=total.unrealised, im_rate=total.initial / balance if balance > 0 else ZERO,
        mm_rate=total.maintenance / balance if balance > 0 else ZERO, coins=tuple(coins),
    )  # fmt: skip


def position_margin(state: State, account: Account, holding: Holding) -> PositionMargin:
    return PositionMargin(
        position_im(state, account, holding), position_mm(state, account, holding), _liq_price(state, account, holding)
    )


def _needs(state: State, account: Account) -> dict[str, _InCoin]:
    needs: dict[str, _InCoin] = {}
    for leg, holding in account.holdings.items():
        need = needs.setdefault(state.instruments[leg.instrument].settle_coin, _InCoin())
        need.unrealised += unrealised(state, holding)
        need.order_im += order_im(account, holding)
        need.position_im += position_im(state, account, holding)
        need.position_mm += position_mm(state, account, holding)
    return needs


def _liq_price(state: State, account: Account, holding: Holding) -> Decimal | None:
    """The mark at which this position alone would bring the account to liquidation, all else standing still."""
    position = holding.position
    book = state.books[position.instrument]
    mark = book.reference()
    if position.size == 0 or mark is None:
        return None
    total = plain_margin(state, account)
    rate = MAINTENANCE_RATE + account.fees.linear_taker
    coin = state.dollars(book.instrument.settle_coin)
    others = total.maintenance - position_mm(state, account, holding) * coin
    if book.grid.inverse:
        price = _inverse_liq_price(position, mark, (total.balance - others) / coin if coin else ZERO, rate)
    else:
        price = (others - total.balance + position.size * mark) / (position.size - abs(position.size) * rate)
    if price <= 0 or (book.instrument.max_price is not None and price > book.instrument.max_price):
        return None
    return book.grid.price(book.grid.ticks_below(price))


def _inverse_liq_price(position: Position, mark: Decimal, free: Decimal, rate: Decimal) -> Decimal:
    """As the linear formula in coins, of which ``free`` are the account's, whatever a coin is worth then."""
    without = free + position.size / mark
    return (position.size + abs(position.size) * rate) / without if without else ZERO
