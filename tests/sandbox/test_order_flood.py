"""A flood of orders through the real daemon: no limit of the venue is broken, the permitted rate is used.

The full-size bar (10,000 intents) is ``python -m tests.sandbox.order_flood``; what leaves before what is judged in
``tests/unit/engine/test_order_flood.py``, where the queue can be watched.
"""

from pathlib import Path

import pytest

from tests.sandbox.order_flood import STEP, judge, one_flood


@pytest.mark.parametrize("step", [STEP, 5000])
def test_a_flood_breaks_no_limit_and_uses_what_is_permitted(tmp_path: Path, step: int) -> None:
    """Also in a market that is silent for seconds: its clock does not leap over the times of the queue."""
    found = one_flood(tmp_path, 440, 20, 120, step)
    judge(found)
    assert found["intents"] >= 400
    assert found["seconds"] >= 4
