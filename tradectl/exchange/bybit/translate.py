"""From wire rows to our records: exact amounts, nanoseconds, our words. Raises ``ValueError`` on nonsense."""

from decimal import Decimal

from tradectl.exchange.bybit.wire import (
    CoinRow,
    InstrumentRow,
    LogRow,
    PositionRow,
    Text,
    WalletRow,
)
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO, amount_or_zero, parse_amount
from tradectl.model.orders import Side
from tradectl.model.positions import BalanceReport, LedgerRow, PositionReport

MS = 1_000_000
#: Transaction-log types whose money also arrives as an execution row (bybit-v5 5.7, 7.3): booked from there alone.
BOOKED_AS_EXECUTIONS = frozenset({"TRADE", "SETTLEMENT", "LIQUIDATION", "ADL", "DELIVERY"})
_SIDES = {s.value: s for s in Side}


def nanoseconds(text: Text) -> int:
    """Wire milliseconds as nanoseconds; 0 where there are none."""
    return int(text) * MS if text else 0


def category_of(text: str) -> Category:
    """The category named on the wire. Raises ``ValueError`` on one we do not know."""
    return Category(text)


def side_of(text: Text) -> Side:
    """The side named on the wire. Raises ``ValueError`` on anything else."""
    try:
        return _SIDES[text or ""]
    except KeyError:
        raise ValueError(f"side {text!r} is neither Buy nor Sell") from None


def not_negative(name: str, text: Text) -> Decimal:
    """An amount, absent read as zero. Raises ``ValueError`` below zero."""
    if not text:
        return ZERO
    value = amount_or_zero(text)
    if value < 0:
        raise ValueError(f"{name} {text} is negative")
    return value


def positive(name: str, text: Text) -> Decimal:
    """An amount above zero. Raises ``ValueError`` on any other, also on an absent one."""
    value = amount_or_zero(text)
    if value <= 0:
        raise ValueError(f"{name} {text!r} is not positive")
    return value


def or_none(value: Decimal) -> Decimal | None:
    """Zero is how the venue says "not set" for prices (bybit-v5 12, gotcha 11)."""
    return value if value else None


def word(text: Text) -> str:
    """The docs' samples write ``UNKNOWN`` where newer payloads are empty (bybit-v5 12, gotcha 13)."""
    return "" if text is None or text == "UNKNOWN" else text


def position_report(row: PositionRow, category: Category) -> PositionReport:
    """A position row with a signed size; the row of a flat symbol has side ``""``."""
    size = not_negative("size", row.size)
    signed = ZERO if size == 0 else size * side_of(row.side).sign
    return PositionReport(
        instrument=InstrumentId(category, row.symbol),
        size=signed,
        avg_price=or_none(not_negative("entry price", row.entryPrice or row.avgPrice)),
        position_idx=row.positionIdx,
        leverage=parse_amount(row.leverage),
        mark_price=parse_amount(row.markPrice),
        liq_price=parse_amount(row.liqPrice),
        unrealised_pnl=amount_or_zero(row.unrealisedPnl),
        updated=nanoseconds(row.updatedTime),
        take_profit=or_none(not_negative("takeProfit", row.takeProfit)),
        stop_loss=or_none(not_negative("stopLoss", row.stopLoss)),
        trailing=or_none(not_negative("trailingStop", row.trailingStop)),
    )


def balances(rows: tuple[WalletRow, ...]) -> tuple[BalanceReport, ...]:
    """Every coin of the wallet rows."""
    return tuple(_balance(coin) for row in rows for coin in row.coin)


def _balance(row: CoinRow) -> BalanceReport:
    return BalanceReport(
        coin=row.coin,
        wallet=amount_or_zero(row.walletBalance),
        equity=amount_or_zero(row.equity),
        locked=amount_or_zero(row.locked),
    )


def ledger_row(row: LogRow) -> LedgerRow | None:
    """A transaction-log row that no execution row repeats, else ``None``."""
    if row.type in BOOKED_AS_EXECUTIONS:
        return None
    instrument = None
    if row.symbol and row.category in Category._value2member_map_:
        instrument = InstrumentId(Category(row.category), row.symbol)
    return LedgerRow(
        id=row.id,
        type=row.type,
        coin=row.currency,
        change=amount_or_zero(row.change),
        ts=nanoseconds(row.transactionTime),
        instrument=instrument,
    )


def instrument_of(row: InstrumentRow, category: Category) -> Instrument:
    """An instruments-info row as ours (bybit-v5 4.3). Raises ``ValueError`` without a tick or lot."""
    lot, price, risk = row.lotSizeFilter, row.priceFilter, row.riskParameters
    spot = category is Category.SPOT
    max_limit = amount_or_zero(lot.maxLimitOrderQty if spot else lot.maxOrderQty)
    max_market = amount_or_zero(lot.maxMarketOrderQty if spot else lot.maxMktOrderQty)
    max_leverage = row.leverageFilter.maxLeverage if row.leverageFilter else ""
    return Instrument(
        id=InstrumentId(category, row.symbol),
        base_coin=row.baseCoin,
        quote_coin=row.quoteCoin,
        settle_coin=row.settleCoin or row.quoteCoin,
        tick_size=positive("tickSize", price.tickSize),
        lot_size=positive("qtyStep", lot.basePrecision if spot else lot.qtyStep),
        # Spot's minOrderQty is deprecated: the venue does not enforce it (bybit-v5 4.3).
        min_qty=amount_or_zero(lot.basePrecision if spot else lot.minOrderQty),
        max_limit_qty=max_limit or max_market,
        max_market_qty=max_market or max_limit,
        min_notional=amount_or_zero(lot.minOrderAmt if spot else lot.minNotionalValue),
        min_price=amount_or_zero(price.minPrice),
        max_price=or_none(amount_or_zero(price.maxPrice)),
        max_leverage=parse_amount(max_leverage) or Decimal(1),
        funding_interval=row.fundingInterval or 0,
        price_limit_x=parse_amount(risk.priceLimitRatioX) if risk else None,
        price_limit_y=parse_amount(risk.priceLimitRatioY) if risk else None,
        status=row.status,
        quote_precision=parse_amount(lot.quotePrecision) or Decimal("0.00000001"),
        launched=nanoseconds(row.launchTime),
    )
