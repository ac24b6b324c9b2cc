"""What there is to measure, by area: the first word of each row's name."""

from collections.abc import Callable, Iterator

from tests.benchmarks import book, decode, engine
from tests.benchmarks.measure import Effort, Row

Area = Callable[[Effort], Iterator[Row]]

AREAS: dict[str, Area] = {
    "engine": engine.rows,
    "decode": decode.decode_rows,
    "handle": decode.handle_rows,
    "book": book.rows,
}
