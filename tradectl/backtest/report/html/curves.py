"""The charts of a result: equity, drawdown, exposure, and prices with the trades on them."""

from collections.abc import Sequence
from decimal import Decimal

from tradectl.backtest.job import BacktestResult
from tradectl.backtest.report.benchmark import Held
from tradectl.backtest.report.html.chart import SECOND, Chart, Line, Mark
from tradectl.backtest.report.sampling import Curve, curve, fallen
from tradectl.performance.round_trips import RoundTrip

#: Panels of prices at most; the instruments traded most come first.
PANELS = 6


def charts(result: BacktestResult, held: Sequence[Held], trips: Sequence[RoundTrip], hidden: bool) -> list[Chart]:
    """All charts, in the order of the page."""
    return [_equity(result, held, hidden), _drawdown(result, held), _exposure(result), *_prices(result, trips)]


def _scale(result: BacktestResult, hidden: bool) -> float:
    """What equity is multiplied with: hidden amounts begin at 100."""
    return 100.0 / float(result.job.cash) if hidden and result.job.cash else 1.0


def own_curve(result: BacktestResult, scale: float = 1.0) -> Curve:
    """The equity of the account, every sample of it."""
    return curve([it.at for it in result.samples], [float(it.equity) * scale for it in result.samples])


def _held_curve(held: Sequence[Held], scale: float) -> Curve:
    levels = held[0].levels if held else ()
    return curve([at for at, _ in levels], [level * scale for _, level in levels])


def _equity(result: BacktestResult, held: Sequence[Held], hidden: bool) -> Chart:
    scale = _scale(result, hidden)
    lines = [Line("Buy and hold", "other", _held_curve(held, float(result.job.cash) * scale))] if held else []
    title = "Equity, start = 100" if hidden else f"Equity, {result.job.settle_coin}"
    note = "Buy and hold: the instruments in equal parts from the first price on, without costs." if held else ""
    return Chart("equity", title, "index" if hidden else "money",
                 (*lines, Line("This run", "own", own_curve(result, scale))), 320, note, log=True)  # fmt: skip


def _drawdown(result: BacktestResult, held: Sequence[Held]) -> Chart:
    lines = [Line("Buy and hold", "other", fallen(_held_curve(held, 1.0)))] if held else []
    note = "At every mark of equity; the figures above go by the last mark of each UTC day."
    own = Line("This run", "loss", fallen(own_curve(result)), fill=True)
    return Chart("drawdown", "Drawdown", "percent", (*lines, own), 200, note, high=0.0)


def _exposure(result: BacktestResult) -> Chart:
    shares = [float(it.exposure / it.equity) if it.equity > 0 else 0.0 for it in result.samples]
    line = Line("", "busy", curve([it.at for it in result.samples], shares), fill=True)
    return Chart("exposure", "Exposure: gross position value over equity", "percent", (line,), 150, low=0.0)


def _prices(result: BacktestResult, trips: Sequence[RoundTrip]) -> list[Chart]:
    counts = {name: sum(str(trip.instrument) == name for trip in trips) for name in result.prices}
    names = sorted(counts, key=lambda name: -counts[name])[:PANELS]
    left = len(result.prices) - len(names)
    note = "Triangle: entry, up for long and down for short. Dot: exit, green when the trade won."
    charts = []
    for number, name in enumerate(names):
        bars = [bar for bar in result.prices[name] if bar.at >= result.job.since]
        line = Line("", "price", curve([bar.at for bar in bars], [bar.close for bar in bars]))
        more = f" {left} more instruments are not drawn." if left and number == len(names) - 1 else ""
        charts.append(Chart(f"price-{number}", f"{name} with entries and exits", "price", (line,), 300,
                            (note if not number else "") + more, marks=_marks(trips, name)))  # fmt: skip
    return charts


def _marks(trips: Sequence[RoundTrip], name: str) -> tuple[Mark, ...]:
    own = [trip for trip in trips if str(trip.instrument) == name and trip.ended]
    return tuple(
        Mark(trip.began // SECOND, entry_price(trip), trip.ended // SECOND, exit_price(trip), trip.long, trip.pnl > 0)
        for trip in own
    )


def entry_price(trip: RoundTrip) -> float:
    """The mean price of all its entries."""
    return float(trip.entry_value / trip.entered) if trip.entered else 0.0


def exit_price(trip: RoundTrip) -> float:
    """The mean price of all its exits, of a trade that ended."""
    return float(trip.exit_value / trip.entered) if trip.entered else 0.0


def trade_return(trip: RoundTrip) -> float:
    """Profit after all costs over the value entered."""
    return float(trip.pnl / trip.entry_value) if trip.entry_value else float(Decimal(0))
