"""The arithmetic: its definition, and bit-identity with the C implementation."""

import ctypes
import math
import subprocess
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.errors import UsageError
from kinoloom.tiny import arithmetic
from kinoloom.tiny.codegen.host import WARNING_FLAGS, find_compiler
from kinoloom.tiny.codegen.model import format_constants
from kinoloom.tiny.codegen.text import collect_kernels

HARNESS = """
#include <stdint.h>
#include <float.h>
%s
%s
int32_t requantise(int32_t v, int32_t m, uint8_t s) { return kl_requantise(v, m, s); }
float power(float x) { return kl_exp(x); }
float logarithm(float x) { return kl_log(x); }
void step(int8_t *w, int16_t *r, float delta, uint32_t seed, uint32_t n, uint32_t stream,
          int32_t i, int32_t *bias) {
    const kl_random random = {seed, n};
    const kl_target t = {w - i, r ? r - i : 0, 0, stream};
    kl_step_weight(&t, kl_key(&random, stream), i, delta);
    kl_step_bias(bias, kl_key(&random, stream), i, delta);
}
"""

FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)
SMALL = st.floats(-300, 300, width=32)


@pytest.fixture(scope="module")
def c(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("arithmetic")
    text = HARNESS % (
        format_constants(),
        "\n\n".join(collect_kernels(["base", "loss", "update"], HARNESS)),
    )
    (folder / "model.c").write_text(text)
    line = [find_compiler(), *WARNING_FLAGS, "-O2", "-shared", "-fPIC", "model.c", "-o", "model.so"]
    subprocess.run(line, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "model.so"))
    library.power.restype = library.logarithm.restype = ctypes.c_float
    return library


@pytest.mark.system_package("cc")
@given(st.integers(-(2**31) + 1, 2**31 - 1), st.integers(2**30, 2**31 - 1), st.integers(1, 62))
def test_requantisation_rounds_half_away_from_zero(
    c: ctypes.CDLL, value: int, multiplier: int, shift: int
) -> None:
    exact = Fraction(value * multiplier, 2**shift)
    near = math.floor(abs(exact) + Fraction(1, 2)) * (1 if exact >= 0 else -1)
    want = max(-(2**30), min(2**30, near))
    assert int(arithmetic.requantise(np.array([value]), multiplier, shift)[0]) == want
    assert c.requantise(value, multiplier, ctypes.c_uint8(shift)) == want


@given(st.floats(1e-9, 1e8))
def test_multiplier_is_accurate_to_31_bits(factor: float) -> None:
    multiplier, shift = arithmetic.quantise_multiplier(factor)
    assert 2**30 <= multiplier < 2**31
    assert abs(multiplier / 2**shift / factor - 1) <= 2.0**-31


def test_invalid_factors_are_rejected() -> None:
    assert arithmetic.quantise_multiplier(1e-12) == (0, 1)
    for factor in (0.0, -1.0, math.nan, math.inf, 2.0**31):
        with pytest.raises(UsageError, match="Invalid requantisation factor"):
            arithmetic.quantise_multiplier(factor)


@pytest.mark.system_package("cc")
@given(FLOATS)
def test_exp_and_log_are_accurate_and_equal_in_c(c: ctypes.CDLL, x: float) -> None:
    x = -abs(x) if math.isfinite(x) else -1.0
    power = arithmetic.exp(np.array([x], np.float32))[0]
    assert power == c.power(ctypes.c_float(x))
    assert float(power) == pytest.approx(math.exp(max(x, -700)), rel=3e-7, abs=1.2e-38)
    above = np.float32(min(1 - x, 1e30))
    natural = arithmetic.log(above)
    assert natural == c.logarithm(ctypes.c_float(above))
    assert float(natural) == pytest.approx(math.log(above), rel=3e-7, abs=1e-7)


Words = tuple[int, int, int, int]
WORDS = st.tuples(*[st.integers(0, 2**32 - 1)] * 3, st.integers(0, 2**20))


def step_in_c(
    c: ctypes.CDLL, weight: int, residual: int | None, bias: int, delta: float, words: Words
) -> tuple[int, int | None, int]:
    """Return a weight, its residual and a bias after an update in C."""
    w, b = ctypes.c_int8(weight), ctypes.c_int32(bias)
    r = None if residual is None else ctypes.c_int16(residual)
    seed, step, stream, index = words
    call: Callable[..., Any] = c.step
    call(
        ctypes.byref(w), None if r is None else ctypes.byref(r), ctypes.c_float(delta),
        ctypes.c_uint32(seed), ctypes.c_uint32(step), ctypes.c_uint32(stream),
        ctypes.c_int32(index), ctypes.byref(b),
    )  # fmt: skip
    return w.value, None if r is None else r.value, b.value


@pytest.mark.system_package("cc")
@given(st.integers(-127, 127), st.integers(-(2**30), 2**30), st.one_of(SMALL, FLOATS), WORDS)
def test_stochastic_updates_are_equal_in_c(
    c: ctypes.CDLL, weight: int, bias: int, delta: float, words: Words
) -> None:
    bits = arithmetic.random_bits(*words[:3], np.array([words[3]]))
    change = np.array([delta], np.float32)
    new = arithmetic.update_weights(np.array([weight], np.int8), change, bits)
    new_bias = arithmetic.update_biases(np.array([bias], np.int32), change, bits)
    assert step_in_c(c, weight, None, bias, delta, words) == (int(new[0]), None, int(new_bias[0]))
    moved = 0.0 if math.isnan(delta) else max(-512.0, min(512.0, float(change[0])))
    exact = max(-127.0, min(127.0, weight - moved))
    assert abs(int(new[0]) - exact) < 1


@pytest.mark.system_package("cc")
@given(st.integers(-127, 127), st.integers(-32768, 32767), st.one_of(SMALL, FLOATS))
def test_updates_with_residual_are_equal_in_c(
    c: ctypes.CDLL, weight: int, residual: int, delta: float
) -> None:
    old = np.array([weight], np.int8), np.array([residual], np.int16)
    new, rest = arithmetic.update_with_residual(*old, np.array([delta], np.float32))
    found = step_in_c(c, weight, residual, 0, delta, (1, 2, 3, 4))
    assert found[:2] == (int(new[0]), int(rest[0]))
    moved = 0.0 if math.isnan(delta) else max(-512.0, min(512.0, float(np.float32(delta))))
    exact = max(-127.0, min(127.0, weight + residual / 65536 - moved))
    units = 0.5 if abs(moved) <= 32 else 1.0  # above, float32 has no finer resolution
    assert abs(int(new[0]) + int(rest[0]) / 65536 - exact) <= units / 65536


def test_stochastic_rounding_is_unbiased() -> None:
    delta = np.full(200_000, 0.03, np.float32)
    for seed in (1, 2):
        bits = arithmetic.random_bits(seed, 5, 2, np.arange(delta.size))
        steps = arithmetic.round_stochastically(delta, bits)
        assert set(steps.tolist()) == {0, 1}
        assert abs(float(steps.mean()) - 0.03) < 4 * math.sqrt(0.03 * 0.97 / delta.size)


def test_sums_are_sequential() -> None:
    values = np.array([[1e8, 1.0, -1e8, 1.0]], np.float32)
    assert arithmetic.sum_sequentially(values).tolist() == [1.0]
