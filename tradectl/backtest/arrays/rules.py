"""What a compiled run goes by: account, costs, filters and limits of one job, as numbers a kernel reads."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from tradectl.backtest.job import BacktestJob
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category, Instrument
from tradectl.model.market_data import INTERVALS
from tradectl.model.money import COIN_STEP
from tradectl.simulation.models import FeeModel, FixedLatency, FixedSlippage, FixedSpread, TierFees, VolumeShare
from tradectl.simulation.path import CORNERS, EDGE

#: Amounts are whole numbers of this part of a coin.
UNIT = COIN_STEP
#: So many of them, and rates in no finer parts than this, leave room in whole numbers of 64 bits.
MOST, FINEST = 1 << 60, 10**15
_SECOND, _MINUTE = 10**9, 60 * 10**9
#: A bar may bring so many orders; with more of them the run is for events.
_ORDERS = 8
RULES = np.dtype(
    [
        ("venue_leverage", "f8"), ("borrows", "i8"), ("cash", "i8"), ("step", "i8"),
        ("fee_num", "i8"), ("fee_den", "i8"), ("min_lots", "i8"), ("most_lots", "i8"),
        ("spread", "i8"), ("spread_bps", "f8"), ("slip_bps", "f8"), ("tick", "f8"), ("tick_num", "f8"),
        ("tick_den", "f8"), ("length", "i8"), ("late", "i8"), ("opens", "i8"),
        ("entry", "i8"), ("patience", "i8"), ("buy_size", "f8"), ("sell_size", "f8"), ("collar", "f8"),
        ("order_share", "f8"), ("order_value", "f8"), ("position_share", "f8"), ("position_value", "f8"),
        ("gross_share", "f8"), ("gross_value", "f8"), ("leverage", "f8"), ("margin_share", "f8"),
        ("margin_leverage", "f8"), ("taker", "f8"), ("min_notional", "f8"), ("day_loss", "f8"), ("drawdown", "f8"),
        ("slices", "i8"), ("refuse_locked", "i8"), ("collar_limit", "f8"),
    ]
)  # fmt: skip


def needs_events(job: BacktestJob, instrument: Instrument) -> list[str]:
    """Why this job cannot be run over arrays; empty when it can. Each is a sentence for a person."""
    models, limits = job.models, job.limits
    lag = _lag(job)
    told = (
        (len(job.strategies) != 1 or len(job.instruments) != 1, "it has several strategies or instruments"),
        (job.data != "candles", f"it is moved by {job.data}, not by candles"),
        (instrument.id.category is not Category.LINEAR, f"{instrument.id} is not a linear contract"),
        (instrument.status != "Trading", f"{instrument.id} is {instrument.status}"),
        (instrument.settle_coin != job.settle_coin, f"{instrument.id} settles in {instrument.settle_coin}"),
        (job.position_mode != "one_way", "the account is in hedge mode"),
        (job.keep_decisions, "every decision is to be kept"),
        (_step(instrument).denominator != 1, f"a tick times a lot of {instrument.id} is below {UNIT}"),
        (bool(job.cash % UNIT) or job.cash / UNIT > MOST, f"{job.cash} of cash is no number of {UNIT}s or too many"),
        (not isinstance(models.fees, TierFees), "the fee model is not TierFees"),
        (_denominator(models.fees) > FINEST, "the fee has too many digits"),
        (type(models.spread) is not FixedSpread, "the spread model is not FixedSpread"),
        (type(models.slippage) is not FixedSlippage, "the slippage model is not FixedSlippage"),
        (bool(getattr(models.slippage, "impact_bps", 0)), "slippage grows with the order's share of the volume"),
        (type(models.latency) is not FixedLatency, "the latency model is not FixedLatency"),
        (type(models.liquidity) is not VolumeShare, "the liquidity model is not VolumeShare"),
        (bool(getattr(models.liquidity, "share", 0)), "the size at each price is bounded"),
        (lag >= _open_lasts(job), f"orders are {lag / 1e9:g} s on their way"),
        (bool(getattr(models.latency, "back", 0)) and lag + models.latency.answer(0) >= INTERVALS[job.interval],
         "answers take longer than a bar"),
        (bool(limits.net_share), "net_share is limited"),
        (bool(limits.concentration_share), "concentration_share is limited"),
        (limits.require_stop, "entries need a stop"),
        (_hurries(job), "limits on how often orders are made may bind"),
        (bool(limits.losing_streak), "losing_streak pauses the strategy"),
        (bool(limits.day_realised_share), "day_realised_share is limited"),
        (limits.allow != ("*",) or bool(limits.deny), "symbols are allowed or denied"),
        (limits.leverage > job.leverage, "the limits allow more leverage than the venue is set to"),
    )  # fmt: skip
    return [text for wrong, text in told if wrong]


def _hurries(job: BacktestJob) -> bool:
    """Whether orders at each of two bars could be too many for a limit on their number in some time."""
    limits, length = job.limits, INTERVALS[job.interval]
    counted = (
        (limits.orders_per_minute, 60), (limits.flood_per_minute, 60), (limits.repeat_orders, limits.repeat_seconds),
    )  # fmt: skip
    return (
        any(most and most <= (seconds * _SECOND // length + 1) * _ORDERS for most, seconds in counted)
        or limits.duplicate_ms * 1_000_000 >= length
        or any(it.max_intents_per_minute <= _MINUTE // length + 1 for it in job.strategies)
    )


def _denominator(fees: FeeModel) -> int:
    return Fraction(fees.fees().linear_taker).denominator


def refuse(reasons: list[str]) -> None:
    """Raises ``Problem`` (NOT_READY) naming the reasons, if there are any."""
    if reasons:
        raise Problem(
            ErrorCode.NOT_READY, f"this run needs the event-driven engine: {'; '.join(reasons)}", field="arrays",
            remedy="run it without the arrays",
        )  # fmt: skip


def rules_of(job: BacktestJob, instrument: Instrument, weight: Fraction) -> Any:
    """The record of :data:`RULES` for a job that :func:`needs_events` says nothing about."""
    limits, taker = job.limits, Fraction(job.models.fees.fees().linear_taker)
    step, lot = _step(instrument), Fraction(instrument.lot_size)
    share = Fraction(job.strategies[0].capital) * weight
    worse = 1 + Fraction(limits.collar_share)
    leverage = min(limits.leverage, instrument.max_leverage) if instrument.max_leverage >= 1 else limits.leverage
    spread, slippage = job.models.spread, job.models.slippage
    record = np.zeros(1, RULES)
    values = {
        "cash": int(job.cash / UNIT), "step": int(step), "fee_num": taker.numerator, "fee_den": taker.denominator,
        # A long of less than equity cannot be liquidated: its price would have to be nothing.
        "borrows": int(share > 1 or share * Fraction(1002, 1000) > worse),
        "venue_leverage": float(min(job.leverage, instrument.max_leverage)),
        "min_lots": -int(-Fraction(instrument.min_qty) // lot),
        "most_lots": int(Fraction(instrument.max_market_qty) // lot),
        "spread": getattr(spread, "ticks", 0), "spread_bps": getattr(spread, "bps", 0.0),
        "slip_bps": getattr(slippage, "bps", 0.0), "tick": float(instrument.tick_size),
        "tick_num": float(Fraction(instrument.tick_size).numerator),
        "tick_den": float(Fraction(instrument.tick_size).denominator),
        "length": INTERVALS[job.interval], "late": int(_lag(job) > 0),
        "opens": int(_lag(job) > EDGE),
        "buy_size": float(share / (step * worse)), "sell_size": float(share / step), "collar": float(worse),
        "order_share": float(limits.order_share), "order_value": _units(limits.order_value),
        "position_share": float(limits.position_share), "position_value": _units(limits.position_value),
        "gross_share": float(limits.gross_share * limits.leverage), "gross_value": _units(limits.gross_value),
        "leverage": float(limits.leverage * max(limits.gross_share, Decimal(1))),
        "margin_share": float(limits.margin_share),
        "margin_leverage": float(leverage), "taker": float(taker), "min_notional": _units(instrument.min_notional),
        "day_loss": float(limits.day_loss_share), "drawdown": float(limits.drawdown_share),
        "slices": min(limits.orders_per_second, limits.open_orders, _ORDERS),
        "refuse_locked": int(limits.refuse_locked), "collar_limit": float(limits.collar_share),
    }  # fmt: skip
    for name, value in values.items():
        record[name] = value
    return record


def _units(amount: Any) -> float:
    return float(amount / UNIT)


def _step(instrument: Instrument) -> Fraction:
    return Fraction(instrument.tick_size) * Fraction(instrument.lot_size) / Fraction(UNIT)


def _lag(job: BacktestJob) -> int:
    latency = job.models.latency
    return latency.market(0) + latency.order(0)


def _open_lasts(job: BacktestJob) -> int:
    """For how long after a bar's end the price stands at the next one's open."""
    return EDGE + (INTERVALS[job.interval] - 2 * EDGE) // (CORNERS - 1)
