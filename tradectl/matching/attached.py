"""Take-profits and stop-losses that protect what was entered (bybit-v5 5.12): made by fills, kept in step with them.

Partial ones are sized by the fills of their entry. Two of them are partners: when one fires, the other keeps what the
first has not traded, and ends when nothing is left. Full ones have the size of the position and a newer one replaces an
older. All end with the position (CancelByTpSlTsClear). On spot they sell what was bought, net of fees, down to the
lot, and one that fires cancels the other; a pair holds its coins once.
"""

from decimal import Decimal

from tradectl.matching.accounts import Account, Leg
from tradectl.matching.book import Book
from tradectl.matching.conditional import PARTIAL, SPOT_HOLDING, ConditionalOrder, exit_rises
from tradectl.matching.conditional_life import cancel_conditional, resize, wait
from tradectl.matching.publication import Publication
from tradectl.matching.records import Fill, VenueOrder
from tradectl.matching.state import State
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderStatus, OrderType, Protection, Side, TimeInForce, Trigger, TriggerBy

CLEARED = "CancelByTpSlTsClear"


def after_fill(state: State, out: Publication, account: Account, book: Book, order: VenueOrder, fill: Fill) -> None:
    """Attach what an entry asked for; let the partner of an exit keep only the rest."""
    if order.partner:
        _leave_rest(out, account, book, order, fill.ts)
    if order.protection is None:
        return
    if book.instrument.is_spot:
        net = order.cum_qty - order.fees.get(book.instrument.base_coin, ZERO)
        opened = book.instrument.floor_qty(net) - order.attached
    else:
        opened = fill.qty - fill.closed_qty
    if opened <= 0:
        return
    if order.protection.partial or book.instrument.is_spot:
        _protect_part(state, out, account, book, order, opened, fill.ts)
    else:
        _protect_all(state, out, account, book, order, opened, fill.ts)
    order.attached += opened


def follow_position(out: Publication, account: Account, book: Book, idx: int, now: int) -> None:
    """After a position changed: its stops take its size, or end with it."""
    holding = account.holdings.get(Leg(book.instrument.id, idx))
    if holding is None or holding.attached == 0:
        return
    size = holding.position.size
    for waiting in list(account.conditionals.values()):
        order = waiting.order
        if not waiting.is_attached or order.instrument != book.instrument.id or order.position_idx != idx:
            continue
        if size * order.side.sign >= 0:
            cancel_conditional(out, account, book, waiting, now, CLEARED)
        elif waiting.follows_position and order.qty != abs(size):
            resize(out, account, book, waiting, abs(size), now)


def add_pair(
    state: State, out: Publication, account: Account, book: Book, like: VenueOrder, legs: Protection, now: int
) -> None:
    """Waiting exits of the size of ``like``, which also gives side, leg and parentage; two become partners."""
    made = []
    for takes_profit, price in ((True, legs.take_profit), (False, legs.stop_loss)):
        if price is not None:
            made.append(_partial(state, book, like, legs, takes_profit, price, now))
    spot = book.instrument.is_spot
    if len(made) == 2:
        made[0].partner, made[1].partner = made[1].order_id, made[0].order_id
    for number, order in enumerate(made):
        if spot:
            order.stop_order_type = "OcoOrder" if len(made) == 2 else "tpslOrder"
        wait(state, out, account, book, order, order.qty if spot and number == 0 else ZERO)


def full_exit(
    state: State, account: Account, book: Book, position_idx: int, side: Side, kind: str, trigger: Trigger | None,
    now: int,
) -> VenueOrder:  # fmt: skip
    """A market exit of ``side`` for a whole position; ``kind`` is its ``stopOrderType``."""
    qty = abs(account.size(book.instrument.id, position_idx))
    return VenueOrder(
        uid=account.uid, order_id=state.ids.order_id(book.instrument.is_spot), link_id="",
        instrument=book.instrument.id, side=side, type=OrderType.MARKET, time_in_force=TimeInForce.IOC, qty=qty,
        price=None, status=OrderStatus.UNTRIGGERED, created=now, updated=now, reduce_only=True, leaves=qty,
        last_price_on_created=book.last, trigger=trigger, close_on_trigger=True, position_idx=position_idx,
        stop_order_type=kind, create_type=f"CreateBy{kind}",
    )  # fmt: skip


def full_of(account: Account, book: Book, position_idx: int, kind: str) -> ConditionalOrder | None:
    """The waiting exit of one kind of a whole position."""
    for waiting in account.conditionals.values():
        order = waiting.order
        if (order.instrument, order.position_idx, order.stop_order_type) == (book.instrument.id, position_idx, kind):
            return waiting
    return None


def _protect_part(
    state: State, out: Publication, account: Account, book: Book, order: VenueOrder, opened: Decimal, now: int
) -> None:
    """Grow the exits of earlier fills; when one of them fired already, new ones take the new fill."""
    mine = [
        waiting
        for waiting in account.conditionals.values()
        if waiting.order.parent_id == order.order_id and waiting.order.stop_order_type in PARTIAL + SPOT_HOLDING
        and (not waiting.order.partner or waiting.order.partner in account.conditionals)
    ]  # fmt: skip
    for waiting in mine:
        resize(out, account, book, waiting, waiting.order.qty + opened, now)
    if mine or order.protection is None:
        return
    like = full_exit(state, account, book, order.position_idx, order.side.opposite, "", None, now)
    like.qty, like.parent_id, like.parent_link = opened, order.order_id, order.link_id
    add_pair(state, out, account, book, like, order.protection, now)


def _partial(
    state: State, book: Book, like: VenueOrder, legs: Protection, takes_profit: bool, price: Decimal, now: int
) -> VenueOrder:
    limit = legs.tp_limit if takes_profit else legs.sl_limit
    kind = "PartialTakeProfit" if takes_profit else "PartialStopLoss"
    spot = book.instrument.is_spot
    by = TriggerBy.LAST if spot else legs.tp_by if takes_profit else legs.sl_by
    return VenueOrder(
        uid=like.uid, order_id=state.ids.order_id(spot), link_id="", instrument=like.instrument, side=like.side,
        type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        time_in_force=TimeInForce.IOC if limit is None else TimeInForce.GTC, qty=like.qty, price=limit,
        status=OrderStatus.UNTRIGGERED, created=now, updated=now, reduce_only=not spot, leaves=like.qty,
        last_price_on_created=book.last, trigger=Trigger(price, exit_rises(like.side, takes_profit), by),
        close_on_trigger=not spot, position_idx=like.position_idx, order_filter="tpslOrder" if spot else "Order",
        stop_order_type=kind, create_type=f"CreateBy{kind}", parent_id=like.parent_id, parent_link=like.parent_link,
    )  # fmt: skip


def _protect_all(
    state: State, out: Publication, account: Account, book: Book, order: VenueOrder, opened: Decimal, now: int
) -> None:
    """At the entry's first fill, and again when the position it protected is gone and this fill opened another."""
    legs, idx = order.protection, order.position_idx
    if legs is None or (order.attached and abs(account.size(book.instrument.id, idx)) != opened):
        return
    exit_side = order.side.opposite
    for kind, price, by in (("TakeProfit", legs.take_profit, legs.tp_by), ("StopLoss", legs.stop_loss, legs.sl_by)):
        if price is None:
            continue
        older = full_of(account, book, idx, kind)
        if older is not None:
            cancel_conditional(out, account, book, older, now, CLEARED)
        trigger = Trigger(price, exit_rises(exit_side, kind == "TakeProfit"), by)
        made = full_exit(state, account, book, idx, exit_side, kind, trigger, now)
        made.parent_id, made.parent_link = order.order_id, order.link_id
        wait(state, out, account, book, made)


def _leave_rest(out: Publication, account: Account, book: Book, order: VenueOrder, now: int) -> None:
    partner = account.conditionals.get(order.partner)
    if partner is None:
        return
    if order.leaves == 0:
        cancel_conditional(out, account, book, partner, now, CLEARED)
    else:
        resize(out, account, book, partner, order.leaves, now)
