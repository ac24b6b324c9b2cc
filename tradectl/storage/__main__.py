"""``python -m tradectl.storage``: the store as a process. SIGTERM and SIGINT end it cleanly."""

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from pathlib import Path

from tradectl.model.errors import Problem
from tradectl.model.money import use_exact_context
from tradectl.storage.config import DATABASE_VARIABLE, StoreConfig
from tradectl.storage.store import Store

log = logging.getLogger("tradectl.storage")


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop; the exit code."""
    options = _parse(arguments)
    use_exact_context()
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    socket = options.socket or options.state / "run" / "store.sock"
    # Rows by the thousand are no cycles: frequent collections would cost a tenth of the speed.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    try:
        options.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        asyncio.run(_serve(Store(options.state, socket, StoreConfig(database=options.database))))
    except Problem as problem:
        print(f"tradectl store: {problem}", file=sys.stderr)
        return problem.meaning.exit_code
    except OSError as error:
        print(f"tradectl store: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(store: Store) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await store.start()
    log.info("the store is up")
    await stopping.wait()
    await store.stop()
    log.info("the store has stopped")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tradectl.storage", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="state directory; its runs are in journal/RUN")
    parser.add_argument("--socket", type=Path, help="Unix socket to answer on (default: STATE/run/store.sock)")
    parser.add_argument(
        "--database",
        default="",
        help=f"database URL (default: ${DATABASE_VARIABLE}, else SQLite in STATE). Give one with a password in "
        f"${DATABASE_VARIABLE}: a command line can be read by everybody on the machine",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
