"""Windows roll, products have windows of their own, and the reset stamp of a refusal lies ahead."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from tradectl.sandbox.server.rate_limits import MIN_RESET_AHEAD, SECOND, AddressLimiter, RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 1_000 * SECOND

    def __call__(self) -> int:
        return self.now


def test_ten_creates_a_second_then_none() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    left = [limiter.take("u", "order/create").left for _ in range(10)]
    assert left == list(range(9, -1, -1))
    refused = limiter.take("u", "order/create")
    assert (refused.granted, refused.left, refused.limit) == (0, 0, 10)
    assert refused.reset_ms * 1_000_000 >= clock.now + MIN_RESET_AHEAD
    clock.now = refused.reset_ms * 1_000_000
    assert limiter.take("u", "order/create").granted == 1


def test_reset_lies_ahead_even_when_the_window_is_about_to_roll() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    limiter.take("u", "order/create", units=10)
    clock.now += SECOND - 1_000_000
    assert limiter.take("u", "order/create").reset_ms * 1_000_000 >= clock.now + MIN_RESET_AHEAD


def test_accounts_endpoints_and_products_do_not_share() -> None:
    limiter = RateLimiter(Clock())
    limiter.take("u", "order/create", "linear", 10)
    assert limiter.take("u", "order/create", "inverse").granted == 0  # one window for all futures
    assert limiter.take("u", "order/create", "spot").limit == 20
    assert limiter.take("u", "order/cancel", "linear").granted == 1
    assert limiter.take("u", "order/create-batch", "linear").granted == 1
    assert limiter.take("v", "order/create", "linear").granted == 1


def test_batch_is_granted_in_part() -> None:
    limiter = RateLimiter(Clock())
    limiter.take("u", "order/create-batch", units=5)
    assert limiter.take("u", "order/create-batch", units=8).granted == 5


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 4)), max_size=60))
def test_never_more_than_the_limit_in_any_second(steps: list[tuple[int, int]]) -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    granted: deque[int] = deque()
    for wait_ms, units in steps:
        clock.now += wait_ms * 1_000_000
        free = 10 - sum(1 for at in granted if at > clock.now - SECOND)
        budget = limiter.take("u", "order/create", units=units)
        assert budget.granted == min(units, free)
        granted.extend([clock.now] * budget.granted)


def test_address_limit_bans_and_forgives() -> None:
    clock = Clock()
    limiter = AddressLimiter(600, 600.0, clock)
    assert all(limiter.allows("a") for _ in range(600))
    assert not limiter.allows("a")
    assert limiter.allows("b")
    clock.now += 599 * SECOND
    assert not limiter.allows("a")
    clock.now += 2 * SECOND
    assert limiter.allows("a")
    assert all(AddressLimiter(0, 600.0, clock).allows("a") for _ in range(10_000))


def test_every_refusal_and_every_admitted_unit_is_counted() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    for _ in range(12):
        limiter.take("u", "order/create")
    limiter.take("u", "order/create-batch", units=8)
    clock.now += SECOND
    limiter.take("u", "order/create-batch", "spot", units=25)
    limiter.take("v", "order/cancel")
    found = limiter.counts.describe()
    assert found["refusals"] == {"10006": 2 + 5, "403": 0}
    assert found["refused"] == {"order/create:futures": 2, "order/create-batch:spot": 5}
    assert found["admitted"] == {
        "u": {
            "order/create:futures": [[1000, 10]],
            "order/create-batch:futures": [[1000, 8]],
            "order/create-batch:spot": [[1001, 20]],
        },
        "v": {"order/cancel:futures": [[1001, 1]]},
    }
    limiter.take("v", "order/cancel", units=3)
    assert limiter.counts.describe()["admitted"]["v"]["order/cancel:futures"] == [[1001, 4]]
    limiter.clear()
    assert limiter.counts.describe() == {"refusals": {"10006": 0, "403": 0}, "refused": {}, "admitted": {}}
