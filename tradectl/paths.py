"""Where a profile keeps its things. Plain text paths and only ``os``: ``tradectl status`` imports this.

The state directory is ``$TRADECTL_STATE`` (a named profile in a subdirectory of its own), else
``$XDG_STATE_HOME/tradectl/PROFILE``.
"""

import os

DEFAULT_PROFILE = "default"
_ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
MAX_PROFILE = 32


def is_profile_name(name: str) -> bool:
    """Whether ``name`` may name a profile: 1 to 32 letters, digits, ``-`` and ``_``."""
    return 0 < len(name) <= MAX_PROFILE and _ALLOWED.issuperset(name)


def profile_from(given: str, env: "os._Environ[str] | dict[str, str]" = os.environ) -> str:
    """The profile: as given, else ``$TRADECTL_PROFILE``, else ``default``."""
    return given or env.get("TRADECTL_PROFILE", "") or DEFAULT_PROFILE


class Paths:
    """Every path of one profile, derived from its state directory."""

    __slots__ = ("profile", "state")

    def __init__(self, state: str, profile: str = DEFAULT_PROFILE) -> None:
        self.state = os.path.abspath(os.path.expanduser(state))
        self.profile = profile

    @classmethod
    def of(cls, profile: str = "", env: "os._Environ[str] | dict[str, str]" = os.environ) -> "Paths":
        """The paths of ``profile`` in this environment; :func:`is_profile_name` must hold for it."""
        name = profile_from(profile, env)
        base = env.get("TRADECTL_STATE", "")
        if base:
            return cls(base if name == DEFAULT_PROFILE else os.path.join(base, name), name)
        home = env.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
        return cls(os.path.join(home, "tradectl", name), name)

    @property
    def run(self) -> str:
        """The private directory (0700) of the sockets."""
        return os.path.join(self.state, "run")

    @property
    def daemon_socket(self) -> str:
        return os.path.join(self.run, "daemon.sock")

    @property
    def store_socket(self) -> str:
        return os.path.join(self.run, "store.sock")

    @property
    def api_socket(self) -> str:
        return os.path.join(self.run, "api.sock")

    @property
    def journal(self) -> str:
        """One directory for each run."""
        return os.path.join(self.state, "journal")

    @property
    def research(self) -> str:
        """One directory for each kept backtest, optimisation or walk-forward."""
        return os.path.join(self.state, "research")

    @property
    def database(self) -> str:
        """The default SQLite file."""
        return os.path.join(self.state, "store.db")

    @property
    def paper(self) -> str:
        """The account of mode paper."""
        return os.path.join(self.state, "paper.account")

    @property
    def sandbox(self) -> str:
        """The state of the sandbox the daemon starts."""
        return os.path.join(self.state, "sandbox")

    @property
    def logs(self) -> str:
        return os.path.join(self.state, "logs")

    @property
    def app_log(self) -> str:
        return os.path.join(self.logs, "app.log")

    @property
    def error_log(self) -> str:
        return os.path.join(self.logs, "error.log")

    @property
    def output(self) -> str:
        """What a detached daemon and its children print."""
        return os.path.join(self.logs, "daemon.out")

    @property
    def armed(self) -> str:
        """Its presence lets the profile trade real money."""
        return os.path.join(self.state, "armed.json")

    @property
    def api_token(self) -> str:
        return os.path.join(self.state, "api.token")


def config_directories(given: str = "", env: "os._Environ[str] | dict[str, str]" = os.environ) -> tuple[str, ...]:
    """Where settings are looked for, the first that exists counts: as given (``--config``), else
    ``$TRADECTL_CONFIG``, else ``$XDG_CONFIG_HOME/tradectl``, then ``/etc/tradectl``."""
    chosen = given or env.get("TRADECTL_CONFIG", "")
    if chosen:
        return (os.path.abspath(os.path.expanduser(chosen)),)
    home = env.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return (os.path.join(home, "tradectl"), "/etc/tradectl")


def history_folder(given: str = "", env: "os._Environ[str] | dict[str, str]" = os.environ) -> str:
    """Where market data is kept, shared by all profiles: as given, else ``$TRADECTL_DATA``, else
    ``$XDG_DATA_HOME/tradectl`` (``~/.local/share/tradectl``)."""
    chosen = given or env.get("TRADECTL_DATA", "")
    if not chosen:
        home = env.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
        chosen = os.path.join(home, "tradectl")
    return os.path.abspath(os.path.expanduser(chosen))
