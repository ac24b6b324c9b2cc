"""Each gap between the model and reality is one small replaceable object; the report names those that were used.

A model is pure and deterministic: the same arguments give the same answer. Prices are in quote coin, sizes in base
coin, times in nanoseconds. ``describe`` is a sentence for the report.
"""

from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from tradectl.matching.views import AccountFees
from tradectl.model.instruments import Instrument
from tradectl.model.orders import Side


class FeeModel(Protocol):
    """What the venue charges."""

    def fees(self) -> AccountFees:
        """The account's rates."""

    def describe(self) -> str: ...


class SpreadModel(Protocol):
    """How far apart bid and ask are where the data has no quotes."""

    def half(self, instrument: Instrument, price: float) -> int:
        """Distance of bid and of ask from ``price``, in ticks; 0: both stand at it."""

    def describe(self) -> str: ...


class SlippageModel(Protocol):
    """How much worse than the touch a taker trades, beyond what the displayed size explains."""

    def worse(self, instrument: Instrument, side: Side, qty: Decimal, price: float, volume: float) -> int:
        """Ticks; ``volume`` is what the last bar (or second of tape) traded."""

    def describe(self) -> str: ...


class LatencyModel(Protocol):
    """How long things take, in nanoseconds."""

    def market(self, ts: int) -> int:
        """From the venue's event at ``ts`` to the strategy."""

    def order(self, now: int) -> int:
        """From the engine's command at ``now`` to the venue's book."""

    def answer(self, now: int) -> int:
        """From the venue at ``now`` back to the engine."""

    def describe(self) -> str: ...


class LiquidityModel(Protocol):
    """How much can be traded where the data shows no book."""

    def touch(self, instrument: Instrument, volume: float) -> Decimal | None:
        """Size a taker finds at each price level of one bar that traded ``volume``; ``None`` for no bound."""

    def passive(self, instrument: Instrument, volume: float) -> Decimal | None:
        """Size by which a bar's prints fill resting orders they reach; ``None`` for no bound."""

    def describe(self) -> str: ...


class QueueModel(Protocol):
    """Where in the queue a resting order stands when the data shows no book. The matching rules decide; this names
    the assumption they are given."""

    def describe(self) -> str: ...


class PathModel(Protocol):
    """The way the price took inside a bar."""

    def low_first(self, open: float, high: float, low: float, close: float) -> bool:
        """Whether the low came before the high."""

    def describe(self) -> str: ...


class FundingModel(Protocol):
    """What funding is charged at a settlement for which the data has no rate."""

    def rate(self, instrument: Instrument, ts: int) -> Decimal: ...

    def describe(self) -> str: ...


# --- the ones that come with the house --------------------------------------------------------------------------------


class TierFees(Struct, frozen=True):
    """Fixed rates, by default Bybit's VIP 0."""

    rates: AccountFees = AccountFees()
    name: str = "VIP 0"

    def fees(self) -> AccountFees:
        return self.rates

    def describe(self) -> str:
        r = self.rates
        return (
            f"fees {self.name}: linear {_bps(r.linear_maker)}/{_bps(r.linear_taker)}, "
            f"spot {_bps(r.spot_maker)}/{_bps(r.spot_taker)} basis points (maker/taker)"
        )


def _bps(rate: Decimal) -> str:
    return f"{rate * 10_000:f}".rstrip("0").rstrip(".") or "0"


class FixedSpread(Struct, frozen=True):
    """Bid and ask ``ticks`` and ``bps`` of the price away from it, whichever is wider."""

    ticks: int = 1
    bps: float = 0.0

    def half(self, instrument: Instrument, price: float) -> int:
        wide = round(price * self.bps / 10_000 / float(instrument.tick_size)) if self.bps else 0
        return max(self.ticks, wide)

    def describe(self) -> str:
        if not self.ticks and not self.bps:
            return "no spread: takers trade at the last price"
        text = f"bid and ask {self.ticks} tick{'s' if self.ticks != 1 else ''} from the last price"
        return f"{text}, at least {self.bps:g} basis points" if self.bps else text


class FixedSlippage(Struct, frozen=True):
    """Takers trade ``bps`` worse than the touch, plus ``impact_bps`` x the square root of their share of the volume."""

    bps: float = 0.0
    impact_bps: float = 0.0

    def worse(self, instrument: Instrument, side: Side, qty: Decimal, price: float, volume: float) -> int:
        bps = self.bps
        if self.impact_bps and volume > 0:
            bps += self.impact_bps * (float(qty) / volume) ** 0.5
        return round(price * bps / 10_000 / float(instrument.tick_size)) if bps else 0

    def describe(self) -> str:
        if not self.bps and not self.impact_bps:
            return "no slippage beyond the touch"
        parts = [f"{self.bps:g} basis points"] if self.bps else []
        parts += [f"{self.impact_bps:g} basis points x sqrt(share of the bar's volume)"] if self.impact_bps else []
        return f"takers trade {' and '.join(parts)} worse than the touch"


class FixedLatency(Struct, frozen=True):
    """Constant times in nanoseconds."""

    to_strategy: int = 0
    to_venue: int = 0
    back: int = 0

    def market(self, ts: int) -> int:
        return self.to_strategy

    def order(self, now: int) -> int:
        return self.to_venue

    def answer(self, now: int) -> int:
        return self.back

    def describe(self) -> str:
        ms = [f"{it / 1e6:g} ms" for it in (self.to_strategy, self.to_venue, self.back)]
        if not any((self.to_strategy, self.to_venue, self.back)):
            return "no latency: orders reach the venue in the instant of the decision"
        return f"latency: data {ms[0]}, orders {ms[1]}, answers {ms[2]}"


class VolumeShare(Struct, frozen=True):
    """``share`` of a bar's volume can be taken at each price, and as much of it fills resting orders; 0: no bound."""

    share: float = 0.0

    def touch(self, instrument: Instrument, volume: float) -> Decimal | None:
        return self.passive(instrument, volume)

    def passive(self, instrument: Instrument, volume: float) -> Decimal | None:
        return instrument.floor_qty(Decimal(repr(volume * self.share))) if self.share else None

    def describe(self) -> str:
        return f"at most {self.share:.0%} of a bar's volume per price" if self.share else "any size trades at the touch"


class BackOfQueue(Struct, frozen=True):
    """Resting orders fill when the price goes through them: everybody else at their price is served before."""

    def describe(self) -> str:
        return "resting orders fill only when the price goes through them"


class DirectionPath(Struct, frozen=True):
    """A rising or level bar saw its low first, a falling one its high."""

    def low_first(self, open: float, high: float, low: float, close: float) -> bool:
        return close >= open

    def describe(self) -> str:
        return "inside a bar: open, low, high, close when it rose, else open, high, low, close"


class FixedFunding(Struct, frozen=True):
    """One rate where the data has none."""

    fixed: Decimal = Decimal(0)

    def rate(self, instrument: Instrument, ts: int) -> Decimal:
        return self.fixed

    def describe(self) -> str:
        return f"funding {self.fixed * 100:f} % where the data has no rate" if self.fixed else "no funding without data"


class Models(Struct, frozen=True):
    """One of each."""

    fees: FeeModel = TierFees()
    spread: SpreadModel = FixedSpread()
    slippage: SlippageModel = FixedSlippage()
    latency: LatencyModel = FixedLatency()
    liquidity: LiquidityModel = VolumeShare()
    queue: QueueModel = BackOfQueue()
    path: PathModel = DirectionPath()
    funding: FundingModel = FixedFunding()

    def describe(self) -> tuple[tuple[str, str], ...]:
        """Name of each gap and a sentence on how it was bridged."""
        return tuple((name, getattr(self, name).describe()) for name in self.__struct_fields__)
