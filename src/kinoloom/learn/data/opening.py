"""From a folder to a source: what lies in it decides how it is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from kinoloom.errors import InputNotFoundError, UsageError
from kinoloom.learn.data.pictures import Part, is_vimeo, open_pictures
from kinoloom.learn.data.source import MadeSource, Mixture, Source
from kinoloom.learn.data.triplets import has_triplets
from kinoloom.learn.data.videos import Progress, find_videos, open_videos
from kinoloom.learn.synthetic.scenes import SceneOptions
from kinoloom.learn.synthetic.textures import Photos, find_photos


@dataclass(frozen=True)
class Opened:
    """What was found in a folder.

    Attributes:
        source: draws from all of it.
        parts: what is drawn from and how often, as names and parts of 1.
        left_out: files that are not used, each with the reason.
    """

    source: Mixture
    parts: dict[str, float]
    left_out: tuple[str, ...]


def open_data(
    folder: Path,
    scenes: SceneOptions,
    *,
    made: float = 0.6,
    any_time: float = 0.0,
    part: Part = "train",
    index: Path | None = None,
    progress: Progress = lambda name, done, total: None,
) -> Opened:
    """The source of training samples in a folder.

    Triplets (see `pictures`) and videos are drawn from as often as there are of them: a triplet
    counts as one sample, a frame of a video as one. Scenes are made of the photos, those of
    triplets too.

    Args:
        folder: with triplets, videos or photos, in any folders below it.
        scenes: what scenes are made; `size_px` is the crop of all samples.
        made: share of made scenes, where there are photos and anything else.
        any_time: share of triplets of videos whose middle frame may be any between the others.
        part: of Vimeo-90K, which list.
        index: file that keeps what was found in the videos, or None.
        progress: told of each video that was looked through.

    Raises:
        UsageError: `made` is not from 0 to 1.
        InputNotFoundError: there is no such folder, or nothing in it to train on.
        MediaError: as `open_pictures` and `open_videos`.
    """
    if not 0 <= made <= 1:
        raise UsageError(f"The share of made scenes is from 0 to 1, not {made:g}.")
    real: dict[str, tuple[Source, int]] = {}
    left_out: tuple[str, ...] = ()
    if is_vimeo(folder) or has_triplets(folder):
        pictures = open_pictures(folder, part)
        real["triplets"] = (pictures, len(pictures.sequences))
    if find_videos(folder):
        videos = open_videos(folder, index=index, min_px=scenes.size_px, progress=progress)
        videos = replace(videos, any_time=any_time)
        real["videos"] = (videos, sum(len(run.times) - 2 for run in videos.runs))
        left_out = videos.left_out
    sources = {name: (source, (1 - made) * count) for name, (source, count) in real.items()}
    if find_photos(folder) and (made or not real):
        rest = sum(count for _, count in real.values())
        sources["made scenes"] = (MadeSource(Photos(folder), scenes), made * rest or 1)
    if not sources:
        raise InputNotFoundError(
            f"There is nothing to train on below {folder}.",
            hint="Put triplets, videos or photos there.",
        )
    weights = [weight for _, weight in sources.values()]
    parts = {name: weight / sum(weights) for name, (_, weight) in sources.items()}
    return Opened(Mixture([source for source, _ in sources.values()], weights), parts, left_out)
