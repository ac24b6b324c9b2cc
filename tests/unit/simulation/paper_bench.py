"""A paper account on two markets that a test moves."""

from decimal import Decimal

from tests.unit.engine.harness import BTC, INSTRUMENTS, SPOT, T0
from tradectl.model.commands import Amendment, CancelOrder, RiskApproved
from tradectl.model.events import BookChanged, Event, Executed, OrderReported, TickerChanged, TradePrinted
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import Ticker
from tradectl.model.orders import Execution, OrderSpec, OrderStatus, OrderType, Side, TimeInForce, TradingStop, Trigger
from tradectl.simulation.paper_venue import DEPTH, PaperVenue, Terms

D = Decimal
TERMS = Terms(cash={"USDT": D(10_000)})
HOUR = 3_600_000_000_000
Pair = tuple[float, float]


def venue(terms: Terms = TERMS) -> PaperVenue:
    """An account whose market is known: 100.0 x 2 / 100.1 x 3, and a level behind each."""
    made = PaperVenue(terms, "paper-1")
    made.know(INSTRUMENTS)
    for instrument in (BTC, SPOT):
        made.hear(ticker(0, 100.0, instrument=instrument))
        made.hear(book(0, [(100.0, 2.0), (99.9, 5.0)], [(100.1, 3.0), (100.2, 5.0)], instrument=instrument))
    return made


def book(
    at: int,
    bids: list[Pair],
    asks: list[Pair],
    snapshot: bool = True,
    instrument: InstrumentId = BTC,
    depth: int = DEPTH,
) -> BookChanged:
    """``at`` in nanoseconds after the start."""
    return BookChanged(T0 + at, T0 + at, instrument, depth, snapshot, tuple(bids), tuple(asks), 1)


def ticker(
    at: int, last: float, mark: float = 0.0, rate: float = 0.0, due: int = 0, instrument: InstrumentId = BTC
) -> TickerChanged:
    state = Ticker(last, mark or last, mark or last, funding_rate=rate, next_funding=T0 + due if due else 0)
    return TickerChanged(T0 + at, T0 + at, instrument, state)


def trade(at: int, price: float, size: float, side: Side = Side.SELL, instrument: InstrumentId = BTC) -> TradePrinted:
    return TradePrinted(T0 + at, T0 + at, instrument, side, price, size, f"t{at}")


def order(
    qty: str, price: str = "", side: Side = Side.BUY, link: str = "a", trigger: Trigger | None = None,
    instrument: InstrumentId = BTC, reduce_only: bool = False,
) -> RiskApproved:  # fmt: skip
    """A market order, with a ``price`` a limit order."""
    kind, force = (OrderType.LIMIT, TimeInForce.GTC) if price else (OrderType.MARKET, TimeInForce.IOC)
    spec = OrderSpec(
        link, instrument, side, kind, D(qty), D(price) if price else None, force, reduce_only=reduce_only,
        trigger=trigger,
    )  # fmt: skip
    return RiskApproved(1, 1, spec)


def amend(link: str, qty: str) -> RiskApproved:
    return RiskApproved(1, 1, None, Amendment(link, "", BTC, D(qty)))


def stop(loss: str) -> RiskApproved:
    return RiskApproved(1, 1, None, None, TradingStop(BTC, stop_loss=D(loss)))


def cancel(link: str) -> CancelOrder:
    return CancelOrder(1, link, "", BTC)


def fills(events: list[Event]) -> list[Execution]:
    return [it.execution for it in events if isinstance(it, Executed)]


def traded(events: list[Event]) -> list[tuple[str, str]]:
    """Price and size of each fill."""
    return [(str(it.price), str(it.qty)) for it in fills(events)]


def statuses(events: list[Event]) -> list[OrderStatus]:
    return [it.report.status for it in events if isinstance(it, OrderReported)]
