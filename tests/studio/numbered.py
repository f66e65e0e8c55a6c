"""Films whose frames carry their number: 16 cells at the top, white is 1, the first is bit 0."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, CELL = 256, 144, 16
TICK = Fraction(1, 90_000)

READ_NUMBER = f"""() => {{
    const view = document.querySelector('.player-view');
    const still = view.querySelector('.player-still');
    const source = still ?? view.querySelector('video');
    if (still && !(still.complete && still.naturalWidth)) return null;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [{WIDTH}, {HEIGHT}];
    const pen = canvas.getContext('2d');
    pen.drawImage(source, 0, 0, {WIDTH}, {HEIGHT});
    const row = pen.getImageData(0, {CELL // 2}, {WIDTH}, 1).data;
    let number = 0;
    for (let bit = 0; bit < 16; bit++) {{
        if (row[4 * (bit * {CELL} + {CELL // 2})] > 127) number |= 1 << bit;
    }}
    return number;
}}"""
"""JavaScript that reads the number of the frame that a player shows; null while it loads."""


def write_numbered(path: Path, times: Sequence[Fraction], codec: str = "libx264") -> None:
    """Write a film whose frames appear at times, in seconds; those of "mpeg4" are in 1/30."""
    tick = Fraction(1, 30) if codec == "mpeg4" else TICK
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = tick
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(_draw(number), format="rgb24")
            frame.pts, frame.time_base = round(time / tick), tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _draw(number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for bit in range(WIDTH // CELL):
        image[:CELL, bit * CELL : (bit + 1) * CELL] = 255 * (number >> bit & 1)
    return image
