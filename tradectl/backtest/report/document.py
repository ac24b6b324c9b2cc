"""A backtest's result as a plain JSON document, and back without loss.

Decimals are JSON numbers with every digit and never pass through float; NaN is ``null``; records have named fields.
Models of the house come back as they were; somebody else's come back as a :class:`ForeignModel` with its description.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from tradectl.backtest.job import BacktestResult
from tradectl.model.errors import ErrorCode, Problem
from tradectl.simulation import models as house

#: Changes when an older program could not read the document.
VERSION = 1
Document = dict[str, Any]
Convert = Callable[[Any], Any]
_NAN = float("nan")
_HOUSE = {
    name: kind
    for name, kind in vars(house).items()
    if isinstance(kind, type) and issubclass(kind, Struct) and kind.__module__ == house.__name__
}


class ForeignModel(Struct, frozen=True):
    """A model that is not of the house, after it was stored: what it was called, and what it said of itself."""

    name: str
    text: str

    def describe(self) -> str:
        """The sentence of the report."""
        return self.text


def to_document(result: BacktestResult) -> Document:
    """The result in plain dicts and lists with Decimals in them."""
    return {"version": VERSION, **_writer(BacktestResult)(result)}


def from_document(document: Document) -> BacktestResult:
    """The result of a document. Raises ``Problem`` when it is not one."""
    version = document.get("version")
    if version != VERSION:
        raise Problem(
            ErrorCode.INVALID_REQUEST, f"the result is of version {version}, this program reads {VERSION}",
            field="version", remedy="run the backtest again, or use the program that wrote it",
        )  # fmt: skip
    try:
        found = _reader(BacktestResult)({name: value for name, value in document.items() if name != "version"})
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise Problem(
            ErrorCode.INVALID_REQUEST, f"the document is no result of a backtest: {error!r}", field="document",
            remedy="run the backtest again",
        ) from None  # fmt: skip
    assert isinstance(found, BacktestResult)
    return found


def encode(document: Document) -> bytes:
    """The document as JSON."""
    return msgspec.json.Encoder(decimal_format="number").encode(document)


def decode(data: bytes) -> Document:
    """JSON with every digit kept. Raises ``Problem`` when it is none."""
    try:
        found = msgspec.json.Decoder(float_hook=Decimal).decode(data)
    except msgspec.DecodeError as error:
        raise Problem(ErrorCode.INVALID_REQUEST, f"this is no JSON document: {error}", field="document") from None
    if not isinstance(found, dict):
        raise Problem(ErrorCode.INVALID_REQUEST, "the document is no JSON object", field="document")
    return found


# --- records to plain values: a converter for each type, made once ---------------------------------------------------


def plain(value: Any) -> Any:
    """Any record as plain values, by its own type."""
    if isinstance(value, Struct):
        return _writer(type(value))(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return None if isinstance(value, float) and value != value else value


def _same(value: Any) -> Any:
    return value


@lru_cache(maxsize=256)
def _writer(kind: Any) -> Convert:
    inner, optional = _unwrapped(kind)
    if optional:
        write = _writer(inner)
        return lambda value: None if value is None else write(value)
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _record_writer(kind)
    if origin is Sequence or (origin is tuple and args[1:] == (Ellipsis,)):
        write = _writer(args[0])
        return lambda value: [write(item) for item in value]
    if origin is tuple:
        writers = [_writer(arg) for arg in args]
        return lambda value: [write(item) for write, item in zip(writers, value, strict=True)]
    if origin is dict:
        write = _writer(args[1])
        return lambda value: {key: write(item) for key, item in value.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda value: value.value
    if kind is float:
        return lambda value: value if value == value else None
    if _is_model(kind):
        return _write_model
    return _same if kind in (int, str, bool, Decimal) else _write_any


def _record_writer(kind: type[Struct]) -> Convert:
    hints = get_type_hints(kind)
    fields = [(name, _writer(hints[name])) for name in kind.__struct_fields__]
    return lambda value: {name: write(getattr(value, name)) for name, write in fields}


def _write_model(value: Any) -> Any:
    if _HOUSE.get(type(value).__name__) is type(value):
        return {"kind": type(value).__name__, **_record_writer(type(value))(value)}
    name = value.name if isinstance(value, ForeignModel) else type(value).__name__
    return {"kind": name, "text": value.describe()}


def _write_any(value: Any) -> Any:
    """A value of no declared type: what JSON would not tell apart is marked."""
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, dict):
        return {str(key): _write_any(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_write_any(item) for item in value]
    return plain(value)


# --- and back --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _reader(kind: Any) -> Convert:
    inner, optional = _unwrapped(kind)
    if optional:
        read = _reader(inner)
        return lambda value: None if value is None else read(value)
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _record_reader(kind)
    if origin is Sequence or (origin is tuple and args[1:] == (Ellipsis,)):
        read = _reader(args[0])
        return lambda value: tuple(read(item) for item in value)
    if origin is tuple:
        readers = [_reader(arg) for arg in args]
        return lambda value: tuple(read(item) for read, item in zip(readers, value, strict=True))
    if origin is dict:
        read = _reader(args[1])
        return lambda value: {key: read(item) for key, item in value.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if kind is Decimal:
        return lambda value: value if isinstance(value, Decimal) else Decimal(value)
    if kind is float:
        return lambda value: _NAN if value is None else float(value)
    if _is_model(kind):
        return _read_model
    return _same if kind in (int, str, bool) else _read_any


def _record_reader(kind: type[Struct]) -> Convert:
    hints = get_type_hints(kind)
    readers = {name: _reader(hints[name]) for name in kind.__struct_fields__}
    return lambda value: kind(**{name: readers[name](item) for name, item in value.items()})


def _read_model(value: Document) -> Any:
    kind = _HOUSE.get(value["kind"])
    if kind is None:
        return ForeignModel(value["kind"], value["text"])
    return _record_reader(kind)({name: item for name, item in value.items() if name != "kind"})


def _read_any(value: Any) -> Any:
    if isinstance(value, dict):
        return Decimal(value["$decimal"]) if set(value) == {"$decimal"} else {k: _read_any(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_read_any(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def _unwrapped(kind: Any) -> tuple[Any, bool]:
    """The type inside ``X | None``, and whether it was one."""
    if get_origin(kind) not in (Union, UnionType):
        return kind, False
    others = tuple(arg for arg in get_args(kind) if arg is not NoneType)
    return (others[0], True) if len(others) == 1 and len(get_args(kind)) == 2 else (kind, False)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and getattr(kind, "_is_protocol", False) and kind.__module__ == house.__name__
