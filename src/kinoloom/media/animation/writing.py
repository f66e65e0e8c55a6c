"""Writes a clip as an animated picture: GIF, WebP, APNG or AVIF, repeating for ever.

In: a clip. Out: one file, whole or not at all, without sound. GIF shows 256 colours; they are
chosen for all frames together, so its frames wait in a lossless file until the choice is made.

Conventions: the animation begins with its first frame. GIF counts time in 1/100 s, and players
slow down below 2/100 s a frame; WebP counts in 1/1000 s. Each frame's beginning is rounded, not
its length, so that errors do not add up.

Sources: GIF89a; WebP container specification (ANMF); PNG specification, third edition (fcTL).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import av.filter

from kinoloom.base.clip import Clip
from kinoloom.base.files import Progress
from kinoloom.base.outputs import whole_file
from kinoloom.errors import UsageError
from kinoloom.media.animation.end import set_duration
from kinoloom.media.container.inputs import open_input
from kinoloom.media.video.codecs import ANIMATED, CODECS, VIDEO, Container
from kinoloom.media.video.encoding import Encoder, refusals, stored
from kinoloom.media.video.frame_feed import feed, first_frame, shown
from kinoloom.media.video.plan import Plan, plan
from kinoloom.media.write_options import WriteOptions, WrittenClip

_FREE_CLOCK = Fraction(1, 90_000)
_GIF_CLOCK = Fraction(1, 100)
_SHORTEST_GIF_TICKS = 2
Span = tuple[Fraction, Fraction]
"""When a frame begins and ends, in seconds."""


def write_animated(
    clip: Clip, path: Path, options: WriteOptions, progress: Progress
) -> WrittenClip:
    """Write `clip` to `path`, whose suffix is a key of `codecs.ANIMATED`.

    Raises:
        UsageError: the file cannot hold what is asked for; `--resume`, which is for videos.
        OutputError: it cannot be written.
    """
    if options.resume:
        raise UsageError(
            "Animated pictures cannot be resumed.", hint=f"Use one of {', '.join(VIDEO)}."
        )
    suffix = path.suffix.lower()
    container = ANIMATED[suffix]
    chosen = plan(clip, first_frame(clip), suffix, options.codec, options.quality)
    write = _write_gif if chosen.codec.name == "gif" else _write_frames
    with whole_file(path, overwrite=options.overwrite) as temporary, refusals(path):
        spans = write(clip, temporary, container, chosen, progress)
        duration = spans[-1][1] - spans[0][0]
        if chosen.codec.name in ("webp", "apng"):
            set_duration(temporary, duration)
    return WrittenClip(
        frames=len(spans),
        duration=duration,
        width=chosen.width,
        height=chosen.height,
        codec=chosen.codec.name,
        recorded=False,
    )


def _write_frames(
    clip: Clip, path: Path, container: Container, chosen: Plan, progress: Progress
) -> list[Span]:
    """Encode frames as they come; gives when each is shown."""
    clock = container.clock or (1 / clip.rate if clip.rate else _FREE_CLOCK)
    spans: list[Span] = []
    with Encoder(path, container, chosen, clock) as encoder, feed(clip, progress) as frames:
        for frame in frames:
            span = (frame.time, frame.time + shown(frame, chosen.rate))
            spans.append(span)
            begin, end = (round((time - spans[0][0]) / clock) for time in span)
            encoder.add(stored(frame, chosen), begin, end - begin)
    return spans


def _write_gif(
    clip: Clip, path: Path, container: Container, chosen: Plan, progress: Progress
) -> list[Span]:
    """Keep all frames losslessly, choose the colours, then write; gives when each is shown."""
    kept = path.with_name(f"{path.name}.mkv")
    try:
        spans = _write_frames(clip, kept, VIDEO[".mkv"], _lossless(chosen), progress)
        ticks = _gif_ticks(clip, spans)
        with Encoder(path, container, chosen, _GIF_CLOCK) as encoder:
            for index, picture in enumerate(_with_colours(kept, _palette(kept))):
                if index in ticks:
                    encoder.add(picture, *ticks[index])
    finally:
        kept.unlink(missing_ok=True)
    begins = [spans[index][0] for index in ticks]
    return list(pairwise([*begins, spans[-1][1]]))


def _lossless(chosen: Plan) -> Plan:
    """The plan for pictures that wait, in RGB with 8 bits."""
    codec = CODECS["ffv1"]
    pix_fmt = codec.formats[(False, False)]
    return replace(chosen, codec=codec, pix_fmt=pix_fmt, settings=codec.settings(None))


def _gif_ticks(clip: Clip, spans: list[Span]) -> dict[int, tuple[int, int]]:
    """Beginning and length in 1/100 s of each frame that is long enough to be shown, by index."""
    begins: dict[int, int] = {}
    earliest = 0
    for index, (begin, _) in enumerate(spans):
        tick = round((begin - spans[0][0]) / _GIF_CLOCK)
        if tick >= earliest:
            begins[index] = tick
            earliest = tick + _SHORTEST_GIF_TICKS
    if len(begins) < len(spans):
        clip.notes.add(
            "gif",
            f"GIF shows at most 50 frames a second: {len(spans) - len(begins)} of {len(spans)} "
            "frames are left out.",
            "warning",
        )
    last = max(round((spans[-1][1] - spans[0][0]) / _GIF_CLOCK), earliest)
    ends = [*list(begins.values())[1:], last]
    return {
        index: (begin, end - begin)
        for (index, begin), end in zip(begins.items(), ends, strict=True)
    }


def _palette(kept: Path) -> av.VideoFrame:
    """The 256 colours that suit all frames together, as a picture of 16x16."""
    with open_input(kept) as source:
        graph = av.filter.Graph()
        begin = graph.add_buffer(template=source.streams.video[0])
        choose = graph.add("palettegen", "reserve_transparent=0")
        graph.link_nodes(begin, choose, graph.add("buffersink")).configure()
        for picture in source.decode(video=0):
            graph.vpush(picture)
        graph.vpush(None)
        return graph.vpull()


def _with_colours(kept: Path, palette: av.VideoFrame) -> Iterator[av.VideoFrame]:
    """The kept frames in the colours of the palette, dithered."""
    with open_input(kept) as source:
        graph = av.filter.Graph()
        stream = source.streams.video[0]
        pictures = graph.add_buffer(template=stream)
        colours = graph.add_buffer(
            width=palette.width,
            height=palette.height,
            format=palette.format,
            time_base=stream.time_base,
        )
        use = graph.add("paletteuse", "dither=sierra2_4a:diff_mode=rectangle")
        pictures.link_to(use, 0, 0)
        colours.link_to(use, 0, 1)
        use.link_to(graph.add("buffersink"))
        graph.configure()
        palette.pts, palette.time_base = 0, stream.time_base
        graph.vpush(palette, at=1)
        graph.vpush(None, at=1)
        for picture in source.decode(stream):
            graph.vpush(picture, at=0)
            yield graph.vpull()
