"""What an execution algorithm is: parameters declared once, and one method that says what should be done now."""

from decimal import Decimal
from typing import Any, ClassVar, Protocol

from tradectl.engine.execution_algorithms.state import Leg, Memory, Run
from tradectl.engine.order_state import Order
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import BarsLoaded, TradePrinted
from tradectl.model.instruments import Instrument
from tradectl.model.money import exact, plain
from tradectl.model.orders import Side


class Request(Protocol):
    """What a request is judged by before anything starts."""

    @property
    def info(self) -> Instrument: ...
    @property
    def side(self) -> Side: ...
    @property
    def qty(self) -> Decimal: ...
    @property
    def price(self) -> Decimal | None:
        """What the market asks now, if that is known."""


class Hand(Protocol):
    """What an algorithm sees, and all it may ask for. Quantities in base units, prices in quote coin."""

    run: Run
    info: Instrument

    @property
    def now(self) -> int: ...
    @property
    def memory(self) -> Memory: ...
    @property
    def side(self) -> Side: ...
    @property
    def inventory(self) -> Decimal:
        """What it holds: filled on its side less the fees paid out of it, less what it gave back on the other side."""

    @property
    def left(self) -> Decimal:
        """The size less what is filled, or of a two-sided algorithm less its :attr:`inventory`."""

    @property
    def room(self) -> Decimal:
        """What may still be asked for: what is left less what is in flight at its worst."""

    def paid_in_kind(self, tag: str) -> Decimal:
        """What of the fills with this tag went away as fees: the venue takes a spot buy's fee out of what it bought."""

    @property
    def collar(self) -> Decimal:
        """How far from the touch a market order may trade, as a fraction."""

    @property
    def can_place(self) -> bool:
        """Whether an order may be tried now, or a refusal is being waited out."""

    @property
    def held(self) -> Decimal:
        """How far the strategy's book lies on the algorithm's side, by the executions booked; never negative."""

    @property
    def is_exact(self) -> bool:
        """Whether the executions of every order are all here."""

    def touch(self, buy: bool, passive: bool = False) -> Decimal | None:
        """The price a buy (else a sell) meets first, or ``passive`` the best one on its own side."""

    def is_dust(self, qty: Decimal, price: Decimal | None = None, side: Side | None = None) -> bool:
        """Whether a quantity is less than the venue takes as an order: by size, or by value unless it closes."""

    def leg(self, tag: str) -> Leg: ...
    def open(self, tag: str = "") -> list[Order]: ...
    def in_flight(self, side: Side, tag: str = "") -> Decimal: ...
    def place(
        self, tag: str, qty: Decimal, price: Decimal | None = None, *, side: Side | None = None, text: str = "",
        tif: str = "GTC", stop_loss: Decimal | None = None,
    ) -> bool:  # fmt: skip
        """Ask for one order; false when it cannot be tried now or was refused, which is waited out by itself."""

    def amend(self, order: Order, price: Decimal, qty: Decimal | None = None, text: str = "") -> bool: ...
    def cancel(self, order: Order, reason: str) -> None: ...
    def wake(self, at: int) -> None:
        """Act again at ``at`` (nanoseconds), or earlier when something happens."""

    def ask_bars(self, interval: str, count: int) -> None:
        """Load history: it comes to :meth:`Algorithm.on_bars`."""

    def done(self, reason: str = "") -> None: ...
    def fail(self, reason: str) -> None: ...
    def say(self, note: str) -> None:
        """What it does now, for people to read."""


class Algorithm:
    """Base of all algorithms. Parameters are annotated class attributes, as those of strategies; prices are numbers.

    ``act`` is called after the start, a restart, every change of its orders, every timer, and every quote when
    ``follows_quotes``. It may be called at any time and any number of times: what is there already is not asked for
    again.
    """

    #: What people call it.
    kind: ClassVar[str]
    follows_quotes: ClassVar[bool] = False
    #: It buys and sells: it has inventory, and cannot go on where only reducing is allowed.
    two_sided: ClassVar[bool] = False

    def __init__(self, parameters: dict[str, Any]) -> None:
        for name, value in parameters.items():
            setattr(self, name, value)

    @property
    def follows_trades(self) -> bool:
        """Whether it needs the public trades of its instrument."""
        return False

    def check(self, request: Request) -> None:
        """Raise ``Problem`` when parameters, size and instrument do not go together."""

    def act(self, hand: Hand) -> None:
        """Bring the orders to what they should be now."""
        raise TypeError(f"{type(self).__name__} must define act")

    def on_trade(self, memory: Memory, trade: TradePrinted) -> None:
        """A public trade of its instrument."""

    def on_bars(self, memory: Memory, event: BarsLoaded) -> None:
        """The history it asked for, or the error that kept it away."""

    # --- rules several kinds share

    def refuse(self, name: str, rule: str, remedy: str = "") -> Problem:
        """The error for a parameter: which, its value, the rule."""
        return wrong(self.kind, name, f"is {getattr(self, name)}, {rule}", remedy)

    def price(self, name: str, info: Instrument) -> Decimal | None:
        """A price among the parameters: 0 means none. Raises ``Problem`` when it is not on the tick."""
        value = exact(getattr(self, name))
        if value % info.tick_size:
            raise self.refuse(name, f"not a multiple of the tick {plain(info.tick_size)}", "round it to the tick")
        return value or None

    def check_piece(self, name: str, piece: Decimal, request: Request, price: Decimal | None = None) -> None:
        """Each piece of the size must be an order the venue takes."""
        info, at = request.info, price or request.price
        if piece < info.min_qty:
            rule = f"which makes orders of {plain(piece)}, below the minimum {plain(info.min_qty)}"
            raise self.refuse(name, rule, "make fewer and larger pieces")
        if at is not None and info.id.category.value != "inverse" and piece * at < info.min_notional:
            rule = f"which makes orders worth {plain(round(piece * at, 4))}, below the minimum {info.min_notional}"
            raise self.refuse(name, rule, "make fewer and larger pieces")


def wrong(kind: str, name: str, rule: str, remedy: str = "") -> Problem:
    """A parameter that is refused, in words."""
    field = f"{kind}.{name}"
    return Problem(
        ErrorCode.INVALID_ORDER, f"{field} {rule}" + (f"; {remedy}" if remedy else ""), field=field, reason=rule,
        remedy=remedy,
    )  # fmt: skip
