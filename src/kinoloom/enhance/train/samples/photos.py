"""The photos of a folder, split into training and held-out photos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kinoloom.errors import InputNotFoundError, UsageError
from kinoloom.learn.synthetic.textures import Photos

EXCLUDED_FOLDER = "val"
"""Photos below a folder of this name are not used: that of BSDS500 contains BSD68 and BSD100."""
_HELD_OUT_EVERY, _MAX_HELD_OUT = 20, 20


@dataclass(frozen=True)
class TrainingPhotos:
    """The photos of a folder.

    Attributes:
        kept: for training.
        held_out: for validation: every twentieth photo, at most 20.
        excluded: number of photos below a folder `EXCLUDED_FOLDER`.
    """

    kept: Photos
    held_out: Photos
    excluded: int


def open_training_photos(folder: Path) -> TrainingPhotos:
    """Find the photos below a folder and split them.

    Raises:
        InputNotFoundError: the folder does not exist, or contains no usable photo.
        UsageError: it contains a single photo.
    """
    kept, held_out = Photos(folder), Photos(folder)
    found = len(kept)
    files = [file for file in kept.files if not _is_excluded(file, folder)]
    if not files:
        raise InputNotFoundError(
            f"All {found} photos of {folder} are below a folder '{EXCLUDED_FOLDER}', which is not "
            "used for training.",
            hint="Rename the folder if its photos belong to no benchmark.",
        )
    if len(files) == 1:
        raise UsageError(
            "One photo cannot be split into training and held-out data.",
            hint="Provide at least two.",
        )
    held_out.files = files[::_HELD_OUT_EVERY][:_MAX_HELD_OUT]
    chosen = set(held_out.files)
    kept.files = [file for file in files if file not in chosen]
    return TrainingPhotos(kept, held_out, found - len(files))


def _is_excluded(file: Path, folder: Path) -> bool:
    return EXCLUDED_FOLDER in (part.lower() for part in file.relative_to(folder).parts[:-1])
