"""Results of backtests made by chance but consistent: fills, fees and funding add up to the equity exactly."""

import math
import random
from decimal import Decimal

from tradectl.backtest.job import BacktestJob, BacktestResult, PriceBar, Sample, Warned
from tradectl.engine.config import StrategyConfig
from tradectl.model.commands import ExecutionBooked, OrderChanged
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import Execution, OrderStatus, OrderType, Side, TimeInForce
from tradectl.performance.fills import Fill, fill_of
from tradectl.performance.metrics import Mark, metrics
from tradectl.performance.returns import opening_mark
from tradectl.simulation.models import Models

HOUR = 3600 * 10**9
START = 1_701_216_000 * 10**9  # 2023-11-29 00:00 UTC
TAKER = Decimal("0.00055")
CASH = Decimal(10_000)
FIRST_PRICES = {"BTCUSDT": 37_800.0, "ETHUSDT": 2_050.0}


def instrument(symbol: str) -> Instrument:
    """A linear perpetual with two decimals."""
    cent, lot = Decimal("0.01"), Decimal("0.001")
    return Instrument(
        InstrumentId(Category.LINEAR, symbol), symbol[:-4], "USDT", "USDT", cent, lot, lot, Decimal(1000),
        Decimal(1000), Decimal(5), funding_interval=480,
    )  # fmt: skip


class Market:
    """A random walk of hourly bars."""

    def __init__(self, rng: random.Random, first: float, hours: int) -> None:
        self.bars: list[PriceBar] = []
        price = first
        for hour in range(hours):
            close = round(price * math.exp(rng.gauss(0.00006, 0.006)), 2)
            high = round(max(price, close) * (1 + abs(rng.gauss(0, 0.002))), 2)
            low = round(min(price, close) * (1 - abs(rng.gauss(0, 0.002))), 2)
            self.bars.append(PriceBar(START + hour * HOUR, round(price, 2), high, low, close))
            price = close


class Book:
    """One strategy on one instrument, holding long, short or nothing by chance."""

    def __init__(self, name: str, of: Instrument, rng: random.Random) -> None:
        self.name, self.of, self.rng = name, of, rng
        self.size = self.cost = ZERO
        self.executions: list[ExecutionBooked] = []
        self.orders: list[OrderChanged] = []
        self.cash = ZERO

    def hour(self, bar: PriceBar, hour: int) -> None:
        at, close = bar.at + HOUR, Decimal(str(bar.close))
        if self.size and hour % 8 == 7:
            self._book(at - 1, Side.BUY, close, abs(self.size), self.size * close * Decimal("0.0001"), "Funding")
        if self.rng.random() < (0.03 if self.size else 0.02):
            side = self.rng.choice(list(Side)) if not self.size else Side.SELL if self.size > 0 else Side.BUY
            qty = abs(self.size) or (Decimal(4000) / close).quantize(self.of.lot_size)
            price = close + side.sign * self.of.tick_size * 3
            self._order(at, side, qty, price)
            self._book(at, side, price, qty, price * qty * TAKER, "Trade")

    def _book(self, at: int, side: Side, price: Decimal, qty: Decimal, fee: Decimal, kind: str) -> None:
        n, value = len(self.executions), price * qty
        realised = ZERO
        if kind == "Trade":
            signed = qty * side.sign
            if self.size * signed < 0:
                realised = -signed * price - self.cost
                self.size = self.cost = ZERO
            else:
                self.size, self.cost = self.size + signed, self.cost + signed * price
        done = Execution(
            f"{self.name}-{self.of.id.symbol}-{n}", self.of.id, f"o{n}", f"l{n}", side, price, qty, value, fee,
            "USDT", False, at, kind,
        )  # fmt: skip
        arrival = price - side.sign * self.of.tick_size * 3 if kind == "Trade" else None
        self.executions.append(ExecutionBooked(at, done, self.name, n, realised, self.size, arrival))
        self.cash += realised - fee

    def _order(self, at: int, side: Side, qty: Decimal, price: Decimal) -> None:
        self.orders.append(
            OrderChanged(
                at, f"l{len(self.orders)}", f"o{len(self.orders)}", self.name, len(self.orders), self.of.id, side,
                OrderType.MARKET, TimeInForce.IOC, qty, None, OrderStatus.FILLED, qty, price, False, at,
            )
        )  # fmt: skip

    def worth(self, bar: PriceBar) -> Decimal:
        """Cash made so far and what is open at the close."""
        return self.cash + self.size * Decimal(str(bar.close)) - self.cost

    def value(self, bar: PriceBar) -> Decimal:
        return abs(self.size) * Decimal(str(bar.close))


def made_result(
    seed: int = 1, hours: int = 2_000, symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT"),
    names: tuple[str, ...] = ("trend",),
) -> BacktestResult:  # fmt: skip
    """A result over ``hours`` hourly candles of each symbol."""
    rng = random.Random(seed)
    of = tuple(instrument(symbol) for symbol in symbols)
    markets = {str(it.id): Market(rng, FIRST_PRICES.get(it.id.symbol, 100.0), hours) for it in of}
    books = [Book(name, it, rng) for name in names for it in of]
    samples = [Sample(START, CASH, ZERO)]
    for hour in range(hours):
        for book in books:
            book.hour(markets[str(book.of.id)].bars[hour], hour)
        bars = [(book, markets[str(book.of.id)].bars[hour]) for book in books]
        equity = CASH + sum((book.worth(bar) for book, bar in bars), ZERO)
        samples.append(Sample(START + (hour + 1) * HOUR, equity, sum((book.value(bar) for book, bar in bars), ZERO)))
    executions = sorted((it for book in books for it in book.executions), key=lambda it: (it.at, it.execution.exec_id))
    fills = tuple(fill_of(it, lambda coin, at: None) for it in executions)
    marks = [opening_mark(START, CASH), *(Mark(it.at, it.equity) for it in samples)]
    return BacktestResult(
        job=BacktestJob(
            strategies=tuple(StrategyConfig(name=name, class_="ema_cross", capital=Decimal("0.5"),
                                            params={"fast": 12, "slow": 26, "weight": 0.4}) for name in names),
            instruments=tuple(it.id for it in of), interval="1h", since=START, until=START + hours * HOUR, cash=CASH,
        ),
        instruments=of,
        executions=tuple(executions),
        fills=fills,
        orders=tuple(order for book in books for order in book.orders),
        decisions=(),
        decided=len(fills),
        refused={"max_position": 3},
        samples=tuple(samples),
        prices={name: tuple(market.bars) for name, market in markets.items()},
        metrics=metrics(marks, fills),
        per_strategy={name: metrics(_book_marks(samples, books, markets, name), _of(fills, name)) for name in names},
        warnings=(Warned("fills_inside_bar", "stops and limits inside a bar fill on an assumed path"),),
        models=Models().describe(),
        data_fingerprint="4f1c" * 16,
        candles=hours * len(of),
        ended=START + hours * HOUR,
        missing={f"{of[0].id} candles 1h": 7},
        cpu_seconds=0.4,
        wall_seconds=0.5,
        code="9a8b7c6d5e4f3a2b",
    )  # fmt: skip


def _of(fills: tuple[Fill, ...], name: str) -> list[Fill]:
    return [fill for fill in fills if fill.strategy == name]


def _book_marks(samples: list[Sample], books: list[Book], markets: dict[str, Market], name: str) -> list[Mark]:
    """Marks of one strategy alone: its share of the cash moved by its own fills and open positions."""
    own = [book for book in books if book.name == name]
    marks = [opening_mark(START, CASH)]
    done = {id(book): 0 for book in own}
    state = {id(book): (ZERO, ZERO, ZERO) for book in own}
    for hour, sample in enumerate(samples[1:]):
        worth = CASH
        for book in own:
            cash, size, cost = state[id(book)]
            while done[id(book)] < len(book.executions) and book.executions[done[id(book)]].at <= sample.at:
                it = book.executions[done[id(book)]]
                cash += it.realised - it.execution.fee
                signed = it.execution.qty * it.execution.side.sign if it.execution.type == "Trade" else ZERO
                cost = ZERO if not it.position else cost + signed * it.execution.price
                size = it.position
                done[id(book)] += 1
            state[id(book)] = (cash, size, cost)
            worth += cash + size * Decimal(str(markets[str(book.of.id)].bars[hour].close)) - cost
        marks.append(Mark(sample.at, worth))
    return marks
