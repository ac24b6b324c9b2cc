"""Known biases of a run, each in a sentence: what makes its figures better, or other, than reality would."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tradectl.backtest.job import Warned
from tradectl.backtest.preparation import Prepared
from tradectl.model.commands import Alert
from tradectl.model.market_data import INTERVALS
from tradectl.simulation.models import FixedLatency, FixedSlippage, FixedSpread, Models, VolumeShare

#: Fewer round trips than this prove nothing.
FEW = 30


class Outcome(Protocol):
    """What came of a run, as far as it is a warning: when it traded, decisions refused by check, strategies that
    stopped and why, and what was alerted by code."""

    @property
    def traded(self) -> Sequence[int]: ...
    @property
    def refused(self) -> Mapping[str, int]: ...
    @property
    def stopped(self) -> Mapping[str, str]: ...
    @property
    def alerts(self) -> Mapping[str, Alert]: ...


def known_biases(p: Prepared, outcome: Outcome, missing: dict[str, int]) -> tuple[Warned, ...]:
    """Every bias that applies to this run."""
    return tuple(
        Warned(code, text) for code, text in (*_of_models(p), *_of_data(p, missing), *_of_outcome(p, outcome)) if text
    )


def _of_models(p: Prepared) -> list[tuple[str, str]]:
    models = p.job.models
    if p.job.data in ("quotes", "book"):
        return _of_latency(models, "the quotes")
    spread, slippage = models.spread, models.slippage
    found = [("quotes", "the data has no quotes: the spread is assumed, not known")]
    if isinstance(spread, FixedSpread) and not spread.ticks and not spread.bps:
        found = [("no_spread", "no spread: every taker trades at the last price, which no market offers")]
    if isinstance(slippage, FixedSlippage) and not slippage.bps and not slippage.impact_bps:
        found.append(("no_slippage", "no slippage: large orders trade as well as small ones"))
    found += _of_latency(models, "the close")
    if isinstance(models.liquidity, VolumeShare) and not models.liquidity.share:
        found.append(("no_depth", "no bound on size: any order fills whole at the touch"))
    return found


def _of_latency(models: Models, what: str) -> list[tuple[str, str]]:
    if isinstance(models.latency, FixedLatency) and not models.latency.to_venue:
        return [("no_latency", f"no latency: orders trade at {what} their signal was made from")]
    return []


def _of_data(p: Prepared, missing: dict[str, int]) -> list[tuple[str, str]]:
    found = [("data", note) for note in p.notes]
    gaps = sum(missing.values())
    if gaps:
        found.append(("gaps", f"{gaps} candles are missing inside the span ({', '.join(missing)})"))
    perpetual = [i for i, it in zip(p.job.instruments, p.instruments, strict=True) if it.funding_interval]
    unpaid = [str(i) for i in perpetual if i not in p.has_funding]
    if unpaid:
        found.append(("no_funding", f"no funding rates of {', '.join(unpaid)}: {p.job.models.funding.describe()}"))
    for i, span in p.spans.items():
        late = (span.first - p.job.since) // p.length
        if late > 1:
            found.append(("starts_late", f"{i} has no candles for the first {late} of the span"))
        early = (p.job.until - span.last) // p.length - 1
        if early > 1:
            found.append(("ends_early", f"{i} has no candles for the last {early} of the span"))
    found.append(
        ("survivorship", "the instruments were chosen today: those that were delisted meanwhile are not among them")
    )
    return found


def _of_outcome(p: Prepared, outcome: Outcome) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    times = outcome.traded
    inside = sum(1 for it in times if it % p.length)
    if inside and p.job.data == "candles" and p.length > INTERVALS["1m"]:
        text = "fills happened inside a bar, where the way of the price is a guess: shorter candles tell more"
        found.append(("fills_inside_bars", f"{inside} of {len(times)} {text}"))
    if len(times) < 2 * FEW:
        found.append(("few_trades", f"{len(times)} fills are too few to tell skill from luck"))
    if outcome.refused:
        most = sorted(outcome.refused.items(), key=lambda it: (-it[1], it[0]))
        told = ", ".join(f"{name} {count}" for name, count in most)
        found.append(("refused", f"{sum(outcome.refused.values())} decisions were refused: {told}"))
    for name, why in outcome.stopped.items():
        found.append(("stopped", f"{name} stopped: {why}"))
    for code, alert in outcome.alerts.items():
        found.append((f"alert_{code}", alert.text))
    return found
