"""The command line, cold: a whole process from ``exec`` to exit, against an interpreter that does nothing."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

from tests.benchmarks.measure import Effort, Goal, Row, interleaved
from tests.benchmarks.processes import Helper, environment, helper, module

#: What pip makes of the entry point ``tradectl = "tradectl.__main__:main"``.
SCRIPT = """import sys
from tradectl.__main__ import main
if __name__ == "__main__":
    sys.exit(main())
"""
#: The command, its words, and how many times ``python -c pass`` it may take.
COMMANDS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("status", ("status",), 2.5),
    ("orders", ("orders", "list"), 7.5),
    ("instruments", ("instruments",), 7.5),
    ("help", ("--help",), 7.5),
)


class Runner:
    """Runs commands through the launcher and keeps what each took."""

    def __init__(self, launcher: Helper, script: Path, state: str, times: int) -> None:
        self._launcher = launcher
        self._script = str(script)
        self._env = environment(TRADECTL_STATE=state, XDG_CONFIG_HOME=state)
        self._times = times
        self.memory: dict[str, list[float]] = {}

    def words(self, *words: str) -> list[str]:
        """The console script's command line."""
        return [sys.executable, self._script, *words]

    def run(self, name: str, argv: list[str]) -> float:
        """The median wall time in milliseconds. Raises ``RuntimeError`` when the command fails."""
        asked = json.dumps({"argv": argv, "env": self._env})
        found = [json.loads(self._launcher.ask(asked)) for _ in range(self._times)]
        failed = next((one for one in found if one["code"]), None)
        if failed:
            raise RuntimeError(f"{' '.join(argv)} ended with {failed['code']}")
        self.memory.setdefault(name, []).append(max(one["mb"] for one in found))
        return median(one["wall"] for one in found)


def rows(effort: Effort) -> Iterator[Row]:
    """Every command beside the bare interpreter, against a daemon that answers at once."""
    with (
        tempfile.TemporaryDirectory(prefix="tctl-") as state,
        module("status_server", state),
        helper(str(Path(__file__).with_name("launcher.py")), options=("-I", "-S")) as launcher,
    ):
        launcher.hear()
        script = Path(state) / "tradectl"
        script.write_text(SCRIPT)
        runner = Runner(launcher, script, state, effort.count(10))
        jobs: dict[str, Callable[[], float]] = {"pass": partial(runner.run, "pass", [sys.executable, "-c", "pass"])}
        jobs |= {name: partial(runner.run, name, runner.words(*words)) for name, words, _ in COMMANDS}
        for job in jobs.values():
            job()  # byte code is written by the first run
        runner.memory.clear()
        found = interleaved(effort.rounds, jobs)
    for name, words, limit in COMMANDS:
        yield Row(
            name=f"cli.{name}", what=f"tradectl {' '.join(words)}, cold, from exec to exit, wall", unit="ms",
            values=found[name], floors={"python -c pass": found["pass"]}, goals=(Goal(limit, "python -c pass"),),
        )  # fmt: skip
    for name in ("status", "help"):
        yield Row(
            name=f"cli.{name}-memory", what=f"peak resident memory of tradectl {name}", unit="MB",
            values=runner.memory[name], goals=(Goal(18.0),) if name == "status" else (),
        )  # fmt: skip
