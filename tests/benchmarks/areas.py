"""What there is to measure, by area: the first word of each row's name."""

from collections.abc import Callable, Iterator

from tests.benchmarks import backtest, book, cli, daemon, decode, engine, journal, matching, rpc, trading
from tests.benchmarks.measure import Effort, Row

Area = Callable[[Effort], Iterator[Row]]

AREAS: dict[str, Area] = {
    "engine": engine.rows,
    "matching": matching.rows,
    "backtest": backtest.rows,
    "decode": decode.decode_rows,
    "handle": decode.handle_rows,
    "book": book.rows,
    "journal": journal.rows,
    "rpc": rpc.rows,
    "receive": trading.receive_rows,
    "tick": trading.tick_rows,
    "cli": cli.rows,
    "start": daemon.start_rows,
    "memory": daemon.memory_rows,
    "stepped": daemon.stepped_rows,
}
