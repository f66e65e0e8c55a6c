"""Pictures and settings for the tests of enhance."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.options import build
from kinoloom.enhance.estimate.measure import Measurement
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.pictures.building import build_work, choose_networks
from kinoloom.enhance.pictures.stages import FilterStage
from kinoloom.enhance.pictures.work import PictureWork, least_bytes
from kinoloom.enhance.planning.settings import Settings, parse_size


def draw(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """Return texture, edges, noise and a stepped gradient, (H, W, 3) float32 in 0..1."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((height // 8 + 2, width // 8 + 2, 3), np.float32)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    picture[height // 3 : height // 2, width // 4 : width // 2] = (0.9, 0.1, 0.2)
    picture += rng.normal(0, 0.03, picture.shape).astype(np.float32)
    ramp = np.arange(width // 2) * np.float32(0.2 / max(width, 1))
    picture[height // 2 :, : width // 2] = np.floor(ramp * 128)[:, None] / 128 + np.float32(0.3)
    return np.clip(picture, 0, 1).reshape(height, width, 3)


def settings_of(measurement: Measurement | None = None, **values: object) -> Settings:
    """Return settings of options, with a measurement."""
    options: EnhanceOptions = build(EnhanceOptions, values)
    return Settings(options, measurement=measurement, size=parse_size(options.size))


def work_of(settings: Settings, width: int, height: int) -> PictureWork:
    """Return the work on a picture of a size, with as little memory as it can have."""
    networks = choose_networks(settings, width, height, tier="live")
    work = build_work(settings, networks, 1 << 40)
    last = [FilterStage(one) for one in work.filters]
    least = max(
        least_bytes(work.stages, width, height), least_bytes(last, *work.size(width, height))
    )
    return build_work(settings, networks, least)
