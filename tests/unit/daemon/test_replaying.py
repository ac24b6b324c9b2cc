"""Replay of a run on disk: from the beginning, from a checkpoint, with pruned market data, with changed code."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.harness import Bench
from tests.unit.engine.recorded import CLASSES, Ladder, record
from tradectl.cli import replay as command
from tradectl.daemon import replaying
from tradectl.daemon.replaying import Replayed, replay_run
from tradectl.daemon.state_directory import RunConfig, StateDirectory, code_fingerprint
from tradectl.engine.trading_engine import TradingEngine
from tradectl.journal import Header, JournalConfig, JournalWriter, complete_spans, usable_checkpoints
from tradectl.journal.maintenance import prune
from tradectl.journal.segments import MARKET, list_segments
from tradectl.model.commands import Entry
from tradectl.model.errors import Problem
from tradectl.model.events import SCHEMA
from tradectl.strategies import loader

SMALL = JournalConfig(market_segment=4000, reserve_space=4096, checkpoints_kept=1)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return record(5, 60)


@pytest.fixture(autouse=True)
def _classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The strategies of the record are the tests' own."""
    monkeypatch.setattr(replaying.strategy_loader, "load_known", lambda configs, folder: dict(CLASSES))


@pytest.fixture
def state(tmp_path: Path, bench: Bench) -> Path:
    """A state directory with the record on disk, a checkpoint every 40 entries."""
    directory = StateDirectory(str(tmp_path))
    bound = directory.bind("sandbox")
    config = RunConfig(0, bench.config, code_fingerprint(), loader.fingerprint(dict(CLASSES)))
    engine = TradingEngine(bench.config, bench.classes)
    with_journal = JournalWriter(directory.journal(bound.run), Header(run=bound.run), SMALL)
    for seq, (event, commands) in enumerate(zip(bench.events, bench.answers, strict=True), 1):
        with_journal.append(Entry(SCHEMA, seq, event, commands))
        engine.apply(event)
        if seq % 40 == 0:
            with_journal.checkpoint(seq, engine.checkpoint())
    with_journal.close()
    directory.note_config(bound.run, config)
    return tmp_path


def _journal(state: Path) -> Path:
    return next((state / "journal").iterdir())


def _again(state: Path, begin: int = 0) -> Replayed:
    return replay_run(str(state), "", None, begin=begin)


def test_a_complete_run_is_replayed_from_its_beginning(state: Path, bench: Bench) -> None:
    done = _again(state)
    assert done.report.identical
    assert (done.report.first_seq, done.report.entries, done.start) == (1, len(bench.events), 0)
    assert (done.complete.first, done.complete.last) == (1, len(bench.events))


def test_a_checkpoint_is_kept_for_each_market_segment_and_a_replay_from_each_is_identical(state: Path) -> None:
    usable = usable_checkpoints(_journal(state), 0)
    assert len(usable) > 3
    for seq, _ in usable:
        done = _again(state, seq + 1)
        assert done.report.identical, done.report.differences
        assert (done.start, done.report.first_seq) == (seq, seq + 1)


def test_pruned_market_data_is_replayed_as_far_as_it_is_complete(state: Path, bench: Bench) -> None:
    sizes = [file.path.stat().st_size for file in list_segments(_journal(state), MARKET)]
    prune(_journal(state), sum(sizes) // 2, keep=1)
    (span,) = complete_spans(_journal(state))
    assert 1 < span.first < len(bench.events)
    done = _again(state)
    assert done.report.identical, done.report.differences
    assert span.first - 1 <= done.start < done.report.first_seq <= len(bench.events)
    assert done.report.entries == len(bench.events) - done.start
    assert done.complete == span
    with pytest.raises(Problem, match=f"complete only from entry {span.first}"):
        _again(state, span.first - 1)


def test_pruning_takes_the_checkpoints_along_and_keeps_within_the_budget(state: Path) -> None:
    journal = _journal(state)
    before = _weight(journal)
    prune(journal, before // 2, keep=1)
    assert before // 4 < _weight(journal) <= before // 2
    (span,) = complete_spans(journal)
    assert usable_checkpoints(journal, span.first - 1) == usable_checkpoints(journal, 0)


def _weight(journal: Path) -> int:
    """Bytes of closed market segments and of the checkpoints that are kept for them."""
    closed = [file.path for file in list_segments(journal, MARKET)[:-1]]
    return sum(path.stat().st_size for path in (*closed, *(path for _, path in usable_checkpoints(journal, 0)[:-1])))


def test_a_damaged_or_foreign_checkpoint_is_passed_over(state: Path) -> None:
    prune(_journal(state), _weight(_journal(state)) // 2, keep=1)
    (span,) = complete_spans(_journal(state))
    usable = usable_checkpoints(_journal(state), span.first - 1)
    usable[0][1].write_bytes(b"damaged")
    assert len(usable) > 1
    assert _again(state).start == usable[1][0]
    for _, path in usable:
        path.write_bytes(b"damaged")
    with pytest.raises(Problem, match="no checkpoint of the run can be read"):
        _again(state)


def test_an_entry_behind_the_end_is_refused(state: Path, bench: Bench) -> None:
    with pytest.raises(Problem, match=f"entries 1 to {len(bench.events)}"):
        _again(state, len(bench.events) + 1)


def test_changed_code_shows_the_first_difference_and_what_is_decided_otherwise(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Higher(Ladder):
        def on_bar(self, bar: Any) -> None:
            self.seen += 1
            if not self.orders and self._mean.ready:
                self.buy(self.symbol, "0.3", round(self._mean.value - 5, 1), reason="more of it")

    changed = {**CLASSES, "ladder": Higher}
    Higher.source_hash = "other"
    monkeypatch.setattr(replaying.strategy_loader, "load_known", lambda configs, folder: changed)
    done = _again(state)
    assert not done.report.identical
    assert "the strategies' code" in done.changed
    first = done.report.differences[0]
    assert first.event.startswith("bar 1m linear:BTCUSDT")
    assert len(first.before) == 5
    assert "below the mean" in first.decision
    made = next(c for c in first.changes if c.record == "DecisionMade" and c.kind == "changed")
    assert {"qty", "reason"} <= {f.field for f in made.fields}
    assert done.report.redecided >= len(done.report.decision_diff) > 0
    assert "0.2" in done.report.decision_diff[0].recorded
    assert "0.3" in done.report.decision_diff[0].replayed


def test_the_command_draws_differences_for_a_person(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tradectl.cli.screen import Screen
    from tradectl.cli.words import Globals

    class Silent(Ladder):
        def on_bar(self, bar: Any) -> None:
            self.seen += 1

    monkeypatch.setattr(replaying.strategy_loader, "load_known", lambda configs, folder: {**CLASSES, "ladder": Silent})
    data = command._data(_again(state))
    text = command._draw(Screen(Globals()), data)
    assert "DIFFERENT" in text
    assert "- DecisionMade ladder:" in text
    assert "before it" in text
    assert "came out otherwise" in text
    json.dumps(data)


def test_a_recorded_run_of_the_directory_is_compared_with_its_backtest(state: Path) -> None:
    from tradectl.backtest.parity.run import parity_of
    from tradectl.daemon.recorded_runs import code_of, recorded_run, runs_of

    recorded, older = recorded_run(str(state), "", None)
    assert runs_of(str(state)) == [recorded.run]
    assert code_of(str(state), recorded.run) == code_fingerprint()
    assert older == ()
    done = parity_of(recorded)
    assert (done.run, done.mode) == (recorded.run, "sandbox")
    assert done.report.explained
    assert done.report.counts.matched > 10
