"""The daemon's process: settings, logs, loop; every way to fail becomes a sentence and an exit code."""

import asyncio
import gc
import os
import sys
from pathlib import Path
from typing import Any

from tradectl.daemon.environment import of_database, scrub
from tradectl.daemon.options import Options, parse
from tradectl.daemon.readiness import Readiness
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import use_exact_context
from tradectl.paths import Paths


def main(arguments: list[str] | None = None) -> int:
    """Run the daemon; returns its exit code."""
    use_exact_context()
    options = parse(arguments)
    readiness = Readiness(options.ready_fd)
    try:
        return _run(options, readiness)
    except Problem as problem:
        code = problem.meaning.exit_code
        readiness.down(code, problem.message, problem.remedy)
        if options.ready_fd < 0:  # else whoever started it says so
            print(f"error: {problem}", file=sys.stderr)
        return code


def _run(options: Options, readiness: Readiness) -> int:
    from tradectl.monitoring.logs import set_up
    from tradectl.settings import load_settings

    overrides: dict[str, Any] = {"trading.mode": options.mode} if options.mode else {}
    settings = load_settings(options.config, overrides=overrides)
    removed = scrub(os.environ)
    mode = options.mode or settings.trading.mode
    if mode == "backtest":
        raise Problem(
            ErrorCode.INVALID_SETTING, "a backtest needs no daemon", field="mode", remedy="tradectl backtest STRATEGY"
        )
    _check_armed(mode, options)
    level = "debug" if options.debug else settings.app.log_level
    secrets = (settings.secrets.api_key, settings.secrets.api_secret)
    set_up(Path(options.state) / "logs", level, secrets, options.foreground)
    return _loop(options, settings, readiness, of_database(removed))


def _check_armed(mode: str, options: Options) -> None:
    if mode == "live" and not Path(Paths(options.state).armed).exists():
        raise Problem(
            ErrorCode.INVALID_SETTING,
            f"profile {options.profile} is not armed for real money",
            field="mode",
            reason="mode live needs tradectl arm once",
            remedy="tradectl arm shows the account, its limits and asks for its name",
        )


def _loop(options: Options, settings: Any, readiness: Readiness, database: dict[str, str]) -> int:
    from tradectl.daemon.daemon import Daemon

    async def live() -> int:
        daemon = Daemon(options, settings, readiness, database)
        gc.collect()
        gc.freeze()
        return await daemon.run()

    try:
        import uvloop
    except ImportError:
        return asyncio.run(live())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(live())


if __name__ == "__main__":
    sys.exit(main())
