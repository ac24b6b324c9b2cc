"""The corridor found in one go is the one the lines say, wherever it is found."""

from collections import Counter

import pytest

from tests.unit.engine.test_audience import played, setup_of
from tradectl.engine.audience import NOBODY
from tradectl.engine.equity_lines import FLAT, UNCLEAR, Corridor, EquityLines, corridor_of

_REAL = EquityLines.corridor


def compared(self: EquityLines, seen: Counter[str]) -> Corridor | None:
    found, funding = _REAL(self), self.funding
    lines = self.drawn(flat=True)
    if found is not None:
        assert lines is not None
        assert self.funding == []
        clear = all(line.low < line.equity < line.high for line in lines)
        assert (found is not UNCLEAR) is clear
        assert not clear or corridor_of([line for line in lines if line.sizes]) == found or found is FLAT
        assert (found is FLAT) <= all(not line.sizes for line in lines)
    seen["none" if found is None else "flat" if found is FLAT else "unclear" if found is UNCLEAR else "held"] += 1
    self.funding = funding
    return found


def test_the_corridor_is_what_the_lines_say(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()
    monkeypatch.setattr(EquityLines, "corridor", lambda self: compared(self, seen))
    for seed in range(30):
        played(setup_of(seed), seed, NOBODY)
    assert min(seen[kind] for kind in ("none", "flat", "unclear", "held")) >= 10, seen
