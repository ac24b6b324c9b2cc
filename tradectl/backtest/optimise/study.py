"""Opens a study where its trials are kept: memory, an SQLite file or PostgreSQL; resumes it only when it is the same.

The storage's address may hold a password: it is never part of a message.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradectl.backtest.optimise.plan import Plan
from tradectl.backtest.optimise.sampling import optuna_module, pruner, sampler
from tradectl.model.errors import ErrorCode, Problem

if TYPE_CHECKING:
    import optuna

    from tradectl.backtest.optimise.objectives import Goal

ABOUT, TRIALS = "about", "trials"
#: Name of a study nobody named that is kept in memory: hyperband deals trials to its brackets by the study's name, and
#: a name made by chance would give each run of one seed another result.
UNNAMED = "unnamed"
#: Seconds SQLite waits for another writer.
BUSY_S = 60


def open_study(plan: Plan, goals: "tuple[Goal, ...]", join: bool = False) -> "optuna.Study":
    """The plan's study, made when there is none; ``join``: it must be there already.

    Raises ``Problem`` when the storage does not answer, the study is not there, or it is about something else: then
    with what differs.
    """
    optuna = optuna_module()
    directions = ["maximize" if goal.high else "minimize" for goal in goals]
    chosen: dict[str, Any] = {"sampler": sampler(plan, 0, len(goals)), "pruner": pruner(plan, len(goals))}
    store = _storage(plan.storage)
    try:
        if join:
            study = optuna.load_study(study_name=plan.study, storage=store, **chosen)
        else:
            study = optuna.create_study(
                study_name=plan.study or (None if plan.storage else UNNAMED), storage=store, directions=directions,
                load_if_exists=True, **chosen,
            )  # fmt: skip
        _must_be_same(study, plan)
    except KeyError:
        raise _no_study(plan.study) from None
    except Problem:
        raise
    except Exception as error:
        raise _unreachable(plan.storage, error) from error
    return study  # type: ignore[no-any-return]


def default_storage(folder: str) -> str:
    """The address of the SQLite file that keeps studies in ``folder``, which is made."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return f"sqlite:///{path / 'studies.db'}"


def safe_address(address: str) -> str:
    """``address`` without user and password."""
    scheme, found, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if found else address


def _storage(address: str) -> Any:
    if not address:
        return None
    if address.startswith(("postgresql://", "postgres://")):
        address = "postgresql+psycopg://" + address.partition("://")[2]
    optuna = optuna_module()
    settings: dict[str, Any] = {"pool_pre_ping": True}
    if address.startswith("sqlite"):
        settings = {"connect_args": {"timeout": BUSY_S}}
    try:
        storage = optuna.storages.RDBStorage(address, engine_kwargs=settings)
    except Exception as error:
        raise _unreachable(address, error) from error
    if address.startswith("sqlite"):
        _one_at_a_time(storage.engine)
    return storage


def _one_at_a_time(engine: Any) -> None:
    """SQLite's driver begins a transaction at the first write: two workers could both read that a trial waits, and
    both take it. Beginning with the writer's lock, as a row's lock does elsewhere, the second sees it taken."""
    from sqlalchemy import event

    def connected(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")  # a killed process loses nothing, a power cut the last trial

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    engine.dispose()


def _must_be_same(study: "optuna.Study", plan: Plan) -> None:
    """A study tells in ``about`` what it is about; the first to open it writes that down."""
    own = plan.sameness()
    told = study.user_attrs.get(ABOUT)
    if told is None:
        study.set_user_attr(ABOUT, json.dumps(own))
        return
    there: dict[str, str] = json.loads(told)
    differing = [name for name in {**there, **own} if there.get(name, "") != own.get(name, "")]
    if differing:
        said = "; ".join(f"{it}: {there.get(it) or 'none'} there, {own.get(it) or 'none'} here" for it in differing)
        raise Problem(
            ErrorCode.CONFLICT, f"study {plan.study} is about something else: {said}", field="study",
            reason="a study goes on only with the same data, strategy, parameters and objective",
            remedy="give another --study name, or the settings it was begun with", data={"differing": differing},
        )  # fmt: skip


def agreed_trials(study: "optuna.Study", asked: int) -> int:
    """How many trials the study is to have: the most anybody asked for (0: whatever it is)."""
    agreed = max(asked, int(study.user_attrs.get(TRIALS, 0)))
    if agreed != study.user_attrs.get(TRIALS):
        study.set_user_attr(TRIALS, agreed)
    return agreed


def _no_study(name: str) -> Problem:
    return Problem(
        ErrorCode.NOT_FOUND, f"there is no study {name} in this storage", field="study",
        remedy="begin it without --worker, or check --study and --storage",
    )  # fmt: skip


def _unreachable(address: str, error: Exception) -> Problem:
    first = (str(getattr(error, "orig", None) or error).splitlines() or [""])[0]
    return Problem(
        ErrorCode.NOT_READY, f"the storage {safe_address(address)} cannot be used: {type(error).__name__}: {first}",
        field="storage", reason="the study's storage did not answer",
        remedy="check the address and that the database runs; the study goes on where it stood",
    )  # fmt: skip
