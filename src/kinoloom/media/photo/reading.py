"""Photos in: files of pictures read into sRGB, upright, in 8 or 16 bits.

JPEG, PNG, WebP, TIFF, AVIF, BMP and GIF of one frame are read by what the package depends on,
HEIC by the extra `heic`. EXIF orientation is applied, the embedded colour profile is converted,
depth beyond 8 bits is kept as uint16, and alpha is kept where anything shines through. A damaged
file is an error, never half a photo.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Literal

import cv2
from PIL import Image

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Clip, Colour, Frame
from kinoloom.base.notes import Notes
from kinoloom.errors import (
    BudgetError,
    InputNotFoundError,
    KinoloomError,
    MissingExtraError,
    UnreadableMediaError,
    UnsupportedMediaError,
    UsageError,
)
from kinoloom.media.photo.formats import is_animation, kind_of
from kinoloom.media.photo.pixels import decoded
from kinoloom.media.photo.sources import OPENERS, Source
from kinoloom.media.photo.writing import encode_picture, write_photo

__all__ = [
    "PIXEL_LIMIT",
    "Photo",
    "encode_picture",
    "is_photo",
    "open_photos",
    "read_photo",
    "write_photo",
]

PIXEL_LIMIT = 160_000_000
"""The most pixels of a photo (16000x10000): a small file may claim any size and fill the memory."""
_FILE_LIMIT_BYTES = 1 << 31
_KINDS = ", ".join(OPENERS)
_DECODERS_RAISE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    RuntimeError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    cv2.error,
    Image.DecompressionBombError,
)
"""For damaged files; each library has its own choice of these."""
_SRGB = Colour(primaries=1, transfer=13, matrix=0, full_range=True)


@dataclass(frozen=True)
class Photo:
    """A photo read from a file.

    Attributes:
        image: (H, W, 3) RGB or (H, W, 4) with straight alpha, sRGB, uint8 or uint16 (full range).
        taken: when it was captured, to the fraction of a second that the camera told, with its
            offset from UTC where known; None if unknown.
        path: the file.
        remarks: what was odd about it, each a phrase.
    """

    image: Picture
    taken: datetime | None
    path: Path
    remarks: tuple[str, ...] = ()


def is_photo(path: Path) -> bool:
    """Whether a file holds a still picture, judged by its content.

    Animations (GIF, WebP, PNG and AVIF of more than one frame) are videos.

    Raises:
        InputNotFoundError: there is no such file.
        UnreadableMediaError: it is a folder, empty, or may not be read.
    """
    with _naming(path):
        kind = kind_of(_beginning(path))
        return bool(kind) and not is_animation(_content(path), kind)


def read_photo(path: Path) -> Photo:
    """Read a photo.

    Raises:
        InputNotFoundError: there is no such file.
        UnreadableMediaError: it is a folder, empty, not a picture, or damaged.
        UnsupportedMediaError: an animation, HDR, raw data of a camera, or above `PIXEL_LIMIT`.
        MissingExtraError: HEIC without the extra `heic`.
        BudgetError: the machine's memory does not hold it.
    """
    with _naming(path):
        source = _open(path)
        image, remarks = decoded(source)
        return Photo(image, source.meta.taken, path, source.remarks + remarks)


def open_photos(paths: Sequence[Path], order: Literal["given", "time"] = "given") -> Clip:
    """Photos as a clip of stills, at the times 0, 1, 2, ...; each is decoded when it is read.

    Args:
        paths: the files, at least one; their sizes may differ.
        order: as given, or by time of capture.

    Raises:
        UsageError: no files, or a photo whose time of capture is unknown is to be sorted by it.
        MediaError: as `read_photo`; the heads of all files are read at once.
    """
    if not paths:
        raise UsageError("No photos were given.")
    sources = {path: _head(path) for path in paths}
    files = _by_time(paths, sources) if order == "time" else tuple(paths)
    notes = Notes()

    def read(start: Fraction) -> Iterator[Frame]:
        for index in range(max(0, ceil(start)), len(files)):
            photo = read_photo(files[index])
            for remark in photo.remarks:
                notes.add("photo", f"{photo.path.name}: {remark}.", "warning")
            yield Frame(photo.image, Fraction(index))

    first = sources[files[0]]
    return Clip(
        read,
        width=first.width,
        height=first.height,
        frame_count=len(files),
        bits=max(source.bits for source in sources.values()),
        colour=_SRGB,
        files=files,
        stills=True,
        notes=notes,
    )


@dataclass(frozen=True)
class _Head:
    """What is kept of a photo before it is read: its size as shown, depth and time."""

    width: int
    height: int
    bits: int
    taken: datetime | None


def _head(path: Path) -> _Head:
    with _naming(path):
        source = _open(path)
    turned = source.meta.orientation >= 5
    width, height = (source.height, source.width) if turned else (source.width, source.height)
    return _Head(width, height, source.bits, source.meta.taken)


def _by_time(paths: Sequence[Path], heads: dict[Path, _Head]) -> tuple[Path, ...]:
    """The files in order of capture; by the cameras' local clocks unless all tell their zone."""
    times = {path: heads[path].taken for path in paths}
    known = {path: time for path, time in times.items() if time is not None}
    for path in paths:
        if path not in known:
            raise UsageError(
                f"{path} does not tell when it was taken, so it cannot be put in order of time.",
                hint="Give the photos in the order wanted, with --order given.",
            )
    if any(time.tzinfo is None for time in known.values()):
        known = {path: time.replace(tzinfo=None) for path, time in known.items()}
    return tuple(sorted(paths, key=lambda path: known[path]))


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise UnreadableMediaError(f"{path} is empty.", hint="Copy it again from its source.")
    return head


def _content(path: Path) -> bytes:
    size = path.stat().st_size
    if size > _FILE_LIMIT_BYTES:
        raise UnsupportedMediaError(
            f"it is larger than {_FILE_LIMIT_BYTES >> 30} GiB", hint="Make it smaller first."
        )
    return path.read_bytes()


def _open(path: Path) -> Source:
    kind = kind_of(_beginning(path))
    if not kind:
        raise UnreadableMediaError(
            f"{path} is not a picture of a kind that is read here ({_KINDS}).",
            hint="Its name does not count; look at what it holds, or convert it first.",
        )
    data = _content(path)
    if is_animation(data, kind):
        raise UnsupportedMediaError("it is an animation", hint="Give it alone, as a video.")
    source = OPENERS[kind](data)
    if source.width * source.height > PIXEL_LIMIT:
        raise UnsupportedMediaError(
            f"it has {source.width}x{source.height} pixels, more than {PIXEL_LIMIT}",
            hint="Make it smaller first.",
        )
    if Colour(transfer=source.transfer).is_hdr:
        raise UnsupportedMediaError(
            "it is an HDR picture (PQ or HLG)", hint="Save it as an SDR picture first."
        )
    return source


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn what decoders raise inside the block into errors that name the file."""
    try:
        with warnings.catch_warnings():  # Pillow warns of damage that `Source.remarks` tells
            warnings.filterwarnings("ignore", module=r"PIL\.")
            yield
    except UnsupportedMediaError as error:
        raise UnsupportedMediaError(
            f"{path} cannot be used: {error.message}.", hint=error.hint
        ) from error
    except MissingExtraError as error:
        raise MissingExtraError(
            f"{path} is a HEIC photo. {error.message}", hint=error.hint
        ) from error
    except KinoloomError:
        raise
    except FileNotFoundError as error:
        raise InputNotFoundError(
            f"There is no file {path}.", hint="Check its name and folder."
        ) from error
    except IsADirectoryError as error:
        raise UnreadableMediaError(
            f"{path} is a folder, not a photo.", hint="Give the files in it."
        ) from error
    except MemoryError as error:
        raise BudgetError(
            f"{path} does not fit into the memory of this machine.", hint="Make it smaller first."
        ) from error
    except _DECODERS_RAISE as error:
        raise UnreadableMediaError(
            f"{path} cannot be read as a picture: {error}.",
            hint="It may be damaged or cut off; copy it again from its source.",
        ) from error
