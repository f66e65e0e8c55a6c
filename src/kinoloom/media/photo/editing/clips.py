"""Photos as a clip, each of which is edited and written in its own format.

In: files and folders. A frame of the clip is one photo; `edit_photos` replaces its pixels, and the
writer puts them into a file with everything else of the original. A photo that cannot be read
raises its error when it is reached, so that a writer can report it and continue with the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.base.budget import Budget
from kinoloom.base.clip import Clip, Frame
from kinoloom.errors import KinoloomError
from kinoloom.media.photo.editing.blocks import Metadata
from kinoloom.media.photo.editing.opening import EditablePhoto, open_photo
from kinoloom.media.photo.editing.trees import list_photos
from kinoloom.media.photo.reading import SRGB, read_info, read_photo


@dataclass(frozen=True)
class EditedPhoto:
    """A photo with new pixels.

    Attributes:
        photo: as opened.
        samples: (H, W, 1 or 3) uint8, uint16 or float32 in 0..1, in its colour space, of any size.
        alpha: (H, W) of the same size, straight; None without alpha.
        metadata: what of its metadata is kept.
    """

    photo: EditablePhoto
    samples: Picture
    alpha: Picture | None
    metadata: Metadata = "keep"

    @property
    def image(self) -> Picture:
        """The picture as (H, W, 3) or (H, W, 4), without a copy where there is no alpha."""
        colors = np.broadcast_to(self.samples, (*self.samples.shape[:2], 3))
        if self.alpha is None:
            return colors
        return np.concatenate([colors, self.alpha[..., None].astype(colors.dtype)], axis=2)


def open_each_photo(places: Sequence[Path], budget: Budget | None = None) -> Clip:
    """Return the photos in files and folders as a lazy clip of stills, at the times 0, 1, 2, ...

    Args:
        places: files, and folders, which are searched at any depth.
        budget: the memory budget of the job, for which the clip states its need.

    Raises:
        UsageError: no photos, or two whose outputs would have one name.
        MediaError: an input does not exist; or no photo can be read (the error of the first).
    """
    found = list_photos(places)
    infos, errors = [], list[KinoloomError]()
    for path in found.values():
        try:
            infos.append(read_info(path))
        except KinoloomError as error:
            errors.append(error)
    if not infos:
        raise errors[0]
    files = tuple(found.values())

    def read(start: Fraction) -> Iterator[Frame]:
        for index in range(max(0, ceil(start)), len(files)):
            yield Frame(read_photo(files[index]).image, Fraction(index))

    return Clip(
        read,
        width=infos[0].width,
        height=infos[0].height,
        frame_count=len(files),
        bits=max(info.bits for info in infos),
        color=SRGB,
        files=files,
        names=tuple(found),
        stills=True,
        reading_bytes=max(info.editing_bytes for info in infos),
        budget=budget,
    )


def edit_photos(clip: Clip, edit: Callable[[EditablePhoto], EditedPhoto]) -> Clip:
    """Return the clip of a clip's photos after an edit, each in the colour space of its file.

    Args:
        clip: photos from files.
        edit: called with each photo when its frame is read; it may change the size.
    """

    def read(start: Fraction) -> Iterator[Frame]:
        for index in range(max(0, ceil(start)), len(clip.files)):
            edited = edit(open_photo(clip.files[index]))
            yield Frame(edited.image, Fraction(index), native=edited)

    names = clip.names or tuple(Path(path.name) for path in clip.files)
    return clip.with_(read=read, names=names, keeps_format=True, provenance=None)
