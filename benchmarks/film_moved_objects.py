"""Measure films of two photos at the place of an object that moved far.

    python -m benchmarks.film_local_set PHOTOS far --width 1024 --motion 150 400
    python -m benchmarks.film_moved_objects far

Each folder of TRIPLETS holds frame0.png, frame1.png and frame2.png. The outer ones become a film of
three frames, as users make it. Its middle frame is compared with the truth where the truth differs
from both outer frames, which is where the object passes through. A cross-fade is measured there,
too, and whether a warning names a region.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import kinoloom
from benchmarks.common import spread, write_results
from kinoloom.base.arrays import Picture
from kinoloom.film.quality.warnings import NOTE_KIND
from kinoloom.media.photo.reading import read_photo

_MIN_DIFFERENCE = 20
"""In 8-bit levels, of a pixel of the object from the background."""
_TARGET_DB = 6.0


def main() -> None:
    """Write benchmarks/results/film_moved_objects.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("triplets", type=Path)
    parser.add_argument("--engine", default="fast")
    arguments = parser.parse_args()
    rows = []
    for folder in sorted(path for path in arguments.triplets.iterdir() if path.is_dir()):
        rows.append({"triplet": folder.name, **measure(folder, arguments.engine)})
        print(rows[-1], flush=True)
    gains = [row["film_db"] - row["cross_fade_db"] for row in rows]
    is_fine = [gain >= _TARGET_DB or row["warned"] for gain, row in zip(gains, rows, strict=True)]
    findings = {
        "engine": arguments.engine,
        "triplets": rows,
        "gain_db": spread(gains),
        "share_above_6_db": round(float(np.mean([gain >= _TARGET_DB for gain in gains])), 3),
        "share_above_6_db_or_warned": round(float(np.mean(is_fine)), 3),
    }
    command = f"python -m benchmarks.film_moved_objects {arguments.triplets.name}"
    print(write_results("film_moved_objects", command, findings))


def measure(folder: Path, engine: str) -> dict[str, Any]:
    """Return the PSNR of a film and of a cross-fade at the object, and whether it warns."""
    first, truth, second = (read_photo(folder / f"frame{k}.png").image for k in range(3))
    paths = [folder / "frame0.png", folder / "frame2.png"]
    film = kinoloom.interpolate(paths, seconds=1, fps=3, engine=engine)
    middle = [frame.image for frame in film][1]
    apart = [
        np.abs(truth.astype(int) - one).max(axis=2) > _MIN_DIFFERENCE for one in (first, second)
    ]
    place = apart[0] & apart[1]
    mean = np.rint((first.astype(np.float32) + second) / 2)
    return {
        "film_db": round(psnr_at(middle, truth, place), 2),
        "cross_fade_db": round(psnr_at(mean, truth, place), 2),
        "warned": film.notes.count(NOTE_KIND) > 0,
    }


def psnr_at(frame: NDArray[Any], truth: Picture, place: NDArray[np.bool_]) -> float:
    """Return the PSNR in dB of the pixels of a mask."""
    error = np.square(frame[place].astype(np.float64) - truth[place]).mean()
    return float(10 * np.log10(255**2 / error))


if __name__ == "__main__":
    main()
