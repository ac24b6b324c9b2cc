"""A folder of candles of several symbols, generated or real, in the form a sandbox replays."""

import csv
import gzip
import io
import random
from pathlib import Path

MINUTE = 60_000
START = 1_748_736_000_000  # 2025-06-01 00:00 UTC, in milliseconds
#: First price, decimals of price, decimals of volume, deviation of a minute's return.
SYMBOLS = {
    "BTCUSDT": (105_000.0, 1, 3, 0.0006), "ETHUSDT": (2_500.0, 2, 2, 0.0008),
    "SOLUSDT": (155.0, 2, 1, 0.0010), "DOGEUSDT": (0.192, 5, 0, 0.0011),
}  # fmt: skip
#: The share of a common wind in every symbol's return.
COMMON = 0.6


def generated_market(folder: Path, bars: int, seed: int = 11, base_rate: float = 0.0003) -> Path:
    """Trends, ranges and storms in turn, shared in part by all symbols; spot BTC beside its perpetual; rates that pay
    the short side mostly."""
    folder.mkdir(parents=True)
    dice = random.Random(seed)
    winds = _winds(dice, bars)
    for symbol, facts in SYMBOLS.items():
        rows = _rows(random.Random(f"{seed}{symbol}"), winds, *facts)
        write_candles(folder / f"linear_{symbol}.csv.gz", rows)
        if symbol == "BTCUSDT":
            write_candles(folder / "spot_BTCUSDT.csv.gz", [below(row) for row in rows])
    write_rates(folder / "funding_BTCUSDT.csv", dice, bars, base_rate)
    return folder


def write_rates(path: Path, dice: random.Random, bars: int, base_rate: float) -> None:
    """A rate every eight hours around ``base_rate``; the first day pays, so that a short market has both."""
    times = range(START, START + (bars + 960) * MINUTE, 480 * MINUTE)
    rates = [base_rate if n < 3 else base_rate * dice.uniform(-0.4, 1.6) for n, _ in enumerate(times)]
    lines = [f"{at},{rate:.8f}" for at, rate in zip(times, rates, strict=True)]
    path.write_text("timestamp,funding_rate\n" + "\n".join(lines) + "\n")


def _winds(dice: random.Random, bars: int) -> list[tuple[float, float]]:
    """For each minute the common return and how strong the weather is; a regime lasts one to five hours."""
    found: list[tuple[float, float]] = []
    while len(found) < bars:
        drift, strength = dice.choice(((0.35, 1.0), (-0.35, 1.0), (0.0, 0.7), (0.0, 1.8)))
        found += [(drift + dice.gauss(0, 1), strength) for _ in range(dice.randint(60, 300))]
    return found[:bars]


def _rows(
    dice: random.Random, winds: list[tuple[float, float]], price: float, digits: int, lots: int, deviation: float
) -> list[list[str]]:
    rows = []
    for n, (wind, strength) in enumerate(winds):
        move = deviation * strength * (COMMON * wind + (1 - COMMON**2) ** 0.5 * dice.gauss(0, 1))
        close = price * (1 + move)
        reach = price * deviation * strength * 0.4
        high, low = max(price, close) + dice.random() * reach, min(price, close) - dice.random() * reach
        volume = 4_000_000 / price * dice.uniform(0.2, 2)
        numbers = [f"{round(p, digits):.{digits}f}" for p in (price, high, low, close)]
        rows.append([str(START + n * MINUTE), *numbers, f"{volume:.{lots}f}"])
        price = round(close, digits)
    return rows


def below(row: list[str]) -> list[str]:
    """The spot pair's candle: as the perpetual's, a little lower."""
    return [row[0], *(f"{float(price) * 0.9995:.1f}" for price in row[1:5]), row[5]]


def write_candles(path: Path, rows: list[list[str]]) -> None:
    """A candle file; the same bytes for the same rows."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["timestamp", "open", "high", "low", "close", "volume"], *rows])
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def real_market(folder: Path, data: Path, bars: int = 0) -> Path:
    """The recorded month of four perpetuals, the first ``bars`` minutes of it (0: all). The spot pair is made from the
    perpetual, for want of a recording; rates are the recorded ones."""
    folder.mkdir(parents=True)
    for symbol in SYMBOLS:
        with gzip.open(data / "candles" / f"bybit_linear_{symbol}_1m_2025-06.csv.gz", "rt") as file:
            rows = list(csv.reader(file))[1:]
        rows = rows[:bars] if bars else rows
        write_candles(folder / f"linear_{symbol}.csv.gz", rows)
        if symbol == "BTCUSDT":
            write_candles(folder / "spot_BTCUSDT.csv.gz", [below(row) for row in rows])
    for symbol in ("BTCUSDT", "ETHUSDT"):
        rates = data / "funding" / f"bybit_{symbol}_funding_2023-12_2025-09.csv"
        (folder / f"funding_{symbol}.csv").write_bytes(rates.read_bytes())
    return folder


def candles_of(folder: Path) -> dict[str, list[int]]:
    """Open times (milliseconds) of every candle file of a folder, by its name without endings."""
    found = {}
    for path in sorted(folder.glob("*_*.csv.gz")):
        with gzip.open(path, "rt") as file:
            found[path.name.removesuffix(".csv.gz")] = [int(row[0]) for row in list(csv.reader(file))[1:]]
    return found
