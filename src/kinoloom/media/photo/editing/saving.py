"""Write an edited photo in its own format, with its metadata."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.outputs import (
    atomic_output,
    check_not_input,
    check_output,
    write_text_atomically,
)
from kinoloom.base.provenance import Provenance
from kinoloom.errors import ArrayError, UsageError
from kinoloom.media.photo.editing import xmp
from kinoloom.media.photo.editing.blocks import Block, Metadata, Skeleton
from kinoloom.media.photo.editing.conversion import convert
from kinoloom.media.photo.editing.edits import Change, Edits, edit_blocks
from kinoloom.media.photo.editing.encoding import SUFFIXES, choose_bits, encode, make_thumbnailer
from kinoloom.media.photo.editing.opening import EditablePhoto
from kinoloom.media.photo.editing.skeletons.jpeg import EXIF_LIMIT
from kinoloom.media.photo.editing.skeletons.png import PngSkeleton
from kinoloom.media.write_options import sidecar_path

_DTYPES = ("uint8", "uint16", "float32")
_POLICIES = ("keep", "drop", "no-location")


@dataclass(frozen=True)
class SavedPhoto:
    """A written photo.

    Attributes:
        path: the file.
        kind: its format.
        width, height: in pixels.
        bits: per sample.
        removed: metadata that was removed on request, each a phrase.
        remarks: what was converted, or could not be kept or edited, each a phrase.
        sidecar: the file with the provenance record, if the photo could not store it.
    """

    path: Path
    kind: str
    width: int
    height: int
    bits: int
    removed: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    sidecar: Path | None = None


def choose_format(path: Path) -> str:
    """Return the format of a photo to be written, by its suffix.

    Raises:
        UsageError: an unknown suffix.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise UsageError(
            f"Photos cannot be written as '{path.suffix or path.name}': expected "
            f"{', '.join(SUFFIXES)}.",
            hint="Choose an output with one of these suffixes.",
        )
    return kind


def save_photo(
    photo: EditablePhoto,
    picture: Picture,
    path: Path,
    *,
    alpha: Picture | None = None,
    metadata: Metadata = "keep",
    quality: int | None = None,
    provenance: Provenance | None = None,
    overwrite: bool = False,
) -> SavedPhoto:
    """Write an edited photo, completely or not at all.

    The file has the format of its suffix, for which the photo's own is meant. Metadata blocks keep
    their bytes except for the orientation (1), sizes in pixels and thumbnails; the colour profile
    keeps all of them. Photos of more than 8 bits keep their depth where the format stores it. JPEG
    keeps quantisation tables and subsampling.

    Args:
        photo: the photo as opened.
        picture: (H, W, C) or (H, W) in the colour space and with the colours of the photo, upright,
            of any size: float32 in 0..1 (values beyond are clipped), or uint8 or uint16 of full
            range.
        path: the output.
        alpha: (H, W) of the same size and one of these types, straight; None for the photo's own,
            which must have the same size.
        metadata: "keep"; "drop", which keeps what defines the colours; or "no-location", which
            removes positions and places in EXIF, XMP and IPTC.
        quality: of JPEG, WebP and AVIF, 1 to 100; None for the quality of a JPEG file, and 90 (or
            lossless as before) of others.
        provenance: how the picture was made; stored in XMP. With "drop" only its key is.
        overwrite: whether an existing file is replaced.

    Raises:
        ArrayError: the picture or alpha has a wrong shape, type or size, or is not finite.
        UsageError: an unknown suffix or value, a picture too large for the format, or alpha in a
            format without it.
        OutputExistsError: the output exists, or is the photo itself.
        OutputError: the output cannot be written.
        InputChangedError: the photo has changed since `provenance` was created.
    """
    _check_options(metadata, quality)
    kind = choose_format(path)
    check_not_input(path, [photo.path])
    check_output(path, overwrite=overwrite)
    samples = _join_samples(photo, picture, alpha, kind)
    file = _prepare(photo, kind, metadata)
    coding = replace(file.skeleton.coding, bits=choose_bits(kind, photo.bits))
    encoded = encode(kind, samples, coding, quality, photo.icc)
    change = Change(
        width=samples.shape[1],
        height=samples.shape[0],
        thumbnail=make_thumbnailer(samples),
        scales=(
            Fraction(samples.shape[1], photo.samples.shape[1]),
            Fraction(samples.shape[0], photo.samples.shape[0]),
        ),
        without_location=metadata == "no-location",
        exif_limit=EXIF_LIMIT if kind == "JPEG" else 1 << 31,
    )
    file.edit(change)
    record = None if provenance is None else provenance.to_dict()
    data = file.assemble(encoded, record, with_record=metadata != "drop")
    sidecar = sidecar_path(path) if data.needs_sidecar else None
    with atomic_output(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(data.content)
        if provenance is not None:
            provenance.files.check()
    if sidecar is not None:
        write_text_atomically(sidecar, json.dumps(record, indent=2) + "\n")
    return SavedPhoto(
        path=path,
        kind=kind,
        width=change.width,
        height=change.height,
        bits=coding.bits,
        removed=tuple(dict.fromkeys(file.edits.removed)),
        remarks=tuple(dict.fromkeys([*photo.remarks, *file.remarks, *file.edits.remarks])),
        sidecar=sidecar,
    )


@dataclass(frozen=True)
class _Assembled:
    content: bytes
    needs_sidecar: bool


class _File:
    """The file to be written, without its pixels.

    Args:
        skeleton: the file it is made from.
        added: further blocks.
        remarks: what was not carried over.
    """

    def __init__(self, skeleton: Skeleton, added: Sequence[Block], remarks: Sequence[str]) -> None:
        self.skeleton = skeleton
        self.edits = Edits()
        self.remarks = list(remarks)
        self._added = tuple(added)

    def edit(self, change: Change) -> None:
        """Edit all blocks."""
        if change.without_location and isinstance(self.skeleton, PngSkeleton):
            self.skeleton, had_places = self.skeleton.without_texts(b"exif:GPS")
            self.edits.removed += ["the GPS position (text)"] if had_places else []
        blocks = self.skeleton.blocks
        edits = edit_blocks([*blocks, *self._added], change)
        self._added = tuple(block for block in edits.blocks[len(blocks) :] if block is not None)
        edits.blocks = edits.blocks[: len(blocks)]
        edits.removed = self.edits.removed + edits.removed
        self.edits = edits

    def assemble(
        self, encoded: bytes, record: dict[str, Any] | None, *, with_record: bool
    ) -> _Assembled:
        """Return the file with the provenance record in its XMP, as far as it fits."""
        if record is not None:
            shown = record if with_record else None
            try:
                edited, added = self._insert_record(shown, str(record["key"]))
                return _Assembled(self.skeleton.assemble(encoded, edited, added), False)
            except ValueError as error:
                self.remarks.append(f"the provenance record is next to the photo, because {error}")
        content = self.skeleton.assemble(encoded, self.edits.blocks, self._added)
        return _Assembled(content, record is not None)

    def _insert_record(
        self, record: dict[str, Any] | None, key: str
    ) -> tuple[list[Block | None], list[Block]]:
        """Return the blocks with the record in the first packet, or in a new one."""
        edited, added = list(self.edits.blocks), list(self._added)
        for blocks in (edited, added):
            for k, block in enumerate(blocks):
                if block is not None and block.kind == "xmp":
                    blocks[k] = replace(block, data=xmp.set_record(block.data, record, key))
                    return edited, added
        return edited, [*added, Block("xmp", xmp.set_record(b"", record, key))]


def _prepare(photo: EditablePhoto, kind: str, metadata: Metadata) -> _File:
    """Return the file to be written in a format."""
    remarks = []
    if photo.bits > 8 and choose_bits(kind, photo.bits) == 8:
        remarks.append(f"its {photo.bits} bits were reduced to 8, because {kind} stores no more")
    skeleton, added = photo.skeleton, list[Block]()
    if kind != photo.kind:
        skeleton, added, lost = convert(photo, kind)
        remarks += lost
    if metadata == "drop":
        return _File(skeleton.strip(), [], remarks)
    return _File(skeleton, added, remarks)


def _check_options(metadata: str, quality: int | None) -> None:
    if metadata not in _POLICIES:
        raise UsageError(f"Unknown metadata policy '{metadata}': expected {', '.join(_POLICIES)}.")
    if quality is not None and not 1 <= quality <= 100:
        raise UsageError(f"The quality is {quality}; expected 1 to 100.")


def _join_samples(
    photo: EditablePhoto, picture: Picture, alpha: Picture | None, kind: str
) -> Picture:
    """Return the samples to be stored, with alpha as the last channel if there is one."""
    colors = _check_samples(picture, "picture", photo.samples.shape[2])
    if alpha is None and photo.alpha is not None:
        if photo.alpha.shape != colors.shape[:2]:
            raise ArrayError(
                f"The photo has alpha of {photo.alpha.shape[1]}x{photo.alpha.shape[0]} pixels, but "
                f"the picture has {colors.shape[1]}x{colors.shape[0]}.",
                hint="Pass alpha of the picture's size.",
            )
        alpha = photo.alpha
    dtype = np.dtype(np.uint8 if choose_bits(kind, photo.bits) == 8 else np.uint16)
    if alpha is None:
        return _quantize(colors, dtype)
    if kind == "JPEG":
        raise UsageError(
            "JPEG stores no alpha.", hint="Choose an output with the suffix .png or .webp."
        )
    transparency = _check_samples(alpha, "alpha", 1)
    if transparency.shape[:2] != colors.shape[:2]:
        raise ArrayError(
            f"The alpha has shape {alpha.shape}; expected {colors.shape[:2]}, as the picture."
        )
    return np.concatenate([_quantize(colors, dtype), _quantize(transparency, dtype)], axis=2)


def _check_samples(samples: Picture, what: str, channels: int) -> Picture:
    """Return samples as (H, W, C).

    Raises:
        ArrayError: a wrong shape or type, or NaN.
    """
    if samples.ndim == 2:
        samples = samples[..., None]
    if samples.ndim != 3 or samples.shape[2] != channels or 0 in samples.shape:
        raise ArrayError(
            f"The {what} has shape {samples.shape}; expected (height, width, {channels}), as the "
            "photo has."
        )
    if samples.dtype.name not in _DTYPES:
        raise ArrayError(
            f"The {what} has dtype {samples.dtype}; expected {', '.join(_DTYPES)}.",
        )
    if samples.dtype == np.float32 and not np.isfinite(samples).all():
        raise ArrayError(f"The {what} has NaN or infinite values.")
    return samples


def _quantize(samples: Picture, dtype: np.dtype[Any]) -> Picture:
    """Return samples as uint8 or uint16, rounded to the nearest value."""
    if samples.dtype == dtype:
        return samples
    return from_float(to_float(samples), dtype)
