"""Write a clip as an animated picture: GIF, WebP, APNG or AVIF, repeating indefinitely.

In: a clip. Out: one file without sound, complete or not at all. A GIF has 256 colours, chosen for
all frames together, so its frames are kept in a lossless temporary file until then.

Conventions: the animation starts with its first frame. GIF counts time in 1/100 s, and players
slow down below 2/100 s per frame; WebP counts in 1/1000 s. Start times are rounded, not durations,
so rounding errors do not accumulate.

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
from kinoloom.base.outputs import atomic_output
from kinoloom.errors import UsageError
from kinoloom.media.animation.end import set_duration
from kinoloom.media.container.inputs import open_input
from kinoloom.media.memory import check_encoding
from kinoloom.media.video.codecs import ANIMATED, CODECS, VIDEO, Container
from kinoloom.media.video.encoding import Encoder, prepare_frame, translate_errors
from kinoloom.media.video.frame_feed import display_duration, feed, read_first_frame
from kinoloom.media.video.plan import Plan, plan
from kinoloom.media.write_options import WriteOptions, WrittenClip

_FREE_CLOCK = Fraction(1, 90_000)
_GIF_CLOCK = Fraction(1, 100)
_SHORTEST_GIF_TICKS = 2
Interval = tuple[Fraction, Fraction]
"""Start and end of a frame, in seconds."""


def write_animated(
    clip: Clip, path: Path, options: WriteOptions, progress: Progress
) -> WrittenClip:
    """Write `clip` to `path`, whose suffix is a key of `codecs.ANIMATED`.

    Raises:
        UsageError: the format cannot store the clip; `--resume`, which is for videos.
        OutputError: the file cannot be written.
        InputChangedError: a file that the clip reads has changed.
    """
    if options.resume:
        raise UsageError(
            "Animated pictures cannot be resumed.", hint=f"Write one of {', '.join(VIDEO)}."
        )
    suffix = path.suffix.lower()
    container = ANIMATED[suffix]
    chosen = plan(clip, read_first_frame(clip), suffix, options.codec, options.quality)
    check_encoding(clip, chosen)
    write = _write_gif if chosen.codec.name == "gif" else _write_frames
    with (
        atomic_output(path, overwrite=options.overwrite) as temporary,
        translate_errors(path),
        clip.record.files.guard(),
    ):
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
) -> list[Interval]:
    """Encode frames in order; return the interval of each."""
    clock = container.clock or (1 / clip.rate if clip.rate else _FREE_CLOCK)
    spans: list[Interval] = []
    with Encoder(path, container, chosen, clock) as encoder, feed(clip, progress) as frames:
        for frame in frames:
            span = (frame.time, frame.time + display_duration(frame, chosen.rate))
            spans.append(span)
            begin, end = (round((time - spans[0][0]) / clock) for time in span)
            encoder.add(prepare_frame(frame, chosen), begin, end - begin)
    return spans


def _write_gif(
    clip: Clip, path: Path, container: Container, chosen: Plan, progress: Progress
) -> list[Interval]:
    """Store all frames losslessly, choose the palette, then encode; return their intervals."""
    kept = path.with_name(f"{path.name}.mkv")
    try:
        spans = _write_frames(clip, kept, VIDEO[".mkv"], _to_lossless(chosen), progress)
        ticks = _to_gif_ticks(clip, spans)
        with Encoder(path, container, chosen, _GIF_CLOCK) as encoder:
            for index, picture in enumerate(_apply_palette(kept, _choose_palette(kept))):
                if index in ticks:
                    encoder.add(picture, *ticks[index])
    finally:
        kept.unlink(missing_ok=True)
    begins = [spans[index][0] for index in ticks]
    return list(pairwise([*begins, spans[-1][1]]))


def _to_lossless(chosen: Plan) -> Plan:
    """Return the plan for the temporary file, RGB with 8 bits."""
    codec = CODECS["ffv1"]
    pix_fmt = codec.formats[(False, False)][0]
    return replace(chosen, codec=codec, pix_fmt=pix_fmt, settings=codec.settings(None))


def _to_gif_ticks(clip: Clip, spans: list[Interval]) -> dict[int, tuple[int, int]]:
    """Return start and duration in 1/100 s of each frame that is long enough, by index."""
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
            f"GIF shows at most 50 frames per second: {len(spans) - len(begins)} of {len(spans)} "
            "frames are dropped.",
            "warning",
        )
    last = max(round((spans[-1][1] - spans[0][0]) / _GIF_CLOCK), earliest)
    ends = [*list(begins.values())[1:], last]
    return {
        index: (begin, end - begin)
        for (index, begin), end in zip(begins.items(), ends, strict=True)
    }


def _choose_palette(kept: Path) -> av.VideoFrame:
    """Return the 256 best colours for all frames together, as a picture of 16x16."""
    with open_input(kept) as source:
        graph = av.filter.Graph()
        begin = graph.add_buffer(template=source.streams.video[0])
        choose = graph.add("palettegen", "reserve_transparent=0")
        graph.link_nodes(begin, choose, graph.add("buffersink")).configure()
        for picture in source.decode(video=0):
            graph.vpush(picture)
        graph.vpush(None)
        return graph.vpull()


def _apply_palette(kept: Path, palette: av.VideoFrame) -> Iterator[av.VideoFrame]:
    """Yield the stored frames in the colours of the palette, with dithering."""
    with open_input(kept) as source:
        graph = av.filter.Graph()
        stream = source.streams.video[0]
        pictures = graph.add_buffer(template=stream)
        colors = graph.add_buffer(
            width=palette.width,
            height=palette.height,
            format=palette.format,
            time_base=stream.time_base,
        )
        use = graph.add("paletteuse", "dither=sierra2_4a:diff_mode=rectangle")
        pictures.link_to(use, 0, 0)
        colors.link_to(use, 0, 1)
        use.link_to(graph.add("buffersink"))
        graph.configure()
        palette.pts, palette.time_base = 0, stream.time_base
        graph.vpush(palette, at=1)
        graph.vpush(None, at=1)
        for picture in source.decode(stream):
            graph.vpush(picture, at=0)
            yield graph.vpull()
