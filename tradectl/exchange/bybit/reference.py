"""What changes rarely: instruments, fee rates and risk tiers, cached with a time to live and a single flight."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from tradectl.exchange.bybit.config import BybitConfig
from tradectl.exchange.bybit.pages import pages, rows
from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.translate import instrument_of
from tradectl.exchange.bybit.wire import FeePage, InstrumentPage, RiskPage, RiskRow
from tradectl.exchange.cached import Cached
from tradectl.exchange.retry_handler import ReadFailed
from tradectl.model.instruments import Category, FeeRate, Instrument, InstrumentId
from tradectl.model.money import ZERO, amount_or_zero
from tradectl.model.orders import Side

#: Maker and taker at VIP 0, where the venue does not tell (demo has no fee-rate): bybit-v5 9.
DEFAULT_FEES = {
    Category.SPOT: (Decimal("0.001"), Decimal("0.001")),
    Category.LINEAR: (Decimal("0.0002"), Decimal("0.00055")),
    Category.INVERSE: (Decimal("0.0002"), Decimal("0.00055")),
    Category.OPTION: (Decimal("0.0002"), Decimal("0.0003")),
}


class RiskTier(Struct, frozen=True):
    """One tier of a symbol's risk limit; rates are fractions of the position's value."""

    limit: Decimal
    maintenance: Decimal
    initial: Decimal
    max_leverage: Decimal
    deduction: Decimal


Instruments = dict[InstrumentId, Instrument]
Fees = dict[InstrumentId, FeeRate]


class Reference:
    """Instruments of all categories in use, the account's fees on them, and risk tiers on demand."""

    def __init__(self, rest: Rest, config: BybitConfig, clock: Callable[[], float], *, signed: bool) -> None:
        self._rest = rest
        self._config = config
        self._clock = clock
        self._signed = signed
        self.skipped: dict[str, str] = {}
        self._instruments = Cached(self._load_instruments, config.reference_ttl, clock)
        self._fees = Cached(self._load_fees, config.reference_ttl, clock)
        self._tiers: dict[InstrumentId, Cached[tuple[RiskTier, ...]]] = {}

    @property
    def instruments(self) -> Instruments:
        """As last loaded; empty before the first load."""
        return self._instruments.last or {}

    @property
    def fees(self) -> Fees:
        """As last loaded; empty before the first load."""
        return self._fees.last or {}

    async def refresh(self) -> bool:
        """Read again what is too old; whether anything changed. Raises ``ReadFailed``."""
        before = (self._instruments.last, self._fees.last)
        await self._instruments.get()
        await self._fees.get()
        return before != (self._instruments.last, self._fees.last)

    async def risk_tiers(self, instrument: InstrumentId) -> tuple[RiskTier, ...]:
        """Risk tiers, lowest first; empty for spot. Raises ``ReadFailed``."""
        if instrument.category not in (Category.LINEAR, Category.INVERSE):
            return ()
        if instrument not in self._tiers:
            self._tiers[instrument] = Cached(
                lambda: self._load_tiers(instrument), self._config.reference_ttl, self._clock
            )
        return await self._tiers[instrument].get()

    def fee_coin(self, instrument: InstrumentId, side: Side, fee: Decimal, is_maker: bool) -> str:
        """The coin of a fee whose row names none (bybit-v5 9): settle coin, or for spot what was received; a maker's
        rebate flips it. Raises ``ValueError`` when the instrument is not known."""
        known = self.instruments.get(instrument)
        if known is None:
            raise ValueError(f"{instrument} is not known, so the coin of its fee is not either")
        if not known.is_spot:
            return known.settle_coin
        in_base = (side is Side.BUY) != (is_maker and fee < 0)
        return known.base_coin if in_base else known.quote_coin

    async def _load_instruments(self) -> Instruments:
        parts = await asyncio.gather(*(self._load_category(c) for c in self._config.categories))
        return {i.id: i for part in parts for i in part}

    async def _load_category(self, category: Category) -> list[Instrument]:
        found = []
        # Spot is not paged and knows no limit (bybit-v5 3.2).
        limit = None if category is Category.SPOT else 1000
        async for page in pages(
            self._rest, "get_instruments_info", InstrumentPage, category=category.value, limit=limit
        ):
            for row in page.list:
                try:
                    found.append(instrument_of(row, category))
                except ValueError as error:
                    # One odd listing must not keep the others from trading; it is simply not tradable here.
                    self.skipped[row.symbol] = str(error)
        return found

    async def _load_fees(self) -> Fees:
        instruments = await self._instruments.get()
        stated = await self._stated_fees() if self._signed else {}
        return {i: stated.get(i) or FeeRate(i, *DEFAULT_FEES[i.category]) for i in instruments}

    async def _stated_fees(self) -> Fees:
        if not self._config.has_trade_socket:
            return {}
        found: Fees = {}
        for category in self._config.categories:
            page = await self._rest.read("get_fee_rates", FeePage, category=category.value)
            for row in page.list:
                key = InstrumentId(category, row.symbol or "")
                found[key] = FeeRate(key, amount_or_zero(row.makerFeeRate), amount_or_zero(row.takerFeeRate))
        return found

    async def _load_tiers(self, instrument: InstrumentId) -> tuple[RiskTier, ...]:
        found = await rows(
            self._rest, "get_risk_limit", RiskPage, category=instrument.category.value, symbol=instrument.symbol
        )
        own = [row for row in found if row.symbol == instrument.symbol]
        if not own:
            raise ReadFailed(0, f"the venue states no risk limits for {instrument}", again=False)
        # Some documents write percent: a lowest maintenance rate of 0.1 and more can only be that (bybit-v5 4.9).
        lowest = min(amount_or_zero(row.maintenanceMargin) for row in own)
        scale = Decimal("0.01") if lowest >= Decimal("0.1") else Decimal(1)
        return tuple(sorted((_tier(row, scale) for row in own), key=lambda tier: tier.limit))


def _tier(row: RiskRow, scale: Decimal) -> RiskTier:
    return RiskTier(
        limit=amount_or_zero(row.riskLimitValue),
        maintenance=amount_or_zero(row.maintenanceMargin) * scale,
        initial=amount_or_zero(row.initialMargin) * scale,
        max_leverage=amount_or_zero(row.maxLeverage),
        deduction=amount_or_zero(row.mmDeduction) or ZERO,
    )
