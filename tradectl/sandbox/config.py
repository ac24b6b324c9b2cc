"""What a sandbox is started with: its listener, its accounts, its market and its clock."""

from decimal import Decimal
from pathlib import Path

from msgspec import Struct, field

from tradectl.sandbox.market.settings import VenueConfig

DEFAULT_FUNDS: dict[str, Decimal] = {"USDT": Decimal(100_000), "BTC": Decimal(1)}
DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


class SandboxAccount(Struct, frozen=True):
    """An account and the one API key that opens it; ``secret`` never appears in its ``repr``.

    A ``read_only`` key is refused writes (10005); ``ips`` limits the peers it serves (10010), empty for any.
    """

    key: str
    secret: str
    uid: str
    read_only: bool = False
    ips: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"SandboxAccount(key={self.key!r}, secret='***', uid={self.uid!r})"


class SandboxConfig(Struct, frozen=True):
    """Everything a sandbox needs, once. Paths are text, empty for "none"; amounts are in the coin named."""

    # listener
    host: str = "127.0.0.1"  # address to listen on; the control path serves loopback peers alone
    port: int = 0  # TCP port, 0 takes a free one
    tls: bool = False  # also listen with TLS, on tls_port
    tls_port: int = 0  # TCP port of the TLS listener, 0 takes a free one
    tls_cert: str = ""  # PEM file of the certificate chain; empty makes a private CA under the state directory
    tls_key: str = ""  # PEM file of the key that belongs to tls_cert

    # accounts
    accounts: tuple[SandboxAccount, ...] = ()
    fund: dict[str, Decimal] = field(default_factory=lambda: dict(DEFAULT_FUNDS))  # what a new account starts with

    hedge: bool = False  # new accounts hold both sides of USDT perpetuals apart

    # market: replayed when data is given, generated otherwise
    data: str = ""  # file of candles or trades to replay, or folder of candle files (folder_replay.py)
    category: str = "linear"  # product of the replayed file: spot or linear
    symbol: str = "BTCUSDT"  # instrument of the replayed file
    interval: str = "1m"  # length of the replayed candles
    funding: str = ""  # file of funding rates; without it a replay pays none
    seed: int = 1  # of the generated market
    symbols: tuple[str, ...] = DEFAULT_SYMBOLS  # of the generated market, each as spot and linear; BTCUSD as inverse
    backfill: int | None = None  # closed candles before the first live one; None: 300, or 0 for a stepped replay

    # clock
    stepped: bool = False  # the market moves only in lock-step with an attached control client
    speed: float = 1.0  # venue seconds per wall second; ignored when stepped

    # memory
    state: str = ""  # directory that keeps accounts, orders and the venue clock; empty keeps them in memory

    # wire behaviour
    ack_delay_ms: float = 20.0  # WebSocket acknowledgements wait this long (bybit-v5 A.4 2); off when stepped
    ip_limit: int = 0  # HTTP requests per five seconds and peer address before 403; 0 is off, Bybit has 600
    ip_ban_seconds: float = 600.0  # how long a peer over ip_limit is answered 403
    max_body: int = 1 << 20  # bytes of one request body or WebSocket message
    max_head: int = 16 << 10  # bytes of one request line with its headers
    request_seconds: float = 10.0  # a request that takes longer to arrive is closed
    idle_seconds: float = 600.0  # a socket without any frame for this long is closed
    client_buffer: int = 8 << 20  # bytes waiting for a slow client before it is disconnected

    @property
    def venue(self) -> VenueConfig:
        """The part of it that makes the market and its memory."""
        return VenueConfig(
            state=Path(self.state) if self.state else None,
            data=Path(self.data) if self.data else None,
            category=self.category,
            symbol=self.symbol,
            interval=self.interval,
            funding=Path(self.funding) if self.funding else None,
            speed=None if self.stepped else self.speed,
            seed=self.seed,
            symbols=self.symbols,
            backfill=self.backfill,
        )

    @property
    def ack_delay(self) -> float:
        """Seconds a WebSocket acknowledgement waits: 0 when stepped."""
        return 0.0 if self.stepped else self.ack_delay_ms / 1000
