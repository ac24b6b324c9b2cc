"""The words of the command line before any parser is imported: global options, nouns, aliases.

Global options may stand anywhere before ``--``. A countable noun alone means ``list``, a one-of-a-kind noun ``show``,
and the other number of a noun is understood. Only this module decides that, so that the quick path of ``status`` and
the full parser cannot disagree.
"""

import os

#: Nouns and what their bare form means.
BARE: dict[str, str] = {
    "orders": "list",
    "positions": "list",
    "trades": "list",
    "strategies": "list",
    "instruments": "list",
    "portfolio": "show",
    "universe": "show",
    "risk": "show",
    "market": "ticker",
    "config": "show",
    "data": "list",
    "runs": "list",
}
#: Accepted but not shown.
ALIASES: dict[str, str] = {
    "order": "orders",
    "position": "positions",
    "trade": "trades",
    "strategy": "strategies",
    "instrument": "instruments",
    "portfolios": "portfolio",
    "risks": "risk",
    "markets": "market",
    "configs": "config",
    "log": "logs",
    "run": "runs",
    "sandboxes": "sandbox",
}
FLAGS: dict[str, str] = {
    "--json": "json",
    "--quiet": "quiet",
    "-q": "quiet",
    "--verbose": "verbose",
    "-v": "verbose",
    "--debug": "debug",
    "--no-color": "no_color",
    "--yes": "yes",
    "-y": "yes",
    "--version": "version",
}
VALUED: dict[str, str] = {"--profile": "profile", "--config": "config", "--tz": "tz"}


class UsageError(Exception):
    """A command line that cannot be understood: exit code 2."""


class Globals:
    """The global options of one command line."""

    __slots__ = ("config", "debug", "json", "no_color", "profile", "quiet", "tz", "verbose", "version", "yes")

    def __init__(self) -> None:
        self.json = self.quiet = self.verbose = self.debug = self.no_color = self.yes = self.version = False
        self.profile = os.environ.get("TRADECTL_PROFILE", "")
        self.config = self.tz = ""


def split(argv: list[str]) -> tuple[Globals, list[str]]:
    """The global options and the rest, with aliases replaced and the verb of a bare noun filled in.

    Raises :class:`UsageError` for a global option without its value.
    """
    options, rest = Globals(), []
    position = 0
    while position < len(argv):
        word = argv[position]
        name, equals, value = word.partition("=")
        if word == "--":
            rest += argv[position:]
            break
        if word in FLAGS:
            setattr(options, FLAGS[word], True)
        elif name in VALUED:
            if not equals:
                position += 1
                if position == len(argv):
                    raise UsageError(f"option {name} needs a value")
                value = argv[position]
            setattr(options, VALUED[name], value)
        else:
            rest.append(word)
        position += 1
    return options, _complete(rest)


def _complete(rest: list[str]) -> list[str]:
    if not rest:
        return rest
    rest = [ALIASES.get(rest[0], rest[0]), *rest[1:]]
    bare = BARE.get(rest[0])
    if bare and (len(rest) == 1 or (rest[1].startswith("-") and rest[1] not in ("--help", "-h"))):
        rest.insert(1, bare)
    return rest
