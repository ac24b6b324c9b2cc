"""Pasts of accounts made by hand: each helper is one thing that happened."""

from decimal import Decimal
from typing import Any

from tradectl.model.account_past import AccountPast, PastExecution, StatementRow
from tradectl.model.instruments import Category, FeeRate, Instrument, InstrumentId
from tradectl.model.market_data import Bar
from tradectl.model.money import ZERO, to_coin
from tradectl.model.orders import Execution, OrderReport, OrderStatus, OrderType, Side, TimeInForce
from tradectl.model.positions import BalanceReport

D = Decimal
MINUTE, DAY = 60 * 10**9, 86_400 * 10**9
START = 1_767_225_600 * 10**9  # 2026-01-01
LINEAR = InstrumentId(Category.LINEAR, "BTCUSDT")
SPOT = InstrumentId(Category.SPOT, "ETHUSDT")
TAKER, MAKER = D("0.00055"), D("0.0002")


def instrument(name: InstrumentId, **changes: Any) -> Instrument:
    base = name.symbol.removesuffix("USDT")
    fields: dict[str, Any] = {
        "id": name, "base_coin": base, "quote_coin": "USDT", "settle_coin": "USDT", "tick_size": D("0.1"),
        "lot_size": D("0.001"), "min_qty": D("0.001"), "max_limit_qty": D(1000), "max_market_qty": D(1000),
        "min_notional": D(5),
    } | changes  # fmt: skip
    return Instrument(**fields)


class Made:
    """A past under construction; times are minutes after the start. The wallet begins with 10,000 USDT."""

    def __init__(self, days: int = 90) -> None:
        self.until = START + days * DAY
        self.executions: list[PastExecution] = []
        self.orders: list[OrderReport] = []
        self.rows: list[StatementRow] = []
        self.wallet = {"USDT": D(10_000), "ETH": D(0)}

    def trade(
        self, minute: int, side: str, qty: str, price: str, realised: str = "0", *, name: InstrumentId = LINEAR,
        maker: bool = False, mark: str = "", order_id: str = "", order: dict[str, Any] | None = None, **more: Any,
    ) -> str:  # fmt: skip
        """One fill with its order and statement rows; returns the id of the execution."""
        number = len(self.executions) + 1
        id, order_id = f"e{number}", order_id or f"o{number}"
        at, size, paid = START + minute * MINUTE, D(qty), D(price)
        rate = MAKER if maker else TAKER
        spot, bought = name.category is Category.SPOT, side == "Buy"
        base = name.symbol.removesuffix("USDT")
        coin = base if spot and bought else "USDT"
        fee = to_coin((size if coin == base else size * paid) * rate)
        done = Execution(id, name, order_id, "", Side(side), paid, size, size * paid, fee, coin, maker, at,
                         fee_rate=rate, **more)  # fmt: skip
        self.executions.append(PastExecution(done, D(mark) if mark else None))
        self._order(done, order or {})
        if spot:
            sign = 1 if bought else -1
            self.row("TRADE", base, at, sign * size, fee=fee if coin == base else D(0), trade_id=id, name=name)
            self.row("TRADE", "USDT", at, -sign * size * paid, fee=fee if coin == "USDT" else D(0), trade_id=id,
                     name=name)  # fmt: skip
        else:
            self.row("TRADE", "USDT", at, D(realised), fee=fee, trade_id=id, name=name)
        return id

    def _order(self, done: Execution, changes: dict[str, Any]) -> None:
        if any(it.order_id == done.order_id for it in self.orders):
            return
        fields: dict[str, Any] = {
            "instrument": done.instrument, "order_id": done.order_id, "link_id": "", "side": done.side,
            "type": OrderType.MARKET, "time_in_force": TimeInForce.IOC, "qty": done.qty, "price": None,
            "status": OrderStatus.FILLED, "cum_qty": done.qty, "cum_value": done.value, "avg_price": done.price,
            "updated": done.ts, "created": done.ts,
        } | changes  # fmt: skip
        self.orders.append(OrderReport(**fields))

    def funding(self, minute: int, side: str, qty: str, mark: str, paid: str, name: InstrumentId = LINEAR) -> None:
        number, at = len(self.executions) + 1, START + minute * MINUTE
        done = Execution(f"e{number}", name, f"f{number}", "", Side(side), D(mark), D(qty), D(qty) * D(mark), D(paid),
                         "USDT", False, at, type="Funding")  # fmt: skip
        self.executions.append(PastExecution(done, D(mark)))
        self.row("SETTLEMENT", "USDT", at, D(0), funding=-D(paid), trade_id=done.exec_id, name=name)

    def row(
        self, type: str, coin: str, at: int, cash_flow: Decimal, *, fee: Decimal = ZERO, funding: Decimal = ZERO,
        trade_id: str = "", name: InstrumentId | None = None,
    ) -> None:  # fmt: skip
        change = cash_flow + funding - fee
        self.wallet[coin] = self.wallet.get(coin, D(0)) + change
        self.rows.append(StatementRow(
            f"r{len(self.rows)}", type, coin, at, change, self.wallet[coin], cash_flow, funding, fee,
            name.category.value if name else "", name.symbol if name else "", trade_id,
        ))  # fmt: skip

    def past(self, **changes: Any) -> AccountPast:
        fields: dict[str, Any] = {
            "uid": "900100", "since": START, "until": self.until, "executions": tuple(self.executions),
            "orders": tuple(self.orders), "statement": tuple(self.rows),
            "balances": tuple(BalanceReport(coin, amount) for coin, amount in self.wallet.items()),
            "instruments": (instrument(LINEAR), instrument(SPOT, tick_size=D("0.01"), lot_size=D("0.0001"))),
            "fees": (FeeRate(LINEAR, MAKER, TAKER),),
        } | changes  # fmt: skip
        return AccountPast(**fields)


def candles(minute: int, *rows: tuple[float, float, float, float]) -> dict[int, Bar]:
    """Candles (open, high, low, close) from ``minute`` on."""
    times = [START + (minute + n) * MINUTE for n in range(len(rows))]
    return {at: Bar(at, *row, 1.0) for at, row in zip(times, rows, strict=True)}
