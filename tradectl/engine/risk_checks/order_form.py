"""The order itself: quantity and price as the venue's filters want them, and the least it may be worth."""

from tradectl.engine.risk_checks.candidate import Candidate, RiskView, Verdict, failed, passed, text_of
from tradectl.model.instruments import Category
from tradectl.model.money import is_multiple, plain
from tradectl.model.orders import OrderType


class QuantityCheck:
    """Positive, on the lot, within the venue's minimum and maximum."""

    name = "quantity"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict:
        i, qty = c.instrument, c.qty
        if not qty.is_finite():
            return failed(self.name, "> 0", qty, f"quantity {qty} is not a number")
        if qty <= 0:
            return failed(self.name, "> 0", qty, "quantity must be greater than 0")
        if c.quote_amount is not None:
            return passed(self.name, "> 0", qty)
        least, most = i.min_qty, i.max_market_qty if c.type is OrderType.MARKET else i.max_limit_qty
        if qty < least:
            return failed(self.name, least, qty, f"quantity {plain(qty)} is below the minimum {plain(least)}")
        if qty > most:
            return failed(self.name, most, qty, f"quantity {text_of(qty)} is above the maximum {plain(most)}")
        if is_multiple(qty, i.lot_size):
            return passed(self.name, i.lot_size, qty)
        rule = f"quantity {plain(qty)} is not a multiple of the lot {plain(i.lot_size)}"
        return failed(self.name, i.lot_size, qty, rule)


class PriceCheck:
    """Positive, on the tick, within the venue's absolute bounds."""

    name = "price"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        i, price = c.instrument, c.price
        if price is None:
            if c.type is OrderType.MARKET:
                return None
            return failed(self.name, "a price", "none", "a limit order needs a price")
        if not price.is_finite():
            return failed(self.name, "> 0", price, f"price {price} is not a number")
        if price <= 0:
            return failed(self.name, "> 0", price, "price must be greater than 0")
        if price < i.min_price or (i.max_price is not None and price > i.max_price):
            bounds = f"{plain(i.min_price)}..{plain(i.max_price) if i.max_price is not None else 'any'}"
            return failed(self.name, bounds, price, f"price {text_of(price)} is outside {bounds}")
        if is_multiple(price, i.tick_size):
            return passed(self.name, i.tick_size, price)
        rule = f"price {text_of(price)} is not a multiple of the tick {plain(i.tick_size)}"
        return failed(self.name, i.tick_size, price, rule)


class MinNotionalCheck:
    """At least the venue's minimum value (quote coin); what closes a derivative position is exempt."""

    name = "min_notional"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        price, least = v.price, c.instrument.min_notional
        if price is None or (c.reduces and not c.instrument.is_spot):
            return None
        value = c.qty if c.instrument.id.category is Category.INVERSE else c.qty * price
        if c.quote_amount is not None:
            value = c.quote_amount
        coin = c.instrument.quote_coin
        if value >= least:
            return passed(self.name, least, value, coin)
        one, other = f"{text_of(least)} {coin}", f"{text_of(value)} {coin}"
        return failed(self.name, one, other, f"value {value:.2f} is below the minimum {plain(least)}")
