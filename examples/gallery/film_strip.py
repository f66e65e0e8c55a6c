"""Two photos, their cross-fade, and the new frame halfway between them.

python examples/gallery/film_strip.py [FOLDER]
"""

import numpy as np
from panels import labelled, read_photos, row, save

import kinoloom

first, second = read_photos()
[middle] = kinoloom.interpolate([first, second], times=[0.5])
faded = np.round((first.astype(np.float32) + second) / 2).astype(np.uint8)
panels = [
    labelled(picture, label, scaled_px=420)
    for picture, label in (
        (first, "photo"), (faded, "cross-fade"), (middle, "new frame"), (second, "photo"),
    )
]  # fmt: skip
save(row(panels), "film_strip")
