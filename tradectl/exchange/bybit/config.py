"""What the Bybit connector must be told. The daemon fills it from the settings; the connector reads nothing else."""

from decimal import Decimal
from enum import Enum

from msgspec import Struct

from tradectl.model.instruments import Category, InstrumentId


class Environment(str, Enum):
    """Which Bybit: a key belongs to exactly one of them (bybit-v5 1)."""

    MAINNET = "mainnet"
    TESTNET = "testnet"
    DEMO = "demo"
    SANDBOX = "sandbox"


class Site(str, Enum):
    """The host family an account belongs to; ``bytick`` is mainnet's fallback name (bybit-v5 1)."""

    BYBIT = "bybit"
    BYTICK = "bytick"
    NL = "nl"
    TR = "tr"
    KZ = "kz"
    GEORGIA = "georgia"
    AE = "ae"
    EU = "eu"
    ID = "id"
    MANEPA = "manepa"


class TransportName(str, Enum):
    """The WebSocket library behind the streams."""

    PICOWS = "picows"
    WEBSOCKETS = "websockets"


class MarginMode(str, Enum):
    """The account-wide margin mode, in the venue's words."""

    ISOLATED = "ISOLATED_MARGIN"
    CROSS = "REGULAR_MARGIN"
    PORTFOLIO = "PORTFOLIO_MARGIN"


class PositionMode(str, Enum):
    """One net position per symbol, or a long and a short side each. Only USDT perpetuals can hedge (bybit-v5 6.3)."""

    ONE_WAY = "one_way"
    HEDGE = "hedge"


class StaleLimits(Struct, frozen=True):
    """After how many seconds of silence a subscribed topic is doubted, by kind; 0 never.

    Wall time: set all to 0 for a stepped sandbox, whose market waits for the daemon. Trades may be silent for long
    on a quiet market, so they are never doubted by default.
    """

    quotes: float = 30.0
    book: float = 60.0
    ticker: float = 60.0
    bars: float = 150.0
    trades: float = 0.0

    def of(self, kind: str) -> float:
        """The limit of a ``MarketKey`` kind in seconds; 0 for an unknown kind."""
        return float(getattr(self, kind, 0.0))


class Credentials(Struct, frozen=True):
    """An API key. ``secret`` is an HMAC secret, or a PEM private key of a self-generated RSA key."""

    key: str
    secret: str

    @property
    def is_rsa(self) -> bool:
        return self.secret.lstrip().startswith("-----BEGIN")

    def __repr__(self) -> str:
        return f"Credentials(key={self.key[:4]}..., secret=redacted)"

    __str__ = __repr__


class BybitConfig(Struct, frozen=True):
    """How to reach the venue, and what the account must look like. Durations are seconds.

    ``rest_base`` and ``ws_base`` (``http://host:port``, ``ws://host:port``) replace the site's hosts; the sandbox
    needs ``rest_base``, and its ``ws_base`` follows from it when empty. ``leverage`` and the modes are what the
    settings declare; they are applied at :meth:`BybitConnector.open` and checked again. ``margin_mode`` or
    ``position_mode`` ``None`` leaves the account as it is; hedge mode is asked only of symbols that can hedge.
    """

    environment: Environment = Environment.SANDBOX
    site: Site = Site.BYBIT
    rest_base: str = ""
    ws_base: str = ""
    transport: TransportName = TransportName.PICOWS
    categories: tuple[Category, ...] = (Category.LINEAR,)
    settle_coins: tuple[str, ...] = ("USDT",)
    leverage: dict[InstrumentId, Decimal] = {}
    margin_mode: MarginMode | None = MarginMode.CROSS
    position_mode: PositionMode | None = PositionMode.ONE_WAY
    #: Milliseconds a signed request stays valid after its timestamp.
    recv_window: int = 5000
    ping_interval: float = 20.0
    #: A socket without any frame for this long (a pong counts) is dead.
    silence_limit: float = 45.0
    stale: StaleLimits = StaleLimits()
    connect_timeout: float = 10.0
    #: An order request without an answer for this long is answered with code -1, reaction reconcile.
    answer_timeout: float = 5.0
    reconnect_first: float = 0.2
    reconnect_longest: float = 20.0
    rest_pool: int = 4
    rest_timeout: float = 10.0
    #: How often a read is tried before its error is reported.
    read_attempts: int = 4
    reference_ttl: float = 6 * 3600.0
    clock_interval: float = 60.0
    #: Beyond this distance between our clock and the venue's, ``ClockChecked.ok`` is false.
    clock_limit: float = 1.0
    #: A candle that ended less than this ago may still change; it is read again before it counts as closed.
    bar_margin: float = 1.0
    #: Closed candles kept per instrument and interval for :meth:`BybitConnector.bars`.
    bars_kept: int = 300
    #: Proxy URL; empty takes ``HTTPS_PROXY`` from the environment, except for the sandbox.
    proxy: str = ""
    #: PEM file of an extra certificate authority (a sandbox with TLS).
    ca_file: str = ""

    @property
    def has_trade_socket(self) -> bool:
        """Whether orders go over the trade WebSocket: everywhere but demo (bybit-v5 1)."""
        return self.environment is not Environment.DEMO

    @property
    def batching(self) -> frozenset[Category]:
        """Categories whose orders may go in batches: demo has that for linear and option only (bybit-v5 1)."""
        if self.environment is Environment.DEMO:
            return frozenset({Category.LINEAR, Category.OPTION})
        return frozenset(Category)
