"""Public topics (bybit-v5 8.2) with their category in front: ``linear/orderbook.50.BTCUSDT``."""

from msgspec import Struct

from tradectl.matching.records import Refused
from tradectl.model.instruments import Category, InstrumentId

DEPTHS = ("1", "50", "200", "1000")
_CATEGORIES = (Category.SPOT.value, Category.LINEAR.value, Category.INVERSE.value)
#: Kinds of topic and whether a detail (depth, interval) stands between kind and symbol.
KINDS = {"orderbook": True, "kline": True, "publicTrade": False, "tickers": False}


class Topic(Struct, frozen=True):
    """A parsed topic; ``detail`` is the depth or interval as on the wire, ``wire`` the name without category."""

    kind: str
    detail: str
    instrument: InstrumentId
    wire: str


def parse_topic(text: str) -> Topic:
    """Take a topic apart. Raises ``Refused`` 10001 with Bybit's words for one that does not exist."""
    category, _, wire = text.partition("/")
    parts = wire.split(".")
    kind = parts[0]
    if category not in _CATEGORIES or kind not in KINDS:
        raise unknown_topic(wire)
    if len(parts) != (3 if KINDS[kind] else 2):
        raise unknown_topic(wire)
    detail = parts[1] if KINDS[kind] else ""
    if kind == "orderbook" and detail not in DEPTHS:
        raise unknown_topic(wire)
    return Topic(kind, detail, InstrumentId(Category(category), parts[-1]), wire)


def unknown_topic(wire: str) -> Refused:
    """The refusal of a topic that does not exist (bybit-v5 8.1)."""
    return Refused(10001, f"error:handler not found,topic:{wire}")
