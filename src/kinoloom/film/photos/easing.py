"""Easing functions: monotonic maps of 0..1 onto itself."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction


def _linear(x: Fraction) -> Fraction:
    return x


def _ease_in(x: Fraction) -> Fraction:
    return x * x


def _ease_out(x: Fraction) -> Fraction:
    return 1 - (1 - x) ** 2


def _ease_in_out(x: Fraction) -> Fraction:
    return x * x * (3 - 2 * x)


EASINGS: dict[str, Callable[[Fraction], Fraction]] = {
    "linear": _linear,
    "in": _ease_in,
    "out": _ease_out,
    "in-out": _ease_in_out,
}
"""By name; each is exact, increasing, and maps 0 to 0 and 1 to 1."""
