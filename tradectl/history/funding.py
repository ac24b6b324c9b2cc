"""Reading a file of funding rates: ``timestamp`` (milliseconds UTC of the settlement), ``funding_rate`` (fraction)."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from tradectl.history.records import FundingRate
from tradectl.history.table import Table

COLUMNS = {
    "timestamp": ("timestamp", "time", "fundingratetimestamp"),
    "funding_rate": ("funding_rate", "fundingrate", "rate"),
}
#: No venue charges more than this in one settlement; a percentage written as one is caught by it.
HIGHEST = Decimal("0.05")


def read_funding(path: Path) -> Iterator[FundingRate]:
    """The rates of ``path``, oldest first.

    Raises :class:`Problem` at the first row that is empty, not a finite number, beyond 5 %, out of order or repeated.
    """
    table = Table(path, COLUMNS)
    last = -1
    for line, (time, text) in table.rows():
        ts = table.time(line, "timestamp", time)
        if ts <= last:
            rule = "repeats the row before" if ts == last else "is earlier than the row before"
            raise table.fault(line, "timestamp", f"{time} {rule}")
        rate = table.number(line, "funding_rate", text)
        if abs(rate) > HIGHEST:
            raise table.fault(
                line, "funding_rate", f"{text} is beyond {HIGHEST}: a fraction is expected, not a percentage"
            )
        last = ts
        yield FundingRate(ts, rate)
