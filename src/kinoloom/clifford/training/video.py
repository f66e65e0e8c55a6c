"""Video of a rollout: a row for each grade, columns for the truth, the prediction and the error.

Colours: a scalar from blue through white to red; a vector in the plane by hue (direction) and
saturation (length); three or more components by their length, from white to black. Fields over
three axes of space show the middle slice of the last axis. All columns of a row have the same
scale, that of the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.clip import Clip, Frame
from kinoloom.clifford.training.diagnostics import index_blades

Image = NDArray[np.uint8]
_MIN_SIDE_PX = 192
_GAP_PX, _CAPTION_PX = 8, 24
_SCALE_PERCENTILE = 99
_RED, _BLUE = np.array([0.70, 0.02, 0.15]), np.array([0.02, 0.19, 0.70])


def render_rollout(
    truth: NDArray[np.float32],
    predicted: NDArray[np.float32],
    signature: Sequence[int],
    grades: Sequence[int],
    rate: Fraction = Fraction(4),
) -> Clip:
    """Render a rollout as a clip.

    Args:
        truth, predicted: (steps, J, *space).
        signature, grades: of the fields.
        rate: time steps per second.
    """
    rows = {grade: blades for grade, blades in index_blades(signature, grades).items() if blades}
    scales = {grade: _choose_scale(truth[:, blades]) for grade, blades in rows.items()}
    frames = []
    for step, (true, estimate) in enumerate(zip(truth, predicted, strict=True)):
        parts = []
        for grade, blades in rows.items():
            columns = (true, estimate, estimate - true)
            tiles = [_render_tile(column[blades], scales[grade]) for column in columns]
            row = np.concatenate(tiles, axis=1)
            parts += [_render_captions(row.shape[1], f"grade {grade}: truth, step {step + 1}"), row]
        frames.append(Frame(_pad_to_even(np.concatenate(parts)), step / rate, 1 / rate))
    return Clip.from_frames(frames, rate=rate)


def render_field(field: NDArray[np.float32], scale: float) -> Image:
    """Render one grade of a field as (H, W, 3); axis 0 points right and axis 1 up.

    Args:
        field: (J, *space), the blades of the grade.
        scale: the length that is drawn in full colour, above 0.
    """
    import cv2

    while field.ndim > 3:
        field = field[..., field.shape[-1] // 2]
    upright = field.transpose(0, 2, 1)[:, ::-1] / scale
    if len(field) == 1:
        value = np.clip(upright[0], -1, 1)[..., None]
        extreme = np.where(value > 0, _RED, _BLUE)
        color = 1 + np.abs(value) * (extreme - 1)
    elif len(field) == 2:
        hue = np.rad2deg(np.arctan2(upright[1], upright[0])) % 360
        saturation = np.minimum(np.hypot(upright[0], upright[1]), 1)
        hsv = np.stack([hue, saturation, np.ones_like(hue)], axis=2).astype(np.float32)
        color = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    else:
        length = np.sqrt(np.square(upright).sum(0))
        color = 1 - np.minimum(length, 1)[..., None].repeat(3, axis=2)
    return np.asarray(np.rint(255 * color), np.uint8)


def _choose_scale(fields: NDArray[np.float32]) -> float:
    """Return a high percentile of the lengths of a grade."""
    lengths = np.sqrt(np.square(fields).sum(1))
    return max(float(np.percentile(lengths, _SCALE_PERCENTILE)), 1e-12)


def _render_tile(field: NDArray[np.float32], scale: float) -> Image:
    image = render_field(field, scale)
    factor = -(-_MIN_SIDE_PX // min(image.shape[:2]))
    enlarged = image.repeat(factor, axis=0).repeat(factor, axis=1)
    return np.pad(enlarged, ((0, _GAP_PX), (_GAP_PX // 2,) * 2, (0, 0)), constant_values=255)


def _render_captions(width: int, first: str) -> Image:
    import cv2

    row = np.full((_CAPTION_PX, width, 3), 255, np.uint8)
    font, grey = cv2.FONT_HERSHEY_SIMPLEX, (30, 30, 30)
    for column, text in enumerate((first, "network", "difference")):
        corner = (column * width // 3 + _GAP_PX, _CAPTION_PX - 8)
        cv2.putText(row, text, corner, font, 0.45, grey, 1, cv2.LINE_AA)
    return row


def _pad_to_even(image: Image) -> Image:
    """Pad an image to even sides, which video codecs require."""
    padding = [(0, side % 2) for side in image.shape[:2]]
    return np.pad(image, [*padding, (0, 0)], constant_values=255)
