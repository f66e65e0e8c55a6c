"""One row of pixels over one second: at 25 frames a second, and four times slower.

Time runs downwards. A row of the slowed video is one new or original frame.

python examples/gallery/slow_motion.py [FOLDER]
"""

import numpy as np
from panels import CLIP, clip_frames, labelled, row, save

import kinoloom

LINE = 215  # crosses ears, eyes and arms
HEIGHT = 480

given = clip_frames()
slowed = [frame.image for frame in kinoloom.interpolate(CLIP, slow=4, engine="fast")]


def time_slice(frames: list[np.ndarray]) -> np.ndarray:
    """Return row LINE of every frame, stacked downwards to HEIGHT rows."""
    picked = np.linspace(0, len(frames) - 1, HEIGHT).round().astype(int)
    return np.stack([frames[i][LINE, 100:660] for i in picked])


panels = [
    labelled(time_slice(given), f"{len(given)} frames"),
    labelled(time_slice(slowed), f"--slow 4: {len(slowed)} frames"),
]
save(row(panels), "slow_motion")
