"""``POST /api/orders``: from the bytes of a body to the daemon's parameters, each rule checked by name.

What breaks a rule of the instrument is refused here, so that it costs the daemon nothing; the risk manager checks
everything again.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, NoReturn, TypeVar

from msgspec import Struct

from tradectl.api.amounts import NumberText, invalid, positive_amount
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category
from tradectl.model.money import is_multiple, plain
from tradectl.model.orders import OrderType, Side, TimeInForce
from tradectl.rpc.params import PlaceOrder
from tradectl.rpc.rows import InstrumentRow

E = TypeVar("E", bound=Enum)
MAX_SYMBOL, MAX_REASON = 32, 200

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
TYPES = {"MARKET": OrderType.MARKET, "LIMIT": OrderType.LIMIT}
TIMES = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "POST_ONLY": TimeInForce.POST_ONLY,
    "POSTONLY": TimeInForce.POST_ONLY,
}
CATEGORIES = {category.name: category for category in Category}


class NewOrder(Struct, frozen=True, kw_only=True):
    """The body of ``POST /api/orders``: the specification's five keys, then ours, all optional.

    ``price`` is required for ``LIMIT`` and refused for ``MARKET``. Amounts are JSON numbers or strings of them.
    """

    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    category: Category | None = None
    time_in_force: TimeInForce | None = None
    reduce_only: bool = False
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    reason: str = ""
    dry_run: bool = False

    def to_params(self, category: Category) -> PlaceOrder:
        """The daemon's parameters, with the category that was meant."""
        default = TimeInForce.GTC if self.type is OrderType.LIMIT else TimeInForce.IOC
        return PlaceOrder(
            side=self.side,
            symbol=self.symbol,
            size=plain(self.quantity),
            price=self.price,
            category=category,
            time_in_force=self.time_in_force or default,
            reduce_only=self.reduce_only,
            stop_loss=self.stop_loss,
            take_profit=self.take_profit,
            reason=self.reason or "REST API",
            dry_run=self.dry_run,
        )


def parse_order(body: bytes) -> NewOrder:
    """Raises ``Problem``: INVALID_REQUEST for what is no JSON object, INVALID_ORDER naming the first bad field."""
    given = _json_object(body)
    for name in given:
        if name not in READERS:
            raise invalid(name[:64], given[name], f"Unknown field; known are {', '.join(READERS)}")
    for name in REQUIRED:
        if given.get(name) is None:
            raise invalid(name, None, "Must be given")
    # null is the same as not given
    values = {name: READERS[name](name, value) for name, value in given.items() if value is not None}
    order = NewOrder(**values)
    _check_price(order)
    return order


def check_instrument(order: NewOrder, it: InstrumentRow) -> None:
    """The instrument's own filters. Raises ``Problem(INVALID_ORDER)`` with the field and the rule."""
    limit = order.type is OrderType.LIMIT
    largest = it.max_limit_qty if limit else it.max_market_qty
    _check_amount("quantity", order.quantity, "lot", it.lot_size)
    if order.quantity < it.min_qty:
        raise invalid("quantity", _text(order.quantity), f"Must be at least {plain(it.min_qty)}")
    if largest > 0 and order.quantity > largest:
        raise invalid("quantity", _text(order.quantity), f"Must be at most {plain(largest)}")
    for name in ("price", "stop_loss", "take_profit"):
        price = getattr(order, name)
        if price is not None:
            _check_amount(name, price, "tick", it.tick_size)
    if order.price is not None and not order.reduce_only and order.quantity * order.price < it.min_notional:
        rule = f"Quantity times price must be at least {plain(it.min_notional)} {it.quote_coin}"
        raise invalid("quantity", _text(order.quantity), rule)


def _text(amount: Decimal) -> NumberText:
    return NumberText(plain(amount))


def _check_amount(field: str, amount: Decimal, what: str, step: Decimal) -> None:
    if step > 0 and not is_multiple(amount, step):
        raise invalid(field, _text(amount), f"Must be a multiple of the {what} {plain(step)}")


def _check_price(order: NewOrder) -> None:
    if order.type is OrderType.LIMIT and order.price is None:
        raise invalid("price", None, "Must be given for a LIMIT order")
    if order.type is OrderType.MARKET and order.price is not None:
        raise invalid("price", _text(order.price), "Must be absent for a MARKET order")
    if order.type is OrderType.MARKET and order.time_in_force in (TimeInForce.GTC, TimeInForce.POST_ONLY):
        raise invalid("time_in_force", order.time_in_force.value, "A MARKET order is IOC or FOK")


# --- the body ----------------------------------------------------------------------------------------------------


def _json_object(body: bytes) -> dict[str, Any]:
    """The body's object with its numbers as text. Raises ``Problem(INVALID_REQUEST)``."""
    try:
        given = json.loads(
            body.decode("utf-8"),
            parse_float=NumberText,
            parse_int=NumberText,
            parse_constant=NumberText,  # NaN and Infinity: refused by the field they are given for
            object_pairs_hook=_unique,
        )
    except (ValueError, RecursionError) as error:
        detail = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        _refuse_body(f"The body is no JSON: {detail}")
    if not isinstance(given, dict):
        _refuse_body("The body must be a JSON object")
    return given


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    given = dict(pairs)
    if len(given) != len(pairs):
        raise ValueError("a key is given twice")
    return given


def _refuse_body(reason: str) -> NoReturn:
    raise Problem(
        ErrorCode.INVALID_REQUEST,
        "Invalid request body",
        field="body",
        reason=reason,
        remedy='Send for example {"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","quantity":0.1,"price":50000}',
    )


# --- one field ---------------------------------------------------------------------------------------------------


def _string(field: str, value: object, longest: int) -> str:
    if not isinstance(value, str) or isinstance(value, NumberText):
        raise invalid(field, value, "Must be a string")
    if len(value) > longest or not value.isprintable():
        raise invalid(field, value, f"Must be at most {longest} printable characters")
    return value


def _symbol(field: str, value: object) -> str:
    text = _string(field, value, MAX_SYMBOL)
    if not text:
        raise invalid(field, value, "Must not be empty")
    return text


def _reason(field: str, value: object) -> str:
    return _string(field, value, MAX_REASON)


def _flag(field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise invalid(field, value, "Must be true or false")
    return value


def one_of(words: Mapping[str, E]) -> Callable[[str, object], E]:
    """A reader of one of ``words``, in any case."""

    def read(field: str, value: object) -> E:
        found = words.get(value.upper()) if isinstance(value, str) else None
        if found is None:
            raise invalid(field, value, f"Must be one of {', '.join(words)}")
        return found

    return read


READERS: dict[str, Callable[[str, object], Any]] = {
    "symbol": _symbol,
    "side": one_of(SIDES),
    "type": one_of(TYPES),
    "quantity": positive_amount,
    "price": positive_amount,
    "category": one_of(CATEGORIES),
    "time_in_force": one_of(TIMES),
    "reduce_only": _flag,
    "stop_loss": positive_amount,
    "take_profit": positive_amount,
    "reason": _reason,
    "dry_run": _flag,
}
REQUIRED = ("symbol", "side", "type", "quantity")
