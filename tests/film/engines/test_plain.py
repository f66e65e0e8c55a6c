"""The named baseline: warp along half the difference of two flows, and average."""

import numpy as np
import pytest
from scenes import panning

from kinoloom.errors import ArrayError, BudgetError
from kinoloom.film.choose import choose
from kinoloom.film.engine import EngineOptions
from kinoloom.film.engines.plain import DIS
from kinoloom.metrics import psnr

OPTIONS = EngineOptions(1 << 30)
ENGINE = DIS.make(OPTIONS)


def test_a_pan_goes_on() -> None:
    first, truth, second = panning(3, step=3, size=(160, 120))
    (made,) = ENGINE.between(first, second, [0.5])
    inside = np.s_[10:-10, 10:-10]
    assert psnr(made[inside], truth[inside]) > 32
    forward, backward = ENGINE.flows(first, second)
    assert np.median(np.abs(forward - [-6, 0])) < 0.2
    assert np.median(np.abs(backward - [6, 0])) < 0.2


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 40, 4), (33, 35, 3)])
def test_every_size_and_kind_is_kept(shape: tuple[int, ...], dtype: str) -> None:
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    first, second = (np.random.default_rng(0).random((2, *shape)) * top).astype(dtype)
    for made in ENGINE.between(first, second, [0.3, 0.5]):
        assert made.shape == shape
        assert made.dtype == first.dtype
    (same,) = ENGINE.between(first, first.copy(), [0.5])
    np.testing.assert_array_equal(same, first)


def test_what_does_not_fit_is_refused() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    with pytest.raises(BudgetError, match="200x100"):
        DIS.make(EngineOptions(1_000_000)).flows(picture, picture)


def test_pictures_that_differ_in_kind_are_refused() -> None:
    with pytest.raises(ArrayError, match="one shape and dtype"):
        ENGINE.flows(np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5, 3), np.float32))


@pytest.mark.parametrize("name", ["dis", "blend"])
def test_time_may_run_backwards(name: str) -> None:
    first, second = panning(2, step=3, size=(160, 120))
    engine = choose(name, OPTIONS).make(OPTIONS)
    (there,), (back,) = engine.between(first, second, [0.25]), engine.between(second, first, [0.75])
    assert np.abs(there.astype(int) - back).max() <= 1
