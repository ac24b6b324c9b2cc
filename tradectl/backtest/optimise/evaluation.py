"""From parameters to a backtest's result: the job with these parameters, over a part of its span, inside a window."""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tradectl.backtest.engines import Engine
from tradectl.backtest.job import BacktestJob, BacktestResult, Interim
from tradectl.backtest.limits import wide_open
from tradectl.backtest.optimise.plan import Evaluate, Stop
from tradectl.backtest.optimise.search_space import Params
from tradectl.backtest.optimise.two_speeds import two_speeds
from tradectl.backtest.optimise.windowed_history import WindowedHistory
from tradectl.backtest.request import with_params
from tradectl.backtest.runner import run_backtest
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import History
from tradectl.strategies.loader import load_class, load_file

#: Opens the history inside the process that uses it; picklable where there are several.
Open = Callable[[], History]


class Files(Struct, frozen=True):
    """History from one folder, or from files, opened in each process by itself."""

    paths: tuple[str, ...]
    symbols: tuple[str, ...] = ()

    def __call__(self) -> History:
        from tradectl.history.market_file import GUESS
        from tradectl.history.open_history import open_files, open_history

        paths = [Path(it).expanduser() for it in self.paths]
        if len(paths) > 1:
            return open_files(paths, GUESS, paths[0], self.symbols)
        return open_history(paths[0], GUESS, self.symbols)


class Held(Struct, frozen=True):
    """History this process has opened already."""

    history: History

    def __call__(self) -> History:
        return self.history


class BacktestSource(Struct, frozen=True, kw_only=True):
    """Backtests of ``job`` with other parameters; ``folder`` is that of the user's strategies.

    With ``window`` the history ends and begins there: not even warming up sees what lies before. ``unfit`` says why
    runs over arrays will not do although they could be made.
    """

    job: BacktestJob
    open: Open
    folder: str = ""
    window: tuple[int, int] | None = None
    engine: Engine = "auto"
    unfit: str = ""

    def __call__(self, stop: Stop) -> Evaluate:
        history = self.open()
        if self.window is not None:
            history = WindowedHistory(history, *self.window)
        classes = {it.class_: class_of(it.class_, self.folder) for it in self.job.strategies}

        def slow(params: Params, since: int, until: int, interim: Interim | None = None) -> BacktestResult:
            job = replace(with_params(self.job, params), since=since, until=until)
            return run_backtest(job, history, classes, stop=stop, interim=interim)

        return two_speeds(self.engine, self.job, history, classes, slow, self.unfit)

    def within(self, since: int, until: int) -> "BacktestSource":
        """The same inside a window."""
        return replace(self, window=(since, until))

    def by_events(self) -> "BacktestSource":
        """The same, every run event-driven."""
        return replace(self, engine="events")


def class_of(name: str, folder: str) -> type[Strategy]:
    """The class a person named: a built-in, a file, or one of the folder. Raises ``Problem``."""
    path = Path(name).expanduser()
    if path.suffix == ".py":
        return load_file(path)
    return load_class(name, Path(folder) if folder and Path(folder).is_dir() else None)


def identity_of(job: BacktestJob, history: History, classes: dict[str, type[Strategy]]) -> dict[str, str]:
    """What must be the same for two studies to be about the same thing, in words."""
    from tradectl.backtest.preparation import prepare

    prepared = prepare(job, history, classes)
    sources = {f"source of {name}": cls.source_hash for name, cls in classes.items()}
    models = {f"model of {name}": text for name, text in job.models.describe()}
    return {
        "data": prepared.fingerprint(),
        "code": prepared.code,
        "instruments": ", ".join(map(str, job.instruments)),
        "interval": job.interval,
        "cash": f"{job.cash:f} {job.settle_coin}",
        "leverage": f"{job.leverage:f}",
        "position mode": job.position_mode,
        "limits": _limits(job),
        "strategies": ", ".join(f"{it.name} ({it.class_}, {it.capital:f} of equity)" for it in job.strategies),
        **sources,
        **models,
    }


def _limits(job: BacktestJob) -> str:
    """Where the risk limits are not the wide ones."""
    wide = wide_open(job.leverage)
    names = [it for it in wide.__struct_fields__ if getattr(job.limits, it) != getattr(wide, it)]
    return ", ".join(f"{it} {getattr(job.limits, it)}" for it in names) or "wide"
