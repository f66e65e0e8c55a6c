"""Detects the layout of a data folder and opens it as a source of samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from kinoloom.errors import InputNotFoundError, UsageError
from kinoloom.learn.data.pictures import Split, is_vimeo, open_pictures
from kinoloom.learn.data.source import Mixture, Source, SyntheticSource
from kinoloom.learn.data.triplets import has_triplets
from kinoloom.learn.data.videos import Progress, find_videos, open_videos
from kinoloom.learn.synthetic.scenes import SceneOptions
from kinoloom.learn.synthetic.textures import Photos, find_photos


@dataclass(frozen=True)
class TrainingData:
    """The training data in a folder.

    Attributes:
        source: draws from all data.
        parts: proportions of the samples by kind, with the sum 1.
        skipped: one line for each unusable file, with the reason.
    """

    source: Mixture
    parts: dict[str, float]
    skipped: tuple[str, ...]


def open_data(
    folder: Path,
    scenes: SceneOptions,
    *,
    synthetic: float = 0.6,
    any_time: float = 0.0,
    split: Split = "train",
    index: Path | None = None,
    progress: Progress = lambda name, done, total: None,
) -> TrainingData:
    """Open the training data in a folder.

    Triplets (see `pictures`) and videos are drawn in proportion to their number of samples: a
    triplet counts as one sample, a frame of a video as one. Photos, including those of triplets,
    become synthetic scenes.

    Args:
        folder: contains triplets, videos or photos, in subfolders of any depth.
        scenes: options of synthetic scenes; their `size_px` is the crop of all samples.
        synthetic: share of synthetic scenes, if there are photos and other data.
        any_time: share of video triplets whose middle frame is at any time between the others.
        split: of Vimeo-90K.
        index: file that caches the scans of the videos, or None.
        progress: called for each scanned video.

    Raises:
        UsageError: `synthetic` is not from 0 to 1.
        InputNotFoundError: the folder does not exist, or contains no training data.
        MediaError: as `open_pictures` and `open_videos`.
    """
    if not 0 <= synthetic <= 1:
        raise UsageError(f"The share of synthetic scenes must be from 0 to 1, not {synthetic:g}.")
    real: dict[str, tuple[Source, int]] = {}
    skipped: tuple[str, ...] = ()
    if is_vimeo(folder) or has_triplets(folder):
        pictures = open_pictures(folder, split)
        real["triplets"] = (pictures, len(pictures.sequences))
    if find_videos(folder):
        videos = open_videos(folder, index=index, min_px=scenes.size_px, progress=progress)
        videos = replace(videos, any_time=any_time)
        real["videos"] = (videos, sum(len(run.times) - 2 for run in videos.runs))
        skipped = videos.skipped
    sources = {name: (source, (1 - synthetic) * count) for name, (source, count) in real.items()}
    if find_photos(folder) and (synthetic or not real):
        real_count = sum(count for _, count in real.values())
        photos = SyntheticSource(Photos(folder), scenes)
        sources["synthetic scenes"] = (photos, synthetic * real_count or 1)
    if not sources:
        raise InputNotFoundError(
            f"{folder} contains no training data.",
            hint="Expected triplets, videos or photos; see the guide to training.",
        )
    weights = [weight for _, weight in sources.values()]
    parts = {name: weight / sum(weights) for name, (_, weight) in sources.items()}
    return TrainingData(
        Mixture([source for source, _ in sources.values()], weights), parts, skipped
    )
