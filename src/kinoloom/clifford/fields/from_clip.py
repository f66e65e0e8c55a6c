"""The bridge to video: brightness, motion and turning of a clip as one multivector field.

Field: all grades of Cl(2, 0): the brightness in 0..1 at blade 1; the velocity of what is seen at e1
(to the right) and e2 (up), in cells a second; its curl d1 u2 - d2 u1, in 1 / s, at e12: scalar,
vector and area of one field, which turn together when the camera is held differently.

Cells are squares of the shrunken picture. The flow is found at up to four times that size, where
small things still move, and averaged. A field of a clip is not periodic, and knows no scene cuts:
give one shot.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import from_float, to_float
from kinoloom.base.clip import Clip
from kinoloom.clifford.fields.noun import Fields, Trajectory
from kinoloom.errors import UnreadableMediaError, UsageError
from kinoloom.motion.dense_flow import dense_flow

if TYPE_CHECKING:
    from kinoloom.clifford.options import FromClipOptions

SIGNATURE, GRADES = (1, 1), (0, 1, 2)
_FINER = 4
_MULTIPLE = 4
_LEAST_CELLS = 8

Grey = NDArray[np.uint8]


def clip_fields(clip: Clip, options: FromClipOptions) -> Fields:
    """Trajectories of a clip, read when they are asked for; see `ops.from_clip`.

    Raises:
        UsageError: photos, a frame rate that varies, or fewer frames than one trajectory needs.
    """
    if clip.stills or clip.rate is None:
        raise UsageError(
            "A field is made of a video of constant frame rate.",
            hint="`kinoloom interpolate in.mp4 -o even.mp4 --fps 30` makes one.",
        )
    rate = clip.rate
    frames = clip.frame_count if clip.frame_count is not None else sum(1 for _ in clip)
    count = (frames - 1) // options.steps
    if count < 1:
        raise UsageError(
            f"{frames} frames make no trajectory of {options.steps} moments, which needs "
            f"{options.steps + 1}.",
            hint="Ask for fewer --steps.",
        )
    width, height = working_size(clip.width, clip.height, options.cells)

    def make(number: int) -> Trajectory:
        middle_of_first = (number * options.steps + Fraction(1, 2)) / rate
        frames = islice(clip.read(middle_of_first), options.steps + 1)
        greys = (_grey(frame.image, width * _FINER, height * _FINER) for frame in frames)
        moments = list(_moments(greys, width, height, float(rate)))
        if len(moments) < options.steps:
            raise UnreadableMediaError(
                f"The clip ends before frame {number * options.steps + options.steps + 1}, of "
                f"{clip.frame_count} that it tells of."
            )
        return np.stack(moments)

    return Fields(
        name="clip",
        signature=SIGNATURE,
        grades=GRADES,
        shape=(options.steps, 4, width, height),
        count=count,
        step_s=float(1 / rate),
        cell=1.0,
        make=make,
        parameters={"periodic": False},
        notes=clip.notes,
    )


def working_size(width: int, height: int, cells: int) -> tuple[int, int]:
    """Cells along both axes: the longer side as told, both divisible by 4, of 8 at least."""
    ratio = cells / max(width, height)
    sides = (round(side * ratio / _MULTIPLE) * _MULTIPLE for side in (width, height))
    first, second = (max(_LEAST_CELLS, side) for side in sides)
    return first, second


def multivectors(grey: Grey, flow: NDArray[np.float32], width: int, height: int) -> Trajectory:
    """One moment (4, width, height); axis 0 goes right and axis 1 up.

    Args:
        grey: (H, W), what is seen.
        flow: (H, W, 2), where it goes, (x, y) in pixels with y down, over any unit of time.
        width, height: cells; the flow's unit of length becomes their side.
    """
    small = [
        cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA)[::-1].T
        for plane in (to_float(grey), flow[..., 0], -flow[..., 1])
    ]
    u1, u2 = small[1] * (width / grey.shape[1]), small[2] * (height / grey.shape[0])
    curl = np.gradient(u2, axis=0) - np.gradient(u1, axis=1)
    return np.stack([small[0], u1, u2, curl]).astype(np.float32)


def _moments(greys: Iterator[Grey], width: int, height: int, rate: float) -> Iterator[Trajectory]:
    for first, second in pairwise(greys):
        flow = dense_flow(first, second, None) * np.float32(rate)
        yield multivectors(first, flow, width, height)


def _grey(image: NDArray[np.generic], most_width: int, most_height: int) -> Grey:
    """(H, W) of the picture, shrunk to at most this size and never enlarged."""
    flat = from_float(to_float(image[..., :3]), np.dtype(np.uint8))
    size = (min(most_width, flat.shape[1]), min(most_height, flat.shape[0]))
    small = cv2.resize(np.ascontiguousarray(flat), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
