"""The models that come with the house: what they say, and in what words."""

from decimal import Decimal

import pytest

from tests.unit.backtest.candles import instrument
from tradectl.model.orders import Side
from tradectl.simulation.models import (
    FixedFunding,
    FixedLatency,
    FixedSlippage,
    FixedSpread,
    Models,
    TierFees,
    VolumeShare,
)

PERPETUAL = instrument()


@pytest.mark.parametrize(("spread", "half"), [(FixedSpread(2), 2), (FixedSpread(1, bps=5), 50), (FixedSpread(0), 0)])
def test_the_wider_of_ticks_and_basis_points_is_the_spread(spread: FixedSpread, half: int) -> None:
    assert spread.half(PERPETUAL, 10_000.0) == half


def test_impact_grows_with_the_root_of_the_share_of_the_volume() -> None:
    slippage = FixedSlippage(bps=1, impact_bps=10)
    assert slippage.worse(PERPETUAL, Side.BUY, Decimal(25), 1000.0, 100.0) == 6  # 1 + 10 x 0.5 bps of 1000 in 0.1
    assert slippage.worse(PERPETUAL, Side.BUY, Decimal(25), 1000.0, 0.0) == 1
    assert FixedSlippage().worse(PERPETUAL, Side.BUY, Decimal(25), 1000.0, 100.0) == 0


def test_a_share_of_the_volume_is_cut_to_the_lot() -> None:
    assert VolumeShare(0.01).passive(PERPETUAL, 1.2345) == Decimal("0.012")
    assert VolumeShare().touch(PERPETUAL, 5.0) is None


def test_latencies_and_funding_are_what_was_said() -> None:
    latency = FixedLatency(1, 2, 3)
    assert (latency.market(0), latency.order(0), latency.answer(0)) == (1, 2, 3)
    assert FixedFunding(Decimal("0.0001")).rate(PERPETUAL, 0) == Decimal("0.0001")


def test_every_gap_says_in_words_how_it_was_bridged() -> None:
    plain = dict(Models().describe())
    assert list(plain) == ["fees", "spread", "slippage", "latency", "liquidity", "queue", "path", "funding"]
    assert plain["latency"] == "no latency: orders reach the venue in the instant of the decision"
    busy = Models(
        spread=FixedSpread(0), slippage=FixedSlippage(2, 3), latency=FixedLatency(0, 5_000_000, 0),
        liquidity=VolumeShare(0.1), funding=FixedFunding(Decimal("0.0001")), fees=TierFees(name="VIP 1"),
    )  # fmt: skip
    said = dict(busy.describe())
    assert said["spread"] == "no spread: takers trade at the last price"
    assert said["slippage"].startswith("takers trade 2 basis points and 3 basis points x sqrt")
    assert said["latency"] == "latency: data 0 ms, orders 5 ms, answers 0 ms"
    assert said["liquidity"] == "at most 10% of a bar's volume per price"
    assert said["funding"] == "funding 0.0100 % where the data has no rate"
    assert said["fees"].startswith("fees VIP 1: linear 2/5.5, spot 10/10")
