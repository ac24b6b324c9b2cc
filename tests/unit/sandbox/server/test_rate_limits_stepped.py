"""On a stepped clock order requests wait for the venue's time, reads for the transport's."""

from tradectl.sandbox.server.rate_limits import SECOND, RateLimiter


def test_reads_refill_while_the_venue_stands_still_and_orders_do_not() -> None:
    venue, wall = [0], [0]
    limiter = RateLimiter(lambda: venue[0], lambda: wall[0])
    assert limiter.take("u", "execution/list", units=50).granted == 50
    assert limiter.take("u", "order/create", units=10).granted == 10
    wall[0] += SECOND
    assert limiter.take("u", "execution/list", units=50).granted == 50
    assert limiter.take("u", "order/create").granted == 0
    admitted = limiter.counts.describe()["admitted"]["u"]
    assert admitted == {"execution/list:futures": [[0, 50], [1, 50]], "order/create:futures": [[0, 10]]}
    venue[0] += SECOND
    assert limiter.take("u", "order/create").granted == 1
