"""Triplets: folders of three pictures, of which the middle one is the truth to be found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kinoloom.base.arrays import Picture
from kinoloom.errors import InputNotFoundError, UnreadableMediaError

_PARTS = ("frame0", "frame1", "frame2")


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
        from kinoloom.media.photos import read_photo

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
    found = [_triplet(folder, first) for first in sorted(folder.rglob("frame0.*"))]
    if not found:
        raise InputNotFoundError(
            f"There is no triplet below {folder}.",
            hint="Each triplet is a folder with frame0, frame1 (the truth) and frame2.",
        )
    return found


def _triplet(folder: Path, first: Path) -> Triplet:
    files = [sorted(first.parent.glob(f"{part}.*")) for part in _PARTS]
    if any(len(names) != 1 for names in files):
        raise InputNotFoundError(
            f"{first.parent} should hold exactly one frame0, frame1 and frame2."
        )
    name = str(first.parent.relative_to(folder))
    return Triplet(name, (files[0][0], files[1][0], files[2][0]))
