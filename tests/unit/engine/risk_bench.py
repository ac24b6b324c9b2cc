"""Orders of a person against limits: placed, filled, and which check refused them."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from tests.unit.engine.harness import BTC, WIDE, Bench
from tradectl.engine.config import RiskLimits
from tradectl.model.commands import DecisionMade
from tradectl.model.events import Action, Executed, OrderAnswered, OrderRequested, Reaction
from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import Execution, OrderType, Side

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
#: The limits of the specification's defaults, on an account of 100,000 USDT and prices of 100.
PLAIN = {"USDT": D(100_000)}


def limits(**changed: Any) -> RiskLimits:
    return replace(WIDE, **changed)


def place(bench: Bench, qty: str, price: str | None = None, side: Side = BUY, **more: Any) -> DecisionMade:
    """A person's order; the decision."""
    kind = OrderType.MARKET if price is None else OrderType.LIMIT
    kind = more.pop("type", kind)
    instrument_id = more.pop("instrument", BTC)
    out = bench.feed(
        OrderRequested(bench.now, "me", instrument_id, side, kind, D(qty), D(price) if price else None, **more)
    )
    return next(c for c in out if isinstance(c, DecisionMade))


def failed(decision: DecisionMade) -> str:
    """The name of the check that refused, empty when it was accepted."""
    assert decision.accepted == decision.checks[-1].ok
    if not decision.accepted:
        assert decision.checks[-1].reason
        assert decision.orders == ()
    return "" if decision.accepted else decision.checks[-1].name


def fill(
    bench: Bench, strategy_side: Side, qty: str, price: str = "100", instrument_id: InstrumentId = BTC,
    strategy: str = "",
) -> None:  # fmt: skip
    """A position for the operator's book, or for a strategy's: an order of his, filled."""
    assert place(bench, qty, None, strategy_side, instrument=instrument_id, strategy=strategy).accepted
    spec = bench.creates()[-1]
    bench.feed(OrderAnswered(bench.now, spec.link_id, Action.CREATE, 0, "", Reaction.OK, f"id-{spec.link_id}"))
    bench.feed(
        Executed(
            bench.now,
            Execution(
                f"e-{spec.link_id}",
                instrument_id,
                f"id-{spec.link_id}",
                spec.link_id,
                strategy_side,
                D(price),
                D(qty),
                D(price) * D(qty),
                D(0),
                "USDT",
                False,
                bench.now,
                pnl=None,
            ),
        )
    )
