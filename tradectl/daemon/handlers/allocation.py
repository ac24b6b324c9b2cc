"""Who may use how much of equity: showing it, and computing it anew."""

from typing import Any

from tradectl.daemon.service import Service, who
from tradectl.engine.allocation.allocator import REBALANCE_TIMER
from tradectl.model.commands import RequestAnswered
from tradectl.model.events import RebalanceRequested
from tradectl.model.money import ZERO
from tradectl.rpc import methods, rows
from tradectl.rpc.server import Peer


def handlers(s: Service) -> list[tuple[methods.Method[Any, Any], Any]]:
    """The methods of this file."""
    return [
        (methods.PORTFOLIO_ALLOCATION, lambda p, peer: _show(s)),
        (methods.PORTFOLIO_REBALANCE, lambda p, peer: _rebalance(s, peer)),
    ]


def _show(s: Service, text: str = "") -> methods.Allocation:
    engine, equity = s.engine, s.engine.world.valuation.account().equity
    returns = engine.allocator.state.returns
    shares = tuple(
        rows.ShareRow(name, share, equity * share, runner.config.capital, len(returns.get(name, ())))
        for name, runner in engine.host.runners.items()
        for share in (engine.allocator.share(name),)
    )
    return methods.Allocation(
        engine.world.config.allocation.policy, s.config.settle_coin, equity, sum((it.share for it in shares), ZERO),
        shares, engine.world.timers.get(REBALANCE_TIMER, 0), text,
    )  # fmt: skip


def _rebalance(s: Service, peer: Peer) -> methods.Allocation:
    s.require_up()
    _, answer = s.ask(RebalanceRequested(s.now(), who(peer)), RequestAnswered)
    return _show(s, answer.text)
