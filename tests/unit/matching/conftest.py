"""Exact Decimal arithmetic in every test, as at each entry of the program."""

from collections.abc import Iterator
from decimal import getcontext, setcontext

import pytest

from tradectl.model.money import use_exact_context


@pytest.fixture(autouse=True)
def exact_context() -> Iterator[None]:
    before = getcontext().copy()
    use_exact_context()
    yield
    setcontext(before)
