"""Rows of ``instruments-info`` (bybit-v5 4.3)."""

from typing import Any

from tradectl.model.instruments import Category, Instrument
from tradectl.sandbox.market.funding_rates import CAP
from tradectl.sandbox.market.text import ms, text


def instrument_row(instrument: Instrument, number: int) -> dict[str, Any]:
    """All keys of a spot, linear or inverse row; ``number`` becomes its symbolId."""
    return _spot(instrument, number) if instrument.is_spot else _perpetual(instrument, number)


def _ratios(instrument: Instrument) -> dict[str, str]:
    return {
        "priceLimitRatioX": text(instrument.price_limit_x) if instrument.price_limit_x is not None else "",
        "priceLimitRatioY": text(instrument.price_limit_y) if instrument.price_limit_y is not None else "",
    }


def _spot(instrument: Instrument, number: int) -> dict[str, Any]:
    return {
        "symbolId": number,
        "symbol": instrument.id.symbol,
        "baseCoin": instrument.base_coin,
        "quoteCoin": instrument.quote_coin,
        "innovation": "0",
        "symbolType": "",
        "status": instrument.status,
        "marginTrading": "none",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": text(instrument.lot_size),
            "quotePrecision": text(instrument.quote_precision),
            "minOrderQty": text(instrument.min_qty),
            "maxOrderQty": text(instrument.max_limit_qty),
            "minOrderAmt": text(instrument.min_notional),
            "maxOrderAmt": "8000000",
            "maxLimitOrderQty": text(instrument.max_limit_qty),
            "maxMarketOrderQty": text(instrument.max_market_qty),
            "postOnlyMaxLimitOrderSize": text(instrument.max_limit_qty),
        },
        "priceFilter": {"tickSize": text(instrument.tick_size)},
        "riskParameters": _ratios(instrument),
    }


def _perpetual(instrument: Instrument, number: int) -> dict[str, Any]:
    highest = instrument.max_price
    return {
        "symbol": instrument.id.symbol,
        "symbolId": number,
        "contractType": "InversePerpetual" if instrument.id.category is Category.INVERSE else "LinearPerpetual",
        "status": instrument.status,
        "baseCoin": instrument.base_coin,
        "quoteCoin": instrument.quote_coin,
        "symbolType": "",
        "launchTime": str(ms(instrument.launched)),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(max(0, -int(instrument.tick_size.normalize().as_tuple().exponent))),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": text(instrument.max_leverage), "leverageStep": "0.01"},
        "priceFilter": {
            "minPrice": text(instrument.min_price),
            "maxPrice": text(highest) if highest is not None else "",
            "tickSize": text(instrument.tick_size),
        },
        "lotSizeFilter": {
            "maxOrderQty": text(instrument.max_limit_qty),
            "minOrderQty": text(instrument.min_qty),
            "qtyStep": text(instrument.lot_size),
            "postOnlyMaxOrderQty": text(instrument.max_limit_qty),
            "maxMktOrderQty": text(instrument.max_market_qty),
            "minNotionalValue": text(instrument.min_notional) if instrument.min_notional else "",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": instrument.funding_interval,
        "settleCoin": instrument.settle_coin,
        "copyTrading": "none",
        "upperFundingRate": text(CAP),
        "lowerFundingRate": text(-CAP),
        "displayName": "",
        "forbidUplWithdrawal": False,
        "riskParameters": _ratios(instrument),
        "isPreListing": False,
        "preListingInfo": None,
    }
