"""Splits sources into what is learned from and what is held out to score it."""

from __future__ import annotations

from kinoloom.errors import UsageError
from kinoloom.learn.data.pictures import PictureSource
from kinoloom.learn.data.source import Mixture, Source
from kinoloom.learn.data.videos import VideoSource

HELD_PART = 0.1


def split(source: Source) -> tuple[Source, Source]:
    """What is learned from, and what is held out: a tenth.

    Of videos the end of each run, of sequences of pictures every tenth, of made scenes other ones
    (held-out samples are drawn with another seed), of a mixture each of its sources.

    Raises:
        UsageError: there is too little to split.
    """
    if isinstance(source, Mixture):
        pairs = [split(each) for each in source.sources]
        kept, held = ([pair[k] for pair in pairs] for k in range(2))
        return Mixture(kept, source.weights), Mixture(held, source.weights)
    if isinstance(source, VideoSource):
        return source.split(HELD_PART)
    if isinstance(source, PictureSource):
        every = round(1 / HELD_PART)
        if len(source.sequences) < 2:
            raise UsageError(
                "One triplet cannot be both learned from and held out.", hint="Give more of them."
            )
        rest = [each for k, each in enumerate(source.sequences) if k % every]
        return PictureSource(rest), PictureSource(source.sequences[::every])
    return source, source
