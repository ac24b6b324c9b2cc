"""Back to where the last daemon was: the run's configurations, the newest checkpoint and the tail behind it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from loguru import logger

from tradectl.daemon.state_directory import RunConfig
from tradectl.engine.config import EngineConfig
from tradectl.engine.recorded_orders import follow_record
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.journal import recover
from tradectl.model.errors import ErrorCode, Problem

Classes = Mapping[str, type[Strategy]]


def restored_engine(
    directory: Path, now: RunConfig, classes: Classes, before: Callable[[EngineConfig], Classes], known: list[RunConfig]
) -> tuple[TradingEngine, bool, int]:
    """The engine as it was, under today's configuration; whether it was restored; the first unused order sequence.

    The tail is replayed under the configuration it was written with (``before`` loads its classes), then the state is
    handed to today's engine. Where today's code decides otherwise than the code that wrote it, the orders of the record
    count. Raises ``Problem`` when the journal is corrupt.
    """
    found = recover(directory)
    for cut in found.cuts:
        logger.warning("journal: {} bytes of an unfinished record cut from {}", cut.size, cut.path.name)
    if found.next_seq == 1:
        return TradingEngine(now.config, classes), False, found.reserved + 1
    last = known[-1] if known else now
    same = (last.config, last.code, last.strategies) == (now.config, now.code, now.strategies)
    engine = TradingEngine(last.config, classes if same else before(last.config))
    _load(engine, found.checkpoint.state if found.checkpoint is not None else None, found.checkpoint)
    count = departed = 0
    for entry in found.tail:
        engine.forewarn(entry.commands)
        again = engine.apply(entry.event)
        if last.code != now.code:
            departed += follow_record(engine.world, entry.commands, again)
        count += 1
        if engine.seq != entry.seq:
            raise Problem(
                ErrorCode.INTERNAL, f"the tail begins at {entry.seq}, the checkpoint ends at {engine.seq - 1}",
                field=str(directory), remedy="restore the journal from a backup",
            )  # fmt: skip
    engine.forewarn(())
    if departed:
        logger.warning("{} orders were decided otherwise by the code before: what was sent then counts", departed)
    logger.info("restored run {} at entry {} ({} replayed)", now.config.run, engine.seq, count)
    if same:
        return engine, True, found.reserved + 1
    fresh = TradingEngine(now.config, classes)
    fresh.restore(engine.checkpoint())
    return fresh, True, found.reserved + 1


def _load(engine: TradingEngine, state: bytes | None, checkpoint: object) -> None:
    if state is None:
        return
    try:
        engine.restore(state)
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        raise Problem(
            ErrorCode.CONFLICT, f"the checkpoint cannot be read by this version: {error}", field="checkpoint",
            remedy="start it with the version that wrote it and stop it cleanly",
        ) from error  # fmt: skip
