"""The market an order meets: known, fresh, neither crossed nor locked, and near mark and last price."""

from decimal import Decimal

from tradectl.engine.risk_checks.candidate import Candidate, RiskView, percent, verdict
from tradectl.model.commands import Check
from tradectl.model.money import plain
from tradectl.model.orders import OrderType, Side


class FreshnessCheck:
    """There is a market to judge by, and it is not stale or out of sequence."""

    name = "market_data"

    def __call__(self, c: Candidate, v: RiskView) -> Check:
        i, limit = c.instrument.id, v.limits.stale_quote_seconds
        doubt = v.doubt()
        if doubt and not c.reduces:
            return verdict(self.name, False, "trusted", doubt, f"the market data of {i} is in doubt: {doubt}")
        if v.price is None or v.mark is None:
            return verdict(self.name, False, "a price", "none", f"no price of {i} has been seen yet")
        coin = v.unpriced()
        if coin and not c.reduces:
            return verdict(self.name, False, "a price", coin, f"no price of {coin} has been seen yet")
        age = v.age_s()
        ok = c.reduces or (age is not None and age <= limit)

        def why() -> str:
            return f"the last price of {i} is {age:.0f} s old" if age is not None else "no price"

        return verdict(self.name, ok, f"{limit} s", f"{age or 0:.0f} s", why)


class CrossedCheck:
    """A best bid above the best ask is an error of the data; equal ones are one nearly always."""

    name = "crossed_market"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        if c.reduces:
            return None
        bid, ask = v.touch(False), v.touch(True)
        if bid is None or ask is None or bid < ask:
            return None
        ok = bid == ask and not v.limits.refuse_locked
        word = "locked" if bid == ask else "crossed"

        def why() -> str:
            return f"the market of {c.instrument.id} is {word}: bid {plain(bid)}, ask {plain(ask)}"

        return verdict(self.name, ok, "bid < ask", f"{plain(bid)}/{plain(ask)}", why)


class BandCheck:
    """A limit price not beyond the band around mark and last, on the side that would trade at once.

    What waits for a trigger is compared with its trigger: there the market will be.
    """

    name = "price_band"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        mark, price = v.mark, c.price
        if price is None or mark is None:
            return None
        share = v.limits.limit_band_share
        if c.instrument.price_limit_y is not None:
            share = min(share, c.instrument.price_limit_y)
        name, base = "mark", mark
        if c.trigger is not None:
            name, base = "its trigger", c.trigger.price
        elif v.last is not None and (v.last < mark if c.side is Side.BUY else v.last > mark):
            name, base = "last", v.last
        edge = base * (1 + c.side.sign * share)
        ok = price <= edge if c.side is Side.BUY else price >= edge

        def why() -> str:
            return f"price {plain(price)} is beyond the band edge {plain(round(edge, 8))} around {name} {plain(base)}"

        return verdict(self.name, ok, edge, price, why)


class CollarCheck:
    """A market order only where the book is near mark and last."""

    name = "market_collar"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        mark, touch = v.mark, v.touch(c.side is Side.BUY)
        if c.type is not OrderType.MARKET or mark is None or touch is None or c.reduces or c.trigger is not None:
            return None
        away, name = _away(touch, mark), "mark"
        if v.last is not None and v.last != mark:
            away, name = max((away, name), (_away(touch, v.last), "last"))
        limit = v.limits.collar_share

        def why() -> str:
            return f"the market is {percent(away)} away from {name}, the collar is {percent(limit)}"

        return verdict(self.name, away <= limit, limit, away, why)


def _away(price: Decimal, base: Decimal) -> Decimal:
    return abs(price - base) / base
