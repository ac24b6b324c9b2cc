"""What a person is told when past market data cannot be read."""

from collections.abc import Iterator
from contextlib import contextmanager

from tradectl.exchange.retry_handler import ReadFailed
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import InstrumentId

AGAIN = "run the command again, it goes on where it was"


@contextmanager
def failures_about(instrument: InstrumentId | None) -> Iterator[None]:
    """Turns a read that failed for good into a :class:`Problem` about ``instrument``."""
    try:
        yield
    except ReadFailed as failure:
        raise problem_of(failure, instrument) from failure


def problem_of(failure: ReadFailed, instrument: InstrumentId | None, again: str = AGAIN) -> Problem:
    """The problem of a failed read, with what to do next; ``again`` says what running it again does."""
    text = f"Bybit does not answer{f' about {instrument}' if instrument else ''}: {failure}"
    if failure.code == 10006:
        remedy = f"Another program uses the same address; {again}"
        return Problem(ErrorCode.TOO_MANY_REQUESTS, text, field="rate", remedy=remedy)
    if failure.code == 10001 and instrument:
        text, remedy = f"Bybit refuses {instrument}: {failure.message}", "instruments list shows what there is"
        return Problem(ErrorCode.UNKNOWN_SYMBOL, text, field="symbol", remedy=remedy)
    if failure.code == 403:
        remedy = "The address is banned for some minutes, or Bybit does not serve this country"
        return Problem(ErrorCode.FORBIDDEN, text, field="url", remedy=remedy)
    remedy = f"Check the network, exchange.site and exchange.proxy, or --url; then {again}"
    return Problem(ErrorCode.NOT_READY, text, field="url", remedy=remedy)
