"""Who trades in a run that is killed: instances by kind, their settings and their files."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FILES = ("protected_strategies", "algorithm_strategies")
#: Wide enough that the strategies, not the limits, decide what happens.
LIMITS = """
order_share = 10
position_share = 10
gross_share = 10
day_loss_share = 10
drawdown_share = 10
repeat_orders = 0
duplicate_ms = 0
refuse_self_trade = false
"""


@dataclass(frozen=True)
class Instance:
    """One strategy instance: ``guarded`` when every position of its book must have a stop for all of it."""

    name: str
    class_: str
    params: dict[str, Any]
    guarded: bool = True


@dataclass(frozen=True)
class Cast:
    """Instances that trade together on one symbol."""

    name: str
    instances: tuple[Instance, ...]

    @property
    def guarded(self) -> tuple[str, ...]:
        return tuple(i.name for i in self.instances if i.guarded)

    def settings(self, data: Path, funding: Path | None = None) -> str:
        """Settings of a stepped run."""
        head = ["[trading]", 'mode = "sandbox"', "[sandbox]", "stepped = true", f'data = "{data}"', "backfill = 0"]
        if funding is not None:
            head.append(f'funding = "{funding}"')
        return "\n".join([*head, "[risk]", LIMITS, self.strategies()])

    def live_settings(self, speed: float, seed: int = 1) -> str:
        """Settings over the generated market, whose clock runs ``speed`` times as fast as ours."""
        head = ["[trading]", 'mode = "sandbox"', "[sandbox]", f"speed = {speed}", f"seed = {seed}"]
        return "\n".join([*head, "[risk]", LIMITS, self.strategies()])

    def strategies(self) -> str:
        """The instances as settings."""
        lines = []
        for instance in self.instances:
            params = ", ".join(f"{name} = {json.dumps(value)}" for name, value in instance.params.items())
            lines += ["[[strategies]]", f'name = "{instance.name}"', f'class = "{instance.class_}"']
            lines.append(f"params = {{ {params} }}")
        return "\n".join(lines) + "\n"

    def install(self, config: Path) -> None:
        """Copy the files of the tests' own strategies into a daemon's folder."""
        folder = config / "strategies"
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copy(HERE / f"{name}.py", folder / f"{name}.py")


def _protected(name: str, class_: str, guarded: bool = True, **params: Any) -> Instance:
    return Instance(name, f"protected_strategies:{class_}", params, guarded)


def _several(way: str) -> tuple[Instance, ...]:
    """Each kind at once on one symbol, in sizes that tell them apart."""
    kinds = (("bracket", "Bracket"), ("late", "Late"), ("oco", "Oco"), ("trail", "Trail"), ("moved", "Moved"))
    return tuple(
        _protected(name, class_, qty=f"0.01{n}", every=2 + n, near=50.0 + 3 * n, far=60.0 + 4 * n, way=way)
        for n, (name, class_) in enumerate(kinds, 1)
    )


def _working(name: str, class_: str, guarded: bool = False, **params: Any) -> Instance:
    return Instance(name, f"algorithm_strategies:{class_}", params, guarded)


#: Grids and ladders carry a stop with every entry.
_WORKERS = tuple(
    _working(name, name.capitalize(), guarded=name in ("grid", "dca"))
    for name in ("twap", "vwap", "share", "iceberg", "chase", "scaled", "grid", "dca")
)


#: Exits so far away that only people end these positions.
PATIENT = Cast(
    "patient",
    (
        _protected("attached", "Bracket", every=1, near=9000.0, far=9000.0, qty="0.011", at_market=True),
        _protected("own", "Late", every=1, near=8000.0, far=8000.0, qty="0.012"),
        _protected("pair", "Oco", every=1, near=7000.0, far=7000.0, qty="0.014"),
        _protected("follows", "Trail", every=1, near=9500.0, qty="0.015"),
    ),
)

CASTS = {
    cast.name: cast
    for cast in (
        Cast("ema", (Instance("ema", "ema_cross", {"fast": 3, "slow": 8}, guarded=False),)),
        Cast("bracket", (_protected("bracket", "Bracket", way="turns"),)),
        Cast("pyramid", (_protected("pyramid", "Pyramid", way="turns", every=2),)),
        Cast("moved", (_protected("moved", "Moved", way="turns"),)),
        Cast("protect", (_protected("protect", "Late", way="turns"),)),
        Cast("oco", (_protected("oco", "Oco", way="turns"),)),
        Cast("trail", (_protected("trail", "Trail", way="turns"),)),
        Cast("stops", _several("long")),
        Cast("crossed", _several("turns")),
        *(Cast(worker.name, (worker,)) for worker in _WORKERS),
        Cast("workers", _WORKERS),
        Cast("everything", (*_several("long"), *_WORKERS)),
    )
}
