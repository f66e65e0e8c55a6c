"""Photos with Gaussian noise, and batches of crops from them.

Noise is neither clipped nor rounded, as in the literature's protocol of denoising.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from kinoloom.enhance.train.samples.crops import (
    SYMMETRIES,
    Floats,
    apply_symmetry,
    draw_corner,
    to_planes,
)
from kinoloom.learn.seeds import generator, share_indices
from kinoloom.learn.synthetic.textures import Photos

_GRID = 3
"""Side of the grid of levels between which the noise of a sample varies."""


def add_noise(planes: Floats, levels: Floats, rng: np.random.Generator) -> Floats:
    """Add Gaussian noise of the standard deviation `levels`, broadcast to the planes."""
    noise = rng.standard_normal(planes.shape, np.float32)
    return np.asarray(planes + levels * noise, np.float32)


@dataclass(frozen=True)
class NoiseBatches:
    """Builds the batch of each step; see `learn.task.Task.batch`.

    Half of the samples have noise of one level, the others of a level that varies smoothly.

    Attributes:
        photos: from which crops are cut.
        size: samples per batch, over all shares.
        crop_px: side of the crops.
        max_sigma: largest standard deviation of the noise, in levels of 255.
        seed: of the run.
    """

    photos: Photos
    size: int
    crop_px: int
    max_sigma: float
    seed: int

    def __call__(self, step: int, share: int, shares: int) -> dict[str, Floats]:
        """Return "noisy" and "clean" (B, 3, S, S), and the "levels" of the noise (B, 1, S, S).

        Raises:
            MediaError: a photo cannot be read, or is smaller than the crop.
        """
        samples = [self._draw(step, k) for k in share_indices(self.size, share, shares)]
        noisy, clean, levels = (np.stack(part) for part in zip(*samples, strict=True))
        return {"noisy": noisy, "clean": clean, "levels": levels}

    def _draw(self, step: int, sample: int) -> tuple[Floats, Floats, Floats]:
        rng = generator(self.seed, step, sample)
        index = int(rng.integers(len(self.photos)))
        photo, side = self.photos[index], self.crop_px
        top, left = draw_corner(rng, photo, side, self.photos.files[index].name)
        crop = photo[top : top + side, left : left + side]
        clean = to_planes(apply_symmetry(crop, int(rng.integers(SYMMETRIES))), luma=False)
        levels = self._draw_levels(rng)
        return add_noise(clean, levels, rng), clean, levels

    def _draw_levels(self, rng: np.random.Generator) -> Floats:
        varies = rng.random() < 0.5
        grid = rng.uniform(0, self.max_sigma / 255, (_GRID, _GRID)).astype(np.float32)
        if not varies:
            grid[:] = grid[0, 0]
        size = (self.crop_px, self.crop_px)
        return np.asarray(cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR)[None], np.float32)
