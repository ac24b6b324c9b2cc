"""A search's result as tables: the best trials, the honest figures, the neighbourhood, windows, draws."""

from __future__ import annotations

from tradectl.cli.draw.performance import share
from tradectl.cli.screen import Screen
from tradectl.cli.text import plain, rounded, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]

SHADES = " .:-=+*#%@"


def optimize_table(screen: Screen, data: Row) -> str:
    """Everything ``optimise.whole.document`` tells."""
    parts = [
        _head(screen, data), _best(screen, data), _honest(data), _importance(data), _stability(data),
        _walk(screen, data), _drawn(screen, data), _warnings(screen, data),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def _head(screen: Screen, data: Row) -> str:
    about = data["about"]
    goals = ", ".join(f"{it['name']} {'highest' if it['high'] else 'lowest'}" for it in data["goals"])
    where = f"study {data['study']} in {data['storage']}" if data["study"] else "not kept as a study"
    counts = f"{data['complete']} of {data['asked']} trials complete"
    for name in ("pruned", "infeasible", "stopped"):
        counts += f", {data[name]} {name}" if int(data[name]) else ""
    lines = [
        f"{about.get('strategies', '')} {about.get('instruments', '')} {about.get('interval', '')}, "
        f"{about['since']} to {about['until']} UTC",
        f"{goals}; sampler {data['sampler']}, pruner {data['pruner']}, seed {data['seed']}; {where}",
        counts + (f"; {data['replaced']} workers died and were replaced" if int(data["replaced"]) else ""),
    ]
    ways = [f"{count} {_engine(name)}" for name, count in data.get("engines", {}).items()]
    if ways:
        lines.append("runs: " + ", ".join(ways))
    if data["interrupted"]:
        lines.append(screen.paint("interrupted: a named study goes on with the same command", "yellow"))
    return "\n".join(lines)


def _engine(name: str) -> str:
    name, _, why = name.partition(": ")
    return ("over arrays" if name == "arrays" else "event-driven") + (f" ({why})" if why else "")


def _best(screen: Screen, data: Row) -> str:
    rows, names = data["front"] if len(data["goals"]) > 1 else data["ranked"], [it["name"] for it in data["goals"]]
    if not rows:
        return ""
    searched = [it for it in rows[0]["params"] if any(row["params"][it] != rows[0]["params"][it] for row in rows)]
    searched = searched or list(rows[0]["params"])
    beside = [it for it in ("sharpe", "total_return", "max_drawdown", "trades") if it not in names]
    heads = ["TRIAL", *(it.upper() for it in searched), *(it.upper() for it in names), *(it.upper() for it in beside)]
    cells = [
        [
            str(row["number"]), *(_value(row["params"][it]) for it in searched), *(_figure(v) for v in row["values"]),
            *(_figure(row["measures"].get(it)) for it in beside),
        ]
        for row in rows[:10]
    ]  # fmt: skip
    title = "NOTHING BEATS THESE IN EVERY GOAL" if len(names) > 1 else "THE BEST"
    return f"{title}\n" + table(heads, cells, screen.paint, frozenset(heads))


def _value(value: Any) -> str:
    return value if isinstance(value, str) and not _is_number(value) else plain(value)


def _is_number(value: str) -> bool:
    return value.lstrip("-").replace(".", "", 1).isdigit()


def _figure(value: Any) -> str:
    return rounded(value, 4)


def _honest(data: Row) -> str:
    it, over = data["deflated"], data["overfitting"]
    lines = [
        "HOW FAR TO BELIEVE IT",
        f"  different combinations tried        {data['distinct']}",
        f"  Sharpe ratio per day                {_figure(it['observed'])} over {it['periods']} days",
        f"  the best without skill would reach  {_figure(it['expected'])}",
        f"  deflated Sharpe ratio               {share(it['probability'])} (chance of being more than luck)",
        f"  probability of overfitting (PBO)    {share(over['probability'])} of {over['choices']} splits",
        f"  winner lost money out of sample     {share(over['loss'])}",
    ]
    return "\n".join(lines)


def _importance(data: Row) -> str:
    if not data["importance"]:
        return ""
    return "IMPORTANCE\n" + "\n".join(f"  {name:<20} {share(part):>9}" for name, part in data["importance"].items())


def _stability(data: Row) -> str:
    it = data["stability"]
    if it["best"] is None:
        return ""
    best, steady = it["best"], it["steadiest"]
    lines = [
        "NEIGHBOURHOOD OF THE BEST",
        f"  value {_figure(best['value'])}; mean of {best['neighbours']} neighbours {_figure(best['mean'])}, worst "
        f"{_figure(best['worst'])}; share kept {share(best['kept'])}",
        f"  steadiest: trial {steady['number']}, median of its neighbourhood {_figure(steady['median'])}",
    ]
    return "\n".join(lines + _map(it))


def _map(it: Row) -> list[str]:
    """The map in shades: the darker the higher the mean; a blank has no trial."""
    means = [float(str(cell["mean"])) for row in it["cells"] for cell in row if cell["mean"] is not None]
    if len(it["cells"]) < 2 or not means:
        return []
    low, high = min(means), max(means)
    lines = [
        f"  {it['y']} upwards, {it['x']} to the right, {rounded(repr(low), 2)} (.) to {rounded(repr(high), 2)} (@)"
    ]
    for row in reversed(it["cells"]):
        shades = "".join(_shade(cell["mean"], low, high) * 2 for cell in row)
        lines.append(f"  {_figure(row[0]['y']):>12} |{shades}|")
    return lines


def _shade(mean: Any, low: float, high: float) -> str:
    if mean is None:
        return SHADES[0]
    place = (float(str(mean)) - low) / (high - low) if high > low else 1.0
    return SHADES[1 + round(place * (len(SHADES) - 2))]


def _walk(screen: Screen, data: Row) -> str:
    it = data.get("walk_forward")
    if it is None:
        return ""
    heads = ["TEST FROM", "TO", "PARAMETERS", "SHARPE BEFORE", "SHARPE AFTER", "RETURN", "TRADES"]
    rows = [
        [
            step["window"]["test_since"][:10], step["window"]["test_until"][:10],
            " ".join(f"{name}={_value(value)}" for name, value in step["params"].items()) or "none",
            _figure(step["inside"].get("sharpe")), _figure(step["outside"].get("sharpe")),
            share(step["outside"].get("total_return")), _figure(step["outside"].get("trades")),
        ]
        for step in it["steps"]
    ]  # fmt: skip
    body = table(heads, rows, screen.paint, frozenset(heads[3:]))
    tail = (
        f"only tests: return {share(it['total_return'])}, Sharpe {rounded(it['sharpe'], 2)}, max drawdown "
        f"{share(it['max_drawdown'])}, {it['kept']} of {len(it['steps'])} with a profit, efficiency "
        f"{share(it['efficiency'])} of what training promised"
    )
    return f"WALK-FORWARD ({it['kind']})\n{body}\n{tail}"


def _drawn(screen: Screen, data: Row) -> str:
    found = data.get("monte_carlo")
    if not found:
        return ""
    heads = ["DRAWN", "RUNS", "RETURN 5 %", "MEDIAN", "95 %", "DRAWDOWN 5 %", "MEDIAN FALL", "LOSS", "RUIN"]
    rows = [[it["method"], str(it["runs"]), *_quantiles(it), share(it["loss"]), share(it["ruin"])] for it in found]
    return "MONTE CARLO\n" + table(heads, rows, screen.paint, frozenset(heads[1:]))


def _quantiles(it: Row) -> list[str]:
    final = {str(q): value for q, value in it["final_equity"]["quantiles"]}
    fall = {str(q): value for q, value in it["max_drawdown"]["quantiles"]}
    returns = [_less_one(final[q]) for q in ("0.05", "0.5", "0.95")]
    return [*returns, share(fall["0.05"]), share(fall["0.5"])]


def _less_one(value: Any) -> str:
    return "-" if value is None else share(repr(float(str(value)) - 1.0))


def _warnings(screen: Screen, data: Row) -> str:
    return "\n".join(screen.paint(f"note: {it['text']}", "yellow") for it in data["warnings"])
