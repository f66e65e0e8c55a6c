"""The frame halfway between two frames: a cross-fade, kinoloom and the true frame.

python examples/gallery/between.py [FOLDER]
"""

import numpy as np
from panels import clip_frames, labelled, row, save

import kinoloom
from kinoloom.metrics import psnr

FIRST, TRUTH, SECOND = 6, 8, 10  # of the example clip
TOP, LEFT, HEIGHT, WIDTH = 70, 60, 400, 560

frames = clip_frames()
first, truth, second = frames[FIRST], frames[TRUTH], frames[SECOND]
faded = np.rint(first / 2 + second / 2).astype(np.uint8)
middle = kinoloom.interpolate([first, second], times=[0.5])[0]
panels = [
    labelled(picture[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH].copy(), label)
    for picture, label in (
        (faded, f"cross-fade, {psnr(faded, truth):.1f} dB"),
        (middle, f"kinoloom, {psnr(middle, truth):.1f} dB"),
        (truth, "true frame"),
    )
]
save(row(panels), "between")
