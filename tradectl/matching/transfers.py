"""What a user does to the account besides orders: coins in and out, and leverage."""

from decimal import Decimal

from tradectl.matching.accounts import Account, Holding
from tradectl.matching.book import Book
from tradectl.matching.margin import margin_of
from tradectl.matching.order_checks import LARGEST
from tradectl.matching.publication import Publication
from tradectl.matching.records import LedgerEntry, Refused
from tradectl.matching.state import State
from tradectl.model.money import ZERO


def transfer(state: State, out: Publication, account: Account, coin: str, amount: Decimal, now: int) -> None:
    """Coins in or (negative) out. Raises :class:`Refused` 131001 for nothing, 131212 for more than is free."""
    if not amount.is_finite() or amount == 0 or abs(amount) > LARGEST:
        raise Refused(131001, f"transfer amount {amount} is invalid")
    if amount < 0:
        _check_free(state, account, coin, -amount)
    wallet = account.wallet(coin)
    wallet.balance += amount
    state.cash_moved(account.uid)
    out.ledger(
        LedgerEntry(
            id=state.ids.row_id(account.uid, coin), uid=account.uid,
            type="TRANSFER_IN" if amount > 0 else "TRANSFER_OUT", coin=coin, change=amount, balance=wallet.balance,
            ts=now, cash_flow=amount,
        )
    )  # fmt: skip
    out.wallet(wallet)


def change_leverage(state: State, out: Publication, account: Account, book: Book, leverage: Decimal, now: int) -> None:
    """Raises :class:`Refused` 110043 unchanged, 110013 out of range, 110044 without the margin, 10001 on spot."""
    if book.instrument.is_spot:
        raise Refused(10001, "spot has no leverage here")
    position = _used_leg(account, book).position
    if not leverage.is_finite() or not 1 <= leverage <= book.instrument.max_leverage:
        raise Refused(110013, f"leverage {leverage} is outside 1 to {book.instrument.max_leverage}")
    if leverage == position.leverage:
        raise Refused(110043, "leverage not modified")
    holdings = account.legs(book.instrument.id) or [account.holding(book.instrument, _first_idx(account, book))]
    old = position.leverage
    _set_leverage(book, holdings, leverage)
    if leverage < old and margin_of(state, account).available < 0:
        _set_leverage(book, holdings, old)
        raise Refused(110044, "available margin is insufficient")
    for holding in holdings:
        holding.position.updated = now
        holding.position.created = holding.position.created or now
        out.position(holding.position)


def _first_idx(account: Account, book: Book) -> int:
    return 1 if account.hedged(book.instrument) else 0


def _used_leg(account: Account, book: Book) -> Holding:
    """Any leg of the instrument: its leverage is that of all."""
    return account.peek_holding(book.instrument, _first_idx(account, book))


def _set_leverage(book: Book, holdings: list[Holding], leverage: Decimal) -> None:
    for holding in holdings:
        position = holding.position
        position.leverage = leverage
        book.touch(position.uid, position.position_idx)


def _check_free(state: State, account: Account, coin: str, amount: Decimal) -> None:
    wallet = account.wallets.get(coin)
    free = ZERO if wallet is None else wallet.balance - wallet.locked
    if amount > free or amount * state.dollars(coin) > max(ZERO, margin_of(state, account).available):
        raise Refused(131212, f"insufficient balance: {amount} {coin} asked, {free} free")
