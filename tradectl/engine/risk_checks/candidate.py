"""What the checks judge: an order somebody wants, and what they may look at to judge it."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from tradectl.engine.activity import Activity
from tradectl.engine.guard_state import GuardState
from tradectl.engine.limit_book import InForce
from tradectl.engine.order_state import Order
from tradectl.engine.risk_limits import RiskLimits
from tradectl.model.commands import Check, Level, Reason
from tradectl.model.instruments import Instrument
from tradectl.model.market_data import Ticker
from tradectl.model.money import ZERO, plain
from tradectl.model.orders import OrderType, Side, Trigger
from tradectl.model.orders import Protection as AttachedStops


class Candidate(Struct, frozen=True):
    """An order somebody wants. ``reduces``: it only shrinks both the book and the net position.

    ``qty`` is in base units; ordered by a ``quote_amount`` it is what that is expected to buy. ``protective``: a stop
    that can only shrink a position. ``booked`` of it is in the books already (an amendment of an order that filled in
    part). ``ahead`` orders of the same decision were accepted just before; decisions from ``since`` on are parts of the
    same intent.
    """

    strategy: str
    instrument: Instrument
    side: Side
    type: OrderType
    qty: Decimal
    price: Decimal | None
    reduces: bool
    late: bool = False
    person: bool = False
    reduce_only: bool = False
    trigger: Trigger | None = None
    protection: AttachedStops | None = None
    protective: bool = False
    quote_amount: Decimal | None = None
    algorithm: int = 0
    decision: int = 0
    ahead: int = 0
    amends: bool = False
    booked: Decimal = ZERO
    since: int = 0


class RiskView(Protocol):
    """What the checks may look at: the world at one moment, for one candidate.

    ``limits`` are those of a single order as narrowed by every scope that applies; amounts are in the settle coin
    unless they say otherwise.
    """

    @property
    def limits(self) -> RiskLimits: ...
    @property
    def in_force(self) -> InForce: ...
    @property
    def activity(self) -> Activity: ...
    @property
    def guard(self) -> GuardState: ...
    @property
    def now(self) -> int: ...
    @property
    def price(self) -> Decimal | None:
        """What the order is valued at: its limit, its trigger, or the worst its collar allows."""

    @property
    def mark(self) -> Decimal | None: ...
    @property
    def last(self) -> Decimal | None: ...
    @property
    def ticker(self) -> Ticker | None: ...
    @property
    def qty(self) -> Decimal:
        """What the order may still add, in base units."""

    def level(self, strategy: str, symbol: str) -> Level: ...
    def reasons(self, strategy: str, symbol: str) -> tuple[Reason, ...]: ...
    def veto(self) -> str: ...
    def equity(self) -> Decimal: ...
    def touch(self, buy: bool) -> Decimal | None: ...
    def doubt(self) -> str: ...
    def age(self) -> int | None: ...
    def unpriced(self) -> str: ...
    def order_value(self) -> Decimal: ...
    def position(self) -> Decimal: ...
    def position_value(self) -> Decimal: ...
    def strategy_position_value(self) -> Decimal: ...
    def gross(self) -> Decimal: ...
    def net(self) -> Decimal: ...
    def strategy_gross(self) -> Decimal: ...
    def strategy_net(self) -> Decimal: ...
    def group_gross(self, symbols: tuple[str, ...]) -> Decimal: ...
    def group_net(self, symbols: tuple[str, ...]) -> Decimal: ...
    def margin(self) -> Decimal: ...
    def borrowed_gross(self) -> Decimal: ...
    def value(self, instrument: Instrument, size: Decimal, price: Decimal) -> Decimal: ...
    def free(self, coin: str) -> Decimal: ...
    def open_orders(self, strategy: str = "", symbol: str = "") -> int: ...
    def others(self, side: Side) -> Iterable[Order]: ...
    def recent(self, since: int) -> Iterable[Order]: ...
    def queue_room(self) -> int: ...
    def strategy_equity(self) -> Decimal: ...
    def realised(self, strategy: str = "") -> Decimal: ...


class RiskCheck(Protocol):
    """One check: ``None`` when it does not apply to the candidate."""

    name: str

    def __call__(self, c: Candidate, v: RiskView) -> "Verdict | None": ...


#: Amounts with more digits than this are shown as they are: nobody means them.
_PLAIN_DIGITS = 30
_DECIMALS = 8


class Passed(Struct, frozen=True, gc=False):
    """A check that passes, not in words yet: most of them do, with every order, and often nobody asks."""

    name: str
    limit: object
    value: object
    unit: str = ""
    ok: bool = True

    def told(self) -> Check:
        """In words."""
        unit = f" {self.unit}" if self.unit else ""
        return Check(self.name, True, shown(self.limit) + unit, shown(self.value) + unit)


Verdict = Check | Passed
#: The record of a check of an amount that passes.
passed = Passed


def told(verdict: Verdict) -> Check:
    """Any verdict in words."""
    return verdict.told() if isinstance(verdict, Passed) else verdict


def failed(name: str, limit: object, value: object, reason: str) -> Check:
    """The record of a check that fails."""
    return Check(name, False, shown(limit), shown(value), reason)


def shown(value: object) -> str:
    """Whatever was compared, as a person reads it."""
    return text_of(value) if isinstance(value, Decimal) else str(value)


def text_of(value: Decimal) -> str:
    """An amount as a person reads it, at most eight decimals."""
    text = str(value)
    if "E" not in text:  # the usual case, without any arithmetic
        point = text.find(".")
        if point < 0:
            return text
        if len(text) - point <= _DECIMALS + 1:
            return text if text[-1] != "0" else _bare(text)
    if not value.is_finite() or abs(value.adjusted()) >= _PLAIN_DIGITS:
        return text
    return _bare(format(value, ".8f"))


def _bare(text: str) -> str:
    """Without the zeros that say nothing."""
    text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def percent(share: Decimal) -> str:
    """A share as a person reads it."""
    return f"{plain(round(share * 100, 4))} %"
