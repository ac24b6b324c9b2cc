"""One-way and hedge mode (bybit-v5 6.3): only USDT perpetuals can hold both sides apart."""

from tradectl.matching.accounts import Account
from tradectl.matching.records import Refused
from tradectl.matching.state import State
from tradectl.model.instruments import Category, Instrument, InstrumentId


def switch(state: State, account: Account, target: InstrumentId | str, hedge: bool) -> None:
    """Switch one instrument, or every one of a settle coin. Raises :class:`Refused` 110029 (not possible), 110025
    (unchanged), 110024 (a position) and 110028 (an order, also a waiting one)."""
    if isinstance(target, str):
        _switch_coin(state, account, target, hedge)
        return
    instrument = state.book(target).instrument
    if not can_hedge(instrument):
        raise Refused(110029, "hedge mode is not supported on this symbol")
    if account.hedged(instrument) is hedge:
        raise Refused(110025, "position mode is not modified")
    if _has_position(account, instrument):
        raise Refused(110024, "you have an existing position, so position mode cannot be switched")
    if _has_order(account, instrument):
        raise Refused(110028, "you have existing open orders, so position mode cannot be switched")
    _set(account, instrument, hedge)


def can_hedge(instrument: Instrument) -> bool:
    return (
        instrument.id.category is Category.LINEAR
        and instrument.settle_coin == "USDT"
        and instrument.funding_interval > 0
    )


def _switch_coin(state: State, account: Account, coin: str, hedge: bool) -> None:
    """Symbols with a position or an order stay as they are; the coin's mode becomes the default of the others."""
    able = [instrument for instrument in state.instruments.values() if instrument.settle_coin == coin]
    able = [instrument for instrument in able if can_hedge(instrument)]
    if not able:
        raise Refused(110029, f"hedge mode is not supported with {coin}")
    modes = {account.hedged(instrument) for instrument in able} | {account.hedge_coins.get(coin, False)}
    if modes == {hedge}:
        raise Refused(110025, "position mode is not modified")
    for instrument in able:
        if _has_position(account, instrument) or _has_order(account, instrument):
            account.hedge[instrument.id] = account.hedged(instrument)
        else:
            _set(account, instrument, hedge)
    account.hedge_coins[coin] = hedge


def _set(account: Account, instrument: Instrument, hedge: bool) -> None:
    """The leverage stays; it is copied to the new legs before the flat old ones are out of use."""
    if account.legs(instrument.id):
        for idx in (1, 2) if hedge else (0,):
            account.holding(instrument, idx)
    account.hedge[instrument.id] = hedge


def _has_position(account: Account, instrument: Instrument) -> bool:
    return any(holding.position.size != 0 for holding in account.legs(instrument.id))


def _has_order(account: Account, instrument: Instrument) -> bool:
    resting = any(each.order.instrument == instrument.id for each in account.orders.values())
    return resting or any(each.order.instrument == instrument.id for each in account.conditionals.values())
