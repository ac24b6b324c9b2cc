"""What the engine was told, in words: the first link of every explanation."""

from datetime import UTC, datetime

from tradectl.model.events import (
    BarClosed,
    BarsLoaded,
    BookChanged,
    Event,
    Executed,
    OrderAnswered,
    OrderReported,
    PredictionMade,
    QuoteChanged,
    TickerChanged,
    TimerFired,
    TradePrinted,
)


def clock(at: int) -> str:
    """Nanoseconds UTC as ``12:03``, with seconds where there are any."""
    moment = datetime.fromtimestamp(at // 10**9, UTC)
    return moment.strftime("%H:%M:%S" if moment.second else "%H:%M")


def describe(event: Event | None) -> str:
    """One event in words: ``bar 1m linear:BTCUSDT 12:03 close 60123.5``; requests name who made them."""
    if event is None:
        return ""
    market = _market(event)
    if market:
        return market
    if isinstance(event, TimerFired):
        return f"timer {event.timer}"
    if isinstance(event, Executed):
        e = event.execution
        return f"{e.type.lower()} {e.side.value.lower()} {e.qty} {e.instrument} at {e.price}"
    if isinstance(event, OrderReported):
        return f"order {event.report.link_id or event.report.order_id} is {event.report.status.value}"
    if isinstance(event, OrderAnswered):
        return f"{event.action.value} of {event.link_id}: {event.message or 'OK'} ({event.code})"
    who = getattr(event, "who", "")
    return _plain(type(event).__name__) + (f" by {who}" if who else "")


def _market(event: Event) -> str:
    if isinstance(event, BarClosed):
        bar = event.bar
        return f"bar {event.interval} {event.instrument} {clock(bar.open_time)} close {bar.close:.10g}"
    if isinstance(event, QuoteChanged):
        return f"quote {event.instrument} {event.bid:.10g}/{event.ask:.10g}"
    if isinstance(event, TradePrinted):
        return f"trade {event.instrument} {event.side.value.lower()} {event.size:.10g} at {event.price:.10g}"
    if isinstance(event, TickerChanged):
        return f"ticker {event.instrument} last {event.ticker.last:.10g}"
    if isinstance(event, BookChanged):
        return f"book {event.instrument} depth {event.depth}"
    if isinstance(event, BarsLoaded):
        return f"{len(event.bars)} bars {event.interval} of {event.instrument} loaded"
    if isinstance(event, PredictionMade):
        return f"prediction {event.id} of {event.model}: {event.instrument} rises with {event.probability:.3g}"
    return ""


def _plain(name: str) -> str:
    """``OrderRequested`` as ``order requested``."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()
