"""What both venues in process ask their exchange for on behalf of the engine's commands, and state of one account."""

from collections.abc import Iterable
from typing import NamedTuple

from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Happening, NewOrder, Refused, StopChange, VenueOrder
from tradectl.matching.views import AccountFees
from tradectl.model.commands import Amendment, CancelOrder
from tradectl.model.events import Reaction, StopAnswered
from tradectl.model.instruments import Category, FeeRate, Instrument
from tradectl.model.orders import OrderReport, OrderSpec, TradingStop
from tradectl.model.positions import BalanceReport, PositionReport
from tradectl.simulation.happenings import position_report, report_of

#: What a request came to: the order it was about, and what happened.
Done = tuple[VenueOrder, list[Happening]]
#: The stop was so already (bybit-v5 10).
_NOT_MODIFIED = 34040


class Standing(NamedTuple):
    """What an account is: its open orders, positions and balances."""

    orders: tuple[OrderReport, ...]
    positions: tuple[PositionReport, ...]
    balances: tuple[BalanceReport, ...]


class Desk:
    """One account at an exchange. Requests raise ``Refused`` as the exchange does."""

    def __init__(self, exchange: Exchange, uid: str) -> None:
        self._exchange = exchange
        self._uid = uid

    def amend(self, asked: Amendment, now: int) -> Done:
        """Change an order."""
        stops = StopChange(asked.trigger_price, None, asked.take_profit, asked.stop_loss)
        return self._exchange.amend(
            self._uid, asked.instrument, asked.order_id, asked.link_id, asked.qty, asked.price, now, stops
        )

    def cancel(self, asked: CancelOrder, now: int) -> Done:
        """End an order."""
        return self._exchange.cancel(self._uid, asked.instrument, asked.order_id, asked.link_id, now)

    def set_stop(self, stop: TradingStop, now: int, heard: int) -> tuple[StopAnswered, list[Happening]]:
        """Set a position's stops: the answer, ``heard`` then, and what happened; a refusal is an answer, too."""
        code, message, happened = 0, "", list[Happening]()
        try:
            happened = self._exchange.set_trading_stop(self._uid, stop, now)
        except Refused as refused:
            code, message = refused.code, refused.message
        reaction = Reaction.OK if code in (0, _NOT_MODIFIED) else Reaction.FIX
        return StopAnswered(heard, stop.instrument, stop.position_idx, code, message, reaction), happened

    def standing(self) -> Standing:
        """What the account is now."""
        exchange, uid = self._exchange, self._uid
        return Standing(
            tuple(report_of(order) for order in exchange.open_orders(uid)),
            tuple(position_report(position) for position in exchange.positions(uid)),
            tuple(BalanceReport(it.coin, it.balance, it.balance, it.locked) for it in exchange.wallets(uid)),
        )


def rates_of(fees: AccountFees, instruments: Iterable[Instrument]) -> tuple[FeeRate, ...]:
    """An account's rates on each instrument."""
    return tuple(
        FeeRate(it.id, fees.spot_maker, fees.spot_taker) if it.is_spot else
        FeeRate(it.id, fees.linear_maker, fees.linear_taker)
        for it in instruments
    )  # fmt: skip


def request_of(spec: OrderSpec) -> NewOrder:
    """The create request of an order of ours."""
    return NewOrder(
        spec.instrument, spec.side, spec.type, spec.qty, spec.price, spec.time_in_force, spec.reduce_only,
        spec.quote_qty, spec.link_id, spec.trigger, spec.close_on_trigger, spec.protection, spec.position_idx,
        spec.self_match, "StopOrder" if spec.trigger is not None and spec.instrument.category is Category.SPOT else
        "Order",
    )  # fmt: skip
