"""Draws what the checks of honesty found."""

from typing import Any

from tradectl.cli.screen import Screen

TITLES = {"lookahead": "sees the future", "warmup": "says something else when its past begins later"}


def honesty_table(screen: Screen, data: dict[str, Any]) -> str:
    """One paragraph for each check."""
    return "\n\n".join(_check(screen, it) for it in data["checks"])


def _check(screen: Screen, row: dict[str, Any]) -> str:
    verdict = screen.paint("passed", "green") if row["ok"] else screen.paint(f"it {TITLES[row['check']]}", "red")
    basis = f"{row['decisions']} decisions" if "decisions" in row else f"{row['compared']} moments compared"
    lines = [f"{row['check']}: {verdict} ({basis})"]
    lines += [f"  {text}" for text in row["findings"]]
    lines += [screen.paint(f"  {text}", "dim") for text in row["notes"]]
    return "\n".join(lines)
