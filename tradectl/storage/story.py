"""A chain told in plain words, step by step: what was seen, wanted, checked, sent and filled."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from sqlalchemy import RowMapping

from tradectl.model.commands import AlgorithmChanged, DecisionMade, ExecutionBooked, OrderChanged
from tradectl.model.money import plain
from tradectl.rpc.results import ExplainedStep
from tradectl.storage.explain import Chain


def told(chain: Chain) -> tuple[ExplainedStep, ...]:
    """The whole chain, in the order things hang together."""
    return tuple(_steps(chain))


def _steps(chain: Chain) -> Iterator[ExplainedStep]:
    if chain.state is not None:
        yield from restriction(chain.state)
    for alert in chain.alerts:
        yield ExplainedStep("alert", _with_remedy(alert["text"], alert["remedy"]), alert["at"])
    if chain.decision is not None:
        yield from _decision(chain.decision)
    if chain.algorithm is not None:
        yield _algorithm(chain.algorithm)
    for order in chain.orders:
        yield ExplainedStep("stop" if order.parent or order.trigger else "order", _order(order), order.created)
        for booked in chain.executions:
            if _belongs(booked, order):
                yield ExplainedStep("execution", _execution(booked), booked.execution.ts)
    if not chain.orders:
        for booked in chain.executions:
            yield ExplainedStep("execution", _execution(booked), booked.execution.ts)


def restriction(state: RowMapping) -> Iterator[ExplainedStep]:
    """A trading state and each of its reasons, with who may lift it."""
    yield ExplainedStep("state", f"trading is {state['state']}", state["at"])
    for code, level, clears, text, since, scope in state["reasons"]:
        lifts = "clears by itself" if clears == "auto" else "until a person lifts it: tradectl resume"
        where = f" for {scope.replace(':', ' ')}" if scope else ""
        yield ExplainedStep("state", f"{level}{where} because {text} ({code}; {lifts})", since)


def stretches(states: Sequence[RowMapping]) -> tuple[ExplainedStep, ...]:
    """Each stretch of restricted trading in one sentence: the worst state, how long, and every reason it had."""
    found: list[ExplainedStep] = []
    current: list[RowMapping] = []
    for state in states:
        if state["state"] == "RUNNING":
            if current:
                found.append(_stretch(current, state["at"]))
            current = []
        else:
            current.append(state)
    return (*found, _stretch(current, None)) if current else tuple(found)


def _stretch(states: Sequence[RowMapping], end: int | None) -> ExplainedStep:
    begin = states[0]["at"]
    worst = "HALTED" if any(state["state"] == "HALTED" for state in states) else "REDUCING"
    texts = dict.fromkeys(text for state in states for _, _, _, text, _, _ in state["reasons"])
    length = "until now" if end is None else f"for {_span(end - begin)}"
    return ExplainedStep("state", f"{worst} {length}: {'; '.join(texts)}", begin)


def _span(nanoseconds: int) -> str:
    seconds = nanoseconds // 10**9
    minutes, hours = seconds // 60, seconds // 3600
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min" if minutes >= 2 else f"{seconds} s"


def _decision(made: DecisionMade) -> Iterator[ExplainedStep]:
    who = made.who or made.strategy
    if made.event:
        yield ExplainedStep("event", made.event, made.at)
    if made.inputs:
        seen = ", ".join(f"{name} {value:.10g}" for name, value in made.inputs)
        yield ExplainedStep("inputs", f"{who} looked at {seen}", made.at)
    what = f"{made.side.value.lower()} {_number(made.qty)}" if made.side else made.action
    price = f" at {_number(made.price)}" if made.price is not None else ""
    book = f" for {made.strategy}" if made.who and made.strategy else ""
    wanted = f"{who} wanted to {what} {made.instrument}{price}{book} ({made.action}): {made.reason}"
    yield ExplainedStep("signal", wanted, made.at)
    yield ExplainedStep("verdict", _verdict(made), made.at)


def _verdict(made: DecisionMade) -> str:
    failed = [check for check in made.checks if not check.ok]
    if failed:
        last = failed[-1]
        return f"refused by {last.name}: {last.reason} (limit {last.limit or '-'}, was {last.value or '-'})"
    if not made.orders and made.action in ("target", "close"):
        return "accepted: nothing to do"
    passed = f"accepted: {len(made.checks)} checks passed"
    if len(made.orders) > 1:
        return f"{passed}, cut into {len(made.orders)} orders"
    return f"{passed} as {made.orders[0]}" if made.orders else passed


def _algorithm(it: AlgorithmChanged) -> ExplainedStep:
    now = f": {it.note or it.reason}" if it.note or it.reason else ""
    side = f"{it.side.value.lower()} " if it.side else ""
    what = f"{it.kind} a{it.id} of {it.strategy}: {side}{_number(it.qty)} {it.instrument}"
    text = f"{what}; {it.status.value}, {_number(it.filled)} of {_number(it.qty)} filled{now}"
    return ExplainedStep("algorithm", text, it.at)


def _order(order: OrderChanged) -> str:
    price = f"at {_number(order.price)}" if order.price is not None else "at market"
    kind = f"{order.stop_type} " if order.stop_type else ""
    waits = ""
    if order.trigger is not None:
        moves = "rises" if order.trigger.rises else "falls"
        waits = f" once {order.trigger.by.value} {moves} to {_number(order.trigger.price)}"
    parent = f", attached to {order.parent}" if order.parent else ""
    done = f"{order.status.value}, {_number(order.filled)} of {_number(order.qty)} filled"
    why = f" ({order.reason})" if order.reason else ""
    name = order.link_id or order.order_id
    return f"{kind}order {name}: {order.side.value.lower()} {_number(order.qty)} {price}{waits}{parent}; {done}{why}"


def _execution(booked: ExecutionBooked) -> str:
    done = booked.execution
    role = "maker" if done.is_maker else "taker"
    slip = ""
    if booked.arrival is not None:
        slip = f", slippage {_number(done.side.sign * (done.price - booked.arrival) * done.qty)}"
    return (
        f"{done.type} {done.exec_id}: {done.side.value.lower()} {_number(done.qty)} at {_number(done.price)} ({role}), "
        f"fee {_number(done.fee)} {done.fee_coin}{slip}, realised {_number(booked.realised)}; "
        f"{booked.strategy or 'the account'} holds {_number(booked.position)}"
    )


def _belongs(booked: ExecutionBooked, order: OrderChanged) -> bool:
    done = booked.execution
    if done.order_id and order.order_id:
        return done.order_id == order.order_id
    return bool(done.link_id) and done.link_id == order.link_id


def _with_remedy(text: str, remedy: str) -> str:
    return f"{text}; {remedy}" if remedy else text


def _number(value: Decimal) -> str:
    return plain(round(value, 8)) if abs(value.adjusted()) < 20 else str(value)
