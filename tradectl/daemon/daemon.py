"""The daemon: builds the parts, joins them, opens the venue, and takes everything down in order."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from loguru import logger

from tradectl.daemon.barrier import Barrier
from tradectl.daemon.black_box import BlackBox
from tradectl.daemon.callback_watch import CallbackWatch
from tradectl.daemon.children import Child, child_commands
from tradectl.daemon.clocks import Clock, VenueClock, WallClock
from tradectl.daemon.configuration import engine_config, strategies_folder
from tradectl.daemon.flow import Flow
from tradectl.daemon.handlers import all_handlers
from tradectl.daemon.health import Health
from tradectl.daemon.options import Options
from tradectl.daemon.paper import PaperConnector
from tradectl.daemon.paper_file import PaperFile
from tradectl.daemon.pump import Pump
from tradectl.daemon.readiness import Readiness
from tradectl.daemon.recovery import restored_engine
from tradectl.daemon.reloading import Reload
from tradectl.daemon.sandbox_process import SandboxProcess
from tradectl.daemon.service import Service
from tradectl.daemon.start_watch import StartWatch
from tradectl.daemon.state_directory import (
    Binding,
    RunConfig,
    StateDirectory,
    code_fingerprint,
    read_configs,
    settings_fingerprint,
)
from tradectl.daemon.timers import SteppedTimers, Timers, WallTimers
from tradectl.daemon.venue import paper_terms, venue_config
from tradectl.daemon.views import Views
from tradectl.engine.config import EngineConfig
from tradectl.engine.trading_engine import TradingEngine
from tradectl.exchange.bybit.config import BybitConfig, Credentials
from tradectl.exchange.bybit.connector import BybitConnector
from tradectl.exchange.bybit.transport import connector_of
from tradectl.journal import Header, JournalFull, JournalWriter
from tradectl.model.errors import Problem
from tradectl.model.events import (
    InstrumentsLoaded,
    JournalChecked,
    Started,
    StopRequested,
    StrategyEnded,
)
from tradectl.paths import Paths
from tradectl.rpc.address import check_length
from tradectl.rpc.methods import Life
from tradectl.rpc.server import Feed, RpcServer
from tradectl.settings import Settings, load_settings
from tradectl.strategies import loader as strategy_loader

_STOP_WAIT = 5.0
#: Without a checkpoint the next start replays more: a full disk, or a strategy whose state cannot be written down.
NO_CHECKPOINT = (Problem, RecursionError)


class Daemon:
    """One profile's daemon, from lock to release."""

    def __init__(
        self,
        options: Options,
        settings: Settings,
        readiness: Readiness,
        database: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """``database``: variables of the environment that are the store's alone."""
        self._options = options
        self._database = dict(database)
        self._settings = settings
        self._readiness = readiness
        self._paths = Paths(options.state, options.profile)
        self._mode = options.mode or settings.trading.mode
        self._state = StateDirectory(self._paths.state)
        box = BlackBox(self._state.path)
        limit, deadline = settings.trading.strategy_callback_ms / 1000, settings.trading.strategy_deadline_s
        self._guard = CallbackWatch(limit, deadline, box)
        self._box = box
        self._stopping: asyncio.Event = asyncio.Event()
        self._leave = "entries"
        self._exit = 0
        self._sandbox: SandboxProcess | None = None
        self._barrier: Barrier | None = None
        self._children: list[Child] = []
        self._background: set[asyncio.Task[Any]] = set()

    # --- life

    async def run(self) -> int:
        """Everything, until a signal, ``stop`` or a fault; returns the exit code. Raises ``Problem``."""
        for socket in (self._paths.daemon_socket, self._paths.store_socket, self._paths.api_socket):
            check_length(Path(socket), "TRADECTL_STATE")
        self._state.lock()
        try:
            await self._prepare()
            await self._live()
        finally:
            await self._take_down()
            self._state.release()
        return self._exit

    async def _prepare(self) -> None:
        binding = self._state.bind(self._mode)
        Path(self._paths.run).mkdir(parents=True, exist_ok=True, mode=0o700)
        credentials, base = await self._open_sandbox(binding)
        run = binding.run
        self._binding = self._state.bind(self._mode)  # with the sandbox's instance
        config = engine_config(run, self._mode, self._settings)
        classes = strategy_loader.load_all(config.strategies, strategies_folder(self._settings))
        now = RunConfig(0, config, code_fingerprint(), strategy_loader.fingerprint(classes))
        directory = self._state.journal(run)
        self._engine, self._restored, next_order = restored_engine(
            directory, now, classes, self._classes_of, read_configs(directory)
        )
        self._next_order = next_order
        header = Header(
            run=run, mode=self._mode, code=now.code, strategies=now.strategies,
            settings=settings_fingerprint(config), created=time.time_ns(),
        )  # fmt: skip
        self._journal = JournalWriter(directory, header, self._settings.journal)
        self._state.note_config(run, msgspec.structs.replace(now, after=self._engine.seq))
        self._build(config, credentials, base)

    async def _open_sandbox(self, binding: Binding) -> tuple[Credentials | None, str]:
        secrets = self._settings.secrets
        given = Credentials(secrets.api_key, secrets.api_secret) if secrets.api_key else None
        if self._mode == "paper":
            return None, self._settings.exchange.rest_base  # whose key it is does not matter here
        if self._mode != "sandbox" or self._settings.exchange.rest_base:
            return given, self._settings.exchange.rest_base
        log = Path(self._paths.logs) / "sandbox.log"
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sandbox = SandboxProcess(Path(self._paths.sandbox), self._settings.sandbox, log)
        self._readiness.step("starting the sandbox")
        await self._sandbox.start()
        endpoint = self._sandbox.endpoint
        self._state.bind_account(binding, "", endpoint.instance)
        return self._sandbox.credentials(), f"http://{endpoint.host}:{endpoint.port}"

    def _classes_of(self, config: EngineConfig) -> dict[str, Any]:
        return strategy_loader.load_known(config.strategies, strategies_folder(self._settings))

    def _build(self, config: EngineConfig, credentials: Credentials | None, base: str) -> None:
        stepped = self._mode == "sandbox" and self._settings.sandbox.stepped
        engine = self._engine
        self._clock: Clock = VenueClock(engine.world.now) if stepped else WallClock(engine.world.now)
        views = Views()
        views.instruments.update(engine.world.instruments)
        views.fees.update(engine.world.fees)
        self._pump = Pump(
            engine,
            self._journal,
            lambda commands: self._flow.carry_out(commands),
            lambda entry: self._flow.observe(entry),
        )
        self._pump.failed = self._engine_failed
        timers = SteppedTimers if stepped else WallTimers
        self._timers: Timers = timers(self._clock, self._pump.feed)
        self._pump.timers = self._timers
        bybit = venue_config(self._mode, base, self._settings, config)
        self._connector = self._connector_of(bybit, credentials, stepped, config)
        if stepped:
            url = base.replace("http", "ws", 1) + "/sandbox/control"
            connect = connector_of(bybit.transport)
            self._barrier = Barrier(
                url,
                connect,
                lambda: self._connector.frames_received,
                lambda: self._connector.outstanding,
                lambda: self._watch.settled and not self._stopping.is_set(),
                self._timers.next_act,
                self._tick,
            )
        directory = self._state.journal(config.run)
        health = Health(directory, self._journal, lambda: self._engine.seq, self._children, self._sandbox)
        self._service = Service(
            mode=self._mode, profile=self._paths.profile, config=config,
            default_category=self._settings.trading.default_category, engine=engine, pump=self._pump,
            views=views, feed=Feed(), clock=self._clock, connector=self._connector,
            journal=health.journal, children=health.children, streams=health.streams,
            stop=self._ask_stop, strategies_dir=strategies_folder(self._settings), reload=self._reload,
            settings=self._read_settings,
        )  # fmt: skip
        self._flow = Flow(self._connector, self._timers, self._service, health, self._check_account)
        self._watch = StartWatch(self._service, self._readiness)
        self._service.site = self._mode if self._mode != "live" else bybit.site.value
        about = {"mode": self._mode, "profile": self._paths.profile}
        self._rpc = RpcServer(self._paths.daemon_socket, all_handlers(self._service), about=about)

    def _connector_of(
        self, bybit: BybitConfig, credentials: Credentials | None, stepped: bool, config: EngineConfig
    ) -> BybitConnector | PaperConnector:
        if self._mode != "paper":
            on_idle = self._report if stepped else None
            return BybitConnector(bybit, credentials, self._pump.feed, self._clock, on_idle=on_idle)
        return PaperConnector(
            self._settings.paper, paper_terms(self._settings, config), PaperFile(Path(self._paths.paper)),
            self._pump.feed, self._clock, lambda sink: BybitConnector(bybit, None, sink, self._clock),
        )  # fmt: skip

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ask_stop, "entries")
        await self._rpc.start()
        died = self._box.died()
        self._guard.start()
        self._engine.host.callbacks.guard = self._guard
        if died is not None:  # first of all: nothing may call it back
            logger.critical("the last daemon died in strategy {}: {}", died.name, died.reason)
            self._pump.feed(StrategyEnded(self._clock(0), died.name, died.reason))
        self._pump.feed(Started(self._clock(0), self._engine.world.config.run, self._restored, self._next_order))
        if any(reason.code == "journal" for reason in self._engine.world.state.all()):
            self._pump.feed(JournalChecked(self._clock(0), True))  # it could be opened and written
        if self._barrier is not None:
            self._barrier.start()
        self._readiness.step("opening the venue")
        await self._connector.open()
        self._service.life = Life.UP
        logger.info("{} mode, run {}: the venue is open", self._mode, self._engine.world.config.run)
        self._start_children()
        self._report()
        work = (self._watch.run(), self._housekeeping(), self._flow.publish_tickers())
        self._background.update(loop.create_task(each) for each in work)
        await self._stopping.wait()

    async def _take_down(self) -> None:
        if not hasattr(self, "_service"):
            await self._end_sandbox()
            return
        self._service.life = Life.STOPPING
        for task in self._background:
            task.cancel()
        if not self._pump.dead:
            await self._last_orders()
        if self._barrier is not None:
            self._barrier.stop()
        await self._connector.close()
        self._timers.stop()
        if not self._pump.dead:
            with contextlib.suppress(*NO_CHECKPOINT):
                self._journal.checkpoint(*self._pump.take_checkpoint())
        self._pump.dead = True
        self._guard.stop()
        await asyncio.gather(*(child.stop() for child in self._children))
        await self._end_sandbox()
        self._journal.close()
        await self._rpc.close()
        logger.info("stopped")

    async def _end_sandbox(self) -> None:
        if self._sandbox is not None:
            await self._sandbox.stop()

    async def _last_orders(self) -> None:
        """Say goodbye to the venue: cancels go out and are waited for, as long as it takes, within bounds."""
        self._pump.feed(StopRequested(self._clock(0), "operator", self._leave))
        deadline = time.monotonic() + _STOP_WAIT * (3 if self._leave == "flatten" else 1)
        while time.monotonic() < deadline and self._unfinished():
            self._report()
            await asyncio.sleep(0.01)

    def _unfinished(self) -> bool:
        if self._engine.world.unreconciled:
            return False
        orders = self._engine.world.open_orders()
        return any(o.cancel_asked or (self._leave == "flatten" and o.is_open) for o in orders)

    def _ask_stop(self, leave: str) -> None:
        self._leave = leave
        self._stopping.set()

    def _reload(self, plan: Reload) -> None:
        """Hand the state to an engine with other strategies; a new chapter of the run begins here."""
        old = self._engine
        fresh = TradingEngine(plan.config, plan.classes)
        fresh.restore(old.checkpoint())
        fresh.host.callbacks.guard = self._guard
        chapter = RunConfig(old.seq, plan.config, code_fingerprint(), strategy_loader.fingerprint(plan.classes))
        self._state.note_config(plan.config.run, chapter)
        self._engine = self._service.engine = fresh
        self._service.config = plan.config
        self._pump.replace(fresh)
        self._pump.feed(InstrumentsLoaded(self._clock(0), tuple(fresh.world.instruments.values())))

    def _read_settings(self) -> Settings:
        """The settings as the files have them now. Raises ``Problem``."""
        overrides: dict[str, Any] = {"trading.mode": self._options.mode} if self._options.mode else {}
        return load_settings(self._options.config, overrides=overrides)

    def _engine_failed(self, error: BaseException) -> None:
        logger.opt(exception=error).critical("the engine failed; nothing more is sent: {!r}", error)
        self._readiness.down(1, f"the engine failed: {error!r}", "see the log; the journal holds what led to it")
        self._exit = 1
        self._stopping.set()

    def _check_account(self, uid: str) -> None:
        try:
            self._binding = self._state.bind_account(self._binding, uid, "")
        except Problem as problem:
            self._readiness.down(problem.meaning.exit_code, problem.message, problem.remedy)
            logger.critical("{}", problem)
            self._exit = problem.meaning.exit_code
            self._stopping.set()

    def _tick(self, venue_time: int) -> None:
        """The stepped venue's clock came to a timer of ours, and to no event."""
        self._pump.tick(self._clock(venue_time))

    def _report(self) -> None:
        if self._barrier is not None:
            self._barrier.report()

    # --- around it

    async def _housekeeping(self) -> None:
        """Checkpoints and blocks of order ids, off the trading path."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1.0)
            if self._pump.checkpoint_due():
                with contextlib.suppress(*NO_CHECKPOINT):
                    seq, state = self._pump.take_checkpoint()
                    await loop.run_in_executor(None, self._journal.checkpoint, seq, state)
            if self._journal.failure:
                with contextlib.suppress(JournalFull):
                    await loop.run_in_executor(None, self._journal.restore)
                    self._pump.writable_again()
                    self._pump.feed(JournalChecked(self._clock(0), True))
                    logger.warning("the journal can be written again; tradectl resume lets trading go on")

    def _start_children(self) -> None:
        if not self._options.children:
            return
        run, logs = Path(self._paths.run), Path(self._paths.logs)
        # the database's URL may hold a password: by environment, never in argv
        env = dict(self._database)
        if self._settings.store.database:
            env["TRADECTL_STORE_DATABASE"] = self._settings.store.database
        for name, arguments in child_commands(self._paths, self._options).items():
            child = Child(name, arguments, run, logs / f"{name}.log", env if name == "store" else None)
            child.start()
            self._children.append(child)
