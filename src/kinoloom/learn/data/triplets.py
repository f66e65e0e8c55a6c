"""Triplets: folders of three images whose middle one is the ground truth.

The files are named frame0, frame1 and frame2, or im1, im2 and im3 as in Vimeo-90K.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kinoloom.base.arrays import Picture
from kinoloom.errors import InputNotFoundError, UnreadableMediaError

_NAMES = (("frame0", "frame1", "frame2"), ("im1", "im2", "im3"))


@dataclass(frozen=True)
class Triplet:
    """The images of one folder.

    Attributes:
        name: path of the folder, relative to the data folder.
        files: of the first image, the ground truth, and the second image.
    """

    name: str
    files: tuple[Path, Path, Path]

    def load(self) -> tuple[Picture, Picture, Picture]:
        """Read the three images, (H, W, 3) uint8 of equal size.

        Raises:
            UnreadableMediaError: an image cannot be read, or they differ in size or bit depth.
        """
        from kinoloom.media.photo.reading import read_photo

        first, truth, second = (read_photo(file).image[..., :3] for file in self.files)
        if not (first.shape == truth.shape == second.shape) or first.dtype.name != "uint8":
            raise UnreadableMediaError(
                f"The images of {self.name} must have 8 bits and equal sizes, not "
                f"{first.shape}, {truth.shape} and {second.shape}."
            )
        return first, truth, second


def find_triplets(folder: Path) -> list[Triplet]:
    """Return all triplets below a folder, sorted by path.

    Raises:
        InputNotFoundError: the folder does not exist, or contains no complete triplet.
    """
    if not folder.is_dir():
        raise InputNotFoundError(f"The folder {folder} does not exist.")
    first_files = [(first, names) for names in _NAMES for first in folder.rglob(f"{names[0]}.*")]
    found = [_find_triplet(folder, first.parent, names) for first, names in sorted(first_files)]
    if not found:
        raise InputNotFoundError(
            f"{folder} contains no triplets.",
            hint="A triplet is a folder with frame0, frame1 (the ground truth) and frame2, or "
            "with im1, im2 (the ground truth) and im3.",
        )
    return found


def has_triplets(folder: Path) -> bool:
    """Return whether there is the first image of a triplet below a folder."""
    return any(True for names in _NAMES for _ in folder.rglob(f"{names[0]}.*"))


def _find_triplet(folder: Path, parent: Path, names: tuple[str, str, str]) -> Triplet:
    files = [sorted(parent.glob(f"{name}.*")) for name in names]
    if any(len(matches) != 1 for matches in files):
        first, truth, second = names
        raise InputNotFoundError(
            f"{parent} must contain exactly one {first}, {truth} and {second}.",
            hint="Add what is missing, or remove the folder.",
        )
    return Triplet(str(parent.relative_to(folder)), (files[0][0], files[1][0], files[2][0]))
