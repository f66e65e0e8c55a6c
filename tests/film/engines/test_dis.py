"""The engine `dis`: both images warped along half the difference of the flows, and averaged."""

import numpy as np
import pytest
from frames import render
from scenes import panning

from kinoloom.errors import ArrayError, BudgetError
from kinoloom.film.bench.baselines import find_contestant
from kinoloom.film.engine import EngineOptions
from kinoloom.film.engines.dis import DIS
from kinoloom.metrics import psnr

OPTIONS = EngineOptions(1 << 30)
ENGINE = DIS.build(OPTIONS)


def test_pan_is_interpolated() -> None:
    first, truth, second = panning(3, step=3, size=(160, 120))
    (result,) = render(ENGINE, first, second, [0.5])
    inside = np.s_[10:-10, 10:-10]
    assert psnr(result[inside], truth[inside]) > 32
    forward, backward = ENGINE.estimate_flow(first, second)
    assert np.median(np.abs(forward - [-6, 0])) < 0.2
    assert np.median(np.abs(backward - [6, 0])) < 0.2


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 40, 4), (33, 35, 3)])
def test_every_size_and_dtype_is_kept(shape: tuple[int, ...], dtype: str) -> None:
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    first, second = (np.random.default_rng(0).random((2, *shape)) * top).astype(dtype)
    for result in render(ENGINE, first, second, [0.3, 0.5]):
        assert result.shape == shape
        assert result.dtype == first.dtype
    (same,) = render(ENGINE, first, first.copy(), [0.5])
    np.testing.assert_array_equal(same, first)


def test_images_beyond_the_memory_limit_are_rejected() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    with pytest.raises(BudgetError, match="200x100"):
        DIS.build(EngineOptions(1_000_000)).estimate_flow(picture, picture)


def test_images_of_different_formats_are_rejected() -> None:
    with pytest.raises(ArrayError, match="same shape and dtype"):
        ENGINE.estimate_flow(np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5, 3), np.float32))


@pytest.mark.parametrize("name", ["dis", "blend"])
def test_result_is_symmetric_in_time(name: str) -> None:
    first, second = panning(2, step=3, size=(160, 120))
    engine = find_contestant(name).build(OPTIONS)
    (there,) = render(engine, first, second, [0.25])
    (back,) = render(engine, second, first, [0.75])
    assert np.abs(there.astype(int) - back).max() <= 1
