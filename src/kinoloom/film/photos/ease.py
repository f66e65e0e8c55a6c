"""How a motion sets out and arrives: maps of 0..1 onto itself."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction


def _linear(x: Fraction) -> Fraction:
    return x


def _in(x: Fraction) -> Fraction:
    return x * x


def _out(x: Fraction) -> Fraction:
    return 1 - (1 - x) ** 2


def _in_out(x: Fraction) -> Fraction:
    return x * x * (3 - 2 * x)


EASES: dict[str, Callable[[Fraction], Fraction]] = {
    "linear": _linear,
    "in": _in,
    "out": _out,
    "in-out": _in_out,
}
"""By name; each is exact, increases, and keeps 0 and 1."""
