"""Funding of perpetuals: at the settlement instant longs pay shorts (bybit-v5 9)."""

from decimal import Decimal

from tradectl.matching.accounts import Account, Holding
from tradectl.matching.book import Book
from tradectl.matching.booking import move_cash, touch_position
from tradectl.matching.publication import Publication
from tradectl.matching.records import Fill
from tradectl.matching.state import State
from tradectl.model.money import to_coin
from tradectl.model.orders import Side


def settle(state: State, out: Publication, book: Book, rate: Decimal, now: int) -> None:
    """Every position pays ``size x mark x rate``, inverse ``size / mark x rate``; without a mark there is nothing to
    settle."""
    mark = book.reference()
    if mark is None:
        return
    for account in state.accounts.values():
        for holding in account.legs(book.instrument.id):
            if holding.position.size != 0:
                _settle_one(state, out, account, book, holding, mark, rate, now)


def _settle_one(
    state: State,
    out: Publication,
    account: Account,
    book: Book,
    holding: Holding,
    mark: Decimal,
    rate: Decimal,
    now: int,
) -> None:
    position = holding.position
    side = Side.BUY if position.size > 0 else Side.SELL
    payment = to_coin(book.grid.value_at(position.size, mark) * rate)
    seq = state.ids.next_seq()
    qty = abs(position.size)
    fill = Fill(
        exec_id=state.ids.execution_id(), uid=account.uid, instrument=position.instrument,
        order_id=state.ids.order_id(False), link_id="", side=side, order_type="UNKNOWN", order_price=mark,
        order_qty=qty, leaves=qty * 0, price=mark, qty=qty, value=book.grid.value_at(qty, mark), fee=payment,
        fee_coin=book.instrument.settle_coin, fee_rate=side.sign * rate, is_maker=False, ts=now, seq=seq,
        type="Funding", mark_price=mark, position_idx=position.position_idx,
    )  # fmt: skip
    position.realised -= payment
    position.cum_realised -= payment
    touch_position(out, holding, seq, now)
    out.fill(fill)
    move_cash(state, out, account, book, fill, coin=fill.fee_coin, funding=-payment, qty=qty)
