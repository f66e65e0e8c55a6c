"""Photos with sampled degradations (`enhance.degrade`) instead of bicubic reductions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinoloom.enhance.degrade.recipe import apply_recipe
from kinoloom.enhance.degrade.sampling.presets import sample_recipe
from kinoloom.enhance.train.samples.crops import (
    SYMMETRIES,
    Floats,
    Pixels,
    apply_symmetry,
    crop_to_multiple,
    draw_corner,
    stack_pairs,
    to_planes,
)
from kinoloom.learn.seeds import generator, share_indices
from kinoloom.learn.synthetic.textures import Photos

_MARGIN_PX = 8
"""Margin of crops in reduced pixels while they are degraded: filters reflect at borders."""
_HELD_OUT_STREAM = 0x68656C64
"""Separates the degradations of held-out photos from those of samples."""


@dataclass(frozen=True)
class DegradedPhotos:
    """Whole photos with degradations that are always the same, for validation.

    Attributes:
        photos: the ground truth.
        scale: factor of both sides, at least 2.
        degradation: a key of `degrade.sampling.presets.PRESETS`.
        seed: of the run.
    """

    photos: Photos
    scale: int
    degradation: str
    seed: int

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> tuple[Pixels, Pixels]:
        """Return a degraded photo (h, w, 3) and the photo (scale h, scale w, 3), uint8.

        Raises:
            MediaError: as `learn.synthetic.textures.Photos`.
        """
        high = crop_to_multiple(self.photos[index], self.scale)
        rng = generator(self.seed, _HELD_OUT_STREAM, index)
        return apply_recipe(high, sample_recipe(self.degradation, rng, self.scale)), high


@dataclass(frozen=True)
class DegradedBatches:
    """Builds the batch of each step; see `learn.task.Task.batch`.

    Every sample has a recipe of its own. Workers build the batches, so no pool of earlier samples
    is needed to mix recipes, as it is where a whole batch is degraded by one recipe on a GPU.

    Attributes:
        photos: from which crops are cut.
        scale: factor of both sides, at least 2.
        degradation: a key of `degrade.sampling.presets.PRESETS`.
        size: samples per batch, over all shares.
        low_px: side of the crops from degraded photos.
        seed: of the run.
        luma: whether to return luma instead of RGB.
    """

    photos: Photos
    scale: int
    degradation: str
    size: int
    low_px: int
    seed: int
    luma: bool

    def __call__(self, step: int, share: int, shares: int) -> dict[str, Floats]:
        """Return "low" (B, C, S, S) and "high" (B, C, scale S, scale S); see `crops.to_planes`.

        Raises:
            MediaError: a photo cannot be read, or is smaller than the crop with its margin.
        """
        return stack_pairs(self._draw(step, k) for k in share_indices(self.size, share, shares))

    def _draw(self, step: int, sample: int) -> tuple[Floats, Floats]:
        rng = generator(self.seed, step, sample)
        index = int(rng.integers(len(self.photos)))
        photo, name = self.photos[index], self.photos.files[index].name
        side = self.scale * (self.low_px + 2 * _MARGIN_PX)
        top, left = draw_corner(rng, photo, side, name)
        crop = apply_symmetry(
            photo[top : top + side, left : left + side], int(rng.integers(SYMMETRIES))
        )
        recipe = sample_recipe(self.degradation, rng, self.scale)
        low = apply_recipe(np.ascontiguousarray(crop), recipe)
        pair = _cut(low, _MARGIN_PX), _cut(crop, self.scale * _MARGIN_PX)
        low_planes, high_planes = (to_planes(image, luma=self.luma) for image in pair)
        return low_planes, high_planes


def _cut(image: Pixels, margin_px: int) -> Pixels:
    return np.ascontiguousarray(image[margin_px:-margin_px, margin_px:-margin_px])
