"""Orders and fills of a comparison, made by hand or by hypothesis."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tradectl.backtest.parity.orders import Paid, Piece, Side, TradedOrder, Units, value_at
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import use_exact_context
from tradectl.model.orders import OrderStatus, OrderType

use_exact_context()
D = Decimal
LINEAR = InstrumentId(Category.LINEAR, "BTCUSDT")
INVERSE = InstrumentId(Category.INVERSE, "BTCUSD")
SPOT = InstrumentId(Category.SPOT, "ETHUSDT")
SECOND = 10**9
TAKER, MAKER = D("0.00055"), D("0.0002")


def _instrument(id_: InstrumentId, base: str, quote: str, settle: str) -> Instrument:
    return Instrument(id_, base, quote, settle, D("0.1"), D("0.001"), D("0.001"), D(1000), D(500), D(5))


INSTRUMENTS = {
    it.id: it
    for it in (
        _instrument(LINEAR, "BTC", "USDT", "USDT"),
        _instrument(INVERSE, "BTC", "USD", "BTC"),
        _instrument(SPOT, "ETH", "USDT", "USDT"),
    )
}
UNITS = Units(INSTRUMENTS, {LINEAR: D(105), INVERSE: D("103.7"), SPOT: D("97.31")})


def no_touch(instrument: InstrumentId, sign: int, ts: int) -> Decimal | None:
    """Nothing is known of the market."""
    return None


def piece(qty: Any, price: Any, ts: int = 0, maker: bool = False, coin: str = "USDT", id_: str = "e") -> Piece:
    """A fill on the linear contract with the usual fee."""
    rate = MAKER if maker else TAKER
    value = D(qty) * D(price)
    return Piece(id_, ts, D(qty), D(price), value, value * rate, coin, rate, maker)


def order(*pieces: Piece, **more: Any) -> TradedOrder:
    """A market order of one unit that a strategy decided at time 0."""
    fields: dict[str, Any] = {
        "id": "o", "strategy": "ema", "instrument": LINEAR, "sign": 1, "kind": "buy", "cause": "bar", "at": 0,
        "type": OrderType.MARKET, "price": None, "asked": D(1), "status": OrderStatus.FILLED, "ours": True,
        "reason": "fast above slow", "pieces": pieces,
    }  # fmt: skip
    return TradedOrder(**fields | more)


def side(*orders: TradedOrder, funding: tuple[Paid, ...] = ()) -> Side:
    return Side(orders, funding)


# --- by chance

_AMOUNTS = st.integers(1, 5000).map(lambda n: D(n) / 1000)
_PRICES = st.integers(500, 2000).map(lambda n: D(n) / 10)


@st.composite
def pieces(draw: st.DrawFn, instrument: InstrumentId) -> Piece:
    """Any fill: the venue rounds values and fees as it likes."""
    qty, price = draw(_AMOUNTS), draw(_PRICES)
    value = value_at(instrument, qty, price)
    rate = draw(st.sampled_from([TAKER, MAKER, D("-0.0001"), D(0)]))
    it = INSTRUMENTS[instrument]
    coin = draw(st.sampled_from([it.settle_coin, it.base_coin, "MNT"] if it.is_spot else [it.settle_coin]))
    fee = (value * rate).quantize(D("1e-8"))
    ts = draw(st.integers(0, 5)) * SECOND
    return Piece(draw(st.sampled_from("abcdef")), ts, qty, price, value, fee, coin, rate, draw(st.booleans()))


@st.composite
def orders(draw: st.DrawFn) -> TradedOrder:
    """Any order, likely to have a twin on the other side."""
    instrument = draw(st.sampled_from([LINEAR, INVERSE, SPOT]))
    fills = tuple(draw(st.lists(pieces(instrument), max_size=4)))
    filled = sum((it.qty for it in fills), D(0))
    return order(
        *fills,
        id=draw(st.sampled_from("pqrstu")),
        instrument=instrument,
        sign=draw(st.sampled_from([1, -1])),
        kind=draw(st.sampled_from(["buy", "stop:StopLoss", ""])),
        cause=draw(st.sampled_from(["bar", "timer"])),
        at=draw(st.integers(0, 3)) * 40 * SECOND,
        type=draw(st.sampled_from(list(OrderType))),
        price=draw(st.one_of(st.none(), _PRICES)),
        asked=max(filled, draw(_AMOUNTS)),
        status=draw(st.sampled_from(list(OrderStatus))),
        ours=draw(st.booleans()),
    )


_PAID = st.builds(
    Paid,
    st.just(LINEAR),
    st.integers(1, 3).map(lambda n: n * 8 * 3600 * SECOND),
    st.just("USDT"),
    st.integers(-10_000, 10_000).map(lambda n: D(n) / 10**8),
    st.just(D("0.0001")),
    _AMOUNTS,
)


@st.composite
def sides(draw: st.DrawFn) -> Side:
    """One side by chance; a settlement is paid once."""
    paid = {it.ts: it for it in draw(st.lists(_PAID, max_size=3))}
    return Side(tuple(draw(st.lists(orders(), max_size=6))), tuple(paid.values()))
