"""Where output goes: data to stdout (a table, or JSON with every digit), messages to stderr."""

from __future__ import annotations

import json
import sys

from tradectl.cli.text import Clock, Number, Paint, iso, plain
from tradectl.cli.words import Globals, UsageError

TYPE_CHECKING = False  # importing typing would cost a tenth of the quick path
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Draw = Callable[["Screen", Any], str]

#: Fields that hold nanoseconds; ``--json`` writes them as ISO 8601 and 0 as null.
TIMES = frozenset(
    {"at", "since", "created", "updated", "started", "now", "open_time", "next_funding", "last_message", "until",
     "made", "ended"}
)  # fmt: skip


def json_text(value: Any, indent: str = "", name: str = "") -> str:
    """JSON with numbers from their own digits, two spaces of indent and times as ISO 8601."""
    if isinstance(value, Number):
        return plain(value)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int):
        return (json.dumps(iso(value)) if value else "null") if name in TIMES else str(value)
    if isinstance(value, dict):
        inner = indent + "  "
        items = [f"{inner}{json.dumps(key)}: {json_text(item, inner, key)}" for key, item in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{indent}}}" if items else "{}"
    if isinstance(value, list | tuple):
        inner = indent + "  "
        items = [inner + json_text(item, inner, name) for item in value]
        return "[\n" + ",\n".join(items) + f"\n{indent}]" if items else "[]"
    return json.dumps(str(value), ensure_ascii=False)


class Screen:
    """One command's output, as the global options want it.

    ``about`` (mode and profile of whoever answered) goes above every table and into every JSON document.
    """

    def __init__(self, options: Globals) -> None:
        self.options = options
        self.paint = Paint.of(sys.stdout, options.no_color)
        self.about: dict[str, str] = {}
        try:
            self.clock = Clock(options.tz)
        except (KeyError, ValueError, OSError):
            raise UsageError(f"--tz {options.tz}: no such time zone; try UTC, local or Europe/Warsaw") from None

    def show(self, data: dict[str, Any], draw: Draw) -> None:
        """Print ``data``: as JSON with ``--json``, else as ``draw`` draws it."""
        if self.options.json:
            print(json_text({**{k: v for k, v in self.about.items() if k not in data}, **data}))
            return
        text = draw(self, data)
        head = self.head(data)
        print(f"{head}\n{text}" if head and not self.options.quiet else text)

    def head(self, data: dict[str, Any]) -> str:
        """``sandbox · default``; live is red."""
        mode, profile = data.get("mode") or self.about.get("mode"), data.get("profile") or self.about.get("profile")
        if not mode or not profile:
            return ""
        return self.paint(f"{mode} · {profile}", "alarm" if mode == "live" else "dim")

    def say(self, text: str) -> None:
        """A message for a person; ``--quiet`` keeps it back."""
        if not self.options.quiet:
            print(text, file=sys.stderr)

    def fail(self, message: str, remedy: str = "", detail: str = "") -> None:
        """An error, which is never kept back; ``detail`` is for ``--verbose``."""
        paint = Paint.of(sys.stderr, self.options.no_color)
        print(f"{paint('error', 'red')}: {message}", file=sys.stderr)
        if remedy:
            print(f"  {remedy}", file=sys.stderr)
        if detail and self.options.verbose:
            print(f"  {detail}", file=sys.stderr)
