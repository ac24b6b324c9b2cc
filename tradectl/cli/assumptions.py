"""What ``backtest`` and ``optimize`` are told in the same words: data, and what is assumed of account and market."""

from typing import TYPE_CHECKING, Any

import typer

from tradectl.cli.screen import Screen
from tradectl.cli.words import UsageError

if TYPE_CHECKING:
    from decimal import Decimal

    from tradectl.engine.risk_limits import RiskLimits
    from tradectl.simulation.models import Models, TierFees

STRATEGY = typer.Argument(help="A built-in class, a file of the strategies folder, or MODULE:CLASS of it.")
SYMBOLS = typer.Option([], "--symbol", metavar="SYMBOL", help="What to trade; repeat for several.")
CATEGORY = typer.Option("linear", "--category", help="Product family.")
INTERVAL = typer.Option("", "--interval", help="Candles the strategy sees (default: its own parameter).")
DATA_INTERVAL = typer.Option("", "--data-interval", help="Candles the market moves by (default: the same).")
SINCE = typer.Option("", "--since", metavar="WHEN", help="A date, time or age; default: the first candle.")
UNTIL = typer.Option("", "--until", metavar="WHEN", help="A date, time or age; default: the last candle.")
DATA = typer.Option([], "--data", metavar="PATH", help="Files or folders (default: the data store).")
WHERE = typer.Option([], "--where", metavar="RULE", help="Between parameters, such as 'fast < slow'; repeatable.")
CASH = typer.Option("10000", "--cash", help="What the account begins with, in USDT.")
CAPITAL = typer.Option("1", "--capital", help="Share of equity the strategy may use.")
LEVERAGE = typer.Option("1", "--leverage", help="Leverage of positions.")
FEES = typer.Option(
    "vip0", "--fees", metavar="TIER|MAKER,TAKER", help="A tier of Bybit's, or rates such as 0.0002,0.00055."
)
BY = typer.Option(
    "auto", "--by", help="What moves the market: candles, or recorded prints, quotes or books; auto: the finest."
)
SPREAD_TICKS = typer.Option(1, "--spread-ticks", min=0, help="Bid and ask so many ticks from the price.")
SPREAD_BPS = typer.Option(0.0, "--spread-bps", min=0, help="... at least so many basis points.")
SLIPPAGE_BPS = typer.Option(0.0, "--slippage-bps", min=0, help="Takers trade so much worse than the touch.")
IMPACT_BPS = typer.Option(0.0, "--impact-bps", min=0, help="... and this x sqrt(share of the volume).")
LATENCY_MS = typer.Option(0.0, "--latency-ms", min=0, help="From decision to the venue's book.")
VOLUME_SHARE = typer.Option(0.0, "--volume-share", min=0, max=1, help="Most of a bar's volume; 0: no bound.")
FUNDING = typer.Option("0", "--funding", help="Rate where the data has none, such as 0.0001.")
LIMITS = typer.Option("wide", "--limits", help="Risk limits: none that bind early, or those of the settings.")
HEDGE = typer.Option(False, "--hedge", help="Hold longs and shorts apart.")


def pair_of(text: str) -> tuple[str, str]:
    """``NAME=VALUE`` of ``--param``. Raises ``UsageError``."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise UsageError(f"--param {text!r}: write NAME=VALUE, such as fast=12")
    return name.strip(), value.strip()


def amount_of(name: str, text: str) -> "Decimal":
    """A number that is not negative. Raises ``UsageError`` naming the option."""
    from tradectl.model.money import parse_amount

    try:
        found = parse_amount(text)
    except ValueError as error:
        raise UsageError(f"--{name}: {error}") from None
    if found is None or found < 0:
        raise UsageError(f"--{name} {text!r}: a number that is not negative is needed")
    return found


def models_of(
    fees: str, ticks: int, spread: float, slippage: float, impact: float, latency: float, share: float, funding: str
) -> "Models":
    """What is assumed of the market; spread, slippage and impact in basis points, latency in milliseconds."""
    from tradectl.simulation import models as m

    return m.Models(
        fees=_fees(fees), spread=m.FixedSpread(ticks, spread), slippage=m.FixedSlippage(slippage, impact),
        latency=m.FixedLatency(0, int(latency * 1e6), 0), liquidity=m.VolumeShare(share),
        funding=m.FixedFunding(_rate("funding", funding)),
    )  # fmt: skip


def limits_of(screen: Screen, which: str) -> "RiskLimits | None":
    """Those of the settings, or ``None`` for wide ones."""
    if which == "wide":
        return None
    from tradectl.cli.strategies import folder_of

    found: RiskLimits = folder_of(screen)[0].risk
    return found


def _rate(name: str, text: str) -> Any:
    from tradectl.model.money import parse_amount

    try:
        found = parse_amount(text)
    except ValueError as error:
        raise UsageError(f"--{name}: {error}") from None
    if found is None or abs(found) > 1:
        raise UsageError(f"--{name} {text!r}: a fraction is needed, such as 0.0005")
    return found


def _fees(text: str) -> "TierFees":
    from tradectl.matching.views import AccountFees
    from tradectl.simulation.fee_tiers import tier
    from tradectl.simulation.models import TierFees

    maker, comma, taker = text.partition(",")
    if not comma and text[:1].isdecimal():
        raise UsageError(f"--fees {text!r}: write MAKER,TAKER, such as 0.0002,0.00055")
    if not comma:
        return tier(text or "vip0")
    low, high = _rate("fees", maker), _rate("fees", taker)
    return TierFees(AccountFees(low, high, low, high), "as given")
