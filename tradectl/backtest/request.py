"""From what a person asks for to a job: symbols and interval into the strategy's parameters, the span from the data."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tradectl.backtest.driving import bounds_of, chosen, stream_of
from tradectl.backtest.job import BacktestJob
from tradectl.backtest.limits import wide_open
from tradectl.backtest.refusal import wrong
from tradectl.engine.config import StrategyConfig
from tradectl.engine.parameters import coerced, declared
from tradectl.engine.risk_limits import RiskLimits
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import History
from tradectl.history.series import Kind, SeriesId
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import INTERVALS
from tradectl.simulation.models import Models

DEFAULT_INTERVAL = "1m"


class Request(Struct, frozen=True, kw_only=True):
    """One class over symbols and a span; what is left empty follows from the class and the data.

    ``strategy`` is the name ``classes`` knows the class by. ``capital`` is the share of equity all instances have
    together. ``interval`` is the strategies'; the market moves by ``data_interval``, by default the same one, or the
    longest the data has that makes it. ``since`` and ``until`` 0: from the first candle, to the last. ``by`` is what
    moves the market (:mod:`tradectl.backtest.driving`).
    """

    strategy: str
    symbols: tuple[str, ...] = ()
    category: str = "linear"
    interval: str = ""
    data_interval: str = ""
    since: int = 0
    until: int = 0
    params: Mapping[str, Any] = {}
    cash: Decimal = Decimal(10_000)
    settle_coin: str = "USDT"
    capital: Decimal = Decimal(1)
    leverage: Decimal = Decimal(1)
    models: Models = Models()
    limits: RiskLimits | None = None
    hedge: bool = False
    keep_decisions: bool = False
    by: str = "candles"


def job_of(request: Request, history: History, cls: type[Strategy]) -> BacktestJob:
    """The job. Raises ``Problem`` when a symbol, parameter or interval cannot be had."""
    known = declared(cls)
    given = coerced(cls, dict(request.params), request.strategy)
    category = Category(str(given.pop("category", request.category)))
    interval = _interval(request, given, known)
    symbols = _symbols(request, given, known, history, category)
    instruments = tuple(InstrumentId(category, it) for it in symbols)
    by = chosen(request.by, history, instruments, request.since, request.until)
    base = request.data_interval or (interval if by != "candles" else _data_interval(history, instruments[0], interval))
    first, last = _span(history, instruments, base) if by == "candles" else _stream_span(history, instruments, by)
    limits = request.limits or wide_open(request.leverage)
    return BacktestJob(
        strategies=_instances(request, given, known, symbols, category, interval), instruments=instruments,
        interval=base, since=request.since or first, until=request.until or last, cash=request.cash,
        settle_coin=request.settle_coin, models=request.models, limits=limits, leverage=request.leverage,
        position_mode="hedge" if request.hedge else "one_way", keep_decisions=request.keep_decisions,
        data=by,
    )  # fmt: skip


def job_of_all(requests: Sequence[Request], history: History, classes: Mapping[str, type[Strategy]]) -> BacktestJob:
    """One job of several strategies on one account, each with its part of the capital; the market moves by the
    shortest of their candles. Names that repeat are numbered. Raises ``Problem`` as :func:`job_of`."""
    jobs = [job_of(it, history, classes[it.strategy]) for it in requests]
    interval = min((it.interval for it in jobs), key=lambda it: INTERVALS[it])
    longer = [it.interval for it in jobs if INTERVALS[it.interval] % INTERVALS[interval]]
    if longer:
        raise wrong("interval", longer[0], f"is no multiple of {interval}, by which the market moves", "choose another")
    by = {it.data for it in jobs}
    if len(by) > 1:
        raise wrong("by", "auto", f"means {' and '.join(sorted(by))} for different strategies", "name one with --by")
    return replace(
        jobs[0], interval=interval, strategies=_named_apart([it for job in jobs for it in job.strategies]),
        instruments=tuple(dict.fromkeys(it for job in jobs for it in job.instruments)),
        since=min(it.since for it in jobs), until=max(it.until for it in jobs),
    )  # fmt: skip


def _named_apart(configs: Sequence[StrategyConfig]) -> tuple[StrategyConfig, ...]:
    seen: dict[str, int] = {}
    named = []
    for it in configs:
        seen[it.name] = seen.get(it.name, 0) + 1
        named.append(it if seen[it.name] == 1 else replace(it, name=f"{it.name}-{seen[it.name]}"))
    return tuple(named)


def params_for(cls: type[Strategy], name: str, given: Mapping[str, Any], alone: bool) -> dict[str, Any]:
    """Of several strategies' parameters those of one: ``CLASS.NAME`` for it alone, ``NAME`` for all that declare it.

    ``alone``: it is the only one, so every name must be its own.
    """
    known = declared(cls)
    own = {key: value for key, value in given.items() if "." not in key and (alone or key in known)}
    prefix = f"{name}."
    return own | {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}


def with_params(job: BacktestJob, params: Mapping[str, Any]) -> BacktestJob:
    """The same job with other parameters of every instance."""
    changed = tuple(replace(it, params={**it.params, **params}) for it in job.strategies)
    return replace(job, strategies=changed)


def _interval(request: Request, given: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    default = known["interval"].default if "interval" in known else DEFAULT_INTERVAL
    found = str(request.interval or given.get("interval", default))
    if found not in INTERVALS:
        raise wrong("interval", found, "is no interval", f"use one of {', '.join(INTERVALS)}")
    return found


def _symbols(
    request: Request, given: Mapping[str, Any], known: Mapping[str, Any], history: History, category: Category
) -> tuple[str, ...]:
    """As asked; else those of the strategy's parameters, where the data has them; else all the data has."""
    if request.symbols:
        return tuple(dict.fromkeys(it.upper() for it in request.symbols))
    moving = (Kind.CANDLES,) if request.by == "candles" else (Kind.CANDLES, Kind.TRADES, Kind.QUOTES, Kind.BOOK)
    there = [
        it.instrument.symbol for it in history.series() if it.kind in moving and it.instrument.category is category
    ]
    named = [
        symbol.strip()
        for name in known
        for symbol in str(given.get(name, known[name].default)).split(",")
        if symbol.strip() in there
    ]
    found = tuple(dict.fromkeys(named or there))
    if not found:
        raise wrong(
            "symbol", "none", f"is in the data for {category.value}", "give --symbol, --category or other --data"
        )
    return found


def _stream_span(history: History, instruments: tuple[InstrumentId, ...], by: str) -> tuple[int, int]:
    """From where all streams are there to the end of the last."""
    return bounds_of(history, [it for i in instruments if (it := stream_of(history, by, i)) is not None])


def _data_interval(history: History, instrument: InstrumentId, interval: str) -> str:
    """The interval itself, or the longest shorter one that makes it up."""
    there = {it.interval for it in history.series() if it.kind is Kind.CANDLES and it.instrument == instrument}
    if interval in there or not there:
        return interval
    fits = [it for it in there if INTERVALS[interval] % INTERVALS[it] == 0]
    if not fits:
        rule = f"cannot be made from the data of {instrument}, which has {', '.join(sorted(there))}"
        raise wrong("interval", interval, rule, "use a multiple of what the data has")
    return max(fits, key=lambda it: INTERVALS[it])


def _span(history: History, instruments: Sequence[InstrumentId], interval: str) -> tuple[int, int]:
    """From the first candle of any to the end of the last; what is missing shows when the job is prepared."""
    spans = [history.span(SeriesId(it, Kind.CANDLES, interval)) for it in instruments]
    there = [it for it in spans if it is not None]
    if not there:
        return 0, INTERVALS[interval]
    return min(it.first for it in there), max(it.last for it in there) + INTERVALS[interval]


def _instances(
    request: Request, given: dict[str, Any], known: Mapping[str, Any], symbols: tuple[str, ...], category: Category,
    interval: str,
) -> tuple[StrategyConfig, ...]:  # fmt: skip
    """One instance that takes them all, or, of a class for one symbol, one for each with an equal part of capital."""
    common = {**given, **({"interval": interval} if "interval" in known else {})}
    plural = next((it for it in ("symbols", "universe") if it in known), "")
    if plural or "symbol" not in known:
        own = {plural: ",".join(symbols)} if plural and request.symbols else {}
        return (_config(request, request.strategy, {**common, **own}, request.capital, category),)
    share = request.capital / len(symbols)
    if len(symbols) == 1:
        return (_config(request, request.strategy, {**common, "symbol": symbols[0]}, share, category),)
    return tuple(
        _config(request, f"{request.strategy}-{it.lower()}", {**common, "symbol": it}, share, category)
        for it in symbols
    )


def _config(
    request: Request, name: str, params: dict[str, Any], capital: Decimal, category: Category
) -> StrategyConfig:
    return StrategyConfig(
        name=name, class_=request.strategy, category=category.value, capital=capital, params=params,
        max_intents_per_minute=100_000,
    )  # fmt: skip
