"""A rollout as a film: each grade in a row, the truth, the network and what is wrong side by side.

One number is drawn from blue over white to red; a vector of the plane by its direction as hue and
its length as saturation; three or more numbers by their length, from white to black. Of three axes
of space the middle slice of the last is shown. All columns of a row have one scale, the truth's.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.clip import Clip, Frame
from kinoloom.clifford.training.diagnostics import index_blades

Image = NDArray[np.uint8]
_LEAST_PX = 192
_GAP_PX, _HEAD_PX = 8, 24
_RED, _BLUE = np.array([0.70, 0.02, 0.15]), np.array([0.02, 0.19, 0.70])


def render_rollout(
    truth: NDArray[np.float32],
    made: NDArray[np.float32],
    signature: Sequence[int],
    grades: Sequence[int],
    rate: Fraction = Fraction(4),
) -> Clip:
    """The film of one rollout.

    Args:
        truth, made: (steps, J, *space).
        signature, grades: of the fields.
        rate: moments a second.
    """
    rows = {grade: places for grade, places in index_blades(signature, grades).items() if places}
    tops = {grade: _top(truth[:, places]) for grade, places in rows.items()}
    frames = []
    for step, (true, told) in enumerate(zip(truth, made, strict=True)):
        parts = []
        for grade, places in rows.items():
            columns = (true, told, told - true)
            tiles = [_tile(column[places], tops[grade]) for column in columns]
            line = np.concatenate(tiles, axis=1)
            parts += [_head(line.shape[1], f"grade {grade}: truth, step {step + 1}"), line]
        frames.append(Frame(_even(np.concatenate(parts)), step / rate, 1 / rate))
    return Clip.from_frames(frames, rate=rate)


def picture(field: NDArray[np.float32], top: float) -> Image:
    """One moment of one grade, (J, *space), as (H, W, 3); axis 0 goes right and axis 1 up.

    Args:
        field: the blades of the grade.
        top: the length drawn in full colour, above 0.
    """
    import cv2

    while field.ndim > 3:
        field = field[..., field.shape[-1] // 2]
    upright = field.transpose(0, 2, 1)[:, ::-1] / top
    if len(field) == 1:
        share = np.clip(upright[0], -1, 1)[..., None]
        end = np.where(share > 0, _RED, _BLUE)
        colour = 1 + np.abs(share) * (end - 1)
    elif len(field) == 2:
        hue = np.rad2deg(np.arctan2(upright[1], upright[0])) % 360
        full = np.minimum(np.hypot(upright[0], upright[1]), 1)
        hsv = np.stack([hue, full, np.ones_like(hue)], axis=2).astype(np.float32)
        colour = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    else:
        length = np.sqrt(np.square(upright).sum(0))
        colour = 1 - np.minimum(length, 1)[..., None].repeat(3, axis=2)
    return np.asarray(np.rint(255 * colour), np.uint8)


def _top(fields: NDArray[np.float32]) -> float:
    """The length that all but a hundredth of the truth stays below."""
    lengths = np.sqrt(np.square(fields).sum(1))
    return max(float(np.percentile(lengths, 99)), 1e-12)


def _tile(field: NDArray[np.float32], top: float) -> Image:
    image = picture(field, top)
    times = -(-_LEAST_PX // min(image.shape[:2]))
    large = image.repeat(times, axis=0).repeat(times, axis=1)
    return np.pad(large, ((0, _GAP_PX), (_GAP_PX // 2,) * 2, (0, 0)), constant_values=255)


def _head(width: int, first: str) -> Image:
    import cv2

    head = np.full((_HEAD_PX, width, 3), 255, np.uint8)
    for number, text in enumerate((first, "network", "difference")):
        where = (number * width // 3 + _GAP_PX, _HEAD_PX - 8)
        cv2.putText(head, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (30, 30, 30), 1, cv2.LINE_AA)
    return head


def _even(image: Image) -> Image:
    """Continued to sides that video codecs take."""
    rims = [(0, side % 2) for side in image.shape[:2]]
    return np.pad(image, [*rims, (0, 0)], constant_values=255)
