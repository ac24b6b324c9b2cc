"""``GET /v5/market/...``: the results, from the public state of the market (bybit-v5 4)."""

from collections.abc import Callable
from typing import Any

from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Refused
from tradectl.model.instruments import Category, InstrumentId
from tradectl.sandbox.market.catalogue_rows import instrument_row
from tradectl.sandbox.market.funding_rates import PERIOD
from tradectl.sandbox.market.instrument_market import InstrumentMarket
from tradectl.sandbox.market.kline_rows import kline_rows, premium_rows, price_rows
from tradectl.sandbox.market.liquidity import DEEPEST
from tradectl.sandbox.market.market import Market
from tradectl.sandbox.market.text import NS_PER_MS, level_texts, ms, text
from tradectl.sandbox.market.ticker import open_interest, rest_ticker

Params = dict[str, str]
Result = dict[str, Any]

INTEREST_PERIODS = {"5min": 5, "15min": 15, "30min": 30, "1h": 60, "4h": 240, "1d": 1440}
_MINUTE = 60_000_000_000
SYMBOLS_PER_RISK_PAGE = 15


def wrong(message: str) -> Refused:
    """The refusal of a parameter."""
    return Refused(10001, f"params error: {message}")


def whole_number(params: Params, name: str) -> int | None:
    """A whole number of at most 15 digits, ``None`` when absent."""
    value = params.get(name, "")
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 15):
        raise wrong(f"{name} invalid")
    return int(value)


def limit_of(params: Params, default: int, most: int) -> int:
    """``limit`` between 1 and ``most``."""
    limit = whole_number(params, "limit")
    if limit is None:
        return default
    if not 1 <= limit <= most:
        raise wrong(f"limit must be between 1 and {most}")
    return limit


class MarketRest:
    """The market endpoints; :attr:`paths` are their names below ``/v5/market/``."""

    def __init__(self, market: Market, exchange: Callable[[], Exchange], now: Callable[[], int]) -> None:
        self._market = market
        self._exchange = exchange
        self._now = now
        self.paths: dict[str, Callable[[Params], Result]] = {
            "kline": self._kline,
            "mark-price-kline": lambda params: self._price_kline(params, "mark"),
            "index-price-kline": lambda params: self._price_kline(params, "index"),
            "premium-index-price-kline": self._premium_kline,
            "instruments-info": self._instruments,
            "orderbook": self._orderbook,
            "tickers": self._tickers,
            "funding/history": self._funding,
            "recent-trade": self._recent_trade,
            "open-interest": self._open_interest,
            "risk-limit": self._risk_limit,
            "price-limit": self._price_limit,
        }

    # --- parameters -----------------------------------------------------------------------------------------------

    def _category(self, params: Params, default: str = "") -> Category:
        try:
            return Category(params.get("category", "") or default)
        except ValueError:
            raise wrong("Category is invalid") from None

    def _one(self, params: Params, default_category: str = "") -> InstrumentMarket:
        category = self._category(params, default_category)
        found = self._market.instruments.get(InstrumentId(category, params.get("symbol", "")))
        if found is None:
            raise wrong("symbol invalid")
        return found

    def _perpetual(self, params: Params) -> InstrumentMarket:
        market = self._one(params)
        if market.instrument.is_spot:
            raise wrong("Category is invalid")
        return market

    def _all(self, category: Category) -> list[InstrumentMarket]:
        return [m for m in self._market.instruments.values() if m.instrument.id.category is category]

    # --- candles --------------------------------------------------------------------------------------------------

    def _kline(self, params: Params) -> Result:
        market = self._one(params, Category.LINEAR.value)
        rows = kline_rows(market, self._market.interval, self._now(), *self._kline_range(params))
        return self._named(market, list=rows)

    def _price_kline(self, params: Params, kind: str) -> Result:
        market = self._one(params, Category.LINEAR.value)
        if market.instrument.is_spot:
            raise wrong("Category is invalid")
        rows = price_rows(market, kind, self._market.interval, self._now(), *self._kline_range(params))
        return self._named(market, list=rows)

    def _premium_kline(self, params: Params) -> Result:
        market = self._one(params, Category.LINEAR.value)
        if market.instrument.id.category is not Category.LINEAR:
            raise wrong("Category is invalid")
        rows = premium_rows(market, self._market.interval, self._now(), *self._kline_range(params))
        return self._named(market, list=rows)

    def _kline_range(self, params: Params) -> tuple[str, int | None, int | None, int]:
        start, end = whole_number(params, "start"), whole_number(params, "end")
        if start is not None and end is not None and start > end:
            raise wrong("start must not be later than end")
        return params.get("interval", ""), start, end, limit_of(params, 200, 1000)

    def _named(self, market: InstrumentMarket, **rest: Any) -> Result:
        return {"category": market.instrument.id.category.value, "symbol": market.instrument.id.symbol, **rest}

    # --- instruments ----------------------------------------------------------------------------------------------

    def _instruments(self, params: Params) -> Result:
        category = self._category(params)
        limit, start = limit_of(params, 500, 1000), _page_start(params)
        markets = [self._one(params)] if params.get("symbol") else self._all(category)
        rows = [
            instrument_row(m.instrument, number)
            for number, m in enumerate(markets, start=1)
            if params.get("baseCoin", "") in ("", m.instrument.base_coin)
            and params.get("status", "") in ("", m.instrument.status)
        ]
        if category is Category.SPOT:
            return {"category": category.value, "list": rows}
        return {"category": category.value, **_page(rows, start, limit)}

    def _risk_limit(self, params: Params) -> Result:
        category = self._category(params)
        markets = [self._perpetual(params)] if params.get("symbol") else self._all(category)
        if category is Category.SPOT:
            raise wrong("Category is invalid")
        rows = [_risk_row(market) for market in markets]
        return {"category": category.value, **_page(rows, _page_start(params), SYMBOLS_PER_RISK_PAGE)}

    def _price_limit(self, params: Params) -> Result:
        market = self._one(params, Category.LINEAR.value)
        band = self._exchange().price_band(market.instrument.id)
        if band is None:
            raise wrong("no price limit is known yet")
        highest, lowest = band
        now = str(ms(self._now()))
        return {"symbol": market.instrument.id.symbol, "buyLmt": text(highest), "sellLmt": text(lowest), "ts": now}

    # --- prices ---------------------------------------------------------------------------------------------------

    def _orderbook(self, params: Params) -> Result:
        market = self._one(params)
        limit = limit_of(params, 1 if market.instrument.is_spot else 25, 1000)
        bids, asks = market.book(min(limit, DEEPEST))
        return {
            "s": market.instrument.id.symbol,
            "b": level_texts(bids),
            "a": level_texts(asks),
            "ts": ms(self._now()),
            "u": self._market.seq + 1,
            "seq": self._market.seq,
            "cts": ms(self._market.now),
        }

    def _tickers(self, params: Params) -> Result:
        category = self._category(params)
        markets = [self._one(params)] if params.get("symbol") else self._all(category)
        now = self._now()
        return {"category": category.value, "list": [rest_ticker(m, now, self._market.funding) for m in markets]}

    def _recent_trade(self, params: Params) -> Result:
        market = self._one(params)
        limit = limit_of(params, 60, 60) if market.instrument.is_spot else limit_of(params, 500, 1000)
        newest = list(market.tape)[: -limit - 1 : -1]
        rows = [
            {
                "execId": market.print_id(one.number),
                "symbol": market.instrument.id.symbol,
                "price": text(one.price),
                "size": text(one.qty),
                "side": one.side.value,
                "time": str(ms(one.at)),
                "isBlockTrade": False,
                "isRPITrade": False,
                "seq": str(one.seq),
            }
            for one in newest
        ]
        return {"category": market.instrument.id.category.value, "list": rows}

    # --- funding and open interest ----------------------------------------------------------------------------------

    def _funding(self, params: Params) -> Result:
        market = self._perpetual(params)
        start, end = whole_number(params, "startTime"), whole_number(params, "endTime")
        if start is not None and end is None:
            raise wrong("startTime without endTime is not allowed")
        if start is not None and end is not None and start > end:
            raise wrong("startTime must not be later than endTime")
        latest = self._now() if end is None else min(end * NS_PER_MS, self._now())
        earliest = max(self._market.funding.first, 0 if start is None else start * NS_PER_MS)
        rows: list[Result] = []
        settlement = latest - latest % PERIOD
        limit = limit_of(params, 200, 200)
        while settlement >= earliest and len(rows) < limit:
            rate = self._market.funding.rate(market.instrument.id, settlement)
            rows.append(
                {
                    "symbol": market.instrument.id.symbol,
                    "fundingRate": text(rate),
                    "fundingRateTimestamp": str(ms(settlement)),
                }
            )
            settlement -= PERIOD
        return {"category": market.instrument.id.category.value, "list": rows}

    def _open_interest(self, params: Params) -> Result:
        market = self._perpetual(params)
        minutes = INTEREST_PERIODS.get(params.get("intervalTime", ""))
        if minutes is None:
            raise wrong("intervalTime invalid")
        start, end = whole_number(params, "startTime") or 0, whole_number(params, "endTime")
        limit = limit_of(params, 50, 200)
        period = minutes * _MINUTE
        before = _page_start(params) * NS_PER_MS or self._now() + 1
        latest = min(before - 1, self._now() if end is None else end * NS_PER_MS)
        first = market.history.first_time
        earliest = max(start * NS_PER_MS, first if first is not None else latest)
        times = list(range(latest - latest % period, earliest - 1, -period))
        rows = [_interest_row(market, at) for at in times[:limit]]
        cursor = _cursor(ms(times[limit - 1])) if len(times) > limit else ""
        symbol = market.instrument.id
        return {"symbol": symbol.symbol, "category": symbol.category.value, "list": rows, "nextPageCursor": cursor}


def _interest_row(market: InstrumentMarket, at: int) -> Result:
    interest = open_interest(market, at)
    return {"openInterest": text(interest), "singleOpenInterest": text(interest / 2), "timestamp": str(ms(at))}


def _risk_row(market: InstrumentMarket) -> Result:
    # One tier for everybody: what the matching engine's margin rules use.
    return {
        "id": 1,
        "symbol": market.instrument.id.symbol,
        "riskLimitValue": "2000000",
        "maintenanceMargin": "0.005",
        "initialMargin": text((1 / market.instrument.max_leverage).quantize(market.instrument.quote_precision)),
        "isLowestRisk": 1,
        "maxLeverage": text(market.instrument.max_leverage),
        "mmDeduction": "",
    }


def _cursor(place: int) -> str:
    return f"page_token%3D{place}%26"


def _page_start(params: Params) -> int:
    """The place a cursor names; clients send it percent-encoded once or twice."""
    cursor = params.get("cursor", "")
    if not cursor:
        return 0
    digits = cursor.replace("%3D", "=").replace("%26", "&").removeprefix("page_token=").removesuffix("&")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
        raise wrong("cursor invalid")
    return int(digits)


def _page(rows: list[Result], start: int, limit: int) -> Result:
    page = rows[start : start + limit]
    more = start + limit < len(rows)
    return {"list": page, "nextPageCursor": _cursor(start + limit) if more else ""}
