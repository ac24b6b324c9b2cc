"""Instruments and market data, from what the daemon already has: reads never reach the network."""

from decimal import Decimal
from typing import Any

from tradectl.daemon.service import Service
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import INTERVALS
from tradectl.model.money import exact
from tradectl.rpc import methods, params, rows


def handlers(s: Service) -> list[tuple[methods.Method[Any, Any], Any]]:
    """The methods of this file."""
    return [
        (methods.INSTRUMENTS_LIST, lambda p, peer: _instruments(s, p)),
        (methods.INSTRUMENTS_SHOW, lambda p, peer: _instrument(s, p)),
        (methods.MARKET_TICKER, lambda p, peer: _ticker(s, p)),
        (methods.MARKET_BOOK, lambda p, peer: _book(s, p)),
        (methods.MARKET_CANDLES, lambda p, peer: _candles(s, p)),
        (methods.MARKET_FUNDING, lambda p, peer: _funding(s, p)),
    ]


def _instruments(s: Service, p: params.InstrumentFilter) -> methods.InstrumentList:
    chosen = [
        i
        for key, i in sorted(s.views.instruments.items())
        if p.category in (None, key.category) and p.search.upper() in key.symbol
    ]
    return methods.InstrumentList(
        tuple(rows.InstrumentRow.of(i, s.views.fees.get(i.id)) for i in chosen[: max(p.limit, 0)])
    )


def _instrument(s: Service, p: params.Market) -> methods.InstrumentList:
    """One symbol in the category asked for, or in every category that has it."""
    if p.category is not None:
        found = [s.instrument(p.symbol, p.category)]
    else:
        found = [i for i in sorted(s.views.instruments) if i.symbol == p.symbol] or [s.instrument(p.symbol, None)]
    v = s.views
    return methods.InstrumentList(tuple(rows.InstrumentRow.of(v.instruments[i], v.fees.get(i)) for i in found))


def _unseen(instrument: InstrumentId, what: str) -> Problem:
    return Problem(
        ErrorCode.NOT_FOUND,
        f"the daemon has no {what} of {instrument}",
        field="symbol",
        reason="it keeps market data of what its strategies follow",
        remedy="add a strategy on the symbol, or ask for one it follows (tradectl strategies)",
    )


def _ticker(s: Service, p: params.Market) -> methods.Ticker:
    instrument = s.instrument(p.symbol, p.category)
    row = s.views.ticker_row(instrument)
    if row is None:
        raise _unseen(instrument, "ticker")
    return methods.Ticker(row)


def _book(s: Service, p: params.MarketBook) -> methods.Book:
    instrument = s.instrument(p.symbol, p.category)
    book = s.connector.book(instrument)
    quote = s.views.quotes.get(instrument)
    if book is None and quote is None:
        raise _unseen(instrument, "book")
    if book is not None:
        bids = tuple((exact(price), exact(size)) for price, size in book.bids[: p.depth])
        asks = tuple((exact(price), exact(size)) for price, size in book.asks[: p.depth])
        at = s.views.at
    else:
        assert quote is not None
        bids = ((exact(quote.bid), exact(quote.bid_size)),)
        asks = ((exact(quote.ask), exact(quote.ask_size)),)
        at = quote.received
    return methods.Book(instrument.category, instrument.symbol, at, bids, asks)


def _candles(s: Service, p: params.MarketCandles) -> methods.Candles:
    instrument = s.instrument(p.symbol, p.category)
    if p.interval not in INTERVALS:
        raise Problem(
            ErrorCode.INVALID_REQUEST, f"interval is {p.interval!r}", field="interval",
            reason=f"one of {', '.join(INTERVALS)}",
        )  # fmt: skip
    bars = s.connector.bars(instrument, p.interval)
    if not bars:
        raise _unseen(instrument, f"{p.interval} candles")
    chosen = bars[-max(p.limit, 1) :]
    return methods.Candles(
        instrument.category, instrument.symbol, p.interval, tuple(rows.CandleRow.of(b) for b in chosen)
    )


def _funding(s: Service, p: params.Market) -> methods.Funding:
    instrument = s.instrument(p.symbol, p.category)
    info = s.views.instruments[instrument]
    row = s.views.ticker_row(instrument)
    rate: Decimal | None = row.funding_rate if row is not None else None
    paid = [t for t in s.views.trades if t.execution.type == "Funding" and t.execution.instrument == instrument]
    return methods.Funding(
        instrument.category, instrument.symbol, rate, row.next_funding if row is not None else None,
        info.funding_interval, tuple(rows.TradeRow.of(t) for t in paid[-20:]),
    )  # fmt: skip
