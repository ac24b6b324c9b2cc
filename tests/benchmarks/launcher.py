"""Runs commands and measures them from outside: a JSON line in (``argv``, ``env``), a JSON line out.

It is a process of its own and imports almost nothing, because the kernel counts what the parent held at the time of
``exec`` into the child's peak memory.
"""

import json
import os
import sys
import time


def run(argv: "list[str]", env: "dict[str, str]") -> "dict[str, float]":
    """Wall and CPU milliseconds, peak resident MB and exit code of one command; its output is thrown away."""
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    before = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, env, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    wall = (time.perf_counter() - before) * 1e3
    cpu = (usage.ru_utime + usage.ru_stime) * 1e3
    return {"wall": wall, "cpu": cpu, "mb": usage.ru_maxrss / 1024, "code": os.waitstatus_to_exitcode(status)}


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(run(asked["argv"], asked["env"])), flush=True)


if __name__ == "__main__":
    main()
