"""The optimiser on the real PostgreSQL: two workers finish a study, one is killed in mid-trial, no trial is lost."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from tests.unit.backtest.optimise.synthetic import SINCE, UNTIL, HillSource, space
from tradectl.backtest.optimise.optimiser import optimise
from tradectl.backtest.optimise.plan import Plan

SERVER = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
ROOT = Path(__file__).resolve().parents[2]
TRIALS = 20
#: A worker on a machine of its own: it knows the study's name, the address, and what it is about.
WORKER = """
import sys
from pathlib import Path
from tests.services.test_optimiser_on_postgresql import plan
from tests.unit.backtest.optimise.synthetic import HillSource
from tradectl.backtest.optimise.optimiser import optimise
optimise(plan(sys.argv[1]), HillSource(log=sys.argv[2], hold=sys.argv[3]), join=True)
"""


def plan(url: str, **changes) -> Plan:
    settings = {
        "trials": TRIALS,
        "study": "shared",
        "storage": url,
        "grace_s": 3.0,
        "poll_s": 0.1,
        "seed": 6,
        **changes,
    }
    return Plan(space=space(), since=SINCE, until=UNTIL, **settings)


@pytest.fixture
def url():
    """A database of the test's own."""
    try:
        server = psycopg.connect(SERVER, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        if os.environ.get("TRADECTL_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip(f"no PostgreSQL at {SERVER.rpartition('@')[2]}: {error}")
    name = f"tradectl_test_{uuid.uuid4().hex[:12]}"
    with server:
        server.execute(f"CREATE DATABASE {name}")
        yield f"{SERVER.rpartition('/')[0]}/{name}"
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def started(url: str, log: Path, hold: Path | str = "") -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", WORKER, url, str(log), str(hold)], cwd=ROOT)


def lines_of(log: Path, pid: int) -> list[str]:
    text = log.read_text() if log.exists() else ""
    return [line for line in text.splitlines() if line.startswith(f"{pid} ")]


def wait_for(what, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.01)


def test_two_workers_finish_a_study_though_one_is_killed_in_mid_trial(tmp_path, url) -> None:
    """Nobody supervises: the survivor alone notices by the silence, and runs what the dead one had begun."""
    log, hold = tmp_path / "log", tmp_path / "hold"
    optimise(plan(url, trials=TRIALS), HillSource(), stop=lambda: True)  # begins the study, runs nothing
    victim = started(url, log, hold)
    wait_for(hold.exists)  # two trials are done, the third will never end
    survivor = started(url, log)
    try:
        wait_for(lambda: lines_of(log, survivor.pid))
        lost = lines_of(log, victim.pid)[-1].partition(" ")[2]
        assert len(lines_of(log, victim.pid)) == 3
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        assert survivor.wait(timeout=120) == 0
    finally:
        for process in (survivor, victim):
            process.kill()
            process.wait()
    found = optimise(plan(url), HillSource(), join=True, stop=lambda: True)
    assert found.storage.startswith("postgresql://127.0.0.1") or "TEST_POSTGRES_URL" in os.environ
    assert (found.asked, found.complete, found.interrupted) == (TRIALS, TRIALS, False)
    assert [it.number for it in found.trials] == list(range(TRIALS))
    by = Counter(int(it.worker.rpartition("-")[2]) for it in found.trials)
    assert by == {victim.pid: 2, survivor.pid: TRIALS - 2}
    runs = Counter(line.partition(" ")[2] for line in log.read_text().splitlines())
    assert {params: count for params, count in runs.items() if count > 1} == {lost: 2}
    assert lost in {line.partition(" ")[2] for line in lines_of(log, survivor.pid)}
    assert {str(sorted(it.params.items())) for it in found.trials} == set(runs)
