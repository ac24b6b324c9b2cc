"""A case of the oracle as a real backtest, and its result in the oracle's words."""

from decimal import Decimal
from fractions import Fraction
from typing import Any
from unittest.mock import patch

import numpy as np
from msgspec.structs import replace

from tests.oracles.backtester import Action, Case, Outcome
from tests.oracles.backtester_venue import BUY, Spec
from tradectl.backtest.job import BacktestJob, BacktestResult
from tradectl.backtest.limits import wide_open
from tradectl.backtest.runner import Backtest
from tradectl.engine.config import StrategyConfig
from tradectl.engine.strategy import Strategy, param
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Candles, Columns, Kind, Points, SeriesId
from tradectl.matching.views import AccountFees
from tradectl.model.commands import ExecutionBooked
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.market_data import INTERVALS, Bar
from tradectl.model.money import use_exact_context
from tradectl.model.orders import TimeInForce
from tradectl.simulation.models import FixedLatency, FixedSlippage, FixedSpread, Models, TierFees, VolumeShare
from tradectl.simulation.venue import UID

_HUGE = Decimal(10) ** 12
_NO_LIMITS = dict.fromkeys(
    ("order_share", "position_share", "gross_share", "day_loss_share", "drawdown_share", "limit_band_share"), _HUGE
)


class Acting(Strategy):
    """Does what the case says, bar by bar and fill by fill."""

    symbol: str = param("AAAUSDT")
    case: Case

    def on_start(self) -> None:
        self.subscribe_bars(self.symbol, "1m")
        self.fills = 0

    def on_bar(self, bar: Bar) -> None:
        self._act(self.case.script.get((self.symbol, bar.open_time), []))

    def on_execution(self, execution: ExecutionBooked) -> None:
        self.fills += 1
        self._act(self.case.reactions.get((self.symbol, self.fills), []))

    def _act(self, actions: list[Action]) -> None:
        for verb, symbol, details in actions:
            getattr(self, f"_{verb}_it")(symbol, details)

    def _order_it(self, symbol: str, d: dict[str, Any]) -> None:
        buys, trigger = d["side"] == BUY, {}
        if "trigger" in d:
            trigger = {"stop" if d["rises"] is buys else "touch": Decimal(d["trigger"])}
        enter = self.buy if buys else self.sell
        enter(
            symbol, Decimal(d["qty"]), d.get("price"), reason="script", time_in_force=TimeInForce(d.get("tif", "GTC")),
            take_profit=d.get("tp"), stop_loss=d.get("sl"), reduce_only=d.get("reduce_only", False), **trigger,
        )  # fmt: skip

    def _close_it(self, symbol: str, d: dict[str, Any]) -> None:
        self.close(symbol, reason="script")

    def _target_it(self, symbol: str, d: dict[str, Any]) -> None:
        self.target(symbol, float(d["weight"]), reason="script")

    def _cancel_all_it(self, symbol: str, d: dict[str, Any]) -> None:
        self.cancel(symbol=symbol, reason="script")

    def _mine(self, which: int) -> str:
        waiting = [it for it in self.orders if it.price is not None or it.trigger is not None]
        links = sorted(it.link_id for it in waiting if not it.parent)
        return links[which % len(links)] if links else ""

    def _cancel_it(self, symbol: str, d: dict[str, Any]) -> None:
        link = self._mine(d["which"])
        if link:
            self.cancel(link, reason="script")

    def _amend_it(self, symbol: str, d: dict[str, Any]) -> None:
        link = self._mine(d["which"])
        if link:
            self.amend(link, d.get("qty"), d.get("price"), reason="script")


def decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / value.denominator


def id_of(spec: Spec) -> InstrumentId:
    return InstrumentId(Category.SPOT if spec.spot else Category.LINEAR, spec.symbol)


def instrument_of(spec: Spec) -> Instrument:
    tick, lot = decimal(spec.tick), decimal(spec.lot)
    return Instrument(
        id_of(spec), spec.base, "USDT", "USDT", tick, lot, lot, Decimal(10**15), Decimal(10**15), Decimal(0), tick,
        Decimal(10**9), Decimal(100), 0 if spec.spot else 480,
    )  # fmt: skip


def history_of(case: Case) -> MemoryHistory:
    series: dict[SeriesId, Columns] = {}
    for spec in case.specs:
        rows = case.bars[spec.symbol]
        columns = [np.array([getattr(it, name) for it in rows]) for name in ("open", "high", "low", "close", "volume")]
        times = np.array([it.at for it in rows], dtype=np.int64)
        series[SeriesId(id_of(spec), Kind.CANDLES, "1m")] = Candles(times, *columns)
        paid = case.funding.get(spec.symbol, [])
        if paid:
            ts = np.array([it[0] for it in paid], dtype=np.int64)
            series[SeriesId(id_of(spec), Kind.FUNDING)] = Points(ts, np.array([it[1] for it in paid]))
    return MemoryHistory(series, [instrument_of(it) for it in case.specs])


def job_of(case: Case) -> BacktestJob:
    costs, lag = case.costs, case.latency
    fees = AccountFees(*(decimal(it) for it in (costs.maker, costs.taker, costs.maker, costs.taker)))
    models = Models(
        fees=TierFees(fees), spread=FixedSpread(costs.spread), liquidity=VolumeShare(costs.share),
        slippage=FixedSlippage(costs.slippage_bps, costs.impact_bps),
        latency=FixedLatency(lag.data, lag.orders, lag.answers),
    )  # fmt: skip
    limits = replace(wide_open(), leverage=Decimal(100), stale_quote_seconds=10**9, collar_share=decimal(case.collar))
    limits = replace(limits, **_NO_LIMITS)
    strategies = tuple(
        StrategyConfig(
            name=it.symbol.lower(), class_="acting", category="spot" if it.spot else "linear", capital=Decimal(1),
            params={"symbol": it.symbol}, max_intents_per_minute=10**5,
        )
        for it in case.specs
    )  # fmt: skip
    times = [bar.at for bars in case.bars.values() for bar in bars]
    return BacktestJob(
        strategies=strategies, instruments=tuple(map(id_of, case.specs)), interval="1m", since=min(times),
        until=max(times) + case.length, cash=decimal(case.cash), leverage=decimal(case.leverage), models=models,
        limits=limits,
    )  # fmt: skip


def played(case: Case) -> tuple[Outcome, Backtest, BacktestResult]:
    """The product's outcome."""
    use_exact_context()
    # Cases are short and equity would be noted at every candle; once an hour, as over years, some pass in one loop.
    with patch("tradectl.backtest.runner.sample_step", return_value=INTERVALS["1h"]):
        run = Backtest(job_of(case), history_of(case), {"acting": type("Acting", (Acting,), {"case": case})})
    result = run.run(None, None)
    return outcome_of(case, run, result), run, result


def outcome_of(case: Case, run: Backtest, result: BacktestResult) -> Outcome:
    exchange = run.venue.exchange
    cash = {it.coin: Fraction(it.balance) for it in exchange.wallets(UID) if it.balance}
    sizes = {it.symbol: Fraction(exchange.position(UID, id_of(it)).size) for it in case.specs}
    fills = [row_of(it) for it in result.executions]
    return Outcome(fills, cash, sizes, Fraction(result.final_equity), sum(result.refused.values()))


def row_of(booked: ExecutionBooked) -> dict[str, Any]:
    e = booked.execution
    return {
        "ts": e.ts, "symbol": e.instrument.symbol, "side": e.side.sign, "price": Fraction(e.price),
        "qty": Fraction(e.qty), "fee": Fraction(e.fee), "coin": e.fee_coin, "maker": e.is_maker, "kind": e.type,
        "profit": Fraction(e.pnl or 0),
    }  # fmt: skip


def difference(ours: Outcome, theirs: Outcome) -> str:
    """The first thing on which the two do not agree, in words; empty when there is none."""
    if theirs.until:
        ours, theirs = told(ours, theirs.until), told(theirs, theirs.until)
    for number, (one, other) in enumerate(zip(ours.fills, theirs.fills, strict=False)):
        if one != other:
            return f"fill {number}:\n  product {shown(one)}\n  oracle  {shown(other)}"
    if len(ours.fills) != len(theirs.fills):
        longer = max(ours.fills, theirs.fills, key=len)
        left = longer[min(len(ours.fills), len(theirs.fills))]
        return f"{len(ours.fills)} fills, the oracle has {len(theirs.fills)}; first of the others: {shown(left)}"
    for name in ("sizes", "cash", "equity"):
        if getattr(ours, name) != getattr(theirs, name):
            return f"{name}: product {getattr(ours, name)}, oracle {getattr(theirs, name)}"
    return ""


def told(outcome: Outcome, until: int) -> Outcome:
    """What was before a moment."""
    return Outcome([row for row in outcome.fills if row["ts"] < until], {}, {}, Fraction(0), 0)


def shown(row: dict[str, Any]) -> str:
    return ", ".join(f"{k}={float(v) if isinstance(v, Fraction) else v}" for k, v in row.items())
