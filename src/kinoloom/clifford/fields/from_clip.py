"""Conversion of a clip to a multivector field: brightness, optical flow and its curl.

Field: all grades of Cl(2, 0): the brightness in 0..1 on blade 1; the optical flow on e1 (to the
right) and e2 (up), in cells per second; its curl d1 u2 - d2 u1, in 1/s, on e12. Scalar, vector and
bivector transform together when the camera is rotated.

Cells are square areas of the frame. The flow is estimated at up to four times the resolution of the
grid, to resolve small motion, and averaged. The field is not periodic, and scene cuts are not
detected: the clip must be a single shot.
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
from kinoloom.clifford.fields.dataset import Fields, Trajectory
from kinoloom.errors import UnreadableMediaError, UsageError
from kinoloom.motion.dense_flow import dense_flow

if TYPE_CHECKING:
    from kinoloom.clifford.options import FromClipOptions

SIGNATURE, GRADES = (1, 1), (0, 1, 2)
_FLOW_SCALE = 4
_CELL_MULTIPLE = 4
_MIN_CELLS = 8

Grey = NDArray[np.uint8]


def convert_clip(clip: Clip, options: FromClipOptions) -> Fields:
    """Convert a clip to trajectories, computed lazily; see `ops.from_clip`.

    Raises:
        UsageError: the clip consists of photos, has a variable frame rate, or is too short for one
            trajectory.
    """
    if clip.stills or clip.rate is None:
        problem = "consists of photos" if clip.stills else "has a variable frame rate"
        raise UsageError(
            f"The clip {problem}: expected a video of constant frame rate.",
            hint="Convert it with `kinoloom interpolate in.mp4 -o out.mp4 --fps 30`.",
        )
    rate = clip.rate
    frames = clip.frame_count if clip.frame_count is not None else sum(1 for _ in clip)
    count = (frames - 1) // options.steps
    if count < 1:
        raise UsageError(
            f"The clip has {frames} frames: a trajectory of {options.steps} time steps needs "
            f"{options.steps + 1}.",
            hint="Use fewer --steps.",
        )
    width, height = choose_grid_size(clip.width, clip.height, options.cells)

    def load(index: int) -> Trajectory:
        middle_of_first = (index * options.steps + Fraction(1, 2)) / rate
        frames = islice(clip.read(middle_of_first), options.steps + 1)
        size = (width * _FLOW_SCALE, height * _FLOW_SCALE)
        greys = (_convert_to_grey(frame.image, *size) for frame in frames)
        states = list(_compute_states(greys, width, height, float(rate)))
        if len(states) < options.steps:
            raise UnreadableMediaError(
                f"The clip ends before frame {index * options.steps + options.steps + 1} of "
                f"{clip.frame_count}."
            )
        return np.stack(states)

    return Fields(
        name="clip",
        signature=SIGNATURE,
        grades=GRADES,
        shape=(options.steps, 4, width, height),
        count=count,
        step_s=float(1 / rate),
        cell=1.0,
        load=load,
        parameters={"periodic": False},
        notes=clip.notes,
    )


def choose_grid_size(width: int, height: int, cells: int) -> tuple[int, int]:
    """Return the number of cells along both axes: multiples of 4, at least 8.

    Args:
        width, height: size of the frames in px.
        cells: number of cells along the longer side.
    """
    ratio = cells / max(width, height)
    sides = (round(side * ratio / _CELL_MULTIPLE) * _CELL_MULTIPLE for side in (width, height))
    columns, rows = (max(_MIN_CELLS, side) for side in sides)
    return columns, rows


def build_multivectors(
    grey: Grey, flow: NDArray[np.float32], width: int, height: int
) -> Trajectory:
    """Return the field (4, width, height) of a frame; space axis 0 points right, axis 1 up.

    Args:
        grey: (H, W), the frame.
        flow: (H, W, 2), its optical flow (x, y) in px per any unit of time, y down.
        width, height: number of cells; the unit of length of the result is a cell.
    """
    small = [
        cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA)[::-1].T
        for plane in (to_float(grey), flow[..., 0], -flow[..., 1])
    ]
    u1, u2 = small[1] * (width / grey.shape[1]), small[2] * (height / grey.shape[0])
    curl = np.gradient(u2, axis=0) - np.gradient(u1, axis=1)
    return np.stack([small[0], u1, u2, curl]).astype(np.float32)


def _compute_states(
    greys: Iterator[Grey], width: int, height: int, rate: float
) -> Iterator[Trajectory]:
    for first, second in pairwise(greys):
        flow = dense_flow(first, second, None) * np.float32(rate)
        yield build_multivectors(first, flow, width, height)


def _convert_to_grey(image: NDArray[np.generic], max_width: int, max_height: int) -> Grey:
    """Convert an image to greyscale (H, W), reduced to at most a size and never enlarged."""
    rgb = from_float(to_float(image[..., :3]), np.dtype(np.uint8))
    size = (min(max_width, rgb.shape[1]), min(max_height, rgb.shape[0]))
    small = cv2.resize(np.ascontiguousarray(rgb), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
