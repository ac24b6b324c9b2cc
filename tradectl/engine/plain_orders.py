"""Whether a plain market order passes every check, seen in floats: the short way where no words are asked.

It says yes only where every figure is clear of its limit by more than floats can be wrong; whatever is near a limit, or
not plain, is left to the exact checks, which are the rule. A yes they would not have given is a mistake.
"""

from decimal import Decimal

from msgspec import Struct

from tradectl.engine.limit_book import InForce
from tradectl.engine.market_state import Quote
from tradectl.engine.risk_checks import Candidate
from tradectl.engine.risk_checks.behaviour import entry_key
from tradectl.engine.world import World
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.market_data import Ticker
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderType, Side

_SECOND = 10**9
#: A figure must stay below this part of its limit: a million times the rounding of floats.
_CLEAR = 1 - 1e-9
_OFF = float("inf")


class _Figures(Struct, frozen=True, kw_only=True):
    """Limits in force, as floats; infinite where they are off."""

    of: InForce
    order_share: float
    order_value: float
    position_share: float
    position_value: float
    gross: float
    gross_value: float
    margin: float
    leverage: float
    day_loss: float
    drawdown: float
    collar: float
    funding: float
    refuse_locked: bool


class _Sums(Struct, frozen=True):
    """The account: equity, and the other instruments' value and margin."""

    equity: float
    others: float
    margin: float


class PlainOrders:
    """Looks at the world as the checks do, one order at a time."""

    def __init__(self, world: World) -> None:
        self._w = world
        self._figures: dict[tuple[str, str], _Figures | None] = {}
        self._seen: dict[tuple[str, str], InForce] = {}

    def passes(self, c: Candidate) -> bool:
        """Whether it is certain that every check lets it pass."""
        if not (self._is_plain(c) and self._fits(c.instrument, c.qty)):
            return False
        w, i = self._w, c.instrument.id
        quote, ticker = w.market.quote(i), w.market.ticker(i)
        if quote is None or ticker is None or not (quote.bid > 0 < quote.ask and ticker.last > 0):
            return False
        return c.reduces or self._may_enter(c, quote, ticker)

    def _is_plain(self, c: Candidate) -> bool:
        """A market order of a perpetual settled in the settle coin, on a quiet account that trades."""
        if c.type is not OrderType.MARKET or c.price is not None or c.trigger is not None or c.protection is not None:
            return False
        if c.quote_amount is not None or c.amends or c.booked or (c.reduce_only and not c.reduces):
            return False
        w, info, settle = self._w, c.instrument, self._w.config.settle_coin
        if info.id.category is not Category.LINEAR or info.settle_coin != settle or info.quote_coin != settle:
            return False
        return info.status == "Trading" and not w.state.reasons and not w.portfolio.is_hedged(info.id)

    @staticmethod
    def _fits(info: Instrument, qty: Decimal) -> bool:
        return qty.is_finite() and qty > 0 and info.min_qty <= qty <= info.max_market_qty and not qty % info.lot_size

    def _may_enter(self, c: Candidate, quote: Quote, ticker: Ticker) -> bool:
        w = self._w
        if w.open.orders or w.queue or c.late or c.ahead or w.market.doubts or c.instrument.id in w.guard.liquidation:
            return False  # what is in flight, in doubt or watched is counted exactly
        limits = w.limits.of(c.strategy, c.instrument.id.symbol)
        figures = self._of(c, limits)
        if figures is None or not self._is_calm(c, limits) or w.entry_veto(c.strategy, c.instrument.id):
            return False
        return self._is_affordable(c, figures, quote, ticker)

    def _is_calm(self, c: Candidate, limits: InForce) -> bool:
        """Neither stale nor too many, too often, or twice."""
        w, a, s, now = self._w, limits.account, limits.single, self._w.now
        if now - w.market.heard[c.instrument.id] > s.stale_quote_seconds * _SECOND:
            return False
        minute = w.activity.orders.within(now, 60 * _SECOND)
        if minute and (minute >= a.orders_per_minute or w.activity.orders.within(now, _SECOND) >= a.orders_per_second):
            return False
        if s.duplicate_ms and w.orders:
            newest = w.orders[next(reversed(w.orders))]
            if newest.created > now - s.duplicate_ms * 1_000_000 or newest.foreign or newest.parent:
                return False
        if not s.repeat_orders or c.person:
            return True
        key, span = entry_key(c.algorithm, c.decision), s.repeat_seconds * _SECOND
        return w.activity.entries(c.strategy, c.instrument.id, c.side, key, now, span) < s.repeat_orders

    # --- money

    def _is_affordable(self, c: Candidate, f: _Figures, quote: Quote, ticker: Ticker) -> bool:
        buys, mark = c.side is Side.BUY, ticker.mark or ticker.last
        touch = quote.ask if buys else quote.bid
        away = max(abs(touch - mark) / mark, abs(touch - ticker.last) / ticker.last)
        sums = self._sums(c.instrument.id)
        crossed = quote.bid > quote.ask or (quote.bid == quote.ask and f.refuse_locked)
        if sums is None or crossed or away > f.collar * _CLEAR:
            return False
        price, qty = touch * (1 + f.collar) if buys else touch, float(c.qty)
        value, most = qty * price, sums.equity * _CLEAR
        if value * _CLEAR < float(c.instrument.min_notional):
            return False
        if value > min(most * f.order_share, f.order_value * _CLEAR):
            return False
        held = float(self._w.portfolio.net_size(c.instrument.id))
        after = held + qty if buys else held - qty
        unit = max(price, mark)
        position = abs(after) * unit
        own = max(position, abs(held) * unit)
        if position > min(most * f.position_share, f.position_value * _CLEAR):
            return False
        if sums.others + own > min(most * min(f.gross, f.leverage), f.gross_value * _CLEAR):
            return False
        fee = self._w.fees.get(c.instrument.id)
        costs = value * float(fee.taker) if fee is not None else 0.0
        if sums.margin + own / self._leverage(c.instrument) + costs > most * f.margin:
            return False
        funding = position * ticker.funding_rate * (1 if after > 0 else -1)
        return (not ticker.funding_rate or funding <= most * f.funding) and self._is_unhurt(f, sums.equity)

    def _is_unhurt(self, f: _Figures, equity: float) -> bool:
        """Far from the limits of loss."""
        g = self._w.guard
        if g.day < 0:
            return True
        opened, peak = float(g.day_open), float(g.peak)
        slack = (abs(opened) + abs(peak) + abs(equity)) * (1 - _CLEAR)
        fallen = (opened - equity + slack, opened * f.day_loss), (peak - equity + slack, peak * f.drawdown)
        return opened > 0 and peak > 0 and all(loss < limit for loss, limit in fallen)

    def _sums(self, own: InstrumentId) -> _Sums | None:
        """``None`` where equity hangs on more than perpetuals at mark, or may be lost in rounding."""
        w, settle = self._w, self._w.config.settle_coin
        equity, added, others, margin = 0.0, 0.0, 0.0, 0.0
        for coin, amount in w.portfolio.state.cash.items():
            if coin == settle:
                equity = float(amount)
            elif amount:
                return None
        for instrument, book in w.portfolio.state.nets.items():
            if not (book.size or book.cost):
                continue
            info, mark = w.instruments.get(instrument), w.market.price(instrument)
            if info is None or mark <= 0 or instrument.category is not Category.LINEAR or info.settle_coin != settle:
                return None
            size, cost = float(book.size), float(book.cost)
            equity += size * mark - cost
            added += abs(size) * mark + abs(cost)
            if instrument != own:
                others += abs(size) * mark
                margin += abs(size) * mark / self._leverage(info)
        return _Sums(equity, others, margin) if equity > 0 and added < equity * 1e4 else None

    def _leverage(self, info: Instrument) -> float:
        limit = float(self._w.limits.leverage(info.id.symbol))
        return min(limit, float(info.max_leverage)) if info.max_leverage >= 1 else limit

    # --- limits

    def _of(self, c: Candidate, limits: InForce) -> _Figures | None:
        """The limits as floats; ``None`` where scopes or seldom ones are in force."""
        key = (c.strategy, c.instrument.id.symbol)
        if self._seen.get(key) is not limits:
            self._seen[key], self._figures[key] = limits, _figures(limits)
        return self._figures[key]


def _figures(limits: InForce) -> _Figures | None:
    a, s = limits.account, limits.single
    scoped = limits.strategy is not None or limits.symbol is not None or limits.groups
    seldom = a.net_share or a.day_realised_share or s.concentration_share or s.require_stop
    if scoped or seldom or a.deny or a.allow != ("*",) or a.open_orders < 1:
        return None
    return _Figures(
        of=limits, order_share=float(s.order_share), order_value=_or_off(s.order_value),
        position_share=float(s.position_share), position_value=_or_off(s.position_value),
        gross=float(a.gross_share * a.leverage), gross_value=_or_off(a.gross_value), margin=_or_off(a.margin_share),
        leverage=float(a.leverage * max(a.gross_share, Decimal(1))), day_loss=_or_off(a.day_loss_share),
        drawdown=_or_off(a.drawdown_share), collar=float(s.collar_share), funding=_or_off(s.funding_share),
        refuse_locked=s.refuse_locked,
    )  # fmt: skip


def _or_off(limit: Decimal) -> float:
    return float(limit) if limit > ZERO else _OFF
