"""The sections of the settings: which struct of which room each is, in which file it stands, and what it is for."""

from decimal import Decimal
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct

from tradectl.api.config import ApiConfig
from tradectl.engine.config import AllocationConfig, QueueLimits, RiskLimits
from tradectl.exchange.bybit.config import BybitConfig
from tradectl.journal.config import JournalConfig
from tradectl.model.instruments import Category
from tradectl.sandbox.config import SandboxConfig
from tradectl.settings.descriptions import DESCRIPTIONS
from tradectl.simulation.config import PaperConfig
from tradectl.storage.config import StoreConfig

Mode = Literal["sandbox", "paper", "demo", "testnet", "live"]


class AppSettings(Struct, frozen=True, kw_only=True):
    """The program itself."""

    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="least severe message that is logged; LOG_LEVEL and --debug override it"),
    ] = "info"
    environment: Annotated[
        Literal["development", "production"],
        Meta(description="strictness of the deployment: production logs JSON and insists on file modes"),
    ] = "development"


class TradingSettings(Struct, frozen=True, kw_only=True):
    """What is traded, where, and how strictly the books are compared."""

    mode: Annotated[Mode, Meta(description="where orders go; --mode overrides it")] = "sandbox"
    default_category: Annotated[Category, Meta(description="product family of a symbol that is named without one")] = (
        Category.LINEAR
    )
    settle_coin: Annotated[str, Meta(description="coin in which equity, limits and profit are counted")] = "USDT"
    tolerance: Annotated[
        Decimal,
        Meta(ge=0, description="difference to the venue that is still agreement", extra={"unit": "settle coin"}),
    ] = Decimal(0)
    leverage: Annotated[
        dict[str, Decimal],
        Meta(description="leverage set at the venue, by symbol; risk.leverage holds for the others"),
    ] = {}
    strategies_dir: Annotated[
        str, Meta(description="folder of your own strategies; empty for `strategies` beside the settings")
    ] = ""
    strategy_callback_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=60_000,
            description="a strategy that takes longer for one callback is stopped; 0 for no limit",
            extra={"unit": "ms"},
        ),
    ] = 1000
    strategy_deadline_s: Annotated[
        int,
        Meta(
            ge=0,
            le=3600,
            description="a daemon that hangs this long inside a callback ends itself; 0 for never",
            extra={"unit": "s"},
        ),
    ] = 20
    equity_every_s: Annotated[
        int, Meta(ge=1, le=86400, description="how often equity is recorded", extra={"unit": "s"})
    ] = 300
    audit_every_s: Annotated[
        int, Meta(ge=5, le=86400, description="how often the books are compared with the venue", extra={"unit": "s"})
    ] = 60


class Section(Struct, frozen=True):
    """One section: ``default`` is an instance of the room's struct, ``hidden`` are fields no setting sets."""

    name: str
    file: str
    default: Struct
    about: str
    hidden: frozenset[str] = frozenset()


SECTIONS: tuple[Section, ...] = (
    Section("app", "app", AppSettings(), "The program itself."),
    Section("journal", "app", JournalConfig(), "The append-only record of everything."),
    Section("store", "app", StoreConfig(), "The database the journal is projected into."),
    Section("api", "api", ApiConfig(), "The REST gateway."),
    Section("trading", "trading", TradingSettings(), "What is traded and where."),
    Section(
        "exchange",
        "trading",
        BybitConfig(),
        "How the venue is reached, and what the account must look like.",
        frozenset({"environment", "leverage", "categories", "settle_coins"}),
    ),
    Section("risk", "trading", RiskLimits(), "Limits on orders, positions and losses."),
    Section("allocation", "trading", AllocationConfig(), "How equity is shared among the strategies."),
    Section("queue", "trading", QueueLimits(), "Budgets of the order queue."),
    Section(
        "sandbox",
        "trading",
        SandboxConfig(speed=60.0),
        "The venue the sandbox mode starts.",
        frozenset({"accounts", "state", "tls", "tls_port", "tls_cert", "tls_key"}),
    ),
    Section("paper", "trading", PaperConfig(), "The account of mode paper, which trades in process."),
)
FILES: tuple[str, ...] = ("app", "api", "trading", "ai")
BY_NAME: dict[str, Section] = {section.name: section for section in SECTIONS}


class Setting(Struct, frozen=True):
    """One documented setting: ``key`` is ``section.name`` (or ``section.table.name``)."""

    key: str
    hint: Any
    default: Any
    description: str
    unit: str = ""

    @property
    def section(self) -> str:
        return self.key.partition(".")[0]

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return "TRADECTL_" + self.key.replace(".", "_").upper()


def _settings_of(prefix: str, default: Struct, hidden: frozenset[str]) -> list[Setting]:
    hints = get_type_hints(type(default), include_extras=True)
    found: list[Setting] = []
    for field in msgspec.structs.fields(default):
        if field.name in hidden:
            continue
        key, value = f"{prefix}.{field.name}", getattr(default, field.name)
        if isinstance(value, Struct):
            found += _settings_of(key, value, frozenset())
            continue
        description, unit = _documented(key, hints[field.name])
        found.append(Setting(key, hints[field.name], value, description, unit))
    return found


def _documented(key: str, hint: Any) -> tuple[str, str]:
    """The text of :data:`DESCRIPTIONS`, else what the room wrote into the type."""
    if key in DESCRIPTIONS:
        return DESCRIPTIONS[key]
    metas = [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, Meta)]
    for meta in metas:
        if meta.description:
            return meta.description, str((meta.extra or {}).get("unit", ""))
    return "", ""


SETTINGS: dict[str, Setting] = {
    setting.key: setting
    for section in SECTIONS
    for setting in _settings_of(section.name, section.default, section.hidden)
}
