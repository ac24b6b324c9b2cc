"""What the generated market knows of each base coin, and which symbols it trades."""

from datetime import UTC, datetime

from msgspec import Struct

from tradectl.model.errors import ErrorCode, Problem

#: Base coins with an inverse perpetual.
INVERSE = ("BTC", "ETH")


class Spec(Struct, frozen=True):
    """A base coin quoted in USDT: where its generated price starts and its filters. Sizes are in base coin.

    ``volatility`` is the standard deviation of a one-minute return, ``volume`` the median of a minute, ``launched`` the
    day trading began and ``spread`` the usual distance between bid and ask in ticks.
    """

    price: str
    tick: str
    lot: str
    max_limit: str
    max_market: str
    leverage: str
    spot_tick: str
    spot_lot: str
    spot_max: str
    volatility: float
    volume: float
    launched: str
    spread: int = 1


SPECS: dict[str, Spec] = {
    "BTC": Spec("87500", "0.1", "0.001", "1190", "500", "100", "0.1", "0.000001", "83",
                0.0006, 45.0, "2020-03-30", 1),
    "ETH": Spec("2950", "0.01", "0.01", "7240", "2000", "100", "0.01", "0.00001", "1230",
                0.0008, 700.0, "2020-10-21", 1),
    "SOL": Spec("128", "0.01", "0.1", "79000", "14000", "100", "0.01", "0.001", "20000",
                0.001, 9000.0, "2021-10-15", 1),
    "XRP": Spec("1.95", "0.0001", "0.1", "5000000", "1000000", "75", "0.0001", "0.01", "1500000",
                0.001, 250000.0, "2021-05-13", 1),
    "DOGE": Spec("0.135", "0.00001", "1", "55000000", "9000000", "75", "0.00001", "0.1", "15000000",
                 0.0011, 2000000.0, "2021-06-02", 1),
    "BNB": Spec("850", "0.1", "0.01", "2500", "500", "75", "0.1", "0.0001", "1000",
                0.0007, 60.0, "2021-06-29", 2),
    "ADA": Spec("0.38", "0.0001", "1", "9000000", "2000000", "75", "0.0001", "0.01", "2500000",
                0.0011, 500000.0, "2021-01-11", 1),
    "LINK": Spec("12.5", "0.001", "0.1", "250000", "50000", "50", "0.001", "0.001", "80000",
                 0.0011, 8000.0, "2020-10-21", 3),
    "LTC": Spec("78", "0.01", "0.1", "60000", "10000", "50", "0.01", "0.00001", "15000",
                0.0009, 1500.0, "2021-01-18", 2),
    "AVAX": Spec("12.4", "0.001", "0.1", "250000", "50000", "50", "0.001", "0.001", "80000",
                 0.0012, 6000.0, "2021-09-13", 4),
    "DOT": Spec("1.85", "0.0001", "0.1", "1500000", "300000", "50", "0.0001", "0.001", "500000",
                0.0011, 40000.0, "2025-09-01", 2),
    "SUI": Spec("1.42", "0.0001", "1", "2500000", "500000", "50", "0.0001", "0.01", "800000",
                0.0013, 90000.0, "2025-12-20", 6),
}  # fmt: skip


def base_of(symbol: str) -> str:
    """The base coin of a generated symbol: BTC of ``BTCUSDT`` and of ``BTCUSD``, the inverse contract. Raises
    ``Problem`` naming the known symbols."""
    base = symbol.removesuffix("T").removesuffix("USD")
    if base not in SPECS or symbol not in (f"{base}USDT", *(f"{coin}USD" for coin in INVERSE)):
        known = ", ".join([*(f"{name}USDT" for name in SPECS), *(f"{name}USD" for name in INVERSE)])
        raise Problem(
            ErrorCode.UNKNOWN_SYMBOL,
            f"The generated market has no symbol {symbol!r}",
            field="symbols",
            reason=f"it knows {known}",
            remedy="Choose among these, or replay a file with --data",
        )
    return base


def spec_of(symbol: str) -> Spec:
    """The specification behind a generated symbol; raises as :func:`base_of`."""
    return SPECS[base_of(symbol)]


def launch_time(day: str) -> int:
    """Midnight UTC of an ISO day in nanoseconds."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000_000
