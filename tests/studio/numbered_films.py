"""Films whose frames show their number: bit k of it is a white or black cell at the top."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CELL, BITS = 16, 16
READ_NUMBER = """(element) => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [256, 144];
  const context = canvas.getContext('2d');
  context.drawImage(element, 0, 0, 256, 144);
  let number = 0;
  for (let bit = 0; bit < 16; bit++) {
    if (context.getImageData(16 * bit + 8, 8, 1, 1).data[0] > 127) number |= 1 << bit;
  }
  return number;
}"""
"""JavaScript that reads the number from a video or a picture."""


def write_film(file: Path, frames: int, rate: Fraction = Fraction(30), shade: int = 90) -> None:
    """Write an H.264 film of 256 x 144."""
    with av.open(str(file), "w") as out:
        stream = out.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 256, 144, "yuv420p"
        stream.codec_context.options = {"crf": "20", "g": "24", "bf": "2", "threads": "1"}
        for number in range(frames):
            image = np.full((144, 256, 3), shade, np.uint8)
            for bit in range(BITS):
                image[:CELL, CELL * bit : CELL * (bit + 1)] = 255 if number >> bit & 1 else 0
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        out.mux(stream.encode())
