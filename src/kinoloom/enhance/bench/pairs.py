"""Test sets of super-resolution: a folder HR and folders LR_x2, LR_x3 and LR_x4."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kinoloom.base.arrays import Picture
from kinoloom.errors import InputNotFoundError, UnreadableMediaError
from kinoloom.media.photo.reading import read_photo

SCALES = (2, 3, 4)
_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
_HINT = "Expected HR/ with the ground truth, and LR_x2/, LR_x3/ or LR_x4/ with its reductions."


@dataclass(frozen=True)
class Pair:
    """A reduced picture and its ground truth.

    Attributes:
        name: of the ground truth.
        low, high: the files.
        scale: their ratio.
    """

    name: str
    low: Path
    high: Path
    scale: int

    def load(self) -> tuple[Picture, Picture]:
        """Read both: (h, w, 3) and (scale h, scale w, 3) uint8.

        The ground truth is cropped at the right and the bottom to a multiple of the scale.

        Raises:
            UnreadableMediaError: a picture cannot be read, does not have 8 bits, or the sizes do
                not match the scale.
        """
        low, high = read_rgb8(self.low), read_rgb8(self.high)
        height, width = (side // self.scale for side in high.shape[:2])
        if low.shape[:2] != (height, width):
            raise UnreadableMediaError(
                f"{self.low} has {low.shape[1]}x{low.shape[0]} pixels; {self.high.name} "
                f"({high.shape[1]}x{high.shape[0]}) reduced by {self.scale} has {width}x{height}.",
                hint="Sorted names of HR and LR_x* must correspond.",
            )
        return low, high[: height * self.scale, : width * self.scale]


def find_pairs(folder: Path) -> dict[int, tuple[Pair, ...]]:
    """Return the pairs of each scale for which the folder has pictures.

    Raises:
        InputNotFoundError: the folder, HR, or all of LR_x2, LR_x3 and LR_x4 are missing or empty.
        UnreadableMediaError: a folder has another number of pictures than HR.
    """
    if not folder.is_dir():
        raise InputNotFoundError(f"The folder {folder} does not exist.", hint=_HINT)
    high = list_pictures(folder / "HR")
    if not high:
        raise InputNotFoundError(f"{folder} has no folder HR with pictures.", hint=_HINT)
    found = {}
    for scale in SCALES:
        low = list_pictures(folder / f"LR_x{scale}")
        if low and len(low) != len(high):
            raise UnreadableMediaError(
                f"{folder} has {len(high)} pictures in HR, but {len(low)} in LR_x{scale}.",
                hint="Sorted names must correspond.",
            )
        if low:
            pairs = zip(low, high, strict=True)
            found[scale] = tuple(Pair(two.stem, one, two, scale) for one, two in pairs)
    if not found:
        raise InputNotFoundError(f"{folder} has no LR_x2, LR_x3 or LR_x4.", hint=_HINT)
    return found


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures in a folder by their suffixes, sorted by name; none if it is missing."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)


def read_rgb8(path: Path) -> Picture:
    """Read a picture as (H, W, 3) uint8.

    Raises:
        UnreadableMediaError: it cannot be read or has more than 8 bits.
        MediaError: as `media.photo.reading.read_photo`.
    """
    image = read_photo(path).image[..., :3]
    if image.dtype.name != "uint8":
        raise UnreadableMediaError(f"{path} has more than 8 bits; the protocol is for 8 bits.")
    return image
