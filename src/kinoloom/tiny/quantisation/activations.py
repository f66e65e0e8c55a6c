"""Elementwise activation functions that become lookup tables, and their derivatives, in float64."""

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
"""Functions of (x, parameter) by name."""

ACTIVATION_BOUNDS = {"sigmoid": (0.0, 1.0), "hardsigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""Range (low, high) of the bounded functions."""

DIFFERENCE_STEP = 1e-4
"""Step of the central difference."""


def differentiate_activation(kind: str, x: Reals, parameter: float) -> Reals:
    """Return the derivative of an activation function by central differences.

    At a kink this is the mean of both one-sided derivatives.
    """
    function = ACTIVATIONS[kind]
    return np.asarray(
        (function(x + DIFFERENCE_STEP, parameter) - function(x - DIFFERENCE_STEP, parameter))
        / (2 * DIFFERENCE_STEP)
    )
