"""The exposure of pairs of photos."""

import numpy as np
import pytest
from scenes import texture

from kinoloom.base.arrays import from_float, to_float
from kinoloom.film.photos.relighting import plan_relighting
from kinoloom.motion.exposure import apply_gain

GAIN = np.float32([1.6, 1.2, 0.8])
AMPLE = 10**9


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [3, 4])
def test_tables_equal_the_function(dtype: type, channels: int) -> None:
    photo = from_float(to_float(texture(1, 60, 40)), np.dtype(dtype))
    if channels == 4:
        photo = np.dstack([photo, photo[..., 0]])
    relighting = plan_relighting(GAIN, photo, AMPLE)
    first, second = relighting.prepare(photo, photo)
    assert first.dtype == second.dtype == (np.uint16 if dtype == np.uint8 else dtype)
    expected = apply_gain(to_float(photo), GAIN, -1.0)
    assert np.abs(to_float(second) - expected).max() < 1e-4
    assert np.array_equal(relighting.finish(first, 0.0), photo)
    undone = relighting.finish(second, 1.0)
    assert np.array_equal(undone[..., 3:], photo[..., 3:])
    assert np.abs(to_float(undone) - to_float(photo)).max() < 5e-5, "undone exactly in 8 bits"
    assert relighting.finish(second, 0.5).dtype == dtype


def test_equal_exposures_need_no_copies() -> None:
    photo = texture(2, 60, 40)
    relighting = plan_relighting(np.float32([1, 1.0005, 1]), photo, AMPLE)
    assert all(one is photo for one in relighting.prepare(photo, photo))
    assert relighting.finish(photo, 0.5) is photo


def test_short_memory_keeps_8_bits() -> None:
    photo = texture(3, 60, 40)
    relighting = plan_relighting(GAIN, photo, 10 * photo.nbytes)
    first, second = relighting.prepare(photo, photo)
    assert first.dtype == second.dtype == np.uint8
