"""``why``: the chain behind an order, trade, decision, algorithm, symbol, alert or halt, told in words."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from tradectl.model.commands import (
    Alert,
    AlertLevel,
    AlgorithmChanged,
    AlgorithmStatus,
    Level,
    Reason,
    StateChanged,
)
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.orders import OrderStatus, Side, Trigger
from tradectl.storage.batch import Batch
from tradectl.storage.explain import Explainer
from tradectl.storage.projector import Projector
from tradectl.storage.story import stretches, told


@pytest.fixture
def explainer(engine, make):
    """An entry with an attached stop that filled, a refusal, an algorithm and a halt."""
    accepted = replace(
        make.decision(7, at=100), accepted=True, checks=make.decision(7).checks[:1], orders=("link-1",), who="",
        event="bar 1m linear:BTCUSDT 12:03 close 60123.5", inputs=(("ema(10)", 60123.5), ("ema(30)", 60100.25)),
        side=Side.BUY, qty=Decimal("0.010"), algorithm=4,
    )  # fmt: skip
    order = make.order(1, decision=7, status=OrderStatus.FILLED, filled=Decimal("0.010"), algorithm=4)
    stop = make.order(
        2, link_id="", order_id="child-1", parent="link-1", stop_type="PartialStopLoss", decision=7, side=Side.SELL,
        trigger=Trigger(Decimal("59000"), False), status=OrderStatus.FILLED, price=None,
    )  # fmt: skip
    fill = replace(make.execution("e1", ts=101), decision=7, arrival=Decimal("105000"))
    fill = replace(fill, execution=replace(fill.execution, order_id="order-1", link_id="link-1"))
    exit_ = make.execution("e2", ts=102)
    exit_ = replace(exit_, execution=replace(exit_.execution, order_id="child-1", link_id=""))
    algorithm = AlgorithmChanged(
        103, 4, "twap", "ema", order.instrument, Side.BUY, Decimal(1), Decimal("0.01"), AlgorithmStatus.WORKING,
        note="slice 1 of 4",
    )  # fmt: skip
    calm = StateChanged(90, Level.RUNNING, ())
    reason = Reason("day_loss", Level.HALTED, "person", "the day's loss reached 3 %", 200)
    halt = StateChanged(200, Level.HALTED, (reason,))
    alert = Alert(200, AlertLevel.CRITICAL, "day_loss", "the day's loss reached 3 %", "tradectl risk reset")
    worse = StateChanged(210, Level.HALTED, (reason, Reason("stale", Level.REDUCING, "auto", "no price", 210)))
    batch = Batch("run1", 0)
    for entry in (
        make.entry(1, calm), make.entry(2, accepted, order, fill, stop, exit_, algorithm),
        make.entry(3, make.decision(8, at=150)), make.entry(4, halt, alert), make.entry(5, worse),
    ):  # fmt: skip
        batch.add(entry)
    Projector(engine).commit(batch)
    return Explainer(engine)


def words(chain):
    return [(step.step, step.text) for step in told(chain)]


@pytest.mark.parametrize("wanted", ["link-1", "order-1", "e1", "d7", "BTCUSDT", "linear:btcusdt"])
def test_the_chain_from_event_to_execution(explainer, wanted):
    found = words(explainer.chain(wanted))
    steps = [step for step, _ in found]
    assert steps[:5] == ["event", "inputs", "signal", "verdict", "algorithm"]
    text = "\n".join(text for _, text in found)
    assert "bar 1m linear:BTCUSDT 12:03 close 60123.5" in text
    assert "ema(10) 60123.5, ema(30) 60100.25" in text
    assert "ema wanted to buy 0.01 linear:BTCUSDT (target): fast above slow" in text
    assert "accepted: 1 checks passed as link-1" in text
    assert "order link-1: buy 0.01 at 105000.1; Filled, 0.01 of 0.01 filled" in text
    assert steps.count("stop") == 1
    assert "sell 0.01 at 105000.1 (maker), fee 0.57750055 USDT, slippage -0.001" in text


def test_an_attached_stop_hangs_on_its_entry(explainer):
    found = words(explainer.chain("link-1"))
    stop = next(text for step, text in found if step == "stop")
    assert "PartialStopLoss order child-1: sell 0.01 at market once LastPrice falls to 59000" in stop
    assert "attached to link-1" in stop
    assert sum(step == "execution" for step, _ in found) == 2


def test_a_trade_shows_its_own_fill_alone(explainer):
    assert [e.execution.exec_id for e in explainer.chain("e2").executions] == ["e2"]


def test_a_refusal_names_the_check_its_limit_and_the_value(explainer):
    found = words(explainer.chain("d8"))
    assert ("verdict", "refused by band: too far from the market (limit 5 %, was 6 %)") in found


def test_an_algorithm_shows_its_orders(explainer):
    chain = explainer.chain("a4")
    assert [order.link_id for order in chain.orders] == ["link-1"]
    assert words(chain)[0] == (
        "algorithm",
        "twap a4 of ema: buy 1 linear:BTCUSDT; working, 0.01 of 1 filled: slice 1 of 4",
    )


def test_a_halt_is_explained_from_where_it_began(explainer):
    found = words(explainer.chain("halt"))
    assert found[0] == ("state", "trading is HALTED")
    reset = "HALTED because the day's loss reached 3 % (day_loss; until a person lifts it: tradectl resume)"
    assert ("state", reset) in found
    assert ("state", "REDUCING because no price (stale; clears by itself)") in found
    assert found[-1] == ("alert", "the day's loss reached 3 %; tradectl risk reset")


def test_an_alert_is_found_by_its_code(explainer):
    assert words(explainer.chain("day_loss")) == [("alert", "the day's loss reached 3 %; tradectl risk reset")]


def test_what_is_not_there(explainer):
    with pytest.raises(Problem, match="nothing recorded has the id 'nothing'") as caught:
        explainer.chain("nothing")
    assert caught.value.code is ErrorCode.NOT_FOUND


def test_the_quiet_of_a_symbol(explainer):
    assert [made.id for made in explainer.refusals("BTCUSDT", 100)] == [8]
    assert explainer.refusals("BTCUSDT", 151) == ()
    assert explainer.refusals("ETHUSDT", 0) == ()
    states = explainer.restrictions(150)
    assert [state["state"] for state in states] == ["RUNNING", "HALTED", "HALTED"]
    (halted,) = stretches(states)
    assert halted.text == "HALTED until now: the day's loss reached 3 %; no price"
    assert halted.at == 200


def test_a_stretch_that_ended_says_how_long_it_was():
    reason = ["halt", "HALTED", "person", "halted by anna", 0, ""]
    states = [
        {"state": "REDUCING", "at": 0, "reasons": [reason]},
        {"state": "HALTED", "at": 10**9, "reasons": [reason]},
        {"state": "RUNNING", "at": 4000 * 10**9, "reasons": []},
    ]
    assert [step.text for step in stretches(states)] == ["HALTED for 1 h 6 min: halted by anna"]
    assert stretches([{"state": "RUNNING", "at": 0, "reasons": []}]) == ()
