"""Latched limits: losses, drawdown, liquidation distance, funding cost, order floods. Reached once, they stay until a
person lifts them (``risk reset`` or ``resume``); only the pause after a losing streak ends by itself.

What is restricted is what the limit is about: the account, one strategy, one symbol. Entries resting there are
cancelled at once; protective orders stay.
"""

from collections.abc import Callable
from decimal import Decimal

from tradectl.engine.books import Book
from tradectl.engine.exposure import Exposure
from tradectl.engine.guard_state import StrategyGuard
from tradectl.engine.portfolio_manager import EXTERNAL
from tradectl.engine.risk_view import realised
from tradectl.engine.trading_state import AUTO, PERSON
from tradectl.engine.valuation import Equity
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, Level, Reason
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO, exact, plain
from tradectl.model.positions import PositionReport

_MINUTE = 60 * 10**9
_DAY = 86_400 * 10**9
#: The reasons a person lifts with ``risk reset``; each names the limit that was reached.
LATCHED = frozenset(
    {
        "day_loss", "day_realised", "drawdown", "strategy_day_loss", "strategy_day_realised", "strategy_drawdown",
        "liquidation_distance", "funding_cost", "order_flood",
    }
)  # fmt: skip
STREAK = "losing_streak"


class Latches:
    """Compares what happened with its limit and restricts trading where one was reached."""

    def __init__(self, world: World) -> None:
        self._w = world
        #: Cancels entries: reason, strategy, symbol (either empty for all).
        self.cancel_entries: Callable[[str, str, str], object] = lambda reason, strategy, symbol: None

    def latch(self, code: str, level: Level, text: str, scope: str = "", clears: str = PERSON) -> None:
        """A limit was reached: restrict, cancel entries, tell a person; once, until it is lifted."""
        w = self._w
        if w.state.has(code, scope):
            return
        kind, _, name = scope.partition(":")
        w.restrict(code, level, clears, text, scope)
        self.cancel_entries(text, name if kind == "strategy" else "", name if kind == "symbol" else "")
        narrow = f" --{kind} {name}" if kind else ""
        remedy = f"find out why; then: tradectl risk reset {code}{narrow}"
        severity = AlertLevel.CRITICAL if clears == PERSON else AlertLevel.WARNING
        w.alert(severity, code, text, remedy if clears == PERSON else "it ends by itself")

    # --- losses

    def look(self, value: Equity) -> None:
        """Compare a complete figure of the account, and each strategy's, with their limits."""
        self._account(value.equity)
        for name in self._w.portfolio.state.books:
            if name != EXTERNAL:
                self._strategy(name)

    def _account(self, equity: Decimal) -> None:
        w, limits = self._w, self._w.limits.account
        g, day = w.guard, w.now // _DAY
        closed = realised(w, Exposure(w)) if limits.day_realised_share else ZERO
        if day != g.day:
            g.day, g.day_open, g.realised_open = day, equity, closed
        g.peak = max(g.peak, equity)
        self._loss("day_loss", g.day_open, g.day_open - equity, limits.day_loss_share)
        self._loss("drawdown", g.peak, g.peak - equity, limits.drawdown_share)
        if limits.day_realised_share:
            self._loss("day_realised", g.day_open, g.realised_open - closed, limits.day_realised_share)

    def _strategy(self, name: str) -> None:
        w = self._w
        g, own, day = w.guard.of(name), w.limits.strategy(name), w.now // _DAY
        equity = w.valuation.strategy(name).equity
        closed = realised(w, Exposure(w), name) if own is not None and own.day_realised_share else ZERO
        if day != g.day:
            g.peak = equity if g.day < 0 else g.peak
            g.day, g.day_open, g.realised_open = day, equity, closed
        g.peak = max(g.peak, equity)
        if own is None:
            return
        scope = f"strategy:{name}"
        for code, start, loss, share in (
            ("strategy_day_loss", w.guard.day_open, g.day_open - equity, own.day_loss_share),
            ("strategy_drawdown", w.guard.peak, g.peak - equity, own.drawdown_share),
            ("strategy_day_realised", w.guard.day_open, g.realised_open - closed, own.day_realised_share or None),
        ):
            if share is not None:
                self._loss(code, start, loss, share, scope)

    def _loss(self, code: str, start: Decimal, loss: Decimal, share: Decimal, scope: str = "") -> None:
        if start <= 0 or loss < start * share or (scope and loss <= 0):
            return
        text = f"{code} of {loss:.2f} reached the limit of {share * 100:.2f} % of {start:.2f}"
        self.latch(code, Level.REDUCING, text, scope)

    # --- positions

    def positions(self, reports: tuple[PositionReport, ...], complete: bool = False) -> None:
        """Remember the liquidation prices the venue states; ``complete``: all others have none."""
        known = self._w.guard.liquidation
        if complete:
            known.clear()
        for report in reports:
            if report.size and report.liq_price is not None and report.liq_price > 0:
                known[report.instrument] = report.liq_price
            elif not (report.position_idx and self._w.portfolio.is_open(report.instrument)):  # not the other leg's
                known.pop(report.instrument, None)

    def look_at_positions(self) -> None:
        """Compare liquidation distance and the next funding of each position with their limits."""
        w = self._w
        for instrument, _, book in w.portfolio.positions():
            mark = w.market.mark(instrument)
            if book.size and mark is not None:
                self._liquidation(instrument, mark)
                self._funding(instrument, book.size, mark)

    def _liquidation(self, instrument: InstrumentId, mark: Decimal) -> None:
        share = self._w.limits.of("", instrument.symbol).single.liquidation_share
        price = self._w.guard.liquidation.get(instrument)
        if not share or price is None or abs(mark - price) >= mark * share:
            return
        away = abs(mark - price) / mark * 100
        text = f"the liquidation price {plain(price)} of {instrument} is {away:.2f} % from mark {plain(mark)}"
        self.latch("liquidation_distance", Level.REDUCING, text, f"symbol:{instrument.symbol}")

    def _funding(self, instrument: InstrumentId, size: Decimal, mark: Decimal) -> None:
        w = self._w
        share, ticker = w.limits.of("", instrument.symbol).single.funding_share, w.market.ticker(instrument)
        info = w.instruments.get(instrument)
        if not share or ticker is None or not ticker.funding_rate or info is None:
            return
        value = Exposure(w).value(info, size, mark)
        cost = value * exact(ticker.funding_rate) * (1 if size > 0 else -1)
        most = w.valuation.account().equity * share
        if cost > most > 0:
            text = f"the next funding of {instrument} would cost {cost:.2f}, {most:.2f} is allowed"
            self.latch("funding_cost", Level.REDUCING, text, f"symbol:{instrument.symbol}")

    # --- strategies

    def booked(self, strategy: str, instrument: InstrumentId, book: Book) -> None:
        """A strategy's book changed: when it is flat, a round trip ended, won or lost."""
        if not strategy or strategy == EXTERNAL or book.size:
            return
        g = self._w.guard.of(strategy)
        result = book.realised - book.fees - book.funding
        before = g.traded.get(instrument, ZERO)
        if result == before:
            return
        g.traded[instrument] = result
        g.streak = g.streak + 1 if result < before else 0
        if g.streak:
            self._pause(strategy, g)

    def _pause(self, strategy: str, g: StrategyGuard) -> None:
        own, account = self._w.limits.of(strategy, "").strategy, self._w.limits.account
        limit, minutes = account.losing_streak, account.cooldown_minutes
        if own is not None:
            limit = own.losing_streak if own.losing_streak is not None else limit
            minutes = own.cooldown_minutes if own.cooldown_minutes is not None else minutes
        if not limit or g.streak < limit:
            return
        g.until = self._w.now + minutes * _MINUTE
        text = f"{strategy} lost {g.streak} times in a row and pauses for {minutes} min"
        g.streak = 0
        self.latch(STREAK, Level.REDUCING, text, f"strategy:{strategy}", AUTO)

    def end_pauses(self) -> None:
        """Pauses whose time is over end by themselves."""
        for name, g in self._w.guard.strategies.items():
            if g.until and self._w.now >= g.until:
                g.until = 0
                self._w.relax(STREAK, f"strategy:{name}")

    def flooded(self, strategy: str, limit: int) -> None:
        """A strategy asked for more orders in a minute than it may."""
        text = f"{strategy} asked for more than {limit} orders in a minute"
        self.latch("order_flood", Level.HALTED, text, f"strategy:{strategy}")

    # --- a person lifts

    def lifted(self, reasons: list[Reason]) -> None:
        """Measure anew, from here, what a person lifted."""
        g = self._w.guard
        for reason in reasons:
            name = reason.scope.removeprefix("strategy:") if reason.scope.startswith("strategy:") else ""
            own = g.strategies.get(name)
            if reason.code in ("day_loss", "day_realised", "drawdown"):
                g.day, g.day_open, g.peak, g.realised_open = -1, ZERO, ZERO, ZERO
            elif own is not None and reason.code.startswith("strategy_"):
                own.day, own.day_open, own.peak, own.realised_open = -1, ZERO, ZERO, ZERO
            elif own is not None and reason.code == "order_flood":
                self._w.activity.of(name).asked.times.clear()
            elif own is not None and reason.code == STREAK:
                own.until, own.streak = 0, 0
