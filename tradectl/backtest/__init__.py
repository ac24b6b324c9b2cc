"""Strategies over history: backtest, replay, parity, optimiser. The package can be called: ``notebook.backtest``."""

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """``from tradectl import backtest`` gives this package, whoever imported it first; so it answers a call itself."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from tradectl.backtest.notebook import backtest

        return backtest(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
