"""Triplets: folders of three pictures, of which the middle one is the truth to be found.

The pictures are named frame0, frame1 and frame2, or im1, im2 and im3 as in Vimeo-90K.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kinoloom.base.arrays import Picture
from kinoloom.errors import InputNotFoundError, UnreadableMediaError

_NAMES = (("frame0", "frame1", "frame2"), ("im1", "im2", "im3"))


@dataclass(frozen=True)
class Triplet:
    """One folder's pictures.

    Attributes:
        name: the folder below the data folder.
        files: of the first picture, the truth between, and the second.
    """

    name: str
    files: tuple[Path, Path, Path]

    def load(self) -> tuple[Picture, Picture, Picture]:
        """The three pictures, (H, W, 3) uint8 of one size.

        Raises:
            UnreadableMediaError: they differ in size or depth, or one cannot be read.
        """
        from kinoloom.media.photo.reading import read_photo

        first, truth, second = (read_photo(file).image[..., :3] for file in self.files)
        if not (first.shape == truth.shape == second.shape) or first.dtype.name != "uint8":
            raise UnreadableMediaError(
                f"The pictures of {self.name} must be of 8 bits and one size; they are "
                f"{first.shape}, {truth.shape} and {second.shape}."
            )
        return first, truth, second


def find_triplets(folder: Path) -> list[Triplet]:
    """All triplets below a folder, in order of their names.

    Raises:
        InputNotFoundError: there is no such folder, or no triplet in it.
    """
    if not folder.is_dir():
        raise InputNotFoundError(f"There is no folder {folder}.")
    begins = [(first, parts) for parts in _NAMES for first in folder.rglob(f"{parts[0]}.*")]
    found = [_triplet(folder, first.parent, parts) for first, parts in sorted(begins)]
    if not found:
        raise InputNotFoundError(
            f"There is no triplet below {folder}.",
            hint="Each triplet is a folder with frame0, frame1 (the truth) and frame2, or with "
            "im1, im2 (the truth) and im3.",
        )
    return found


def has_triplets(folder: Path) -> bool:
    """Whether there is the first picture of a triplet below a folder."""
    return any(True for parts in _NAMES for _ in folder.rglob(f"{parts[0]}.*"))


def _triplet(folder: Path, parent: Path, parts: tuple[str, str, str]) -> Triplet:
    files = [sorted(parent.glob(f"{part}.*")) for part in parts]
    if any(len(names) != 1 for names in files):
        first, truth, second = parts
        raise InputNotFoundError(f"{parent} should hold exactly one {first}, {truth} and {second}.")
    return Triplet(str(parent.relative_to(folder)), (files[0][0], files[1][0], files[2][0]))
