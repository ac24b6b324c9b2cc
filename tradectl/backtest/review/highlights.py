"""The upper part of the review's page: title, tiles, what trading brought, and what stands out."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from typing import Any

from tradectl.backtest.report.html.words import Amounts, count, day, held, percent, row, tone, toned
from tradectl.backtest.review.cards import card

Row = dict[str, Any]


def header(name: str, data: Row, chips: Sequence[str]) -> str:
    """Title, span and what was traded."""
    return (
        f'<header><p class="kind">Account review</p><h1>{escape(name)}</h1><p class="span">{day(data["since"])} to '
        f"{day(data['until'])} <span>UTC · {count(data['profit']['fills'], 'fill')}</span></p>"
        f'<p class="chips">{"".join(f"<span>{it}</span>" for it in chips)}</p></header>'
    )


def tiles(data: Row, amounts: Amounts) -> str:
    """The eight figures one looks at first."""
    it, trades, fees, chance = data["profit"], data["trades"], data["fees"], data["maker"]
    known = {one["stop"]: one for one in data["stops"]}
    bare, lost = known["none"]["trades"], known["no trace"]["trades"]
    taken, share = fees["taker_volume"] + fees["maker_volume"], fees["share_of_gross"]
    gained = "before them the trades made nothing" if share is None else f"{percent(share, 0)} of what the trades made"
    shown = [
        ("Net of trading", amounts.text(it["net"]), f"wallet {percent(data['returns']['total_return'], 2, True)}",
         it["net"]),
        ("Fees", amounts.text(-it["fees"]), gained, -it["fees"]),
        ("Funding", amounts.text(-it["funding"]), f"{amounts.text(data['funding']['paid'], False)} paid",
         -it["funding"]),
        ("Slippage", amounts.text(-it["slippage"]), "against mark, trigger or minute", -it["slippage"]),
        ("Trades", f"{trades['trades']:,}", f"{percent(trades['win_rate'], 1)} won, held "
         f"{held(trades['mean_holding_s'])}", None),
        ("Missed maker fills", f"{chance['would']:,}", f"of {chance['would'] + chance['would_not']:,} taker orders; "
         f"net {amounts.text(chance['net'])}", None),
        ("Taker share", percent(float(fees["taker_volume"] / taken), 0) if taken else percent(None),
         "of the traded value", None),
        ("Without a stop", f"{bare:,}", f"and {lost:,} that left no trace of one", None),
    ]  # fmt: skip
    return '<section class="tiles">' + "".join(
        f'<div><h2>{name}</h2><p class="figure {tone(of)}">{text}</p><p class="sub">{sub}</p></div>'
        for name, text, sub, of in shown
    ) + "</section>"  # fmt: skip


def money(data: Row, amounts: Amounts) -> str:
    """What trading brought, as bars that add up."""
    it, fees = data["profit"], data["fees"]
    parts = [
        ("Price moves, before costs", it["price"]), ("Slippage", -it["slippage"]), ("Taker fees", -fees["taker"]),
        ("Maker fees", -fees["maker"]), ("Funding", -it["funding"]),
    ]  # fmt: skip
    most = max(*(abs(amount) for _, amount in parts), abs(it["net"])) or Decimal(1)
    rows = [
        row([escape(name), _bar(float(amount / most)), toned(amounts.cell(amount), amount)], css=css)
        for name, amount, css in [*((name, amount, "") for name, amount in parts), ("Net", it["net"], "sum")]
    ]
    head = row(["", "", amounts.unit], "th")
    return card("What trading brought", f'<table class="costs"><thead>{head}</thead>{"".join(rows)}</table>')


def _bar(share: float) -> str:
    left = 50.0 if share >= 0 else 50.0 + share * 50.0
    style = f"left:{left:.1f}%;width:{abs(share) * 50:.1f}%"
    return f'<td class="bar"><i class="{tone(share)}" style="{style}"></i></td>'


def findings(data: Row, amounts: Amounts) -> str:
    """What stands out, in sentences, the most expensive first."""
    found = sorted(_findings(data, amounts), key=lambda it: -it[0])
    if not found:
        return card("What stands out", '<p class="note">Nothing that costs money.</p>')
    return card("What stands out", f"<ul>{''.join(f'<li>{text}</li>' for _, text in found)}</ul>")


def _findings(data: Row, amounts: Amounts) -> list[tuple[Decimal, str]]:
    chance, loss, other, days = data["maker"], data["after_loss"], data["other"], data["days"]
    found = []
    if data["profit"]["fees"] > 0:
        share = data["fees"]["share_of_gross"]
        said = f", {percent(share, 0)} of what the trades made before them" if share is not None else ""
        found.append((data["profit"]["fees"], f"<b>Fees</b> took {amounts.text(data['profit']['fees'], False)}{said}."))
    if chance["net"] > 0:
        found.append(
            (chance["net"], f"<b>Resting</b> instead of taking would have kept {amounts.text(chance['net'])}.")
        )
    if data["profit"]["slippage"] > 0:
        text = amounts.text(data["profit"]["slippage"], False)
        found.append((data["profit"]["slippage"], f"<b>Slippage</b> cost {text}."))
    if data["profit"]["funding"] > 0:
        worst = data["funding"]["rows"][0]["instrument"]
        text = amounts.text(data["profit"]["funding"], False)
        found.append((data["profit"]["funding"], f"<b>Funding</b> cost {text}, most in {escape(worst)}."))
    for row_ in data["stops"]:
        if row_["stop"] == "none" and row_["pnl"] < 0:
            text = f"<b>{count(row_['trades'], 'trade')} without a stop</b> lost {amounts.text(-row_['pnl'], False)}."
            found.append((-row_["pnl"], text))
    if loss["pnl"] < 0 and loss["trades"]:
        text = (f"<b>After a loss</b>: {count(loss['trades'], 'trade')} begun within ten minutes of one lost "
                f"{amounts.text(-loss['pnl'], False)} ({percent(loss['win_rate'], 0)} won, otherwise "
                f"{percent(other['win_rate'], 0)}).")  # fmt: skip
        found.append((-loss["pnl"], text))
    if days["busy_days"] and days["busy"]["pnl"] < 0:
        text = (f"<b>Busy days</b>: on {count(days['busy_days'], 'day')} with more than {2 * days['usual']} trades "
                f"{amounts.text(-days['busy']['pnl'], False)} was lost.")  # fmt: skip
        found.append((-days["busy"]["pnl"], text))
    if data["forced"]["fills"]:
        lost, fills = data["forced"]["realised"], count(data["forced"]["fills"], "fill")
        found.append((-lost, f"<b>Liquidated</b>: {amounts.text(lost)} in {fills}."))
    return found
