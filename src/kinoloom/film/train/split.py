"""The split of sources into training and held-out data."""

from __future__ import annotations

from dataclasses import replace

from kinoloom.errors import UsageError
from kinoloom.learn.data.pictures import PictureSource
from kinoloom.learn.data.source import Mixture, Source
from kinoloom.learn.data.videos import VideoSource

HELD_OUT_FRACTION = 0.1


def limit_strides(
    sources: tuple[Source, Source], strides: tuple[int, int]
) -> tuple[Source, Source]:
    """Return mixtures whose videos are drawn with other distances between frames."""
    limited = [_limit(each, strides) for each in sources]
    return limited[0], limited[1]


def _limit(source: Source, strides: tuple[int, int]) -> Source:
    if isinstance(source, Mixture):
        return Mixture([_limit(each, strides) for each in source.sources], source.weights)
    return replace(source, strides=strides) if isinstance(source, VideoSource) else source


def split_source(source: Source) -> tuple[Source, Source]:
    """Split a source into training data and a tenth of held-out data.

    Held out are the end of each run of a video, every tenth image sequence, and, for a mixture,
    the held-out part of each of its sources. Synthetic scenes are not split: held-out samples are
    drawn with another seed.

    Raises:
        UsageError: there is too little to split.
    """
    if isinstance(source, Mixture):
        pairs = [split_source(each) for each in source.sources]
        kept, held = ([pair[k] for pair in pairs] for k in range(2))
        return Mixture(kept, source.weights), Mixture(held, source.weights)
    if isinstance(source, VideoSource):
        return source.split(HELD_OUT_FRACTION)
    if isinstance(source, PictureSource):
        every = round(1 / HELD_OUT_FRACTION)
        if len(source.sequences) < 2:
            raise UsageError(
                "One triplet cannot be split into training and held-out data.",
                hint="Provide at least two.",
            )
        rest = [each for k, each in enumerate(source.sequences) if k % every]
        return PictureSource(rest), PictureSource(source.sequences[::every])
    return source, source
