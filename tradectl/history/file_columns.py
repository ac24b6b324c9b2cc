"""Which column of a foreign file is which of ours: by the names venues and exporters use, or as the user maps them."""

import re
from collections.abc import Mapping

from tradectl.history.file_rows import Rows
from tradectl.history.findings import Report
from tradectl.history.series import Kind

_TIME = (
    "timestamp", "open_time", "opentime", "start", "starttime", "start_at", "time", "ts", "datetime", "date", "unix",
    "funding_time", "fundingtime", "fundingratetimestamp", "calc_time", "transact_time", "t",
)  # fmt: skip
_CANDLE = {
    "time": _TIME,
    "open": ("open", "openprice", "open_price", "o"),
    "high": ("high", "highprice", "high_price", "h"),
    "low": ("low", "lowprice", "low_price", "l"),
    "close": ("close", "closeprice", "close_price", "c"),
    "volume": ("volume", "vol", "base_volume", "v"),
    "turnover": ("turnover", "quote_volume", "quote_asset_volume", "quotevolume", "amount"),
}
_ALIASES: dict[Kind, Mapping[str, tuple[str, ...]]] = {
    Kind.CANDLES: _CANDLE,
    Kind.MARK: _CANDLE,
    Kind.INDEX: _CANDLE,
    Kind.FUNDING: {"time": _TIME, "value": ("funding_rate", "fundingrate", "last_funding_rate", "rate")},
    Kind.OPEN_INTEREST: {"time": _TIME, "value": ("open_interest", "openinterest", "sum_open_interest", "oi")},
    Kind.TRADES: {
        "time": _TIME,
        "price": ("price", "p"),
        "size": ("size", "qty", "quantity", "amount", "volume", "q"),
        "side": ("side", "taker_side", "is_buyer_maker", "isbuyermaker", "m"),
    },
    Kind.QUOTES: {
        "time": _TIME,
        "bid": ("bid", "bid_price", "best_bid_price", "best_bid", "bidprice", "bid1price"),
        "bid_size": ("bid_size", "bid_qty", "best_bid_qty", "bid_amount", "bidsize", "bid1size"),
        "ask": ("ask", "ask_price", "best_ask_price", "best_ask", "askprice", "ask1price"),
        "ask_size": ("ask_size", "ask_qty", "best_ask_qty", "ask_amount", "asksize", "ask1size"),
    },
}
#: Fields a file may lack: 0 is then written.
OPTIONAL = {Kind.CANDLES: {"turnover"}, Kind.MARK: {"volume", "turnover"}, Kind.INDEX: {"volume", "turnover"}}
#: Files without a header whose width tells their columns: plain candles, with turnover, and Binance's own.
_BY_WIDTH = {6: 6, 7: 7, 12: 6}
#: What tells the kinds apart when nobody says: their own fields beside the time.
_TELLING = {
    Kind.CANDLES: ("open", "close"),
    Kind.QUOTES: ("bid", "ask"),
    Kind.TRADES: ("price", "side"),
    Kind.FUNDING: ("value",),
    Kind.OPEN_INTEREST: ("value",),
}


def kind_of(report: Report, rows: Rows, given: Kind | None, mapping: Mapping[str, str]) -> Kind:
    """The kind of a file: as given, else by its columns. Raises :class:`Problem` when they do not tell."""
    if given is not None:
        return given
    names = _normal(rows.names)
    for kind, fields in _TELLING.items():
        if all(field in mapping or any(alias in names for alias in _ALIASES[kind][field]) for field in fields):
            return kind
    if not rows.names and rows.width in _BY_WIDTH and not mapping:
        return Kind.CANDLES
    shown = ", ".join(rows.names) if rows.names else f"no header, {rows.width} columns"
    raise report.problem(1, "kind", f"cannot be told from the columns: {shown}", "Say --kind, and --columns")


def places_of(report: Report, rows: Rows, kind: Kind, mapping: Mapping[str, str]) -> dict[str, int]:
    """The position of each of the kind's fields. Raises :class:`Problem` for a missing or unknown one."""
    fields = _ALIASES[kind]
    unknown = [name for name in mapping if name not in fields]
    if unknown:
        rule = f"{unknown[0]!r} is no field of {kind.value}: {', '.join(fields)}"
        raise report.problem(0, "columns", rule, "Write --columns time=0,open=1 with names or positions from 0")
    if not rows.names and not mapping and kind in OPTIONAL and rows.width in _BY_WIDTH:
        return {field: place for place, field in enumerate(fields) if place < _BY_WIDTH[rows.width]}
    names = _normal(rows.names)
    found: dict[str, int] = {}
    for field, aliases in fields.items():
        place = _mapped(report, rows, names, mapping[field]) if field in mapping else _known(names, aliases)
        if place >= 0:
            found[field] = place
        elif field not in OPTIONAL.get(kind, set()):
            shown = ", ".join(rows.names) if rows.names else f"{rows.width} columns without a header"
            raise report.problem(1, field, f"is a missing column; the file has {shown}", f"--columns {field}=NAME")
    return found


def _known(names: list[str], aliases: tuple[str, ...]) -> int:
    return next((names.index(alias) for alias in aliases if alias in names), -1)


def _mapped(report: Report, rows: Rows, names: list[str], given: str) -> int:
    normal = _normal((given,))[0]
    if normal in names:
        return names.index(normal)
    if given.isdecimal() and int(given) < rows.width:
        return int(given)
    shown = ", ".join(rows.names) if rows.names else f"{rows.width} columns, 0 to {rows.width - 1}"
    raise report.problem(1, "columns", f"{given!r} is no column of the file; it has {shown}", "Correct --columns")


def _normal(names: tuple[str, ...]) -> list[str]:
    return [re.sub(r"[\s.-]+", "_", name.strip().lower()) for name in names]
