"""The figures of a review as plain dicts: what the terminal, ``--json``, the page and the list of runs show.

Decimals for amounts in dollars (of coins in the coin), floats for ratios, times in nanoseconds. ``fees``, ``slippage``
and ``funding`` > 0 were lost. ``net = price - slippage - fees - funding``, exactly.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tradectl.backtest.report.document import plain
from tradectl.backtest.review.books import CARRIED, DOLLARS
from tradectl.backtest.review.habits import after_loss, by_holding, by_hour, days, fee_share, group
from tradectl.backtest.review.review import Review
from tradectl.backtest.review.slippage import Against
from tradectl.backtest.review.stops import Stop
from tradectl.model.money import ZERO
from tradectl.performance.breakdown import breakdown, total
from tradectl.performance.fills import Fill
from tradectl.performance.metrics import metrics
from tradectl.performance.returns import opening_mark
from tradectl.performance.round_trips import RoundTrip
from tradectl.performance.trade_statistics import trade_statistics

Row = dict[str, Any]
#: How many of the worst trades are listed.
LOSERS = 10
_MEASURED = (Against.TRIGGER, Against.MARK, Against.CANDLE)


def summary(review: Review) -> Row:
    """Everything but the fills."""
    trips, fills = review.trips(), review.own_fills()
    ended = [it for it in trips if it.ended]
    whole = total(fills)
    return {
        "mode": review.mode, "since": review.since, "until": review.until, "coin": "USD",
        "instruments": sorted({str(it.instrument) for it in fills}), "interval": "", "strategies": [],
        "cash": capital(review), "returns": returns(review),
        "profit": {
            "price": whole.price, "slippage": whole.slippage, "fees": whole.fees, "funding": whole.funding,
            "net": whole.net, "change": whole.net, "volume": whole.volume, "fills": whole.trades,
        },
        "trades": plain(trade_statistics(ended)), "open": len(trips) - len(ended),
        "fees": fees(fills), "slippage": slippage(review, fills), "funding": funding(fills),
        "maker": {**plain(review.maker), "net": review.maker.net}, "stops": stop_rows(review, trips),
        "forced": forced(review, fills), "per_symbol": symbols(fills, ended), "hours": by_hour(ended),
        "holding": by_holding(ended), "days": days(ended), **after_loss(ended), "losers": losers(review, trips),
        "coins": [{**plain(it), "change": it.change} for it in review.coins],
        "matched": {**plain(review.matched), "whole": review.matched.whole}, "notes": list(review.notes),
    }  # fmt: skip


def capital(review: Review) -> Decimal:
    """What the account had to trade with: dollars at the beginning, and what was paid in since."""
    own = [it for it in review.coins if it.coin in DOLLARS]
    return sum((it.opening + max(it.transfers, ZERO) for it in own), ZERO)


def returns(review: Review) -> Row:
    """Growth and deepest fall of the wallet, transfers aside; ``None`` where the wallet is no measure: spot was traded
    in it, or the busiest coin is no dollar. Open profit is not counted."""
    first = review.coins[0] if review.coins else None
    if first is None or first.coin not in DOLLARS or first.spot:
        return {"total_return": None, "max_drawdown": None}
    found = metrics([opening_mark(review.since, first.opening), *review.balances], review.own_fills(), review.flows)
    return {name: None if (value := getattr(found, name)) != value else value
            for name in ("total_return", "max_drawdown")}  # fmt: skip


def fees(fills: Sequence[Fill]) -> Row:
    """By who took and who rested, and as a share of what the trades made before fees."""
    takers, makers = ([it for it in fills if it.qty and it.maker is maker] for maker in (False, True))
    taken, made = total(takers), total(makers)
    gross = taken.realised + made.realised
    return {
        "taker": taken.fees, "maker": made.fees, "taker_volume": taken.volume, "maker_volume": made.volume,
        "taker_fills": taken.trades, "maker_fills": made.trades,
        "share_of_gross": fee_share(gross, taken.fees + made.fees),
    }  # fmt: skip


def slippage(review: Review, fills: Sequence[Fill]) -> list[Row]:
    """By what fills were compared with; ``share`` of the value traded."""
    found = []
    for against in Against:
        own = [it for it in fills if it.qty and review.against.get(it.id) is against]
        row = total(own)
        if own:
            share = float(row.slippage / row.volume) if against in _MEASURED and row.volume else None
            found.append({"against": against.value, "fills": len(own), "volume": row.volume,
                          "slippage": row.slippage, "share": share})  # fmt: skip
    return found


def funding(fills: Sequence[Fill]) -> Row:
    """Paid and received apart, and by instrument and side of the position."""
    own = [it for it in fills if not it.qty and it.funding]
    rows = [{"instrument": it.key, "funding": it.funding, "payments": sum(str(f.instrument) == it.key for f in own)}
            for it in breakdown(own, "symbol")]  # fmt: skip
    paid = sum((it.funding for it in own if it.funding > 0), ZERO)
    received = -sum((it.funding for it in own if it.funding < 0), ZERO)
    return {"paid": paid, "received": received, "rows": sorted(rows, key=lambda it: -it["funding"])}


def stop_rows(review: Review, trips: Sequence[RoundTrip]) -> list[Row]:
    """Trades by what is known of their stop."""
    pairs = list(zip(trips, review.stops, strict=True))
    return [
        {"stop": kind.value, **group([trip for trip, found in pairs if found is kind]),
         "worst": min((trip.pnl for trip, found in pairs if found is kind), default=ZERO)}
        for kind in Stop
    ]  # fmt: skip


def forced(review: Review, fills: Sequence[Fill]) -> Row:
    """Fills by which the venue took positions over."""
    ids = set(review.forced)
    row = total([it for it in fills if it.id in ids])
    return {"fills": row.trades, "realised": row.realised, "fees": row.fees, "volume": row.volume}


def symbols(fills: Sequence[Fill], ended: Sequence[RoundTrip]) -> list[Row]:
    """By instrument, the costliest first."""
    rows = []
    for row in breakdown(fills, "symbol"):
        figures = trade_statistics([it for it in ended if str(it.instrument) == row.key])
        rows.append({"instrument": row.key, "profit": plain(row), "trades": plain(figures)})
    return sorted(rows, key=lambda it: it["profit"]["net"])


def losers(review: Review, trips: Sequence[RoundTrip]) -> list[Row]:
    """The worst trades, with what is known of their stop."""
    pairs = sorted(zip(trips, review.stops, strict=True), key=lambda it: it[0].pnl)
    carried = {(it.strategy, it.instrument, it.at) for it in review.fills if it.id.startswith(CARRIED)}
    return [
        {
            "instrument": str(it.instrument), "side": "long" if it.long else "short", "began": it.began,
            "ended": it.ended, "qty": it.qty, "pnl": it.pnl, "fees": it.fees, "funding": it.funding,
            "stop": stop.value, "carried": (it.strategy, it.instrument, it.began) in carried,
        }
        for it, stop in pairs[:LOSERS]
        if it.pnl < 0
    ]  # fmt: skip
