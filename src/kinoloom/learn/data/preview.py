"""A contact sheet of training samples, to check the data before training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from kinoloom.learn.data.batches import TripletBatch
from kinoloom.motion.flow_color import draw_flow, typical_speed_px

Sheet = NDArray[np.uint8]
_COLUMNS = ("frame 0", "middle", "frame 1", "flow to 0", "flow to 1", "visible in")
_GAP_PX, _BAND_PX, _CELL_PX = 4, 20, 224
_FONT, _FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.42
_PAPER, _INK, _EMPTY = 255, 40, 236
_VISIBILITY_COLOURS = np.array(
    [(30, 30, 30), (220, 90, 80), (90, 190, 90), (236, 236, 236)], np.uint8
)
"""Colours of pixels visible in neither frame, in frame 0 only, in frame 1 only, in both."""


def preview(samples: TripletBatch, origins: Sequence[str] = ()) -> Sheet:
    """Draw samples, one per row: frames, flow of the middle frame, and occlusions.

    The flow colours are those of `flow_color`; the text of a row gives the speed at full
    saturation. In the last column, light grey is visible in both frames, red in frame 0 only, green
    in frame 1 only, and black in neither. Real triplets have no flow.

    Args:
        samples: on any device.
        origins: of the real samples, which come first.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    rows = []
    for k in range(len(samples["time"])):
        label = Path(origins[k]).name if k < len(origins) else "synthetic"
        rows += _draw_row(samples, k, label)
    width = len(_COLUMNS) * (_CELL_PX + _GAP_PX)
    head = np.full((_BAND_PX, width, 3), _PAPER, np.uint8)
    for column, name in enumerate(_COLUMNS):
        _write(head, name, column * (_CELL_PX + _GAP_PX))
    return np.concatenate([head, *rows])


def _draw_row(samples: TripletBatch, k: int, label: str) -> list[Sheet]:
    """Draw the images of a sample in a row, and a line of text below."""
    frames = [_to_image(samples[name][k]) for name in ("frame0", "middle", "frame1")]
    text = f"{k}: {label}, t = {float(samples['time'][k]):.2f}"
    if samples["known"][k]:
        truth = samples["truth"]
        flows = [truth[name][k].permute(1, 2, 0).cpu().numpy() for name in ("flow_t0", "flow_t1")]
        max_px = max(typical_speed_px(flow) for flow in flows)
        visible = [truth[name][k, 0].cpu().numpy() for name in ("seen_t0", "seen_t1")]
        flow_images = [draw_flow(flow, max_px) for flow in flows]
        cells = [*frames, *flow_images, _VISIBILITY_COLOURS[visible[0] + 2 * visible[1]]]
        text += f", full colour {max_px:.0f} px"
    else:
        cells = [*frames, *[np.full_like(frames[0], _EMPTY)] * 3]
    line = np.full((_BAND_PX, len(cells) * (_CELL_PX + _GAP_PX), 3), _PAPER, np.uint8)
    _write(line, text, 0)
    return [np.concatenate([_resize_to_cell(cell) for cell in cells], axis=1), line]


def _to_image(frame: Tensor) -> Sheet:
    values = frame.permute(1, 2, 0).clamp(0, 1).cpu().numpy()
    return np.asarray(np.rint(values * 255), np.uint8)


def _resize_to_cell(image: Sheet) -> Sheet:
    """Resize an image to the size of a cell and add a gap on its right."""
    method = cv2.INTER_AREA if image.shape[0] > _CELL_PX else cv2.INTER_NEAREST
    cell = cv2.resize(image, (_CELL_PX, _CELL_PX), interpolation=method)
    return np.pad(cell, ((0, 0), (0, _GAP_PX), (0, 0)), constant_values=_PAPER)


def _write(band: Sheet, text: str, left: int) -> None:
    at = (left + 2, _BAND_PX - 6)
    cv2.putText(band, text, at, _FONT, _FONT_SIZE, (_INK,) * 3, 1, cv2.LINE_AA)
