"""What a run assumed, gap by gap, in words: the models it used, and where the data itself bridged the gap."""

from tradectl.backtest.preparation import Prepared

_TOUCH = {
    "spread": "bid and ask as they were quoted",
    "slippage": "takers trade what is displayed, and our own fills use it up until it is quoted anew",
    "queue": "resting orders stand behind all that was displayed at their price when they came; prints move them on",
    "path": "prints and quotes in the order they were recorded, prints first where they share a moment",
}
_BEHIND = "the displayed size at the touch; a tick behind it"
_OF: dict[str, dict[str, str]] = {
    "candles": {},
    "trades": {
        "queue": "resting orders fill by prints beyond their price, at most by the size that traded",
        "path": "prints in the order they were recorded",
    },
    "quotes": _TOUCH,
    "book": {**_TOUCH, "liquidity": "the displayed size of each level"},
}


def described(p: Prepared) -> tuple[tuple[str, str], ...]:
    """Name of each gap and a sentence on how it was bridged."""
    words = dict(p.job.models.describe())
    if p.job.data == "quotes":
        words["liquidity"] = f"{_BEHIND}, {words['liquidity']}"
    words |= _OF[p.job.data]
    mark = _mark(p)
    return tuple((words | ({"mark": mark} if mark else {})).items())


def _mark(p: Prepared) -> str:
    """Where margin, mark triggers and the value of funding look."""
    derivatives = [it.id for it in p.instruments if not it.is_spot]
    without = [str(it) for it in derivatives if it not in p.marks]
    if not derivatives:
        return ""
    if not without:
        return "mark prices are those of the data"
    if len(without) == len(derivatives):
        return "mark = last price: the data has no mark prices"
    return f"mark prices are those of the data; of {', '.join(without)} mark = last price: it has none"
