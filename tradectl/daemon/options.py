"""What the daemon is started with; the CLI passes these on."""

import argparse

from msgspec import Struct


class Options(Struct, frozen=True):
    """``ready_fd`` receives one JSON line when the daemon trades, or says why it does not; -1 for none."""

    state: str
    profile: str = "default"
    config: str = ""
    mode: str = ""
    ready_fd: int = -1
    debug: bool = False
    foreground: bool = False
    children: bool = True


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line of ``python -m tradectl.daemon``."""
    parser = argparse.ArgumentParser(prog="python -m tradectl.daemon", description="The trading daemon.")
    parser.add_argument("--state", required=True, help="state directory")
    parser.add_argument("--profile", default="default", help="name of the profile, for messages")
    parser.add_argument("--config", default="", help="directory of the settings files")
    parser.add_argument("--mode", default="", help="overrides trading.mode")
    parser.add_argument("--ready-fd", type=int, default=-1, help="descriptor for the line that says how the start went")
    parser.add_argument("--debug", action="store_true", help="log level debug")
    parser.add_argument("--foreground", action="store_true", help="log to the terminal as well")
    parser.add_argument("--no-children", action="store_true", help="start neither store nor api (systemd does)")
    a = parser.parse_args(arguments)
    return Options(
        a.state, a.profile, a.config, a.mode, a.ready_fd, a.debug, a.foreground or a.ready_fd < 0, not a.no_children
    )
