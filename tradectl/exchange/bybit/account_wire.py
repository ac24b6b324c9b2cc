"""Rows of the account's past as Bybit writes them, where a review reads more of a row than the daemon does."""

from msgspec import Struct

from tradectl.exchange.bybit.wire import ExecutionRow, Text


class MarkedExecutionRow(ExecutionRow, gc=False):
    """A row of ``execution/list`` with the mark price of its moment (bybit-v5 5.7)."""

    markPrice: Text = ""


class MarkedExecutionPage(Struct):
    list: tuple[MarkedExecutionRow, ...] = ()
    nextPageCursor: Text = ""


class FullLogRow(Struct, frozen=True, gc=False):
    """A row of the transaction log with its parts (bybit-v5 7.3)."""

    id: str
    type: str
    currency: str
    transactionTime: Text
    change: Text = ""
    cashBalance: Text = ""
    cashFlow: Text = ""
    funding: Text = ""
    fee: Text = ""
    symbol: Text = ""
    category: Text = ""
    tradeId: Text = ""


class FullLogPage(Struct):
    list: tuple[FullLogRow, ...] = ()
    nextPageCursor: Text = ""
