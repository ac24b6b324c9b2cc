"""Every test computes money as every thread of the project does, and no total of what is in flight goes unchecked."""

from collections.abc import Iterator

import pytest

from tests.unit.engine.recount import every_read_checked
from tradectl.model.money import use_exact_context


@pytest.fixture(autouse=True)
def exact_context() -> None:
    """The Decimal context of an entry point."""
    use_exact_context()


@pytest.fixture(autouse=True)
def checked_totals() -> Iterator[None]:
    """Each running total is recounted whenever the engine reads it."""
    with every_read_checked():
        yield
