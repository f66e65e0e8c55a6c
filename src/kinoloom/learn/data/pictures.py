"""Folders of pictures: triplets, and longer sequences of which any three may be a triplet.

Layouts, found by what lies in the folder:

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
from kinoloom.learn.data.source import Shot
from kinoloom.learn.data.triplets import find_triplets
from kinoloom.learn.seeds import generator

Part = Literal["train", "test"]
_LISTS = {"tri": 3, "sep": 7}
_SEQUENCES = "sequences"
_PICTURES = 4
"""Keeps this source's random numbers apart from others'."""


@dataclass(frozen=True)
class Series:
    """Pictures taken one after another at even distances.

    Attributes:
        name: the folder below the data folder.
        files: three or more, in order.
    """

    name: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class PictureSource:
    """Draws triplets of sequences of pictures: of three all, of more any three, in order.

    Attributes:
        sequences: at least one.

    Raises:
        UsageError: no sequence, or one of fewer than three pictures.
    """

    sequences: Sequence[Series]

    def __post_init__(self) -> None:
        if not self.sequences or min(len(each.files) for each in self.sequences) < 3:
            raise UsageError("Triplets are drawn from sequences of three pictures or more.")

    def draw(self, index: int, seed: int) -> Shot:
        """See `Source.draw`.

        Raises:
            MediaError: a picture cannot be read.
            UnreadableMediaError: the three differ in size, or are not of 8 bits.
        """
        rng = generator(seed, index, _PICTURES)
        sequence = self.sequences[int(rng.integers(len(self.sequences)))]
        places = np.sort(rng.choice(len(sequence.files), 3, replace=False)).tolist()
        first, middle, last = (_read(sequence.files[place]) for place in places)
        if not first.shape == middle.shape == last.shape:
            raise UnreadableMediaError(
                f"The pictures of {sequence.files[0].parent} differ in size: "
                f"{first.shape}, {middle.shape} and {last.shape}."
            )
        time = (places[1] - places[0]) / (places[2] - places[0])
        return Shot((first, middle, last), time, str(sequence.files[places[1]]))


def is_vimeo(folder: Path) -> bool:
    """Whether a folder has Vimeo-90K's layout: one of its lists lies in it."""
    return any(
        (folder / f"{kind}_{part}list.txt").is_file()
        for kind in _LISTS
        for part in ("train", "test")
    )


def open_pictures(folder: Path, part: Part = "train") -> PictureSource:
    """The triplets and sequences in a folder.

    Args:
        folder: of one of the layouts above.
        part: which list is read, where there are lists.

    Raises:
        InputNotFoundError: there is no such folder, list or triplet, or a list names a sequence
            of which a picture is missing.
        UnreadableMediaError: a list is empty, or not a text.
    """
    if not folder.is_dir():
        raise InputNotFoundError(f"There is no folder {folder}.")
    if not is_vimeo(folder):
        triplets = find_triplets(folder)
        return PictureSource([Series(each.name, each.files) for each in triplets])
    found = [
        sequence
        for kind, count in _LISTS.items()
        if (folder / f"{kind}_{part}list.txt").is_file()
        for sequence in _listed(folder, folder / f"{kind}_{part}list.txt", count)
    ]
    if not found:
        raise InputNotFoundError(
            f"{folder} has no list of its {part} sequences.",
            hint=f"Put tri_{part}list.txt or sep_{part}list.txt there, as Vimeo-90K has it.",
        )
    return PictureSource(found)


def _listed(folder: Path, list_file: Path, count: int) -> list[Series]:
    try:
        names = list_file.read_text(encoding="utf-8").split()
    except UnicodeDecodeError as error:
        raise UnreadableMediaError(f"{list_file} is not a text of names.") from error
    if not names:
        raise UnreadableMediaError(
            f"{list_file} is empty.", hint="Each of its lines names a sequence, such as 00001/0001."
        )
    return [_sequence(folder, list_file, name, count) for name in names]


def _sequence(folder: Path, list_file: Path, name: str, count: int) -> Series:
    files = tuple(folder / _SEQUENCES / name / f"im{k}.png" for k in range(1, count + 1))
    for file in files:
        if not file.is_file():
            raise InputNotFoundError(
                f"{list_file} names {name}, but there is no {file}.",
                hint="Unpack the whole archive, or take the line out of the list.",
            )
    return Series(name, files)


def _read(path: Path) -> np.ndarray:
    from kinoloom.media.photo.reading import read_photo

    image = read_photo(path).image[..., :3]
    if image.dtype != np.uint8:
        raise UnreadableMediaError(
            f"{path} has more than 8 bits.", hint="Convert the pictures of this folder to 8 bits."
        )
    return image
