"""``why-not``: what keeps an instrument from being traded now, in words."""

from typing import Any

from tradectl.daemon.service import Service
from tradectl.engine.explain import explain, sentences
from tradectl.rpc import methods, params
from tradectl.rpc.results import ExplainedStep


def handlers(s: Service) -> list[tuple[methods.Method[Any, Any], Any]]:
    """The methods of this file."""
    return [(methods.WHY_NOT, lambda p, peer: _why_not(s, p))]


def _why_not(s: Service, p: params.WhyNot) -> methods.NotTraded:
    instrument = s.instrument(p.symbol, p.category)
    answer = explain(s.engine.world, s.engine.host, instrument)
    told = tuple(ExplainedStep(kind, text) for kind, text in sentences(answer))
    if not told:
        told = (ExplainedStep("state", f"nothing keeps {instrument} from being traded"),)
    return methods.NotTraded(instrument.category, instrument.symbol, answer.at, answer.seq, answer.state, told)
