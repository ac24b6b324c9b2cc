"""The ticker of an instrument: the keys that REST and stream share, and what each adds (bybit-v5 4.5, 8.2)."""

from decimal import Decimal
from typing import Any

from tradectl.model.instruments import Category
from tradectl.model.money import ZERO
from tradectl.sandbox.market.funding_rates import CAP, FundingRates, next_settlement
from tradectl.sandbox.market.instrument_market import InstrumentMarket
from tradectl.sandbox.market.mixing import mix, salt
from tradectl.sandbox.market.text import ms, text
from tradectl.sandbox.market.turnover import worth_of

_PERCENT_STEP = Decimal("0.000001")
_VALUE_STEP = Decimal("0.01")
#: Open interest is worth about this much in quote coin and changes every five minutes.
_INTEREST_VALUE = 400_000_000
_INTEREST_PERIOD = 300_000_000_000

Row = dict[str, Any]


def open_interest(market: InstrumentMarket, at: int) -> Decimal:
    """Contracts open on both sides at a time: a function of the instrument and the time, for want of a crowd."""
    inverse = market.instrument.id.category is Category.INVERSE
    base = _INTEREST_VALUE / (1.0 if inverse else float(market.history.day_open(market.last)))
    lots = int(base / float(market.instrument.lot_size))
    share = 1000 + mix(salt(market.instrument.id, "interest") + at // _INTEREST_PERIOD) % 50
    return lots * share // 1000 * market.instrument.lot_size


def _common(market: InstrumentMarket) -> Row:
    history, last = market.history, market.last
    forming = market.forming
    before = history.day_open(last)
    volume = history.day_volume + (forming.volume if forming else ZERO)
    turnover = history.day_turnover + (forming.turnover if forming else ZERO)
    return {
        "symbol": market.instrument.id.symbol,
        "lastPrice": text(last),
        "prevPrice24h": text(before),
        "price24hPcnt": text(((last - before) / before).quantize(_PERCENT_STEP)),
        "highPrice24h": text(history.day_high(max(last, forming.high) if forming else last)),
        "lowPrice24h": text(history.day_low(min(last, forming.low) if forming else last)),
        "turnover24h": text(turnover),
        "volume24h": text(volume),
    }


def _touch(market: InstrumentMarket) -> Row:
    bids, asks = market.book(1)
    bid, ask = (bids[0] if bids else None), (asks[0] if asks else None)
    return {
        "bid1Price": text(bid[0]) if bid else "",
        "bid1Size": text(bid[1]) if bid else "",
        "ask1Price": text(ask[0]) if ask else "",
        "ask1Size": text(ask[1]) if ask else "",
    }


def _perpetual(market: InstrumentMarket, now: int, funding: FundingRates) -> Row:
    settlement = next_settlement(now)
    interest = open_interest(market, now)
    value = worth_of(market.instrument.id)(market.mark, interest).quantize(_VALUE_STEP)
    return {
        "prevPrice1h": text(market.history.hour_open(now, market.last)),
        "markPrice": text(market.mark),
        "indexPrice": text(market.index),
        "openInterest": text(interest),
        "openInterestValue": text(value),
        "singleOpenInterest": text(interest / 2),
        "singleOpenInterestValue": text(value / 2),
        "fundingIntervalHour": str(market.instrument.funding_interval // 60),
        "fundingCap": text(CAP),
        "nextFundingTime": str(ms(settlement)),
        "fundingRate": text(funding.rate(market.instrument.id, settlement)),
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
    }


_DATED_CONTRACT_KEYS = {
    "predictedDeliveryPrice": "", "basisRate": "", "deliveryFeeRate": "", "deliveryTime": "0", "basis": "",
    "basisRateYear": "",
}  # fmt: skip


def rest_ticker(market: InstrumentMarket, now: int, funding: FundingRates) -> Row:
    """A row of ``GET /v5/market/tickers``."""
    if market.instrument.is_spot:
        return {**_common(market), **_touch(market), "usdIndexPrice": text(market.index)}
    return {**_common(market), **_perpetual(market, now, funding), **_touch(market), **_DATED_CONTRACT_KEYS}


def stream_ticker(market: InstrumentMarket, now: int, funding: FundingRates) -> Row:
    """The whole ``data`` of a ``tickers`` snapshot."""
    if market.instrument.is_spot:
        return {**_common(market), "usdIndexPrice": text(market.index)}
    return {
        **_common(market),
        "tickDirection": market.direction,
        **_perpetual(market, now, funding),
        **_touch(market),
    }
