"""Every test computes money as every thread of the project does."""

import pytest

from tradectl.model.money import use_exact_context


@pytest.fixture(autouse=True)
def exact_context() -> None:
    """The Decimal context of an entry point."""
    use_exact_context()
