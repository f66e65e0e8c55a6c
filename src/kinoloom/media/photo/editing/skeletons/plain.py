"""The metadata of a file whose format cannot be written, or of another format than the output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kinoloom.media.photo.editing.blocks import Block, Coding, Dpi


@dataclass(frozen=True)
class PlainSkeleton:
    """Metadata alone, which no file is assembled from; see `blocks.Skeleton`."""

    blocks: tuple[Block, ...] = ()
    coding: Coding = field(default_factory=Coding)
    remarks: tuple[str, ...] = ()

    @property
    def dpi(self) -> Dpi | None:
        """None: these files have a resolution only in EXIF data."""
        return None

    def strip(self) -> PlainSkeleton:
        """Return a skeleton without metadata."""
        return PlainSkeleton(coding=self.coding)

    def assemble(
        self, encoded: bytes, edited: Sequence[Block | None], added: Sequence[Block]
    ) -> bytes:
        """Return the encoded file as it is: this format stores no further blocks.

        Raises:
            ValueError: there are blocks.
        """
        if any((*edited, *added)):
            raise ValueError("this format has no place for metadata")
        return encoded
