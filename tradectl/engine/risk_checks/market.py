"""The market an order meets: known, fresh, neither crossed nor locked, and near mark and last price."""

from decimal import Decimal

from tradectl.engine.risk_checks.candidate import Candidate, RiskView, Verdict, failed, passed, percent
from tradectl.model.commands import Check
from tradectl.model.money import plain
from tradectl.model.orders import OrderType, Side

_SECOND = 10**9


class FreshnessCheck:
    """There is a market to judge by, and it is not stale or out of sequence."""

    name = "market_data"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict:
        i, limit = c.instrument.id, v.limits.stale_quote_seconds
        doubt = v.doubt()
        if doubt and not c.reduces:
            return failed(self.name, "trusted", doubt, f"the market data of {i} is in doubt: {doubt}")
        if v.price is None or v.mark is None:
            return failed(self.name, "a price", "none", f"no price of {i} has been seen yet")
        coin = v.unpriced()
        if coin and not c.reduces:
            return failed(self.name, "a price", coin, f"no price of {coin} has been seen yet")
        age = v.age()
        if c.reduces or (age is not None and age <= limit * _SECOND):
            return passed(self.name, limit, (age or 0) // _SECOND, "s")
        old = f"{age / _SECOND:.1f} s" if age is not None else "never"
        return failed(self.name, f"{limit} s", old, f"the last price of {i} is {old} old")


class CrossedCheck:
    """A best bid above the best ask is an error of the data; equal ones are one nearly always."""

    name = "crossed_market"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if c.reduces:
            return None
        bid, ask = v.touch(False), v.touch(True)
        if bid is None or ask is None or bid < ask:
            return None
        word, value = "locked" if bid == ask else "crossed", f"{plain(bid)}/{plain(ask)}"
        if bid == ask and not v.limits.refuse_locked:
            return Check(self.name, True, "bid < ask", value)
        rule = f"the market of {c.instrument.id} is {word}: bid {plain(bid)}, ask {plain(ask)}"
        return failed(self.name, "bid < ask", value, rule)


class BandCheck:
    """A limit price not beyond the band around mark and last, on the side that would trade at once.

    What waits for a trigger is compared with its trigger: there the market will be.
    """

    name = "price_band"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        mark, price = v.mark, c.price
        if price is None or mark is None:
            return None
        share, buys, last = v.limits.limit_band_share, c.side is Side.BUY, v.last
        if c.instrument.price_limit_y is not None:
            share = min(share, c.instrument.price_limit_y)
        name, base = "mark", mark
        if c.trigger is not None:
            name, base = "its trigger", c.trigger.price
        elif last is not None and last is not mark and (last < mark if buys else last > mark):
            name, base = "last", last
        edge = base * (1 + share if buys else 1 - share)
        if price <= edge if buys else price >= edge:
            return passed(self.name, edge, price)
        rule = f"price {plain(price)} is beyond the band edge {plain(round(edge, 8))} around {name} {plain(base)}"
        return failed(self.name, edge, price, rule)


class CollarCheck:
    """A market order only where the book is near mark and last."""

    name = "market_collar"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if c.type is not OrderType.MARKET or c.reduces or c.trigger is not None:
            return None
        mark, touch = v.mark, v.touch(c.side is Side.BUY)
        if mark is None or touch is None:
            return None
        away, name = _away(touch, mark), "mark"
        if v.last is not None and v.last != mark:
            away, name = max((away, name), (_away(touch, v.last), "last"))
        limit = v.limits.collar_share
        if away <= limit:
            return passed(self.name, limit, away)
        rule = f"the market is {percent(away)} away from {name}, the collar is {percent(limit)}"
        return failed(self.name, limit, away, rule)


def _away(price: Decimal, base: Decimal) -> Decimal:
    return abs(price - base) / base
