"""When perpetuals settle funding in a run, and at what rate: the data's, and the model's where the data has none."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from tradectl.history.series import Columns, Points
from tradectl.model.instruments import Instrument
from tradectl.model.money import exact
from tradectl.simulation.models import FixedFunding, FundingModel

MINUTE = 60_000_000_000


def settlements(
    instrument: Instrument, data: Iterable[Columns], model: FundingModel, since: int, until: int
) -> Iterator[tuple[int, Decimal]]:
    """Each settlement after ``since`` and not after ``until`` with its rate, in time order.

    The model speaks for the venue's schedule (multiples of the funding interval, bybit-v5 9) before the first and
    after the last rate of the data: what is missing between them is missing.
    """
    first = last = 0
    for part in data:
        assert isinstance(part, Points)
        for ts, rate in zip(part.ts.tolist(), part.value.tolist(), strict=True):
            if not first:
                first = ts
                yield from _modelled(instrument, model, since, ts - 1)
            last = ts
            yield ts, exact(rate)
    yield from _modelled(instrument, model, last or since, until)


def _modelled(instrument: Instrument, model: FundingModel, after: int, until: int) -> Iterator[tuple[int, Decimal]]:
    step = instrument.funding_interval * MINUTE
    if not step or (isinstance(model, FixedFunding) and not model.fixed):
        return
    for ts in range(after // step * step + step, until + 1, step):
        yield ts, model.rate(instrument, ts)
