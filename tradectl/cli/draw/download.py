"""What a download or a recording brought, as a person reads it."""

from typing import Any

from tradectl.cli.screen import Screen
from tradectl.cli.text import table

#: So many gaps are told one by one.
TOLD = 5


def outcomes_table(screen: Screen, data: dict[str, Any]) -> str:
    """One line a series, then what the source did not have."""
    return _table(screen, data, "left", "the source has nothing")


def recorded_table(screen: Screen, data: dict[str, Any]) -> str:
    """One line a series, then the breaks."""
    return _table(screen, data, "gaps", "not recorded")


def _table(screen: Screen, data: dict[str, Any], field: str, words: str) -> str:
    moment = screen.clock.moment
    rows, lines = [], []
    for it in data["series"]:
        span = (moment(it["since"]), moment(it["until"])) if it["since"] else ("", "")
        rows.append([it["series"], str(it["rows"]), *span, str(len(it[field]))])
        lines += [
            f"{it['series']}: {words} from {moment(gap['since'])} to {moment(gap['until'])}" for gap in it[field][:TOLD]
        ]
        if len(it[field]) > TOLD:
            lines.append(f"{it['series']}: and {len(it[field]) - TOLD} gaps more; --json tells all")
        if it["kept"]:
            lines.append(f"{it['series']}: {it['kept']} rows contradict what is stored, which stays")
    head = ["SERIES", "NEW ROWS", "SINCE", "UNTIL", "GAPS"]
    text = table(head, rows, screen.paint, frozenset({"NEW ROWS", "GAPS"}))
    return "\n".join([text, *lines, *data["notes"], f"stored in {data['folder']}"])
