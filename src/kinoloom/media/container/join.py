"""Join segments, sound and metadata into one film, without re-encoding pictures.

In: complete segments (`segments.Segment`) and their clip. Out: one finished file.

Conventions: the time base of the pictures is the common denominator of all their times, so that
each is exact; if that is too fine for players (`FINEST_HZ`), times are rounded to ticks of
`ROUNDED_HZ`. Matroska and WebM round to milliseconds by themselves and store the frame rate.
Encoders return packets in decoding order: the decoding time of packet n is the display time of the
frame `reorder` places earlier, so decoding times increase and never exceed display times.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import takewhile
from math import lcm
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer

from kinoloom.base.clip import Clip
from kinoloom.media.container.display_size import PLACEHOLDER, set_display_size
from kinoloom.media.container.hdr_template import open_hdr_template
from kinoloom.media.container.inputs import open_input
from kinoloom.media.container.packets import TimedPacket
from kinoloom.media.container.streams import ISO_FORMS, add_record, add_tracks, describe_pictures
from kinoloom.media.video.codecs import Container
from kinoloom.media.video.encoding import open_output
from kinoloom.media.video.plan import Plan
from kinoloom.media.video.segments import Segment

FINEST_HZ = 10_000_000
ROUNDED_HZ = 9_000_000  # a multiple of the 90 kHz of MPEG
_MILLISECOND_HZ = 1000
_MAX_REORDER = 16  # of H.264 and H.265

Segments = Callable[[], Iterator[Segment]]
"""Called once per pass; yields the segments in order."""


@dataclass(frozen=True)
class Survey:
    """The timing of a film, known once all its segments exist.

    Attributes:
        frames: number of frames.
        start, end: of the pictures, in seconds.
        last: duration of the last frame, in seconds.
        clock: the time base of the pictures in the file, in seconds.
        reorder: the largest number of places by which an encoder moved a frame.
        lead: delay from the decoding to the display of the first frame, in seconds: the duration
            of the last `reorder` frames, so that decoding takes as long as display.
    """

    frames: int
    start: Fraction
    end: Fraction
    last: Fraction
    clock: Fraction
    reorder: int
    lead: Fraction


def survey(segments: Segments, plan: Plan) -> Survey:
    """Collect the timing of all frames in one pass; there must be at least one frame."""
    frames, reorder, ticks = 0, 0, 1
    start = end = Fraction(0)
    latest: deque[Fraction] = deque(maxlen=_MAX_REORDER + 1)
    for segment in segments():
        start, end = start if frames else segment.times[0], segment.end
        frames, reorder = frames + len(segment.times), max(reorder, segment.reorder)
        ticks = lcm(ticks, end.denominator, *(time.denominator for time in segment.times))
        latest.extend(segment.times)
    clock = Fraction(1, ticks if ticks <= FINEST_HZ else ROUNDED_HZ)
    enough = len(latest) > reorder
    lead = latest[-1] - latest[-1 - reorder] if enough else reorder / plan.rate
    return Survey(frames, start, end, end - latest[-1], clock, reorder, lead)


def join(
    path: Path,
    segments: Segments,
    clip: Clip,
    plan: Plan,
    container: Container,
    *,
    complete: bool = True,
) -> tuple[Survey, bool]:
    """Write the film.

    Args:
        path: the output; replaced if it exists.
        segments: the pictures.
        clip: the source of sound, subtitles, chapters, tags, HDR metadata and the provenance
            record.
        plan: how the segments were encoded.
        container: the file format.
        complete: false for an interrupted film, whose sound then ends with its pictures. It has
            no provenance record, which identifies a complete film.

    Returns:
        The survey, and whether the provenance record is in the file.

    Raises:
        av.FFmpegError, OSError: the file cannot be written; see `encoding.translate_errors`.
    """
    facts = survey(segments, plan)
    with ExitStack() as stack:
        clock = (
            {"movie_timescale": str(_choose_movie_hz(clip, facts))}
            if container.form in ISO_FORMS
            else {}
        )
        out = stack.enter_context(open_output(path, container, **clock))
        template = stack.enter_context(_open_template(next(segments()), clip)).streams.video[0]
        stream = _add_picture_stream(out, template, container, plan, facts)
        describe_pictures(stream, clip, container, plan)
        if _needs_display_size(container, plan):
            stream.metadata["title"] = PLACEHOLDER + stream.metadata.get("title", "")
        tracks = add_tracks(out, clip, container, plan, stack)
        recorded = complete and add_record(out, clip, container)
        if not complete:
            tracks = [takewhile(lambda item: item[0] < facts.end, track) for track in tracks]
        pictures = _read_pictures(segments, stream, plan, facts)
        for _, packet in heapq.merge(pictures, *tracks, key=lambda item: item[0]):
            out.mux(packet)
    if _needs_display_size(container, plan):
        set_display_size(path, plan.width, plan.height, plan.pixel_aspect)
    return facts, recorded


def _choose_movie_hz(clip: Clip, facts: Survey) -> int:
    """Return a time base for track starts and chapters, exact for all of them if possible."""
    pictures_hz = facts.clock.denominator
    sound_hz = [audio.rate_hz for audio in clip.audio]
    exact = (lcm(pictures_hz, _MILLISECOND_HZ, *sound_hz), lcm(pictures_hz, _MILLISECOND_HZ))
    return next((hz for hz in exact if hz <= FINEST_HZ), pictures_hz)


def _open_template(segment: Segment, clip: Clip) -> InputContainer:
    """Open a file whose picture stream has the parameters of the film's."""
    if clip.hdr is None:
        return open_input(segment.video)
    return open_hdr_template(segment.video, clip.hdr)


def _add_picture_stream(
    out: OutputContainer, template: av.VideoStream, container: Container, plan: Plan, facts: Survey
) -> av.VideoStream:
    stream = out.add_stream_from_template(template, opaque=True)
    stream.time_base = facts.clock
    context = stream.codec_context
    context.framerate = plan.rate if plan.constant else Fraction(0)
    context.sample_aspect_ratio = plan.pixel_aspect
    tag = plan.codec.find_tag(plan.settings)
    if tag and container.form in ISO_FORMS:
        context.codec_tag = tag
    return stream


def _needs_display_size(container: Container, plan: Plan) -> bool:
    return container.form in ("matroska", "webm") and plan.pixel_aspect != 1


def _read_pictures(
    segments: Segments, stream: av.VideoStream, plan: Plan, facts: Survey
) -> Iterator[TimedPacket]:
    """Yield the packets of all segments at their exact times, in decoding order."""
    decoded = _decoding_times(segments, facts)
    left = facts.frames
    for segment in segments():
        times = (*segment.times, segment.end)
        with open_input(segment.video) as source:
            for packet in source.demux(source.streams.video[0]):
                if not packet.size or packet.pts is None:
                    continue
                frame = round(packet.pts * packet.time_base * plan.rate)
                left -= 1
                shown = times[frame + 1] - times[frame] if left else facts.last
                when = next(decoded)
                packet.stream, packet.time_base = stream, facts.clock
                packet.pts = round(times[frame] / facts.clock)
                packet.dts = round(when / facts.clock)
                packet.duration = round(shown / facts.clock)
                yield when, packet


def _decoding_times(segments: Segments, facts: Survey) -> Iterator[Fraction]:
    for early in range(facts.reorder, 0, -1):
        yield facts.start - facts.lead * early / facts.reorder
    for segment in segments():
        yield from segment.times
