"""Select the training data of the fusion network, apart from the development sets.

    python -m benchmarks.film_training_set FILM OUT

FILM contains train/videos and train/photos. OUT/train gets links to what may be used in training,
OUT/local to the photos from which `benchmarks.film_local_set` generates its triplets. Excluded from
training are the videos of val_small, the photos of val_made, and every eighth photo for val_local.

    python -m benchmarks.film_training_set FILM runs/data
    python -m benchmarks.film_local_set runs/data/local runs/val_local --record
    kinoloom train film runs/data/train --out runs/fusion
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from kinoloom.learn.data.videos import find_videos
from kinoloom.learn.synthetic.textures import find_photos

_VAL_SMALL_VIDEOS = frozenset(
    {
        "cotracker_backpack",
        "cotracker_bear",
        "cutie_example",
        "mmaction_demo_skeleton",
        "propainter_test-sample4",
        "sam2_bedroom",
        "samtrack_blackswan",
        "trackanything_test-sample2",
    }
)
_VAL_MADE_PHOTOS = frozenset(
    [
        "101027",
        "24004",
        "181091",
        "296058",
        "8143",
        "61086",
        "196088",
        "35058",
        "326038",
        "56028",
        "48025",
        "97010",
        "311081",
        "188091",
        "145079",
        "267036",
        "71046",
        "368078",
        "134052",
        "69007",
    ]
)
"""Photos that share features with a triplet of val_made, so that it may contain them."""
_LOCAL_INTERVAL = 8


def main() -> None:
    """Link the files into OUT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("film", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    source, out = arguments.film.resolve() / "train", arguments.out
    videos = [path for path in find_videos(source) if path.stem not in _VAL_SMALL_VIDEOS]
    photos = find_photos(source)
    local = photos[::_LOCAL_INTERVAL]
    kept = [path for path in photos if path not in local and path.stem not in _VAL_MADE_PHOTOS]
    for folder, files in (
        (out / "train" / "videos", videos),
        (out / "train" / "photos", kept),
        (out / "local", local),
    ):
        link_files(files, folder)
        print(f"{len(files)} files in {folder}")


def link_files(files: Iterable[Path], folder: Path) -> None:
    """Create a folder with links to files."""
    folder.mkdir(parents=True)
    for file in files:
        (folder / file.name).symlink_to(file)


if __name__ == "__main__":
    main()
