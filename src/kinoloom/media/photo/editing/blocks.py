"""Metadata of a picture file as blocks of bytes, and the file without its pixels.

A block that is not understood, or needs no change, is written back byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from kinoloom.media.photo.editing.tiff_structure import Order

Kind = Literal["exif", "xmp", "photoshop", "iptc"]
Metadata = Literal["keep", "drop", "no-location"]
Dpi = tuple[float, float]
"""Pixels per inch, horizontally and vertically."""
Tables = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Block:
    """One block of metadata.

    Attributes:
        kind: "exif" (a TIFF structure), "xmp" (a packet), "photoshop" (8BIM resources) or "iptc"
            (IIM data sets).
        data: its bytes, without the header of the container.
        extension: the extended XMP of a JPEG file, reassembled; b"" for none.
    """

    kind: Kind
    data: bytes
    extension: bytes = b""


@dataclass(frozen=True)
class Coding:
    """How the pixels of a file are coded, as far as they can be coded so again.

    Attributes:
        tables: quantisation tables of the components of a JPEG file, in zigzag order.
        subsampling: chroma subsampling, such as "4:2:0"; "" if unknown.
        progressive: whether a JPEG file is progressive.
        lossless: whether a WebP file is lossless.
        bits: per sample of the file.
        order: byte order of a TIFF file, as `struct` spells it.
        primaries, transfer: H.273 code points of an AVIF file without a profile; 0 for sRGB.
    """

    tables: Tables = ()
    subsampling: str = ""
    progressive: bool = False
    lossless: bool = False
    bits: int = 8
    order: Order = "<"
    primaries: int = 0
    transfer: int = 0


class Skeleton(Protocol):
    """A picture file without its pixels."""

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The metadata that may need changes, in the order of the file."""
        ...

    @property
    def coding(self) -> Coding:
        """How the pixels are coded."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """Parts that cannot be kept, each a phrase."""
        ...

    @property
    def dpi(self) -> Dpi | None:
        """The resolution that the container has; None without one, or for blocks alone."""
        ...

    def strip(self) -> Skeleton:
        """Return the skeleton with only what the pixels need to be shown right."""
        ...

    def assemble(
        self, encoded: bytes, edited: Sequence[Block | None], added: Sequence[Block]
    ) -> bytes:
        """Return a file of new pixels with the parts of this one.

        Args:
            encoded: a file of the same format that has the pixels.
            edited: what replaces each of `blocks`; None removes it.
            added: further blocks.

        Raises:
            ValueError: a block does not fit the format.
        """
        ...
