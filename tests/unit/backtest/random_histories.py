"""Small random histories and scripts for the oracle: many regimes, all from one seed."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

from tests.oracles.backtester import Action, Bar, Case, Latency
from tests.oracles.backtester_venue import BUY, SELL, Costs, Spec

MINUTE = 60_000_000_000
START = 1_767_225_600_000_000_000  # 2026-01-01 00:00 UTC
#: Tick, lot and the price to begin at, in ticks.
GRIDS = [
    ("0.1", "0.001", (300, 700_000)), ("0.000001", "1000", (20, 3_000)), ("0.01", "0.1", (500, 20_000)),
    ("0.5", "0.01", (40, 9_000)), ("0.0005", "1", (100, 5_000)),
]  # fmt: skip


class Market:
    """One instrument's bars, made step by step on its tick (or a fifth of it, where the data is finer)."""

    def __init__(self, rng: Random, symbol: str, count: int, spot: bool) -> None:
        tick, lot, span = rng.choice(GRIDS)
        self.rng, self.spec = rng, Spec(symbol, Fraction(tick), Fraction(lot), spot)
        self.step = Decimal(tick) / 5 if rng.random() < 0.15 else Decimal(tick)
        self.tick = Decimal(tick)
        self.vol = 10 ** rng.uniform(-3, -1.2)
        self.bars = self.walk(count, Decimal(rng.randint(*span)) * self.tick)

    def near(self, price: float) -> Decimal:
        """On the grid of the data, above nothing."""
        return max(round(Decimal(repr(price)) / self.step), 1) * self.step

    def on_tick(self, price: float) -> Decimal:
        return max(round(Decimal(repr(price)) / self.tick), 1) * self.tick

    def walk(self, count: int, price: Decimal) -> list[Bar]:
        rng, bars = self.rng, []
        drift, missing = rng.gauss(0, self.vol / 3), rng.choice([0, 0, 0.05, 0.3])
        idle, gaps = rng.choice([0, 0, 0.1]), rng.choice([0, 0.1, 0.5])
        for number in range(count):
            moved = float(price) * (1 + rng.gauss(0, self.vol)) if rng.random() < gaps else float(price)
            open_ = self.near(moved)
            close = self.near(float(open_) * max(1 + drift + rng.gauss(0, self.vol), 0.05))
            if rng.random() < 0.1:
                close = open_
            high = max(open_, close, self.near(float(max(open_, close)) * (1 + abs(rng.gauss(0, self.vol / 2)))))
            low = min(open_, close, self.near(float(min(open_, close)) * max(1 - abs(rng.gauss(0, self.vol / 2)), 0.1)))
            volume = 0.0 if rng.random() < idle else round(rng.expovariate(1) * float(self.spec.lot) * 300, 4)
            if number and number < count - 1 and rng.random() < missing:
                continue
            at = START + number * MINUTE
            bars.append(Bar(at, float(open_), float(high), float(low), float(close), volume))
            price = close
        return bars


class Script:
    """What the strategy does: actions around the market's price of the bar."""

    def __init__(self, rng: Random, market: Market, spend: float, lagging: bool, brackets: bool) -> None:
        self.rng, self.market, self.spend = rng, market, spend
        #: What the two sides agree on only while nothing is on its way.
        self.lagging = lagging
        #: Every entry has both exits; nothing else waits to close.
        self.brackets = brackets

    def actions(self, bar: Bar) -> list[Action]:
        return [self.action(bar) for _ in range(self.rng.choice([1, 1, 1, 2, 3]))]

    def action(self, bar: Bar) -> Action:
        rng, spot, symbol = self.rng, self.market.spec.spot, self.market.spec.symbol
        kinds = ["market"] * 4 + ["limit"] * 5 + ["stop"] * 2 + ["close", "cancel", "cancel_all", "amend"]
        if self.lagging:
            kinds = ["market"] * 3 + ["limit"] * 4
        elif not spot and not self.brackets:
            kinds += ["target", "exit"]
        if self.brackets:
            kinds.remove("amend")
        kind = rng.choice(kinds)
        if kind in ("close", "cancel_all"):
            return kind, symbol, {}
        if kind == "target":
            return kind, symbol, {"weight": str(rng.choice([-1, -0.5, 0.25, 0.5, 1, 2]))}
        if kind == "cancel":
            return kind, symbol, {"which": rng.randrange(5)}
        if kind == "amend":
            name, value = rng.choice([("qty", self.qty(bar)), ("price", self.around(bar.close))])
            return kind, symbol, {"which": rng.randrange(5), name: value}
        return "order", symbol, self.order(bar, kind)

    def qty(self, bar: Bar) -> str:
        lot = Decimal(str(float(self.market.spec.lot)))
        lots = int(self.spend * self.rng.uniform(0.02, 1.3) / bar.close / float(lot))
        return str(max(lots, 1) * lot)

    def around(self, price: float, side: int = 0) -> str:
        """A price near by: on one side of it, or on either (0)."""
        away = abs(self.rng.gauss(0, 1.5 * self.market.vol)) * (side or self.rng.choice([1, -1]))
        at = self.market.on_tick(price * max(1 + away, 0.2))
        if self.rng.random() < 0.1:
            at = self.market.on_tick(price)
        return str(at)

    def order(self, bar: Bar, kind: str) -> dict[str, Any]:
        rng, side = self.rng, self.rng.choice([BUY, SELL])
        made: dict[str, Any] = {"side": side, "qty": self.qty(bar)}
        if kind == "limit":
            made["price"] = self.around(bar.close, rng.choice([0, -side, -side]))
            made["tif"] = rng.choice(["GTC"] * 5 + ["IOC", "FOK", "PostOnly", "PostOnly"])
            if rng.random() < 0.1 and not self.lagging and not self.market.spec.spot and not self.brackets:
                made["reduce_only"] = True
        if kind in ("stop", "exit"):
            made["rises"] = rng.choice([True, False])
            made["trigger"] = self.around(bar.close, 1 if made["rises"] else -1)
            if kind == "exit":
                made["reduce_only"] = True
            elif rng.random() < 0.3:
                made["price"] = self.around(float(made["trigger"]))
        if self.brackets and kind in ("market", "limit", "stop") and not made.get("reduce_only"):
            entry = float(made.get("price") or made.get("trigger") or bar.close)
            for leg, sign in (("tp", side), ("sl", -side)):
                if not self.market.spec.spot:
                    made[leg] = self.around(entry, sign)
        return made


def case(seed: int, spot: bool = False) -> Case:
    """The case of a seed: always the same."""
    rng = Random(seed)
    count = rng.randint(20, 70)
    names = ["AAAUSDT", "BBBUSDT", "CCCUSDT"][: rng.choice([1, 1, 2, 3])]
    cash = Fraction(rng.choice([100, 10_000, 1_000_000]))
    leverage = 1 if spot else rng.choice([1, 2, 5, 20, 100])
    lagging = rng.random() < 0.25
    lags = [rng.choice([0, 200_000, 50_000_000, 3_000_000_000]) for _ in range(3)]
    latency = Latency(*lags) if lagging else Latency()
    markets = [Market(rng, name, count, spot) for name in names]
    maker = rng.choice(["0.0002", "0", "-0.0001"])
    costs = Costs(
        Fraction("0.001" if spot else maker), Fraction("0.001" if spot else "0.00055"), rng.choice([0, 1, 3]),
        rng.choice([0.0, 0.0, 3.7, 21.3]), rng.choice([0.0, 0.0, 11.9]), rng.choice([0.0, 0.0, 0.013, 0.21]),
    )  # fmt: skip
    brackets = not spot and not lagging and rng.random() < 0.35
    if brackets:
        costs = replace(costs, share=0.0)  # an exit that fires always finds somebody
    script, reactions = {}, {}
    busy = rng.choice([0.1, 0.3, 0.8])
    for market in markets:
        spend = float(cash) * leverage / len(markets) * rng.choice([0.1, 0.5, 1.0])
        plan = Script(rng, market, spend, lagging, brackets)
        for bar in market.bars:
            if rng.random() < busy:
                script[market.spec.symbol, bar.at] = plan.actions(bar)
        for number in range(1, 60):
            if rng.random() < 0.05:
                reactions[market.spec.symbol, number] = [plan.action(rng.choice(market.bars))]
    return Case(
        [it.spec for it in markets], {it.spec.symbol: it.bars for it in markets}, script, costs, MINUTE, cash,
        Fraction(leverage), latency, {} if spot else payments(rng, markets), reactions,
    )  # fmt: skip


def payments(rng: Random, markets: list[Market]) -> dict[str, list[tuple[int, float]]]:
    """Funding at the ends of bars and inside them."""
    made: dict[str, list[tuple[int, float]]] = {}
    for market in markets:
        if rng.random() < 0.5:
            shift = rng.choice([0, 0, MINUTE // 2])
            chosen = sorted(rng.sample(range(1, 70), 5))
            rows = [(START + n * MINUTE + shift, round(rng.gauss(0, 0.002), 8)) for n in chosen]
            made[market.spec.symbol] = rows
    return made
