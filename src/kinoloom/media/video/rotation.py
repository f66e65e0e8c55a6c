"""Rotation and mirroring of a video by its display matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame

from kinoloom.base.arrays import Picture
from kinoloom.media.video.side_data import read_side_data


@dataclass(frozen=True)
class Rotation:
    """A mirroring followed by a rotation.

    Attributes:
        quarters: counter-clockwise quarter turns, 0..3, after the mirroring.
        mirrored: whether left and right are swapped.
    """

    quarters: int = 0
    mirrored: bool = False

    @staticmethod
    def from_frame(frame: VideoFrame) -> Rotation:
        """Return the rotation closest to a frame's display matrix; the identity if it has none.

        The matrix ((a, b), (c, d)) maps (x, y) to (ax + cy, bx + dy), with y pointing down.
        Source: ISO/IEC 14496-12, section 6.2.2.
        """
        matrix = read_side_data(frame).get("DISPLAYMATRIX")
        if matrix is None:
            return Rotation()
        a, b, _, c, d = np.frombuffer(bytes(matrix), "<i4")[:5].astype(float)
        mirrored = a * d < b * c
        x, y = (-a, -b) if mirrored else (a, b)
        return Rotation(round(np.arctan2(-y, x) / (np.pi / 2)) % 4, bool(mirrored))

    @property
    def is_sideways(self) -> bool:
        """Whether width and height are swapped."""
        return self.quarters % 2 == 1

    def apply(self, picture: Picture) -> Picture:
        """Return a picture (H, W, C) as it is displayed, (H, W, C) or (W, H, C)."""
        flipped = picture[:, ::-1] if self.mirrored else picture
        return np.ascontiguousarray(np.rot90(flipped, self.quarters))
