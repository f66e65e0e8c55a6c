"""Folders of images: triplets, and longer sequences from which triplets are drawn.

Supported layouts:

    tri_trainlist.txt, tri_testlist.txt, sequences/00001/0001/im1.png .. im3.png    Vimeo-90K
    sep_trainlist.txt, sep_testlist.txt, sequences/00001/0001/im1.png .. im7.png    its septuplets
    anything/frame0.png, frame1.png, frame2.png, or im1.png, im2.png, im3.png       triplets
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from kinoloom.errors import InputNotFoundError, UnreadableMediaError, UsageError
from kinoloom.learn.data.source import FrameTriplet
from kinoloom.learn.data.triplets import find_triplets
from kinoloom.learn.seeds import generator

Split = Literal["train", "test"]
_LISTS = {"tri": 3, "sep": 7}
_SEQUENCES = "sequences"
_STREAM = 4
"""Separates the random numbers of this source from those of others."""


@dataclass(frozen=True)
class ImageSequence:
    """Images taken at equal intervals of time.

    Attributes:
        name: path of their folder, relative to the data folder.
        files: three or more, in order.
    """

    name: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class PictureSource:
    """Draws triplets from image sequences; from more than three images, any three in order.

    Attributes:
        sequences: at least one.

    Raises:
        UsageError: no sequence is passed, or one has fewer than three images.
    """

    sequences: Sequence[ImageSequence]

    def __post_init__(self) -> None:
        if not self.sequences or min(len(each.files) for each in self.sequences) < 3:
            raise UsageError("Drawing triplets needs sequences of at least three images.")

    def draw(self, index: int, seed: int) -> FrameTriplet:
        """Draw a sample; see `Source.draw`.

        Raises:
            MediaError: an image cannot be read.
            UnreadableMediaError: the three images differ in size, or do not have 8 bits.
        """
        rng = generator(seed, index, _STREAM)
        sequence = self.sequences[int(rng.integers(len(self.sequences)))]
        positions = np.sort(rng.choice(len(sequence.files), 3, replace=False)).tolist()
        first, middle, last = (_read(sequence.files[position]) for position in positions)
        if not first.shape == middle.shape == last.shape:
            raise UnreadableMediaError(
                f"The images of {sequence.files[0].parent} differ in size: "
                f"{first.shape}, {middle.shape} and {last.shape}."
            )
        time = (positions[1] - positions[0]) / (positions[2] - positions[0])
        return FrameTriplet((first, middle, last), time, str(sequence.files[positions[1]]))


def is_vimeo(folder: Path) -> bool:
    """Return whether a folder has the layout of Vimeo-90K."""
    return any(
        (folder / f"{kind}_{split}list.txt").is_file()
        for kind in _LISTS
        for split in ("train", "test")
    )


def open_pictures(folder: Path, split: Split = "train") -> PictureSource:
    """Open the triplets or sequences in a folder.

    Args:
        folder: with one of the layouts above.
        split: the list to read, if the folder has lists.

    Raises:
        InputNotFoundError: the folder, the list, a listed image or any triplet is missing.
        UnreadableMediaError: a list is empty, or is not a text file.
    """
    if not folder.is_dir():
        raise InputNotFoundError(f"The folder {folder} does not exist.")
    if not is_vimeo(folder):
        triplets = find_triplets(folder)
        return PictureSource([ImageSequence(each.name, each.files) for each in triplets])
    found = [
        sequence
        for kind, count in _LISTS.items()
        if (folder / f"{kind}_{split}list.txt").is_file()
        for sequence in _read_list(folder, folder / f"{kind}_{split}list.txt", count)
    ]
    if not found:
        raise InputNotFoundError(
            f"{folder} has no list of the split '{split}'.",
            hint=f"Expected tri_{split}list.txt or sep_{split}list.txt, as in Vimeo-90K.",
        )
    return PictureSource(found)


def _read_list(folder: Path, list_file: Path, count: int) -> list[ImageSequence]:
    try:
        names = list_file.read_text(encoding="utf-8").split()
    except UnicodeDecodeError as error:
        raise UnreadableMediaError(f"{list_file} is not a UTF-8 text file.") from error
    if not names:
        raise UnreadableMediaError(
            f"{list_file} is empty.", hint="Expected one sequence per line, such as 00001/0001."
        )
    return [_find_sequence(folder, list_file, name, count) for name in names]


def _find_sequence(folder: Path, list_file: Path, name: str, count: int) -> ImageSequence:
    files = tuple(folder / _SEQUENCES / name / f"im{k}.png" for k in range(1, count + 1))
    for file in files:
        if not file.is_file():
            raise InputNotFoundError(
                f"{list_file} lists {name}, but {file} does not exist.",
                hint="Extract the complete archive, or remove the line from the list.",
            )
    return ImageSequence(name, files)


def _read(path: Path) -> np.ndarray:
    from kinoloom.media.photo.reading import read_photo

    image = read_photo(path).image[..., :3]
    if image.dtype != np.uint8:
        raise UnreadableMediaError(
            f"{path} has more than 8 bits.", hint="Convert the images of this folder to 8 bits."
        )
    return image
