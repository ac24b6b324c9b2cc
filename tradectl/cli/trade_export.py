"""``trades export``: every fill as a CSV row with fees, funding, cost basis and gain, for accountants and notebooks."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from tradectl.cli.words import UsageError
from tradectl.model.commands import ExecutionBooked
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import ZERO, plain, use_exact_context
from tradectl.model.orders import Execution, Side
from tradectl.performance.fills import Fill, PriceOf, fill_of, in_order
from tradectl.performance.lots import Basis, CostBasis, Disposal

Row = dict[str, Any]
COLUMNS = (
    "time", "id", "strategy", "category", "symbol", "side", "type", "qty", "price", "value", "fee", "fee_coin",
    "funding", "realised", "acquired", "closed_qty", "cost_basis", "proceeds", "gain", "currency", "order_id",
)  # fmt: skip


class Rates:
    """What one unit of the settle coin was worth in another currency, by UTC date: CSV with ``date`` and ``rate``."""

    def __init__(self, path: Path | None) -> None:
        self._rates = {} if path is None else _read(path)

    def at(self, moment: int) -> Decimal:
        """The rate of the moment's day, else of the last day before it. Raises ``UsageError`` when there is none."""
        if not self._rates:
            return Decimal(1)
        day = _moment(moment).strftime("%Y-%m-%d")
        known = [date for date in self._rates if date <= day]
        if not known:
            raise UsageError(f"--rates has no rate on or before {day}: add the day to the file")
        return self._rates[max(known)]


def _read(path: Path) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    try:
        with path.open(newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                found[_date(row["date"])] = _positive(row["rate"], path, number)
    except OSError as error:
        raise UsageError(f"--rates {path}: {error.strerror}") from None
    except (KeyError, ValueError, TypeError):
        raise UsageError(f"--rates {path}: a CSV file with the columns date (2026-11-22) and rate is needed") from None
    if not found:
        raise UsageError(f"--rates {path} holds no rates")
    return found


def _date(text: str) -> str:
    return datetime.strptime(text, "%Y-%m-%d").strftime("%Y-%m-%d")


def _positive(text: str, path: Path, line: int) -> Decimal:
    try:
        value = Decimal(text)
    except ArithmeticError:
        value = ZERO
    if not value.is_finite() or value <= 0:
        raise UsageError(f"--rates {path}, line {line}: rate is {text!r}, which is not a number above 0")
    return value


def write(rows: Iterator[Row], out: TextIO, basis: Basis, currency: str, rates: Rates, begin: int) -> int:
    """Write the fills from ``begin`` (nanoseconds) on; earlier ones only make the lots. Returns how many."""
    use_exact_context()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    raw = {row["id"]: row for row in sorted(rows, key=lambda it: (it["at"], it["id"]))}
    known: dict[str, list[tuple[int, Decimal]]] = {}
    fills = in_order(fill_of(_booked(row), _last_price(raw, known)) for row in raw.values())
    book = CostBasis(basis, lambda fill: rates.at(fill.at))
    count = 0
    for fill in fills:
        closed = book.disposals([fill])
        if fill.at >= begin:
            table.writerow(_line(raw[fill.id], fill, closed, currency, rates.at(fill.at)))
            count += 1
    return count


def _line(row: Row, fill: Fill, closed: list[Disposal], currency: str, rate: Decimal) -> list[str]:
    ends = {"closed_qty": "qty", "cost_basis": "cost", "proceeds": "proceeds", "gain": "gain"}
    sums = {name: plain(sum((getattr(d, of) for d in closed), ZERO)) if closed else "" for name, of in ends.items()}
    values = {
        "time": _moment(fill.at).isoformat(), "id": fill.id, "strategy": fill.strategy, "category": row["category"],
        "symbol": row["symbol"], "side": row["side"], "type": row["type"], "qty": _text(row["qty"]),
        "price": _text(row["price"]), "value": plain(abs(fill.value) * rate), "fee": _text(row["fee"]),
        "fee_coin": row["fee_coin"], "funding": plain(fill.funding * rate), "realised": plain(fill.realised * rate),
        "acquired": _moment(closed[0].acquired).isoformat() if closed else "", "currency": currency,
        "order_id": row["order_id"], **sums,
    }  # fmt: skip
    return [values[name] for name in COLUMNS]


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at // 10**9, UTC)


def _text(value: Any) -> str:
    return plain(Decimal(str(value)))


def _booked(row: Row) -> ExecutionBooked:
    """The record behind a row of ``trades list``."""

    def number(name: str) -> Decimal:
        return Decimal(str(row[name]))

    arrival = None if row.get("arrival") is None else number("arrival")
    done = Execution(
        row["id"], InstrumentId(Category(row["category"]), row["symbol"]), row["order_id"], row["link_id"],
        Side(row["side"]), number("price"), number("qty"), number("value"), number("fee"), row["fee_coin"],
        bool(row["maker"]), int(row["at"]), row["type"],
    )  # fmt: skip
    return ExecutionBooked(done.ts, done, row["strategy"], 0, number("realised"), number("position"), arrival)


def _last_price(raw: dict[str, Row], known: dict[str, list[tuple[int, Decimal]]]) -> PriceOf:
    """The price of a coin from our own fills of its pair, the last one before the moment, else the first."""

    def price(coin: str, moment: int) -> Decimal | None:
        if coin not in known:
            pair = sorted(
                (int(row["at"]), Decimal(str(row["price"])))
                for row in raw.values() if row["symbol"] in (f"{coin}USDT", f"{coin}USDC")
            )  # fmt: skip
            known[coin] = pair
        before = [found for at, found in known[coin] if at <= moment]
        return before[-1] if before else known[coin][0][1] if known[coin] else None

    return price
