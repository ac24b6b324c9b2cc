"""What the comparison found, as tables for people and as values for programs."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.benchmarks.measure import spread
from tests.benchmarks.peers.compare import differences
from tests.benchmarks.peers.registry import BARS, MOST_MB, PEERS, Bar, Peer
from tests.benchmarks.peers.runs import Found
from tests.benchmarks.table import number

_HEAD = (
    "what", "version", "candles/CPU-s", "± ", "tradectl/it", "first run, s", "loading, s", "peak MB", "fills", "equity",
    "trades",
)  # fmt: skip
#: In the account's coin: equity this near is the same but for the rounding of float64.
CLOSE_EQUITY = 0.01


def speed(found: Found, count: int) -> float:
    """Candles per second of CPU, warm."""
    return count / found.middle("warm")


def described(found: Sequence[Found], candles: Any) -> list[dict[str, Any]]:
    """One record per peer; trades are held against the first of its size, speed against our first of it."""
    count, records = len(candles), []
    for it in found:
        same_size = [other for other in found if other.peer.size == it.peer.size]
        first, ours = same_size[0], next((o for o in same_size if o.peer.name.startswith("tradectl")), None)
        told = differences(first.trades, it.trades, candles)
        gap = it.rounds[-1].equity - first.rounds[-1].equity
        if not told and abs(gap) > CLOSE_EQUITY:
            told = [f"the same trades, but equity is off by {gap:.8f}: UNEXPLAINED"]
        records.append({
            "name": it.peer.name, "size": it.peer.size, "version": it.rounds[-1].version,
            "python": it.rounds[-1].python, "candles_per_cpu_s": speed(it, count),
            "spread": spread([count / each.warm for each in it.rounds]),
            "ours_over_it": speed(ours, count) / speed(it, count) if ours else None,
            "first_run_s": it.rounds[-1].runs[0]["cpu"], "load_s": it.middle("load"), "peak_mb": it.middle("mb"),
            "fills": sum(1 for _ in it.trades), "equity": it.rounds[-1].equity, "differences": told,
            "quirk": it.peer.quirk if told else "", "notes": it.rounds[-1].notes,
            "rounds": [each.runs for each in it.rounds],
        })  # fmt: skip
    return records


def verdicts(found: Sequence[Found]) -> list[dict[str, Any]]:
    """Each bar that both its sides were measured for, round by round."""
    by_name = {it.peer.name: it for it in found}
    made = []
    for bar in BARS:
        if bar.ours in by_name and bar.peer in by_name:
            made.append(_verdict(bar, by_name[bar.ours], by_name[bar.peer]))
    for it in found:
        if it.peer.name.startswith("tradectl"):
            figure, values = it.middle("mb"), [once.mb for once in it.rounds]
            made.append({
                "what": f"{it.peer.name}: peak MB", "figure": figure, "spread": spread(values),
                "goal": f"≤ {MOST_MB}", "met": figure <= MOST_MB,
            })  # fmt: skip
    return made


def _verdict(bar: Bar, ours: Found, peer: Found) -> dict[str, Any]:
    ratios = sorted(b.warm / a.warm for a, b in zip(ours.rounds, peer.rounds, strict=True))
    figure = ratios[len(ratios) // 2] if len(ratios) % 2 else sum(ratios[len(ratios) // 2 - 1 :][:2]) / 2
    return {
        "what": f"{bar.ours} / {bar.peer}", "figure": figure, "spread": spread(ratios), "goal": f"≥ {bar.times:g}x",
        "met": figure >= bar.times,
    }  # fmt: skip


def absent(reasons: dict[str, str]) -> str:
    """Who is not there, and why."""
    return "\n".join(f"{name}: {why}" for name, why in reasons.items())


def _row(it: dict[str, Any]) -> tuple[str, ...]:
    ratio = it["ours_over_it"]
    return (
        it["name"], it["version"] or f"Python {it['python']}", number(it["candles_per_cpu_s"]), number(it["spread"]),
        number(ratio) if ratio else "", number(it["first_run_s"]), number(it["load_s"]), number(it["peak_mb"]),
        f"{it['fills']:,}", f"{it['equity']:,.6f}", "differ" if it["differences"] else "same",
    )  # fmt: skip


def _set(line: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for place, (cell, width) in enumerate(zip(line, widths, strict=True)):
        yield cell.ljust(width) if place < 2 else cell.rjust(width)


def drawn(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns: the first two to the left, the others to the right."""
    lines = [tuple(head), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = ["  ".join(_set(line, widths)).rstrip() for line in lines]
    text.insert(1, "-" * max(map(len, text)))
    return "\n".join(text)


def table(records: Sequence[dict[str, Any]]) -> str:
    """Both tables, with each difference of trades in words below."""
    parts = []
    for size in dict.fromkeys(it["size"] for it in records):
        chosen = [it for it in records if it["size"] == size]
        parts.append(f"Size: {size}\n" + drawn(_HEAD, [_row(it) for it in chosen]))
    for it in records:
        parts += [f"{it['name']}: {text}" for text in (*it["differences"], *it["notes"])]
        if it["quirk"]:
            parts.append(f"{it['name']}: known: {it['quirk']}")
    return "\n\n".join(parts)


def judged(made: Sequence[dict[str, Any]]) -> str:
    """The bars, if any was measured."""
    if not made:
        return ""
    rows = [
        (it["what"], it["goal"], number(it["figure"]), number(it["spread"]), "met" if it["met"] else "NOT MET")
        for it in made
    ]
    return drawn(("bar", "goal", "median", "± ", ""), rows)


def names(peers: Sequence[Peer] = PEERS) -> list[str]:
    """All names."""
    return [it.name for it in peers]
