"""Whether a plain market order passes every check, seen in floats: the short way where no words are asked.

It says yes only where every figure is clear of its limit by more than floats can be wrong; whatever is near a limit, or
not plain, is left to the exact checks, which are the rule. A yes they would not have given is a mistake.
"""

from decimal import Decimal

from msgspec import Struct

from tradectl.engine.limit_book import InForce
from tradectl.engine.market_state import Standing
from tradectl.engine.risk_checks import Candidate
from tradectl.engine.risk_checks.behaviour import entry_key
from tradectl.engine.world import World
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderType, Side

_SECOND = 10**9
_MINUTE = 60 * _SECOND
#: A figure must stay below this part of its limit: a million times the rounding of floats.
_CLEAR = 1 - 1e-9
_OFF = float("inf")
_BUY, _LINEAR, _MARKET = Side.BUY, Category.LINEAR, OrderType.MARKET


class _Figures(Struct, frozen=True, kw_only=True):
    """Limits in force for a strategy in an instrument, as floats; infinite where they are off."""

    of: InForce
    contract: Instrument
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
    stale: int
    min_notional: float
    own_leverage: float


class PlainOrders:
    """Looks at the world as the checks do, one order at a time."""

    def __init__(self, world: World) -> None:
        self._w = world
        self._figures: dict[tuple[str, InstrumentId], _Figures | None] = {}
        self._seen: dict[tuple[str, InstrumentId], tuple[InForce, Instrument]] = {}
        #: Start of the day and peak the floats beside them were made of.
        self._starts: tuple[Decimal, Decimal, float, float] = (ZERO, ZERO, 0.0, 0.0)

    def passes(self, c: Candidate) -> bool:
        """Whether it is certain that every check lets it pass."""
        if c.type is not _MARKET or c.price is not None or c.trigger is not None or c.protection is not None:
            return False
        if c.quote_amount is not None or c.amends or c.booked or (c.reduce_only and not c.reduces):
            return False
        if not c.reduces and (c.late or c.ahead):
            return False
        return self.allows(
            c.strategy, c.instrument, c.side, c.qty, c.reduces, entry_key(c.algorithm, c.decision), c.person
        )

    def allows(
        self, strategy: str, info: Instrument, side: Side, qty: Decimal, reduces: bool, key: int, person: bool = False
    ) -> bool:
        """:meth:`passes` of a market order of ``qty`` on time, the first of its decision; entries are counted by
        ``key``."""
        w, i = self._w, info.id
        if w.state.reasons or info.status != "Trading" or not self._is_contract(info):
            return False
        if w.config.position_mode == "hedge" or not qty or not qty.is_finite():
            return False
        if not info.min_qty <= qty <= info.max_market_qty or qty % info.lot_size:
            return False
        market = w.market.standing(i)
        if market is None or not (market[0] > 0 < market[1] and market[2] > 0):
            return False
        return reduces or self._may_enter(strategy, info, side, qty, key, person, market)

    def _is_contract(self, info: Instrument) -> bool:
        """A perpetual settled in the settle coin."""
        settle = self._w.config.settle_coin
        return info.id.category is _LINEAR and info.settle_coin == settle and info.quote_coin == settle

    def _may_enter(
        self, strategy: str, info: Instrument, side: Side, qty: Decimal, key: int, person: bool, market: Standing
    ) -> bool:
        w, i = self._w, info.id
        if w.open.any or w.queue.waits or w.market.doubts or i in w.guard.liquidation:
            return False  # what is in flight, in doubt or watched is counted exactly
        limits = w.limits.of(strategy, i.symbol)
        figures = self._of(strategy, info, limits)
        if figures is None or w.now - market[5] > figures.stale:
            return False
        if not self._is_calm(strategy, i, side, key, person, limits) or w.entry_veto(strategy, i):
            return False
        return self._is_affordable(info, side is _BUY, float(qty), figures, market)

    def _is_calm(
        self, strategy: str, instrument: InstrumentId, side: Side, key: int, person: bool, limits: InForce
    ) -> bool:
        """Neither too many, too often, nor twice."""
        w, a, s, now = self._w, limits.account, limits.single, self._w.now
        minute = w.activity.orders.within(now, _MINUTE)
        if minute and (minute >= a.orders_per_minute or w.activity.orders.within(now, _SECOND) >= a.orders_per_second):
            return False
        if s.duplicate_ms and w.orders:
            newest = w.orders[next(reversed(w.orders))]
            if newest.created > now - s.duplicate_ms * 1_000_000 or newest.foreign or newest.parent:
                return False
        if not s.repeat_orders or person:
            return True
        return w.activity.entries(strategy, instrument, side, key, now, s.repeat_seconds * _SECOND) < s.repeat_orders

    # --- money

    def _is_affordable(self, info: Instrument, buys: bool, qty: float, f: _Figures, market: Standing) -> bool:
        bid, ask, last, mark, rate, _ = market
        touch = ask if buys else bid
        if bid > ask or (bid == ask and f.refuse_locked):
            return False
        most_away = f.collar * _CLEAR
        if abs(touch - mark) / mark > most_away or abs(touch - last) / last > most_away:
            return False
        sums = self._sums(info.id, f.own_leverage)
        if sums is None:
            return False
        equity, others, margin, held = sums
        price = touch * (1 + f.collar) if buys else touch
        value, most = qty * price, equity * _CLEAR
        if value * _CLEAR < f.min_notional:
            return False
        if value > most * f.order_share or value > f.order_value * _CLEAR:
            return False
        after = held + qty if buys else held - qty
        unit = price if price > mark else mark
        position, before = abs(after) * unit, abs(held) * unit
        own = position if position > before else before
        if position > most * f.position_share or position > f.position_value * _CLEAR:
            return False
        gross = others + own
        if gross > most * f.gross or gross > most * f.leverage or gross > f.gross_value * _CLEAR:
            return False
        fee = self._w.fees.get(info.id)
        costs = value * float(fee.taker) if fee is not None else 0.0
        if margin + own / f.own_leverage + costs > most * f.margin:
            return False
        if rate and position * rate * (1 if after > 0 else -1) > most * f.funding:
            return False
        return self._is_unhurt(f, equity)

    def _is_unhurt(self, f: _Figures, equity: float) -> bool:
        """Far from the limits of loss."""
        g = self._w.guard
        if g.day < 0:
            return True
        day_open, highest, opened, peak = self._starts
        if g.day_open is not day_open or g.peak is not highest:
            opened, peak = float(g.day_open), float(g.peak)
            self._starts = (g.day_open, g.peak, opened, peak)
        slack = (abs(opened) + abs(peak) + abs(equity)) * (1 - _CLEAR)
        if opened <= 0 or peak <= 0:
            return False
        return opened - equity + slack < opened * f.day_loss and peak - equity + slack < peak * f.drawdown

    def _sums(self, own: InstrumentId, leverage: float) -> tuple[float, float, float, float] | None:
        """Equity, the other instruments' value and margin, and what is held of ``own``; ``None`` where equity hangs on
        more than perpetuals at mark, or may be lost in rounding."""
        w, settle = self._w, self._w.config.settle_coin
        equity = added = others = margin = held = 0.0
        for coin, amount in w.portfolio.state.cash.items():
            if coin == settle:
                equity = float(amount)
            elif amount:
                return None
        for instrument, book in w.portfolio.state.nets.items():
            if not book.size and not book.cost:
                continue
            info, mark = w.instruments.get(instrument), w.market.price(instrument)
            if info is None or mark <= 0 or instrument.category is not _LINEAR or info.settle_coin != settle:
                return None
            size, cost = float(book.size), float(book.cost)
            worth = size * mark
            equity += worth - cost
            added += abs(worth) + abs(cost)
            if instrument == own:
                held = size
            else:
                others += abs(worth)
                margin += abs(worth) / self._leverage(info)
        return (equity, others, margin, held) if equity > 0 and added < equity * 1e4 else None

    def _leverage(self, info: Instrument) -> float:
        limit = float(self._w.limits.leverage(info.id.symbol))
        return min(limit, float(info.max_leverage)) if info.max_leverage >= 1 else limit

    # --- limits

    def _of(self, strategy: str, info: Instrument, limits: InForce) -> _Figures | None:
        """The limits as floats; ``None`` where scopes or seldom ones are in force."""
        key = (strategy, info.id)
        seen = self._seen.get(key)
        if seen is None or seen[0] is not limits or seen[1] is not info:
            self._seen[key] = (limits, info)
            self._figures[key] = _figures(limits, info, self._leverage(info))
        return self._figures[key]


def _figures(limits: InForce, info: Instrument, own_leverage: float) -> _Figures | None:
    a, s = limits.account, limits.single
    scoped = limits.strategy is not None or limits.symbol is not None or limits.groups
    seldom = a.net_share or a.day_realised_share or s.concentration_share or s.require_stop
    if scoped or seldom or a.deny or a.allow != ("*",) or a.open_orders < 1:
        return None
    return _Figures(
        of=limits, contract=info, order_share=float(s.order_share), order_value=_or_off(s.order_value),
        position_share=float(s.position_share), position_value=_or_off(s.position_value),
        gross=float(a.gross_share * a.leverage), gross_value=_or_off(a.gross_value), margin=_or_off(a.margin_share),
        leverage=float(a.leverage * max(a.gross_share, Decimal(1))), day_loss=_or_off(a.day_loss_share),
        drawdown=_or_off(a.drawdown_share), collar=float(s.collar_share), funding=_or_off(s.funding_share),
        refuse_locked=s.refuse_locked, stale=s.stale_quote_seconds * _SECOND, min_notional=float(info.min_notional),
        own_leverage=own_leverage,
    )  # fmt: skip


def _or_off(limit: Decimal) -> float:
    return float(limit) if limit > ZERO else _OFF
