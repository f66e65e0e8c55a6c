"""Two photos become a film: the photos at both ends, seven new frames between them.

python examples/gallery/film_strip.py [FOLDER]
"""

from panels import clip_frames, column, labelled, row, save

import kinoloom

frames = clip_frames()
times = [k / 8 for k in range(1, 8)]
between = kinoloom.interpolate([frames[6], frames[10]], times=times)
strip = [frames[6], *between, frames[10]]
labels = ["photo 1", *(f"{time:.3f}" for time in times), "photo 2"]
panels = [
    labelled(picture[60:480, 40:620].copy(), label, scaled_px=360)
    for picture, label in zip(strip, labels, strict=True)
]
save(column([row(panels[at : at + 3]) for at in (0, 3, 6)]), "film_strip")
