"""The quality of JPEG compression, from a file's tables or from the pixels of a decoded picture.

Quality is that of the Independent JPEG Group's encoder (libjpeg), 1 to 100, which scales the
example tables of the standard. Encoders with tables of their own are given the nearest quality.

From pixels: the DCT coefficients of the 8x8 blocks of luma lie near multiples of the quantiser's
steps. For each quality, the likelihood of the coefficients is computed, relative to that of
coefficients without steps; rounding to 8 bits blurs the multiples. Zeros carry no information,
because they are as likely without steps. Blocks with clipped colours have another luma than the
file, and are not used.

Errors: benchmarks/results/enhance_estimates.json. A picture that was resized or got noise after its
compression has no estimate.

Source: ITU-T T.81, annex K (tables); Fan and de Queiroz, "Identification of bitmap compression
history: JPEG detection and quantizer estimation", IEEE TIP 12(2), 2003 (the likelihood).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.enhance.estimate.blocks import BLOCK_PX, find_grid
from kinoloom.enhance.estimate.levels import Values, to_grey_levels
from kinoloom.errors import UnreadableMediaError

_LUMA_TABLE = np.array(
    [
        *(16, 11, 10, 16, 24, 40, 51, 61),
        *(12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56),
        *(14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77),
        *(24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101),
        *(72, 92, 95, 98, 112, 100, 103, 99),
    ]
)
_FILE_QUALITIES = np.arange(1, 101)
_PIXEL_QUALITIES = np.arange(5, 99)
"""Above, most steps are 1 and leave no trace."""
_MAX_BLOCKS = 2000
_ROUNDING = 0.45
"""Standard deviation of coefficients around their multiples, from rounding of red, green, blue."""
_OUTLIERS = 0.05
"""Share of coefficients that follow no step: from saturated pixels, captions, edits."""
_MIN_COEFFICIENT = 1.0
_BIN = 0.25
"""Width of the bins of coefficients."""
_MIN_COEFFICIENTS = 200
_MIN_GAIN = 0.15
"""Mean log-likelihood of a coefficient, below which a picture counts as uncompressed."""


def build_luma_table(quality: int) -> NDArray[np.int64]:
    """Return libjpeg's quantiser steps of luma, (64,) in rows of rising horizontal frequency.

    Args:
        quality: 1 to 100.
    """
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.asarray(np.clip((_LUMA_TABLE * scale + 50) // 100, 1, 255), np.int64)


def read_jpeg_quality(path: Path) -> int | None:
    """Return the quality of a JPEG file by its luma table; None for files of other formats.

    Raises:
        UnreadableMediaError: the file cannot be read as a picture.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            tables: dict[int, list[int]] | None = getattr(image, "quantization", None)
    except (OSError, UnidentifiedImageError, SyntaxError) as error:
        raise UnreadableMediaError(f"{path} cannot be read as a picture.") from error
    if not tables:
        return None
    table = np.array(tables[min(tables)])
    misses = [np.abs(build_luma_table(int(q)) - table).sum() for q in _FILE_QUALITIES]
    return int(_FILE_QUALITIES[int(np.argmin(misses))])


def estimate_jpeg_quality(picture: Picture) -> int | None:
    """Estimate the quality of the JPEG compression that a picture has been through.

    Args:
        picture: (H, W, 3) or (H, W, 4) uint8, decoded, not resized; it may be cropped.

    Returns:
        5 to 98; None if there is no trace of compression.

    Raises:
        ArrayError: not a picture.
    """
    grey = to_grey_levels(picture)
    is_clipped = ((picture[..., :3] == 0) | (picture[..., :3] == 255)).any(axis=2)
    best = (0.0, 0)
    for top, left in {(0, 0), find_grid(grey)}:
        blocks = _cut_blocks(grey[top:, left:])
        inside = ~_cut_blocks(is_clipped[top:, left:]).any(axis=(1, 2))
        best = max(best, _find_quality(blocks[inside]))
    gain, quality = best
    return quality if gain >= _MIN_GAIN else None


def _find_quality(blocks: Values) -> tuple[float, int]:
    """Return the mean log-likelihood of a coefficient and the quality that maximises it.

    Args:
        blocks: (n, 8, 8) levels; of many, evenly spaced ones are used.
    """
    some = blocks[:: max(1, len(blocks) // _MAX_BLOCKS)] - 128
    basis = np.asarray(cv2.dct(np.eye(BLOCK_PX), flags=cv2.DCT_ROWS), np.float64)
    coefficients = np.abs(basis.T @ some @ basis).reshape(-1, BLOCK_PX**2)
    gains = np.zeros(len(_PIXEL_QUALITIES))
    total = 0
    tables = np.array([build_luma_table(int(quality)) for quality in _PIXEL_QUALITIES])
    for k in range(1, 64):
        used = coefficients[:, k][coefficients[:, k] > _MIN_COEFFICIENT]
        values, counts = np.unique(np.rint(used / _BIN), return_counts=True)
        steps, which = np.unique(tables[:, k], return_inverse=True)
        gains += (_log_ratio(values * _BIN, steps) @ counts)[which]
        total += len(used)
    if total < _MIN_COEFFICIENTS:
        return 0.0, 0
    best = int(np.argmax(gains))
    return float(gains[best] / total), int(_PIXEL_QUALITIES[best])


def _log_ratio(values: Values, steps: NDArray[np.int64]) -> Values:
    """Return the log-likelihood of values for each step, relative to no step: (steps, values)."""
    step = steps[:, None].astype(np.float64)
    nearest = np.rint(values / step)
    density = np.zeros(nearest.shape)
    for more in (-1, 0, 1):
        multiple = nearest + more
        distance = (values - multiple * step) / _ROUNDING
        density += np.where(multiple > 0, np.exp(-0.5 * distance**2), 0)
    density *= step / (_ROUNDING * np.sqrt(2 * np.pi))
    return np.asarray(np.log((1 - _OUTLIERS) * density + _OUTLIERS))


def _cut_blocks(plane: NDArray[Any]) -> NDArray[Any]:
    """Return the complete blocks of a plane (H, W), (n, 8, 8)."""
    rows, columns = (side // BLOCK_PX for side in plane.shape)
    inside = plane[: rows * BLOCK_PX, : columns * BLOCK_PX]
    blocks = inside.reshape(rows, BLOCK_PX, columns, BLOCK_PX).swapaxes(1, 2)
    return blocks.reshape(-1, BLOCK_PX, BLOCK_PX)
