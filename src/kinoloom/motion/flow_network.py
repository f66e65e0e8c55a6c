"""The shipped flow network: motion at the midpoint of two pictures, without torch.

Inputs: two pictures of one size, any size. Output: a `MidpointFlow` on the grid of those pictures.
The network is IFNet of RIFE HDv3, stored as ONNX; `film.nets.flow_net` is its graph in torch.

Source: Huang et al., "Real-Time Intermediate Flow Estimation for Video Frame Interpolation", ECCV
2022, arXiv:2011.06294. The weights are those of its authors (MIT, `weights/LICENSE.rife`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import cv2
import numpy as np

from kinoloom.motion.flow import Field, Flow, resize_flow
from kinoloom.runtime.checksum import check_sha256
from kinoloom.runtime.onnx import Contract, open_model

FLOW_WEIGHTS = Path(__file__).parent / "weights" / "flow.onnx"
FLOW_WEIGHTS_SHA256 = "1ded2e648c9249624983b78b81cbd73b80ff99fab0cd3db275cb94e20847022c"
SIZE_MULTIPLE = 16
"""Both sides of the network's input are multiples of this."""

_MIN_SIDE = 2 * SIZE_MULTIPLE
_MAX_CELLS = 500_000
_IMAGE = (1, 3, None, None)
_CONTRACT = Contract(
    inputs=(("first", _IMAGE), ("second", _IMAGE)),
    outputs=((1, 4, None, None), (1, 1, None, None)),
)


@dataclass(frozen=True)
class MidpointFlow:
    """The motion through each pixel of the midpoint between two pictures.

    Attributes:
        before: (h, w, 2), the whole motion from first to second according to the first picture,
            in pixels of this grid.
        after: (h, w, 2), likewise according to the second.
        share: (h, w) in 0..1, the weight of the first picture at the midpoint.
    """

    before: Flow
    after: Flow
    share: Field


class FlowNetwork:
    """Estimates the motion at the midpoint of two pictures.

    Raises:
        WeightsError: the shipped weights are damaged.
    """

    def __init__(self) -> None:
        check_sha256(FLOW_WEIGHTS, FLOW_WEIGHTS_SHA256)
        self._network = open_model(FLOW_WEIGHTS, _CONTRACT)

    def __call__(self, first: Field, second: Field) -> MidpointFlow:
        """Estimate the motion between two pictures.

        Args:
            first, second: (h, w, 3) float32 in 0..1, sides as `network_size` returns them.

        Raises:
            WeightsError: the result has another shape, or is not finite.
        """
        rows, columns = first.shape[:2]
        motion, mask = self._network(
            {"first": _planes(first), "second": _planes(second)},
            [(1, 4, rows, columns), (1, 1, rows, columns)],
        )
        ways = np.moveaxis(motion[0], 0, 2)
        return MidpointFlow(
            np.ascontiguousarray(-2 * ways[..., :2]),
            np.ascontiguousarray(2 * ways[..., 2:]),
            1 / (1 + np.exp(-mask[0, 0])),
        )


def resize_motion(motion: MidpointFlow, height: int, width: int) -> MidpointFlow:
    """Resize a motion for another size of the same pictures, in pixels of that size."""
    return MidpointFlow(
        resize_flow(motion.before, height, width),
        resize_flow(motion.after, height, width),
        np.asarray(cv2.resize(motion.share, (width, height)), np.float32),
    )


def network_size(height: int, width: int) -> tuple[int, int]:
    """Return the height and width closest to those given that the network accepts.

    Both are multiples of `SIZE_MULTIPLE`; together they have at most about 500,000 pixels.
    """
    scale = min(1.0, sqrt(_MAX_CELLS / (height * width)))
    fitted = (round(side * scale / SIZE_MULTIPLE) * SIZE_MULTIPLE for side in (height, width))
    rows, columns = (max(_MIN_SIDE, side) for side in fitted)
    return rows, columns


def _planes(picture: Field) -> Field:
    """(1, 3, h, w) from (h, w, 3)."""
    return np.ascontiguousarray(np.moveaxis(picture, 2, 0)[None])
