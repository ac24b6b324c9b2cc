"""How long a strategy has been quiet on one series: what ``why-not`` says when there was no signal."""

from msgspec import Struct

from tradectl.model.instruments import InstrumentId


class Quiet(Struct, array_like=True):
    """``bars`` delivered after ``since`` without an intent, the last one opened at ``last`` (nanoseconds)."""

    instrument: InstrumentId
    interval: str
    since: int
    bars: int = 0
    last: int = 0
