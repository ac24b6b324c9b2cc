"""Who is compared: each with its script, what must be installed for it, and what is known of how it differs."""

from msgspec import Struct

#: Kinds of sizes: one coin for each entry, or a share of equity in whole lots.
COIN, SHARE = "one coin", "share of equity"


class Peer(Struct, frozen=True):
    """``needs`` is what pip is asked for, empty for the project's own Python; ``oldest`` the Python that takes it.

    ``words`` follow the script's usual arguments. ``quirk`` says what is known to make its trades differ.
    """

    name: str
    size: str
    script: str
    words: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    oldest: tuple[int, int] = (3, 11)
    newest: tuple[int, int] = (3, 99)
    environment: str = ""
    quirk: str = ""


BACKTESTING = ("backtesting", "numpy")
VECTORBT = ("vectorbt", "numpy")
VECTORBT_RUST = ("vectorbt[rust]", "numpy")
FREQTRADE = ("freqtrade", "numpy")
NAUTILUS = ("nautilus_trader>=2.0.0rc1", "numpy")

#: The first of each size is what the others are held against.
PEERS = (
    Peer("bare loop", COIN, "bare_loop.py"),
    Peer("tradectl events", COIN, "tradectl_events.py"),
    Peer(
        "backtesting.py", COIN, "backtesting_py.py", (), BACKTESTING, environment="backtesting",
        quirk="an order of the last candle is never filled: it would be at the step after it",
    ),
    Peer("vectorbt", COIN, "vectorbt_signals.py", (), VECTORBT, newest=(3, 13), environment="vectorbt"),
    Peer(
        "NautilusTrader 2", COIN, "nautilus.py", (), NAUTILUS, (3, 12), environment="nautilus",
        quirk="a quarter of a candle's volume is for sale at its close, the rest of an order trades a tick worse",
    ),
    Peer(
        "freqtrade", COIN, "freqtrade_bt.py", (), FREQTRADE, newest=(3, 13), environment="freqtrade",
        quirk="it trades at the open of the next candle, and the last candle has none",
    ),
    Peer("bare loop, share", SHARE, "bare_loop.py", ("share",)),
    Peer("tradectl events, share", SHARE, "tradectl_events.py", ("share",)),
    Peer("tradectl backtest, built-in strategy", SHARE, "tradectl_whole.py"),
    Peer("tradectl arrays", SHARE, "tradectl_arrays.py"),
    Peer(
        "vectorbt, share", SHARE, "vectorbt_signals.py", ("share",), VECTORBT, newest=(3, 13), environment="vectorbt"
    ),
    Peer(
        "vectorbt with Rust, share", SHARE, "vectorbt_signals.py", ("share",), VECTORBT_RUST, newest=(3, 13),
        environment="vectorbt-rust",
    ),
)  # fmt: skip


class Bar(Struct, frozen=True):
    """A goal: ``ours`` at least ``times`` as fast as ``peer``."""

    ours: str
    peer: str
    times: float


BARS = (
    Bar("tradectl events", "backtesting.py", 8),
    Bar("tradectl events", "NautilusTrader 2", 6),
    Bar("tradectl backtest, built-in strategy", "backtesting.py", 8),
    Bar("tradectl backtest, built-in strategy", "NautilusTrader 2", 6),
    Bar("tradectl arrays", "vectorbt, share", 20),
)
#: The most memory one of our runs may take, MB.
MOST_MB = 250
