"""Kept runs as rows of a list, and several of them side by side."""

from collections.abc import Iterable, Sequence
from typing import Any

from tradectl.backtest.runs import Run

Row = dict[str, Any]
#: What is compared, by group and name.
FIGURES = (
    ("returns", "total_return"), ("returns", "annual_return"), ("returns", "volatility"), ("returns", "sharpe"),
    ("returns", "sortino"), ("returns", "calmar"), ("returns", "max_drawdown"), ("trades", "trades"),
    ("trades", "win_rate"), ("trades", "profit_factor"), ("trades", "expectancy"), ("exposure", "time"),
    ("exposure", "turnover_yearly"), ("profit", "change"), ("profit", "fees"), ("profit", "funding"),
    ("profit", "slippage"),
)  # fmt: skip


def kept_row(run: Run) -> Row:
    """A line of the list; figures are ``None`` of kinds that have none."""
    of = run.summary
    returns, trades = of.get("returns") or {}, of.get("trades")
    return {
        "id": run.id, "kind": run.kind, "made": run.made, "strategies": list(run.strategies),
        "instruments": of.get("instruments", []), "interval": of.get("interval", ""), "since": of.get("since"),
        "until": of.get("until"), "total_return": returns.get("total_return"), "sharpe": returns.get("sharpe"),
        "max_drawdown": returns.get("max_drawdown"),
        "trades": trades.get("trades") if isinstance(trades, dict) else None,
        "data_fingerprint": of.get("data_fingerprint", ""), "code": run.code,
    }  # fmt: skip


def compared(runs: Sequence[tuple[str, Row]]) -> Row:
    """Figures of each run, and the settings in which they differ; ``same`` says whether data and code are the same."""
    figures = [
        {"figure": name, "group": group, "values": [(of.get(group) or {}).get(name) for _, of in runs]}
        for group, name in FIGURES
    ]
    said = [settings_of(of) for _, of in runs]
    names = list(dict.fromkeys(name for it in said for name in it))
    different = [
        {"setting": name, "values": [it.get(name) for it in said]}
        for name in names
        if any(it.get(name) != said[0].get(name) for it in said)
    ]
    same = {name: len({of.get(name) for _, of in runs}) == 1 for name in ("data_fingerprint", "code")}
    return {"ids": [id for id, _ in runs], "figures": figures, "different": different,
            "same_data": same["data_fingerprint"], "same_code": same["code"]}  # fmt: skip


def settings_of(of: Row) -> Row:
    """Whatever a run could differ in from another, by name, as text."""
    plain = {name: of.get(name) for name in ("interval", "since", "until", "cash", "leverage", "candles")}
    plain["instruments"] = ", ".join(of.get("instruments", []))
    rows = of.get("strategies", [])
    plain |= {"strategy": _joined(it["class"] for it in rows), "capital": _joined(it["capital"] for it in rows)}
    for name in dict.fromkeys(name for it in rows for name in it["params"]):
        plain[name] = _joined(it["params"].get(name) for it in rows)
    plain |= {f"model {name}": text for name, text in of.get("models", {}).items()}
    plain |= {"data": of.get("data_fingerprint"), "code": of.get("code")}
    return plain


def _joined(values: Iterable[Any]) -> Any:
    """What all instances have in common, or each instance's own."""
    found = list(values)
    return found[0] if len(set(map(str, found))) == 1 else ", ".join(map(str, found))
