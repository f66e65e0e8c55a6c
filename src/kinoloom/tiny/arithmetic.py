"""The arithmetic of the device in numpy; it defines every rounding of this subject.

`c/base.c` and `c/update.c` implement the same functions in C; tests compare the two bit by bit.
Integers never wrap: the limits below exclude overflow of sums, and all other results saturate.
float32 operations have a fixed order, so IEEE 754 determines their results.

- Requantisation: a real factor is `multiplier / 2**shift` with 2**30 <= multiplier < 2**31. The
  64-bit product is rounded once, half away from zero (as the fixed-point product of gemmlowp and
  TensorFlow Lite, without their second rounding).
- Updates: the step of a weight is rounded stochastically, which is exact on average, or to 1/65536
  of a unit with a stored residual.
- Random numbers are a hash of (seed, step, stream, index), independent of the order of updates. The
  hash is "lowbias32" by Chris Wellons (public domain, nullprogram.com/blog/2018/07/31).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import UsageError

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

MAX_FAN_IN = 32768
"""Products per sum: 32768 * 255 * 127 < 2**30, so their sum with a bias fits 32 bits."""
BIAS_LIMIT = 2**30
RESULT_LIMIT = 2**30
WEIGHT_LIMIT = 127
WEIGHT_STEP_LIMIT = np.float32(512.0)
ADD_BITS = 20
"""Bits of the larger multiplier of `Add`: its two products with 9-bit values fit 32 bits."""

_MASK = np.uint64(0xFFFFFFFF)


def quantise_multiplier(factor: float) -> tuple[int, int]:
    """Convert a real factor to fixed point, `multiplier / 2**shift`.

    Args:
        factor: greater than 0, less than 2**30. Factors less than 2**-32 become 0.

    Returns:
        (multiplier, shift) with a shift of 1..62.

    Raises:
        UsageError: The factor is out of range.
    """
    if not (math.isfinite(factor) and 0 < factor < 2**30):
        raise UsageError(
            f"Invalid requantisation factor {factor}: expected more than 0 and less than 2**30."
        )
    mantissa, exponent = math.frexp(factor)
    multiplier, shift = round(mantissa * 2**31), 31 - exponent
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift - 1
    return (0, 1) if shift > 62 else (multiplier, shift)


def requantise(
    sums: NDArray[Any], multiplier: NDArray[Any] | int, shift: NDArray[Any] | int
) -> Ints:
    """Return `sums * multiplier / 2**shift`, rounded half away from zero, clipped to +-2**30."""
    product = sums.astype(np.int64) * np.asarray(multiplier, np.int64)
    return shift_right_rounded(product, shift)


def shift_right_rounded(product: Ints, shift: NDArray[Any] | int) -> Ints:
    """Return `product / 2**shift`, rounded half away from zero, clipped to +-2**30.

    Args:
        product: magnitude less than 2**62.
        shift: 1..62.
    """
    shift = np.asarray(shift, np.int64)
    magnitude = (np.abs(product) + (np.int64(1) << (shift - 1))) >> shift
    rounded: Ints = np.minimum(magnitude, RESULT_LIMIT) * np.sign(product)
    return rounded


def hash32(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hash 32-bit numbers, stored as uint64, to 32-bit numbers."""
    value = value ^ (value >> np.uint64(16))
    value = (value * np.uint64(0x7FEB352D)) & _MASK
    value = value ^ (value >> np.uint64(15))
    value = (value * np.uint64(0x846CA68B)) & _MASK
    return value ^ (value >> np.uint64(16))


def random_bits(seed: int, step: int, stream: int, indices: NDArray[Any]) -> NDArray[np.uint64]:
    """Return 32 random bits for each index.

    Args:
        seed: of the device.
        step: number of the training step.
        stream: number of the param.
        indices: of the elements.
    """
    start = (seed + step * 0x9E3779B9 + stream * 0x85EBCA6B) & 0xFFFFFFFF
    key = hash32(np.array([start], np.uint64))
    return hash32((key + indices.astype(np.uint64) * np.uint64(0x9E3779B1)) & _MASK)


def clip_step(delta: Floats, limit: np.float32) -> Floats:
    """Clip to +-limit and replace NaN by 0."""
    clean = np.where(np.isnan(delta), np.float32(0), delta)
    return np.clip(clean, -limit, limit).astype(np.float32)


def round_stochastically(delta: Floats, bits: NDArray[np.uint64]) -> Ints:
    """Round up with a probability equal to the fractional part, down otherwise."""
    low = np.floor(delta)
    chance = (bits >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
    up = chance < (delta - low).astype(np.float32)
    return low.astype(np.int64) + up


def update_weights(
    values: NDArray[np.int8], delta: Floats, bits: NDArray[np.uint64]
) -> NDArray[np.int8]:
    """Subtract a stochastically rounded step from int8 weights, saturating at +-127."""
    step = round_stochastically(clip_step(delta, WEIGHT_STEP_LIMIT), bits)
    moved = values.astype(np.int64) - step
    stepped: NDArray[np.int8] = np.clip(moved, -WEIGHT_LIMIT, WEIGHT_LIMIT).astype(np.int8)
    return stepped


def update_biases(
    values: NDArray[np.int32], delta: Floats, bits: NDArray[np.uint64]
) -> NDArray[np.int32]:
    """Subtract a stochastically rounded step from int32 biases, saturating at +-2**30."""
    step = round_stochastically(clip_step(delta, np.float32(BIAS_LIMIT)), bits)
    moved = values.astype(np.int64) - step
    stepped: NDArray[np.int32] = np.clip(moved, -BIAS_LIMIT, BIAS_LIMIT).astype(np.int32)
    return stepped


def update_with_residual(
    values: NDArray[np.int8], residual: NDArray[np.int16], delta: Floats
) -> tuple[NDArray[np.int8], NDArray[np.int16]]:
    """Subtract a step rounded to 1/65536 from int8 weights with 16 fractional bits in `residual`.

    Returns:
        (weights, residual), saturated at +-127.
    """
    scaled = (clip_step(delta, WEIGHT_STEP_LIMIT) * np.float32(65536)).astype(np.float32)
    half = np.copysign(np.float32(0.5), scaled)
    step = np.trunc((scaled + half).astype(np.float32)).astype(np.int64)
    total = values.astype(np.int64) * 65536 + residual - step
    total = np.clip(total, -WEIGHT_LIMIT * 65536, WEIGHT_LIMIT * 65536)
    nearest = (total + 32768) >> 16
    return nearest.astype(np.int8), (total - nearest * 65536).astype(np.int16)


EXP_COEFFICIENTS = tuple(np.float32(1 / math.factorial(n)) for n in range(7, -1, -1))
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)


def exp(x: Floats) -> Floats:
    """Return e**x for x <= 0, accurate to a few units in the last place; 0 below -87."""
    clipped = np.maximum(x, np.float32(-87)).astype(np.float32)
    n = np.trunc(clipped * np.float32(1.44269504) - np.float32(0.5)).astype(np.int32)
    whole = n.astype(np.float32)
    r = (clipped - whole * LN2_HIGH) - whole * LN2_LOW
    total = np.full_like(r, EXP_COEFFICIENTS[0])
    for coefficient in EXP_COEFFICIENTS[1:]:
        total = total * r + coefficient
    scaled = total * ((n + 127).astype(np.uint32) << np.uint32(23)).view(np.float32)
    return np.where(x < np.float32(-87), np.float32(0), scaled).astype(np.float32)


def log(x: np.float32) -> np.float32:
    """Return the natural logarithm of x >= 1, accurate to a few units in the last place."""
    bits = int(np.float32(x).view(np.uint32))
    exponent = (bits >> 23) - 127
    m = np.uint32((bits & 0x7FFFFF) | 0x3F800000).view(np.float32)
    if m > np.float32(1.41421356):
        m, exponent = m * np.float32(0.5), exponent + 1
    s = (m - np.float32(1)) / (m + np.float32(1))
    q = s * s
    total = np.float32(1 / 9)
    for n in (7, 5, 3, 1):
        total = total * q + np.float32(1 / n)
    e = np.float32(exponent)
    return np.float32(e * LN2_HIGH + (e * LN2_LOW + np.float32(2) * s * total))


def sqrt(x: Floats) -> Floats:
    """Return the square root of positive x, accurate to a few units in the last place."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    guess = ((bits >> np.uint32(1)) + np.uint32(0x1FBD1DF5)).view(np.float32)
    for _ in range(4):
        guess = np.float32(0.5) * (guess + x / guess)
    return guess


def round_half_away(x: Floats, limit: np.float32) -> Ints:
    """Clip to +-limit and round to the nearest integer, half away from zero."""
    clipped = np.clip(x, -limit, limit).astype(np.float32)
    half = np.copysign(np.float32(0.5), clipped)
    nearest: Ints = np.trunc(clipped + half).astype(np.int64)
    return nearest


GATE_FRACTION_BITS = 11
"""Gate inputs of recurrent cells are in units of 2**-11, gate values in units of 2**-15."""
GATE_LIMIT = 2**17
_TABLE_STEP = 2**7
SIGMOID_TABLE = np.round(
    32768 / (1 + np.exp(-(np.arange(258) * _TABLE_STEP - 16384) / 2048))
).astype(np.uint16)
"""The logistic function sampled from -8 to 8 in steps of 1/16, in units of 2**-15."""


def sigmoid(x: Ints) -> Ints:
    """Return the logistic function of x in units of 2**-11, in units of 2**-15.

    Linear interpolation in `SIGMOID_TABLE`.
    """
    position = np.clip(x, -16384, 16384) + 16384
    index, rest = position // _TABLE_STEP, position % _TABLE_STEP
    low, high = SIGMOID_TABLE[index].astype(np.int64), SIGMOID_TABLE[index + 1].astype(np.int64)
    values: Ints = low + (((high - low) * rest + _TABLE_STEP // 2) // _TABLE_STEP)
    return values


def tanh(x: Ints) -> Ints:
    """Return the hyperbolic tangent of x in units of 2**-11, in units of 2**-15."""
    doubled: Ints = 2 * sigmoid(2 * x) - 32768
    return doubled


def sum_sequentially(values: Floats) -> Floats:
    """Sum along the last axis from the first element on, rounding each addition to float32."""
    start = np.zeros((*values.shape[:-1], 1), np.float32)
    return np.cumsum(np.concatenate([start, values], axis=-1), axis=-1, dtype=np.float32)[..., -1]
