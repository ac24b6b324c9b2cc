"""The settings' own descriptions as files: ``config/*.toml``, ``config/*.env.example`` and the manual page.

``python -m tradectl.settings.document DIRECTORY`` writes the files; a test fails when they differ.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from tradectl.settings.load import SECRETS, rule_of
from tradectl.settings.sections import FILES, SECTIONS, SETTINGS, Setting
from tradectl.settings.values import as_text, as_toml

ABOUT: dict[str, str] = {
    "app": "The program itself: log, journal, database.",
    "api": "The REST gateway.",
    "trading": "What is traded, where, and within which limits; the sandbox.",
    "ai": "Models and predictions. Nothing can be set here yet.",
}
_STRATEGIES = """\
# Strategy instances: each has a name of its own, a class (a built-in's name, or a class of yours in
# trading.strategies_dir), a part of equity as its capital, and its class's parameters. Without any, the sandbox mode
# runs `ema_cross` and every other mode runs none.
#
# [[strategies]]
# name = "ema_fast"
# class = "ema_cross"
# category = "linear"
# capital = 0.10
# enabled = true
# max_intents_per_minute = 1200
# params = { symbol = "BTCUSDT", interval = "1m", fast = 10, slow = 30 }
"""
_UNIVERSES = """\
#
# Universes: named lists of symbols, chosen from the day's tickers every refresh_minutes, highest turnover first. A
# strategy trades one with a parameter such as symbols = "universe:liquid"; a symbol that leaves takes no new entries.
# turnover is in quote coin per day, max_spread a fraction of the price, volatility the day's high / low - 1; 0 is no
# limit; deny wins over allow.
#
# [[universes]]
# name = "liquid"
# category = "linear"
# quote_coin = "USDT"
# min_turnover = 50000000
# min_age_days = 90
# max_spread = 0.001
# min_volatility = 0.01
# max_volatility = 0.5
# allow = ["*USDT"]
# deny = ["USDC*", "1000*"]
# max_members = 20
# refresh_minutes = 60
"""
_LIMITS = """\
#
# Limits of a scope, which may only narrow those of [risk]: strategy:NAME, strategy:* (every strategy without limits of
# its own), symbol:SYMBOL or group:NAME. Groups are symbols that move together.
#
# [[groups]]
# name = "majors"
# symbols = ["BTC*", "ETH*"]
#
# [[limits]]
# scope = "group:majors"
# gross_share = 0.5
#
# [[limits]]
# scope = "strategy:ema_fast"
# day_loss_share = 0.01
# losing_streak = 5
"""


def settings_of(section: str) -> Iterator[Setting]:
    return (setting for setting in SETTINGS.values() if setting.section == section)


def _comment(setting: Setting) -> str:
    text = setting.description[:1].upper() + setting.description[1:]
    return f"{text}: {rule_of(setting)}."


def toml_text(name: str) -> str:
    """The content of ``config/NAME.toml``: every setting of the file with its description, rule and default."""
    lines = [f"# {ABOUT[name]}", "# Every setting with its default; a line left out means the default.", ""]
    for section in (section for section in SECTIONS if section.file == name):
        lines += [f"# {section.about}", f"[{section.name}]"]
        for setting in settings_of(section.name):
            lines += [f"# {_comment(setting)}", f"{setting.key.partition('.')[2]} = {as_toml(setting.default)}"]
        lines.append("")
    if name == "trading":
        lines += [*_STRATEGIES.splitlines(), *_UNIVERSES.splitlines(), *_LIMITS.splitlines()]
    return "\n".join(lines).rstrip() + "\n"


def env_text(name: str) -> str:
    """The content of ``config/NAME.env.example``: the same settings as environment variables."""
    lines = [f"# {ABOUT[name]}", f"# The same settings as in {name}.toml; this file overrides it.", ""]
    for section in (section for section in SECTIONS if section.file == name):
        lines += [f"# {section.about}"]
        lines += [f"{setting.variable}={as_text(setting.default)}" for setting in settings_of(section.name)]
        lines.append("")
    if name == "app":
        lines += ["# The exchange key. The file must be readable by you alone (chmod 600)."]
        lines += [f"# {secret}=" for secret in SECRETS]
    return "\n".join(lines).rstrip() + "\n"


def files() -> dict[str, str]:
    """Every generated file by name."""
    found = {f"{name}.toml": toml_text(name) for name in FILES}
    return found | {f"{name}.env.example": env_text(name) for name in FILES}


def main(directory: str) -> None:
    """Write the files."""
    for name, text in files().items():
        Path(directory, name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
