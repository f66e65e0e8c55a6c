"""Pictures and filters that the tests of filters share."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from kinoloom.enhance.filters.chroma import ChromaDenoise
from kinoloom.enhance.filters.curves import Curves
from kinoloom.enhance.filters.deband import Deband
from kinoloom.enhance.filters.deblock.filter import Deblock
from kinoloom.enhance.filters.filter import Filter
from kinoloom.enhance.filters.grain import Grain
from kinoloom.enhance.filters.lowlight import LowLight
from kinoloom.enhance.filters.sharpen import Sharpen
from kinoloom.enhance.filters.white_balance import WhiteBalance

Colors = NDArray[np.float32]

FILTERS: tuple[Filter, ...] = (
    ChromaDenoise(),
    Curves(curves="strong-contrast"),
    Deband(threshold=12),
    Deblock(quality=20),
    Deblock(quality=20, method="borders"),
    Grain(),
    LowLight(),
    Sharpen(),
    WhiteBalance(),
)
"""Every filter that needs no file, at a strength at which it changes the scene."""


def name_of(one: Filter) -> str:
    return f"{type(one).__name__}-{getattr(one, 'method', '')}".rstrip("-")


def build_scene(height: int = 96, width: int = 128, seed: int = 1) -> Colors:
    """A gradient with a warm cast, discs with sharp edges, a textured part and some noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    scene = np.stack([0.15 + 0.5 * columns / width, 0.1 + 0.4 * rows / height, 0.2 + 0 * rows], 2)
    for _ in range(6):
        center = (int(rng.integers(width)), int(rng.integers(height)))
        color = [float(value) for value in rng.uniform(0.05, 0.95, 3) * (1, 0.9, 0.7)]
        cv2.circle(scene, center, int(rng.integers(4, 20)), color, -1, cv2.LINE_AA)
    waves = 0.1 * np.sin(columns * 1.3) * np.sin(rows * 0.9) * (columns < width / 3)
    noise = rng.normal(0, 0.01, scene.shape)
    return np.clip(scene + waves[..., None] + noise, 0, 1).astype(np.float32)


def to_dtype(scene: Colors, dtype: Any) -> NDArray[Any]:
    return np.rint(scene * np.iinfo(dtype).max).astype(dtype)


def compress(scene: Colors, quality: int) -> NDArray[np.uint8]:
    """The picture after JPEG compression."""
    image = to_dtype(scene, np.uint8)[..., ::-1]
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)


def pictures(most: int = 24) -> st.SearchStrategy[Colors]:
    """Any picture of up to `most` pixels a side."""
    return st.tuples(st.integers(1, most), st.integers(1, most)).flatmap(
        lambda size: arrays.arrays(np.float32, (*size, 3), elements=st.floats(0, 1, width=32))
    )


def squared_error(picture: NDArray[Any], truth: NDArray[Any]) -> float:
    return float(np.mean((picture.astype(np.float64) - truth.astype(np.float64)) ** 2))
