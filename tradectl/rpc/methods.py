"""Every method of the daemon and the store: its name, what it is asked and what it answers.

Daemon, store, CLI and REST gateway share these types, so each capability is written once. ``METHODS`` maps a name to
its :class:`Method`. Parameters live in :mod:`tradectl.rpc.params`, answers in :mod:`tradectl.rpc.results` (offered here
as well), their rows in :mod:`tradectl.rpc.rows`.
"""

from typing import Any, Generic, TypeVar

from msgspec import Struct

from tradectl.model.commands import Level
from tradectl.rpc import params, rows
from tradectl.rpc.params import Params
from tradectl.rpc.results import (
    AlgorithmDetail,
    Allocation,
    Book,
    Candles,
    ChildStatus,
    DecisionList,
    Delta,
    Done,
    EquityList,
    EquityStatus,
    ExchangeStatus,
    ExplainedStep,
    Explanation,
    Funding,
    InstrumentList,
    JournalStatus,
    Life,
    MetricsReport,
    NotTraded,
    OrderDetail,
    OrderList,
    ParameterRow,
    Placed,
    Portfolio,
    PositionDetail,
    PositionList,
    ProfitList,
    Quiet,
    Result,
    RiskReport,
    RiskTested,
    Snapshot,
    StateResult,
    Status,
    Stopped,
    StoreStatus,
    StrategyChecked,
    StrategyDetail,
    StrategyList,
    StreamStatus,
    Ticker,
    TradeDetail,
    TradeList,
    UniverseList,
)

P = TypeVar("P", bound=Params)
R = TypeVar("R", bound=Struct)


class Method(Struct, Generic[P, R], frozen=True):
    """A method's name, its parameter and answer types, and whether it only reads."""

    name: str
    params: type[P]
    result: type[R]
    reads: bool = True


# --- daemon ------------------------------------------------------------------------------------------------------

STATUS = Method("status", params.Nothing, Status)
STOP = Method("stop", params.Stop, Stopped, reads=False)
HALT = Method("halt", params.Halt, StateResult, reads=False)
RESUME = Method("resume", params.Resume, StateResult, reads=False)
RECONCILE = Method("reconcile", params.Nothing, Done, reads=False)
ORDERS_LIST = Method("orders.list", params.OrderFilter, OrderList)
ORDERS_SHOW = Method("orders.show", params.OrderId, OrderDetail)
ALGORITHMS_SHOW = Method("algorithms.show", params.OrderId, AlgorithmDetail)
ORDERS_PLACE = Method("orders.place", params.PlaceOrder, Placed, reads=False)
ORDERS_AMEND = Method("orders.amend", params.AmendOrder, Done, reads=False)
ORDERS_CANCEL = Method("orders.cancel", params.CancelOrders, Done, reads=False)
POSITIONS_LIST = Method("positions.list", params.PositionFilter, PositionList)
POSITIONS_SHOW = Method("positions.show", params.PositionOf, PositionDetail)
POSITIONS_CLOSE = Method("positions.close", params.ClosePosition, Done, reads=False)
POSITIONS_ADOPT = Method("positions.adopt", params.AdoptPosition, Done, reads=False)
POSITIONS_SET = Method("positions.set", params.ProtectPosition, Done, reads=False)
PORTFOLIO_SHOW = Method("portfolio.show", params.Nothing, Portfolio)
PORTFOLIO_ALLOCATION = Method("portfolio.allocation", params.Nothing, Allocation)
PORTFOLIO_REBALANCE = Method("portfolio.rebalance", params.Nothing, Allocation, reads=False)
RISK_SHOW = Method("risk.show", params.RiskScope, RiskReport)
RISK_LIMITS = Method("risk.limits", params.RiskScope, RiskReport)
RISK_SET = Method("risk.set", params.SetLimits, Done, reads=False)
RISK_RESET = Method("risk.reset", params.ResetRisk, StateResult, reads=False)
RISK_TEST = Method("risk.test", params.PlaceOrder, RiskTested)
WHY_NOT = Method("why.not", params.WhyNot, NotTraded)
STRATEGIES_LIST = Method("strategies.list", params.Nothing, StrategyList)
STRATEGIES_SHOW = Method("strategies.show", params.StrategyName, StrategyDetail)
STRATEGIES_ENABLE = Method("strategies.enable", params.StrategyName, Done, reads=False)
STRATEGIES_DISABLE = Method("strategies.disable", params.SwitchStrategy, Done, reads=False)
STRATEGIES_SET = Method("strategies.set", params.SetParameters, Done, reads=False)
STRATEGIES_RELOAD = Method("strategies.reload", params.ReloadStrategies, Done, reads=False)
STRATEGIES_CHECK = Method("strategies.check", params.CheckStrategy, StrategyChecked)
UNIVERSE_SHOW = Method("universe.show", params.UniverseName, UniverseList)
INSTRUMENTS_LIST = Method("instruments.list", params.InstrumentFilter, InstrumentList)
INSTRUMENTS_SHOW = Method("instruments.show", params.Market, InstrumentList)
MARKET_TICKER = Method("market.ticker", params.Market, Ticker)
MARKET_BOOK = Method("market.book", params.MarketBook, Book)
MARKET_CANDLES = Method("market.candles", params.MarketCandles, Candles)
MARKET_FUNDING = Method("market.funding", params.Market, Funding)
EVENTS_SUBSCRIBE = Method("events.subscribe", params.Nothing, Snapshot)

# --- store -------------------------------------------------------------------------------------------------------

TRADES_LIST = Method("trades.list", params.History, TradeList)
TRADES_SHOW = Method("trades.show", params.TradeId, TradeDetail)
ORDERS_HISTORY = Method("orders.history", params.History, OrderList)
DECISIONS_LIST = Method("decisions.list", params.History, DecisionList)
EQUITY_LIST = Method("equity.list", params.History, EquityList)
WHY = Method("why", params.OrderId, Explanation)
QUIET = Method("why.quiet", params.QuietSince, Quiet)
PORTFOLIO_METRICS = Method("portfolio.metrics", params.MetricsOf, MetricsReport)
PORTFOLIO_PNL = Method("portfolio.pnl", params.ProfitBy, ProfitList)
STORE_STATUS = Method("store.status", params.Nothing, StoreStatus)

_OF_THE_STORE: tuple[Method[Any, Any], ...] = (
    TRADES_LIST, TRADES_SHOW, ORDERS_HISTORY, DECISIONS_LIST, EQUITY_LIST, WHY, QUIET, PORTFOLIO_METRICS, PORTFOLIO_PNL,
    STORE_STATUS,
)  # fmt: skip
STORE_METHODS: dict[str, Method[Any, Any]] = {method.name: method for method in _OF_THE_STORE}
DAEMON_METHODS: dict[str, Method[Any, Any]] = {
    value.name: value
    for value in list(globals().values())
    if isinstance(value, Method) and value.name not in STORE_METHODS
}
METHODS: dict[str, Method[Any, Any]] = {**DAEMON_METHODS, **STORE_METHODS}

#: Notifications a subscriber receives: a :class:`Delta`, and how many were dropped because it read too slowly.
EVENT_NOTIFICATION = "events.delta"
DROPPED_NOTIFICATION = "events.dropped"

__all__ = [
    "ALGORITHMS_SHOW",
    "DAEMON_METHODS",
    "DECISIONS_LIST",
    "DROPPED_NOTIFICATION",
    "EQUITY_LIST",
    "EVENTS_SUBSCRIBE",
    "EVENT_NOTIFICATION",
    "HALT",
    "INSTRUMENTS_LIST",
    "INSTRUMENTS_SHOW",
    "MARKET_BOOK",
    "MARKET_CANDLES",
    "MARKET_FUNDING",
    "MARKET_TICKER",
    "METHODS",
    "ORDERS_AMEND",
    "ORDERS_CANCEL",
    "ORDERS_HISTORY",
    "ORDERS_LIST",
    "ORDERS_PLACE",
    "ORDERS_SHOW",
    "PORTFOLIO_ALLOCATION",
    "PORTFOLIO_METRICS",
    "PORTFOLIO_PNL",
    "PORTFOLIO_REBALANCE",
    "PORTFOLIO_SHOW",
    "POSITIONS_ADOPT",
    "POSITIONS_CLOSE",
    "POSITIONS_LIST",
    "POSITIONS_SET",
    "POSITIONS_SHOW",
    "QUIET",
    "RECONCILE",
    "RESUME",
    "RISK_LIMITS",
    "RISK_RESET",
    "RISK_SET",
    "RISK_SHOW",
    "RISK_TEST",
    "STATUS",
    "STOP",
    "STORE_METHODS",
    "STORE_STATUS",
    "STRATEGIES_CHECK",
    "STRATEGIES_DISABLE",
    "STRATEGIES_ENABLE",
    "STRATEGIES_LIST",
    "STRATEGIES_RELOAD",
    "STRATEGIES_SET",
    "STRATEGIES_SHOW",
    "TRADES_LIST",
    "TRADES_SHOW",
    "UNIVERSE_SHOW",
    "WHY",
    "WHY_NOT",
    "AlgorithmDetail",
    "Allocation",
    "Book",
    "Candles",
    "ChildStatus",
    "DecisionList",
    "Delta",
    "Done",
    "EquityList",
    "EquityStatus",
    "ExchangeStatus",
    "ExplainedStep",
    "Explanation",
    "Funding",
    "InstrumentList",
    "JournalStatus",
    "Level",
    "Life",
    "Method",
    "MetricsReport",
    "NotTraded",
    "OrderDetail",
    "OrderList",
    "ParameterRow",
    "Params",
    "Placed",
    "Portfolio",
    "PositionDetail",
    "PositionList",
    "ProfitList",
    "Quiet",
    "Result",
    "RiskReport",
    "RiskTested",
    "Snapshot",
    "StateResult",
    "Status",
    "Stopped",
    "StoreStatus",
    "StrategyChecked",
    "StrategyDetail",
    "StrategyList",
    "StreamStatus",
    "Ticker",
    "TradeDetail",
    "TradeList",
    "UniverseList",
    "params",
    "rows",
]
