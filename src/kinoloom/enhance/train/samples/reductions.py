"""Photos with their bicubic reductions, and batches of crops from them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

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
from kinoloom.learn.data.cache import CACHE_BYTES, ArrayCache
from kinoloom.learn.seeds import generator, share_indices
from kinoloom.learn.synthetic.textures import Photos
from kinoloom.metrics import resize_bicubic


class ReducedPhotos:
    """Photos with their reductions, computed on access.

    A photo is reduced as a whole and rounded to 8 bits, as in the literature's test sets; the
    bottom and the right are cropped to a multiple of the scale first.

    Args:
        photos: the ground truth.
        scale: factor of both sides, at least 2.
        cache_bytes: maximum memory of the reductions that are kept.
    """

    def __init__(self, photos: Photos, scale: int, cache_bytes: int = CACHE_BYTES) -> None:
        self.photos, self.scale = photos, scale
        self._cache = ArrayCache(cache_bytes)

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> tuple[Pixels, Pixels]:
        """Return a reduced photo (h, w, 3) and the photo (scale h, scale w, 3), uint8.

        Raises:
            MediaError: as `learn.synthetic.textures.Photos`.
        """
        high = crop_to_multiple(self.photos[index], self.scale)
        low = self._cache.get(index, lambda: resize_bicubic(high, Fraction(1, self.scale)))
        return low, high


@dataclass(frozen=True)
class ReductionBatches:
    """Builds the batch of each step; see `learn.task.Task.batch`.

    Attributes:
        photos: from which crops are cut.
        size: samples per batch, over all shares.
        low_px: side of the crops from the reductions.
        seed: of the run.
        luma: whether to return luma instead of RGB.
    """

    photos: ReducedPhotos
    size: int
    low_px: int
    seed: int
    luma: bool

    def __call__(self, step: int, share: int, shares: int) -> dict[str, Floats]:
        """Return "low" (B, C, S, S) and "high" (B, C, scale S, scale S); see `crops.to_planes`.

        Raises:
            MediaError: a photo cannot be read, or is smaller than the crop.
        """
        return stack_pairs(self._draw(step, k) for k in share_indices(self.size, share, shares))

    def _draw(self, step: int, sample: int) -> tuple[Floats, Floats]:
        rng = generator(self.seed, step, sample)
        index = int(rng.integers(len(self.photos)))
        low, high = self.photos[index]
        name = self.photos.photos.files[index].name
        scale, side = self.photos.scale, self.low_px
        top, left = draw_corner(rng, low, side, f"{name}, reduced by {scale},")
        symmetry = int(rng.integers(SYMMETRIES))
        crops = (
            low[top : top + side, left : left + side],
            high[scale * top : scale * (top + side), scale * left : scale * (left + side)],
        )
        low_planes, high_planes = (
            to_planes(apply_symmetry(crop, symmetry), luma=self.luma) for crop in crops
        )
        return low_planes, high_planes
