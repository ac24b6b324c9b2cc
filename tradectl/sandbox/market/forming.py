"""The candle in the making: it starts flat at the last price and takes in prints."""

from collections.abc import Iterable
from decimal import Decimal
from operator import mul as multiply

from tradectl.matching.bar_path import Print
from tradectl.model.money import ZERO
from tradectl.sandbox.market.records import ONE, Kline
from tradectl.sandbox.market.turnover import Worth


class Forming:
    """An open candle. Until the first print all four prices are the last price and the volume is zero."""

    __slots__ = ("close", "high", "low", "open", "open_time", "ratio", "turnover", "volume", "worth")

    def __init__(self, open_time: int, last: Decimal, worth: Worth | None = None) -> None:
        """``worth`` is the turnover of a price and quantity, by default their product."""
        self.worth = worth or multiply
        self.open_time = open_time
        self.open = self.high = self.low = self.close = last
        self.volume = self.turnover = ZERO
        self.ratio = ONE

    def add(self, prints: Iterable[Print], ratio: Decimal = ONE) -> None:
        """Take in prints, in order."""
        for one in prints:
            price = one.price
            if self.volume == 0:
                self.open = self.high = self.low = price
            elif price > self.high:
                self.high = price
            elif price < self.low:
                self.low = price
            self.close = price
            self.volume += one.qty
            self.turnover += self.worth(price, one.qty)
        self.ratio = ratio

    def kline(self) -> Kline:
        """The candle as it is now."""
        return Kline(self.open_time, self.open, self.high, self.low, self.close, self.volume, self.turnover, self.ratio)
