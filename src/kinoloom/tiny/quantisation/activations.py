"""Functions of one element that become tables of 256 entries, and their slopes; in float64."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Activation = Callable[[Reals, float], Reals]


def _sigmoid(x: Reals) -> Reals:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


def _erf(x: Reals) -> Reals:
    return np.asarray(np.vectorize(math.erf, otypes=[np.float64])(x))


def _gelu_tanh(x: Reals, _: float) -> Reals:
    return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": lambda x, _: _sigmoid(x),
    "tanh": lambda x, _: np.tanh(x),
    "silu": lambda x, _: x * _sigmoid(x),
    "gelu": lambda x, _: x * 0.5 * (1 + _erf(x / math.sqrt(2))),
    "gelu_tanh": _gelu_tanh,
    "hardswish": lambda x, _: x * np.clip(x / 6 + 0.5, 0, 1),
    "hardsigmoid": lambda x, _: np.clip(x / 6 + 0.5, 0, 1),
    "leaky_relu": lambda x, slope: np.where(x > 0, x, slope * x),
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "softplus": lambda x, _: np.logaddexp(0, x),
}
"""By name: of (x, parameter)."""

ACTIVATION_BOUNDS = {"sigmoid": (0.0, 1.0), "hardsigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""Between which values a curve stays, where it has such bounds."""

DIFFERENCE_STEP = 1e-4
"""Half of the distance over which a slope is taken."""


def differentiate_activation(kind: str, x: Reals, parameter: float) -> Reals:
    """The slopes of a curve; where it has a corner, the mean of both sides."""
    curve = ACTIVATIONS[kind]
    return np.asarray(
        (curve(x + DIFFERENCE_STEP, parameter) - curve(x - DIFFERENCE_STEP, parameter))
        / (2 * DIFFERENCE_STEP)
    )
