"""``parity``: a recorded run beside a backtest of the same data, every difference explained by its cause."""

from typing import Any

import typer

from tradectl.cli.command import noun, screen_of
from tradectl.cli.numbers import printable
from tradectl.cli.quick import paths_of
from tradectl.cli.screen import Screen
from tradectl.cli.text import iso, plain, signed, table

app = noun("Compare a recorded run with a backtest of the same data.")
FAILED = 1


@app.command()
def parity(
    ctx: typer.Context,
    run: str = typer.Argument("", help="Id of the run (status shows it); without it the newest."),
    rows: int = typer.Option(20, "--rows", min=0, help="At most so many differences; --json has all of them."),
    window: float = typer.Option(
        60.0, "--window", min=0, metavar="SECONDS", help="Decisions this far apart may be the same one."
    ),
) -> None:
    """Run a backtest on the data of a recorded run, with its strategies and settings, and explain every difference.

    Each difference in fills and profit is put under its cause: signal, latency, price, queue, partial fill, rejected,
    fee, funding, outside. What is held at the end counts at the last recorded price on both sides, and the causes add
    up to the difference to the last digit; exit code 1 when they do not.

    Works on the journal, with or without a running daemon. Old market data that was pruned is needed.
    """
    from tradectl.backtest.parity.run import parity_of
    from tradectl.cli.replay import progress_on
    from tradectl.cli.strategies import folder_of
    from tradectl.daemon.recorded_runs import recorded_run
    from tradectl.model.money import use_exact_context

    use_exact_context()
    screen = screen_of(ctx)
    _, folder = folder_of(screen)
    known = folder if folder.is_dir() else None
    recorded, older = recorded_run(paths_of(screen.options).state, run, known)
    done = parity_of(recorded, progress_on(screen), round(window * 1e9))
    screen.show(as_data(done, older), lambda s, data: draw(s, data, rows))
    if not done.report.explained:
        raise typer.Exit(FAILED)


def as_data(done: Any, older: tuple[str, ...] = ()) -> dict[str, Any]:
    """A comparison as plain values: also what a report shows of it."""
    report = done.report
    data = {
        "run": done.run, "mode": done.mode, "since": done.began, "until": done.ended,
        "explained": report.explained, "older": list(older),
        "counts": {name: getattr(report.counts, name) for name in report.counts.__struct_fields__},
        "profits": [
            {"coin": it.coin, "recorded": it.recorded, "backtest": it.backtest, "difference": it.difference,
             "explained": it.explained, "unexplained": it.unexplained} for it in report.profits
        ],
        "causes": [
            {"cause": it.cause.value, "coin": it.coin, "amount": it.amount, "rows": it.rows} for it in report.causes
        ],
        "differences": [
            {"cause": it.cause.value, "coin": it.coin, "amount": it.amount, "strategy": it.strategy,
             "instrument": str(it.instrument), "side": it.side, "note": it.note, "recorded": _leg(it.recorded),
             "backtest": _leg(it.backtest)} for it in report.rows
        ],
        "models": dict(done.models), "marks": done.marks, "stopped": done.stopped,
    }  # fmt: skip
    found: dict[str, Any] = printable(data)
    return found


def _leg(leg: Any) -> dict[str, Any] | None:
    if leg is None:
        return None
    return {
        "order": leg.order, "decided": iso(leg.decided), "filled": iso(leg.filled) if leg.filled else None,
        "price": leg.price, "qty": leg.qty, "fee_rate": leg.rate, "fill": leg.fill,
    }  # fmt: skip


def draw(screen: Screen, data: dict[str, Any], rows: int) -> str:
    """The comparison for a person."""
    counts = data["counts"]
    lines = [
        f"run {data['run']}, {screen.clock.moment(data['since'])} to {screen.clock.moment(data['until'])}: "
        f"{counts['recorded_orders']} orders and {counts['recorded_fills']} fills recorded, "
        f"{counts['backtest_orders']} and {counts['backtest_fills']} in the backtest, {counts['matched']} matched"
    ]
    lines += [f"no longer as recorded: {what}" for what in data["older"]]
    lines += [f"stopped in the backtest: {name}: {why}" for name, why in data["stopped"].items()]
    lines += ["", _profits(screen, data)]
    if data["causes"]:
        lines += ["", _causes(screen, data)]
    shown = sorted(data["differences"], key=lambda it: -abs(float(it["amount"])))[:rows]
    if shown:
        more = f", the largest {len(shown)}" if len(shown) < len(data["differences"]) else ""
        lines += ["", f"{len(data['differences'])} differences{more}:", _differences(screen, shown)]
    elif not data["differences"]:
        lines += ["", screen.paint("no difference in any fill", "green")]
    return "\n".join(lines)


def _profits(screen: Screen, data: dict[str, Any]) -> str:
    names = ("recorded", "backtest", "difference", "explained")
    rows = [
        [it["coin"], *(screen.paint.amount(signed(it[name])) for name in names), _share(it)] for it in data["profits"]
    ]
    heads = ["profit in", *names, "explained by causes"]
    return table(heads, rows, screen.paint, frozenset(heads[1:]))


def _share(it: dict[str, Any]) -> str:
    missing = signed(it["unexplained"])
    return "100 %" if missing == "0" else f"not {missing}"


def _causes(screen: Screen, data: dict[str, Any]) -> str:
    rows = [
        [it["cause"], it["coin"], screen.paint.amount(signed(it["amount"])), str(it["rows"])] for it in data["causes"]
    ]
    return table(["cause", "coin", "recorded - backtest", "rows"], rows, screen.paint,
                 frozenset({"recorded - backtest", "rows"}))  # fmt: skip


def _differences(screen: Screen, shown: list[dict[str, Any]]) -> str:
    rows = []
    for it in shown:
        leg = it["recorded"] or it["backtest"]
        prices = " / ".join(_told(it[side]) for side in ("recorded", "backtest"))
        rows.append(
            [leg["decided"], it["cause"], screen.paint.amount(signed(it["amount"])), it["strategy"],
             f"{it['side']} {it['instrument']}".strip(), prices, it["note"]]
        )  # fmt: skip
    heads = ["decided", "cause", "amount", "strategy", "order", "recorded / backtest", "why"]
    return table(heads, rows, screen.paint, frozenset({"amount"}))


def _told(leg: dict[str, Any] | None) -> str:
    if leg is None or leg["price"] is None:
        return "-"
    return f"{plain(leg['qty'])} at {plain(leg['price'])}"
