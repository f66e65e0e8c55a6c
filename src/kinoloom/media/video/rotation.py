"""How players turn the pictures of a video: the display matrix, in quarter turns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame

from kinoloom.base.arrays import Picture


@dataclass(frozen=True)
class Turn:
    """A mirroring and a turn of pictures.

    Attributes:
        quarters: counter-clockwise quarter turns, 0..3, after the mirroring.
        mirrored: whether left and right are exchanged.
    """

    quarters: int = 0
    mirrored: bool = False

    @staticmethod
    def of(frame: VideoFrame) -> Turn:
        """The turn closest to a decoded frame's display matrix; none where it has no matrix.

        The matrix ((a, b), (c, d)) takes (x, y) to (ax + cy, bx + dy), y downwards.
        Source: ISO/IEC 14496-12, section 6.2.2.
        """
        matrix = frame.side_data.get("DISPLAYMATRIX")
        if not isinstance(matrix, SideData):
            return Turn()
        a, b, _, c, d = np.frombuffer(bytes(matrix), "<i4")[:5].astype(float)
        mirrored = a * d < b * c
        x, y = (-a, -b) if mirrored else (a, b)
        return Turn(round(np.arctan2(-y, x) / (np.pi / 2)) % 4, bool(mirrored))

    @property
    def sideways(self) -> bool:
        """Whether width and height are exchanged."""
        return self.quarters % 2 == 1

    def applied(self, picture: Picture) -> Picture:
        """The picture as it is shown, (H, W, C) or (W, H, C)."""
        flipped = picture[:, ::-1] if self.mirrored else picture
        return np.ascontiguousarray(np.rot90(flipped, self.quarters))
