"""Everything that must pass, in one command: ``python -m tests`` (further arguments go to pytest).

Style, types and import contracts come first because they answer within seconds. pytest comes last, so that its
summary is the last thing printed.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: The longest a single test may hang, in seconds, before it is ended with the stacks of all its threads.
TEST_TIMEOUT = 300

CHECKS: tuple[tuple[str, ...], ...] = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy", "--strict"),
    ("lint-imports",),
)


def tool(name: str) -> str:
    """The tool beside this interpreter, so that nothing depends on an activated environment."""
    return str(Path(sys.executable).parent / name)


def run(command: tuple[str, ...]) -> bool:
    """Run one check in the project's root, its output passed through; whether it passed."""
    print("$", *command, flush=True)
    return subprocess.run([tool(command[0]), *command[1:]], cwd=ROOT, check=False).returncode == 0


def main(arguments: list[str]) -> int:
    # Installed byte code is a part of what the benchmarks and the start-up bars measure.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    failed = [" ".join(check) for check in CHECKS if not run(check)]
    if failed:
        print("failed:", ", ".join(failed), flush=True)
    passed = run(("pytest", "-q", "-n", "2", f"--timeout={TEST_TIMEOUT}", *arguments))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
