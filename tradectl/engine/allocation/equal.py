"""Equal weight: everybody the same part of the total."""

from tradectl.engine.allocation.policy import Sampled


def equal(s: Sampled) -> dict[str, float]:
    """``total / n``."""
    return {name: s.total / len(s.returns) for name in s.returns}
