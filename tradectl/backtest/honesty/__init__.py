"""Checks of honesty: whether a strategy sees the future, and whether it has the past it needs."""

from tradectl.backtest.honesty.lookahead import Lookahead, lookahead
from tradectl.backtest.honesty.warm_up import WarmUpCheck, warm_up

__all__ = ["Lookahead", "WarmUpCheck", "lookahead", "warm_up"]
