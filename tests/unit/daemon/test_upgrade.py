"""What the first release left behind comes up with today's code: engine, journal, sandbox and database.

The states were recorded with it, see ``tests/unit/fixtures/first_release/README.md``; what must come out is counted
from its own database and its own sandbox, not with today's engine.
"""

import sqlite3
import tarfile
from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tradectl.daemon.recovery import restored_engine
from tradectl.daemon.replaying import replay_run
from tradectl.daemon.state_directory import RunConfig, StateDirectory, code_fingerprint, read_configs
from tradectl.engine.config import EngineConfig
from tradectl.engine.trading_engine import TradingEngine
from tradectl.journal import read_entries
from tradectl.model.commands import RiskApproved, StrategyStatus
from tradectl.model.ids import from_base32
from tradectl.model.money import use_exact_context
from tradectl.model.orders import OrderStatus
from tradectl.sandbox.venue import Venue, VenueConfig
from tradectl.storage.database import open_database
from tradectl.storage.schema import check, current, migrate, newest
from tradectl.strategies import loader as strategy_loader

RECORDED = Path(__file__).parents[1] / "fixtures" / "first_release"
UID = "900100"


@pytest.fixture(autouse=True)
def _exact() -> None:
    use_exact_context()


@pytest.fixture(params=["stopped", "killed"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A recorded state and its configuration, unpacked."""
    with tarfile.open(RECORDED / f"{request.param}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def rows(old: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(old / "state" / "store.db")) as connection:
        return connection.execute(query).fetchall()


def sizes_by_its_database(old: Path) -> dict[tuple[str, str], Decimal]:
    """Position by strategy and symbol: the executions the old store wrote, added up."""
    found: dict[tuple[str, str], Decimal] = {}
    for strategy, symbol, side, qty in rows(old, "SELECT strategy, symbol, side, qty FROM executions"):
        key = (strategy, symbol)
        found[key] = found.get(key, Decimal(0)) + (Decimal(qty) if side == "Buy" else -Decimal(qty))
    return {key: size for key, size in found.items() if size}


def brought_up(old: Path) -> tuple[TradingEngine, bool, int]:
    state = StateDirectory(str(old / "state"))
    binding = state.binding()
    assert binding is not None
    directory = state.journal(binding.run)
    known = read_configs(directory)

    def classes_of(config: EngineConfig) -> Mapping[str, Any]:
        return strategy_loader.load_known(config.strategies, old / "config" / "strategies")

    config = known[-1].config
    now = RunConfig(0, config, code_fingerprint(), strategy_loader.fingerprint(classes_of(config)))
    return restored_engine(directory, now, classes_of(config), classes_of, known)


def opened(old: Path) -> Venue:
    return Venue(VenueConfig(state=old / "state" / "sandbox", speed=None, symbols=("BTCUSDT", "ETHUSDT"), backfill=30))


def test_books_orders_and_strategies_are_as_they_were(old: Path) -> None:
    engine, restored, next_order = brought_up(old)
    world = engine.world
    assert restored
    assert next_order > max(from_base32(link[-10:]) for (link,) in rows(old, "SELECT link_id FROM orders"))
    books = world.portfolio.state.books
    sizes = {(s, i.symbol): book.size for s, own in books.items() for i, book in own.items() if book.size}
    assert sizes == sizes_by_its_database(old)
    assert sizes["keeper", "ETHUSDT"] == Decimal("0.50")
    resting = rows(old, "SELECT link_id FROM orders WHERE status = 'New'")
    assert [(o.link_id,) for o in world.open_orders()] == resting
    assert len(resting) == 1
    assert engine.host.runners["keeper"].status is StrategyStatus.ACTIVE
    warming = engine.host.runners["cross"].status
    assert warming is StrategyStatus.WARMING, "a built-in whose source has changed since begins with its warm-up"
    keeper: Any = engine.host.runners["keeper"].strategy
    assert keeper.seen > 40, "a user's own strategy, unchanged, goes on with what it knew"
    assert keeper._mean.ready
    assert world.portfolio.state.baselined
    assert {"guard", "equity", "audit"} <= world.timers.keys()


def test_engine_and_venue_agree_after_the_upgrade(old: Path) -> None:
    engine, _, _ = brought_up(old)
    venue = opened(old)
    nets = {i: book.size for i, book in engine.world.portfolio.state.nets.items() if book.size}
    assert {p.instrument: p.size for p in venue.exchange.positions(UID) if p.size} == nets
    assert len(nets) >= 1
    wallets = {w.coin: w.balance for w in venue.exchange.wallets(UID)}
    assert wallets == engine.world.portfolio.state.cash
    venue.close()


def test_what_it_writes_from_now_on_is_read_the_same_way(old: Path) -> None:
    engine, _, _ = brought_up(old)
    data = engine.checkpoint()
    again = TradingEngine(engine.world.config, {n: type(r.strategy) for n, r in _by_class(engine).items()})
    again.restore(data)
    assert again.checkpoint() == data


def _by_class(engine: TradingEngine) -> dict[str, Any]:
    return {r.config.class_: r for r in engine.host.runners.values()}


def test_the_sandbox_continues_the_same_account_and_market(old: Path) -> None:
    before = msgspec.msgpack.decode(_named(old, "place"))[0]
    identity = msgspec.msgpack.decode(_named(old, "identity"))
    orders, link = rows(old, "SELECT count(*) FROM orders")[0][0], rows(old, "SELECT link_id FROM orders")[0][0]
    venue = opened(old)
    assert venue.now() == before
    assert venue.instance == identity["instance"]
    history, _ = venue.orders_history(UID, "linear", order_filter="Order", limit=50)
    assert len(history) == orders - 1, "all but the resting one are over; each is a plain order"
    assert link in {order.link_id for order in history}
    assert {i.id for i in venue.exchange.instruments.values() if not i.is_spot and not i.launched} == set()
    step = venue.step()
    assert venue.now() > before
    assert not step.ended
    place = venue.now()
    instance = venue.instance
    venue.close()
    venue = opened(old)
    assert (venue.now(), venue.instance) == (place, instance)
    assert [order.status for order in venue.exchange.open_orders(UID)] == [OrderStatus.NEW]
    venue.close()


def _named(old: Path, name: str) -> bytes:
    with closing(sqlite3.connect(old / "state" / "sandbox" / "venue.sqlite")) as connection:
        return bytes(connection.execute("SELECT value FROM named WHERE name = ?", (name,)).fetchone()[0])


def test_the_journal_replays_and_says_which_records_are_of_older_code(old: Path) -> None:
    done = replay_run(str(old / "state"), "", old / "config" / "strategies")
    assert "the engine's code" in done.changed
    assert done.older[0].startswith("records 1 to the end: the engine's code")
    directory = next((old / "state" / "journal").iterdir())
    entries = list(read_entries(directory))
    assert done.report.last_seq == entries[-1].seq
    sent = [c for e in entries for c in e.commands if isinstance(c, RiskApproved)]
    assert done.report.orders == len(sent) > 0


def test_the_database_is_migrated_with_all_its_rows(old: Path) -> None:
    tables = ("orders", "executions", "decisions", "equity", "positions", "state_changes")
    before = {table: rows(old, f"SELECT count(*) FROM {table}")[0][0] for table in tables}
    engine = open_database(f"sqlite:///{old / 'state' / 'store.db'}")
    assert current(engine) == "0001"
    migrate(engine)
    assert current(engine) == newest()
    assert check(engine) == []
    assert {table: rows(old, f"SELECT count(*) FROM {table}")[0][0] for table in tables} == before
    assert before["executions"] > 0
