"""One self-contained page about a backtest: no network, no foreign script, light and dark, on screen and on paper."""

from tradectl.backtest.report.html.whole import page

__all__ = ["page"]
