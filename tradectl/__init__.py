"""tradectl: an always-on trading daemon for Bybit, run and watched from the terminal.

In a notebook: ``from tradectl import backtest, history``.
"""

__version__ = "0.1.0"
__all__ = ["backtest", "history"]


def __getattr__(name: str) -> object:
    """``tradectl.backtest`` and ``tradectl.history`` after a bare ``import tradectl``, which itself stays cheap."""
    if name in __all__:
        import importlib

        return importlib.import_module(f"tradectl.{name}")
    raise AttributeError(f"module 'tradectl' has no attribute {name!r}")
