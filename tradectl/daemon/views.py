"""What is now so, built from the stream of entries alone: what RPC, status and subscribers are shown."""

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tradectl.model.commands import (
    Alert,
    AlgorithmChanged,
    AlgorithmStatus,
    BalanceChanged,
    DecisionMade,
    Entry,
    EquityMarked,
    ExecutionBooked,
    Level,
    OrderChanged,
    PositionChanged,
    Reason,
    StateChanged,
    StrategyChanged,
)
from tradectl.model.events import InstrumentsLoaded, QuoteChanged, TickerChanged
from tradectl.model.instruments import FeeRate, Instrument, InstrumentId
from tradectl.model.market_data import Ticker
from tradectl.model.money import exact
from tradectl.rpc import rows

KEEP_ORDERS, KEEP_ALERTS, KEEP_DECISIONS, KEEP_TRADES, KEEP_ALGORITHMS = 1000, 100, 500, 500, 200


class Views:
    """The newest statement of each kind. Read-only for everybody but :meth:`take`."""

    def __init__(self) -> None:
        self.seq = 0
        self.at = 0
        self.state = Level.HALTED
        self.reasons: tuple[Reason, ...] = ()
        self.orders: dict[str, OrderChanged] = {}
        self._open: dict[str, OrderChanged] = {}
        self.algorithms: dict[int, AlgorithmChanged] = {}
        self.positions: dict[tuple[str, InstrumentId, int], PositionChanged] = {}
        self.balances: dict[str, Decimal] = {}
        self.equity: dict[str, EquityMarked] = {}
        self.strategies: dict[str, StrategyChanged] = {}
        self.alerts: deque[Alert] = deque(maxlen=KEEP_ALERTS)
        self.decisions: dict[int, DecisionMade] = {}
        self.trades: deque[ExecutionBooked] = deque(maxlen=KEEP_TRADES)
        self.instruments: dict[InstrumentId, Instrument] = {}
        self.fees: dict[InstrumentId, FeeRate] = {}
        self.tickers: dict[InstrumentId, tuple[int, Ticker]] = {}
        self.quotes: dict[InstrumentId, QuoteChanged] = {}
        self._take: dict[type, Callable[[Any], None]] = {
            OrderChanged: self._order,
            AlgorithmChanged: self._algorithm,
            PositionChanged: self._position,
            BalanceChanged: self._balance,
            EquityMarked: self._equity,
            StateChanged: self._state,
            StrategyChanged: self._strategy,
            Alert: self.alerts.append,
            DecisionMade: self._decision,
            ExecutionBooked: self.trades.append,
        }

    def take(self, entry: Entry) -> None:
        """Follow one entry."""
        self.seq = entry.seq
        event = entry.event
        self.at = event.received
        if isinstance(event, TickerChanged):
            self.tickers[event.instrument] = (event.received, event.ticker)
        elif isinstance(event, QuoteChanged):
            self.quotes[event.instrument] = event
        elif isinstance(event, InstrumentsLoaded):
            self.instruments.update((i.id, i) for i in event.instruments)
            self.fees.update((f.instrument, f) for f in event.fees)
        for command in entry.commands:
            taker = self._take.get(type(command))
            if taker is not None:
                taker(command)

    def _order(self, order: OrderChanged) -> None:
        key = order.link_id or order.order_id
        self.orders.pop(key, None)
        self.orders[key] = order
        if order.status.is_final:
            self._open.pop(key, None)
        else:
            self._open[key] = order
        if len(self.orders) > KEEP_ORDERS:
            ended = next((k for k, o in self.orders.items() if o.status.is_final), None)
            if ended is not None:
                del self.orders[ended]

    def _position(self, position: PositionChanged) -> None:
        self.positions[(position.strategy, position.instrument, position.position_idx)] = position

    def _algorithm(self, algorithm: AlgorithmChanged) -> None:
        self.algorithms[algorithm.id] = algorithm
        if len(self.algorithms) > KEEP_ALGORITHMS:
            working = AlgorithmStatus.WORKING
            ended = next((key for key, a in self.algorithms.items() if a.status is not working), None)
            if ended is not None:
                del self.algorithms[ended]

    def _balance(self, balance: BalanceChanged) -> None:
        self.balances[balance.coin] = balance.wallet

    def _equity(self, mark: EquityMarked) -> None:
        self.equity[mark.strategy] = mark

    def _state(self, state: StateChanged) -> None:
        self.state, self.reasons = state.state, state.reasons

    def _strategy(self, strategy: StrategyChanged) -> None:
        self.strategies[strategy.name] = strategy

    def _decision(self, decision: DecisionMade) -> None:
        self.decisions[decision.id] = decision
        if len(self.decisions) > KEEP_DECISIONS:
            del self.decisions[next(iter(self.decisions))]

    # --- what is shown

    def mark(self, instrument: InstrumentId) -> Decimal | None:
        """The mark price, for spot the last; ``None`` before the first ticker."""
        known = self.tickers.get(instrument)
        price = (known[1].mark or known[1].last) if known is not None else 0.0
        return exact(price) if price > 0 else None

    def ticker_row(self, instrument: InstrumentId) -> rows.TickerRow | None:
        """The ticker as a row, completed by the best bid and ask."""
        known = self.tickers.get(instrument)
        if known is None:
            return None
        at, t = known
        quote = self.quotes.get(instrument)
        bid, ask = (quote.bid, quote.ask) if quote is not None else (t.bid, t.ask)
        return rows.TickerRow(
            instrument.category, instrument.symbol, at, _price(t.last), _price(bid), _price(ask), _price(t.mark),
            _price(t.index), exact(t.funding_rate) if t.next_funding else None, t.next_funding or None,
        )  # fmt: skip

    def position_rows(self, books: bool) -> tuple[rows.PositionRow, ...]:
        """Open positions: each strategy's book, or net at the venue."""
        chosen = [p for (name, _, _), p in self.positions.items() if bool(name) == books and p.size]
        return tuple(rows.PositionRow.of(p, self.mark(p.instrument)) for p in chosen)

    def open_orders(self) -> list[OrderChanged]:
        """Orders that may still fill, oldest first."""
        return sorted(self._open.values(), key=lambda o: o.created)

    def balance_rows(self) -> tuple[rows.BalanceRow, ...]:
        """Coins: what spot orders hold is used; derivative margin is shown in the portfolio."""
        held = self._held()
        return tuple(
            rows.BalanceRow(coin, total - held.get(coin, Decimal(0)), held.get(coin, Decimal(0)), total)
            for coin, total in sorted(self.balances.items())
        )

    def _held(self) -> dict[str, Decimal]:
        held: dict[str, Decimal] = {}
        for order in self.open_orders():
            info = self.instruments.get(order.instrument)
            if info is None or order.reduce_only:
                continue
            left = order.qty - order.filled
            price = order.price or self.mark(order.instrument) or Decimal(0)
            if not info.is_spot:
                coin, amount = info.settle_coin, left * price
            elif order.side.sign > 0:
                coin, amount = info.quote_coin, left * price
            else:
                coin, amount = info.base_coin, left
            held[coin] = held.get(coin, Decimal(0)) + amount
        for (name, instrument, _), position in self.positions.items():
            info, mark = self.instruments.get(instrument), self.mark(instrument)
            if not name and position.size and info is not None and not info.is_spot and mark is not None:
                coin = info.settle_coin
                held[coin] = held.get(coin, Decimal(0)) + abs(position.size) * mark
        return held

    def equity_rows(self) -> tuple[rows.EquityRow, ...]:
        """The last marks."""
        return tuple(equity_row(mark) for mark in self.equity.values())

    def reason_rows(self) -> tuple[rows.ReasonRow, ...]:
        """The active reasons, worst first."""
        return tuple(rows.ReasonRow.of(r) for r in self.reasons)


def equity_row(mark: EquityMarked) -> rows.EquityRow:
    """One mark of equity as a row."""
    return rows.EquityRow(mark.at, mark.strategy, mark.equity, mark.cash, mark.unrealised)


def _price(value: float) -> Decimal | None:
    return exact(value) if value > 0 else None
