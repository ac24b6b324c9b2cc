"""Deterministic numbers from integers: the same on every machine, in every process and under any PYTHONHASHSEED."""

import hashlib
import math

MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def mix(value: int) -> int:
    """Scatter an integer over 64 bits (the finaliser of splitmix64)."""
    value = (value + _GOLDEN) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def salt(*parts: object) -> int:
    """64 bits that stand for the text of ``parts``."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def unit(value: int) -> float:
    """A number in [0, 1) from an integer."""
    return (mix(value) >> 11) * (1.0 / (1 << 53))


class Random:
    """splitmix64: a generator whose whole state is one integer, so that a market can be saved and continued."""

    __slots__ = ("state",)

    def __init__(self, state: int) -> None:
        self.state = state & MASK

    def bits(self) -> int:
        """The next 64 bits."""
        value = mix(self.state)
        self.state = (self.state + _GOLDEN) & MASK
        return value

    def uniform(self) -> float:
        """A number in [0, 1)."""
        return (self.bits() >> 11) * (1.0 / (1 << 53))

    def below(self, bound: int) -> int:
        """A whole number in [0, ``bound``)."""
        return self.bits() % bound

    def gauss(self) -> float:
        """A standard normal number (Box-Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())
