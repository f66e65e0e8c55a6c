"""Read videos as lazy clips.

In: a file of any container and codec that FFmpeg reads; animated WebP, and AVIF with alpha, are
read by Pillow (media/animation/reading.py). Out: a `Clip` of pictures (media/video/color.py) at
exact times (media/video/times.py), each with the decoder's own frame, and the sound tracks
(media/audio/reading.py).

Conventions: the zero of the clip's clock is the earliest time of pictures or sound in the file. The
display matrix is applied to the pictures; pixels are not resampled to squares. Interlaced and
telecined video becomes progressive frames (media/deinterlacing). The readable part of a damaged
file is returned, and the damage is noted. Frames are not kept after they are yielded, so memory
does not grow with length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Literal

from av.video.frame import VideoFrame

from kinoloom.base.audio import Audio
from kinoloom.base.budget import Budget
from kinoloom.base.clip import Clip, Frame
from kinoloom.base.notes import Level, Notes
from kinoloom.media.animation import reading as animated_in
from kinoloom.media.audio.reading import list_tracks
from kinoloom.media.container.inputs import (
    find_picture_stream,
    find_zero,
    list_sound_streams,
    open_input,
)
from kinoloom.media.deinterlacing.detection import (
    SAMPLE_FRAMES,
    WINDOW_FRAMES,
    WINDOWS,
    detect_fields,
    may_have_fields,
)
from kinoloom.media.deinterlacing.stream import CONTEXT_FRAMES, Grid, Timed, deinterlace
from kinoloom.media.frames.exact import ExactPicture
from kinoloom.media.frames.uniform import UniformFrames
from kinoloom.media.limits import MAX_FRAME_S, check_animation_size
from kinoloom.media.memory import (
    estimate_animation,
    estimate_decoding,
    estimate_deinterlacing,
    refuse_to_decode,
    refuse_to_read,
)
from kinoloom.media.photo.completeness import find_apng_damage
from kinoloom.media.video.color import is_clipped, to_exact, to_picture
from kinoloom.media.video.decoding import (
    decode,
    decode_untimed,
    open_decoder,
    prime_decoder,
    read_packets,
)
from kinoloom.media.video.inspection import Facts, find_end, inspect_video
from kinoloom.media.video.rotation import Rotation

Deinterlace = Literal["auto", "on", "off"]
_SEEK_BACK_S = Fraction(1, 2), Fraction(10)
"""Seek this long before the time wanted, for the frames of joined parts may overlap; and if a frame
of that time does not follow, this long."""
_MIN_CUT_OFF_S = Fraction(1, 10)
"""A video that ends earlier than its header says by more than this is truncated."""
_MIN_RESTART_S = 1
"""If times go back by more than this, much is left out."""


def open_video(path: Path, budget: Budget | None = None, deinterlace: Deinterlace = "auto") -> Clip:
    """Open a video.

    If reading alone exceeds a memory limit, nothing is decoded, and the clip raises the error.
    `Clip.rate` is None if the rate varies; `duration` and `frame_count` are None if the container
    does not store them. Notes: "interlaced" (how fields are shown; a warning if they are not
    converted), "sound" (warning: a track that cannot be decoded), "hdr" (warning: metadata that is
    left out), and while frames are read "times" (frames out of order; an error if many are left
    out), "size" (warning: pictures of another size) and "damage" (error).

    Args:
        path: the file.
        budget: the memory limit of the job.
        deinterlace: convert interlaced and telecined video to progressive frames: if it looks so
            ("auto"), always, as interlaced ("on"), or never ("off").

    Raises:
        InputNotFoundError: the file does not exist.
        UnreadableMediaError: the file is a folder, empty, not media, or has no frame that can be
            decoded.
        UnsupportedMediaError: the file has no moving pictures, an unsupported codec, pixel format
            or colour matrix, or pictures above `limits.PIXEL_LIMIT`.
    """
    canvas = check_animation_size(path) if path.is_file() else (0, 0)
    needed = estimate_animation(*canvas, path.stat().st_size) if any(canvas) else 0
    if refused := refuse_to_read(path, canvas, needed, budget):
        return refused
    if animated_in.is_for_pillow(path):
        return animated_in.open_animation(path, budget)
    notes = Notes()
    with open_input(path) as container:
        zero = find_zero(container)
        stream = find_picture_stream(container, path)
        needed = needed or estimate_decoding(stream.codec_context)
        if refused := refuse_to_decode(path, stream, find_end(stream), needed, budget):
            return refused
        facts = inspect_video(container, stream, path, zero, notes)
        audio = list_tracks(container, path, zero, notes)
        is_png = container.format.name == "apng"
        left_out = len(container.streams.audio) - len(list_sound_streams(container))
    if is_png and (missing := find_apng_damage(path.read_bytes())):
        text = f"{path.name} is damaged: {missing}. The readable part is used."
        notes.add("damage", text, "error")
    if left_out:
        notes.add(
            "sound",
            f"{left_out} sound track(s) of {path.name} cannot be decoded, or have unusual sample "
            "rates or times; they are left out.",
            "warning",
        )
    video = _Video(path, facts, notes)
    grid, factor = _plan_fields(video, deinterlace, notes)
    if grid is not None:
        needed += estimate_deinterlacing(facts.pix_fmt, *facts.size)
    clip = _build_clip(replace(video, grid=grid), factor, audio, notes)
    made_with = {} if deinterlace == "auto" else {"deinterlace": deinterlace}
    return clip.with_(reading_bytes=needed, budget=budget, made_with=made_with)


def _build_clip(video: _Video, factor: Fraction, audio: tuple[Audio, ...], notes: Notes) -> Clip:
    facts = video.facts
    layout, is_sideways = facts.layout, facts.rotation.is_sideways
    width, height = facts.size[::-1] if is_sideways else facts.size
    across, down = layout.steps[::-1] if is_sideways else layout.steps
    return Clip(
        video.read,
        width=width,
        height=height,
        rate=None if facts.clock.rate is None else facts.clock.rate * factor,
        duration=facts.length,
        frame_count=facts.frame_count if video.grid is None else None,
        bits=layout.bits,
        color=facts.color,
        chroma=(across, down) if layout.kind == "yuv" else None,
        hdr=facts.hdr,
        pixel_aspect=1 / facts.aspect if is_sideways else facts.aspect,
        audio=audio,
        files=(video.path,),
        origin=video.path,
        codec=facts.codec,
        notes=notes,
    )


def _plan_fields(
    video: _Video, deinterlace: Deinterlace, notes: Notes
) -> tuple[Grid | None, Fraction]:
    """Return how fields are converted, None for not at all, and the factor of the frame rate."""
    facts, name = video.facts, video.path.name
    possible = not facts.is_animation and may_have_fields(
        facts.nominal_rate,
        facts.size,
        is_flagged=facts.is_flagged or deinterlace == "on",
        is_rgb=facts.layout.kind == "rgb",
    )
    if deinterlace == "off" or not possible:
        if facts.is_flagged:
            notes.add(
                "interlaced",
                f"{name} is marked as interlaced; its fields are not separated.",
                "warning",
            )
        return None, Fraction(1)
    grid = Grid(facts.clock.begin, facts.nominal_rate, forced=deinterlace == "on")
    found = detect_fields(video.sample(), grid)
    if text := found.describe(name):
        notes.add("interlaced", text)
    if found.is_progressive and not found.is_flagged and not grid.forced:
        return None, Fraction(1)
    expected = not found.is_progressive
    grid = replace(grid, top_first=found.top_first, expected=expected, usual=found.usual)
    return grid, found.factor


@dataclass
class _Progress:
    """The progress of one pass through a video.

    Attributes:
        time: of the last frame decoded, in seconds.
        frames: number decoded so far; from the first frame of the video if `whole`.
        end: of that frame, in seconds.
        damaged, disordered, resized: whether damage, frames out of order, or pictures of another
            size were noted already.
    """

    time: Fraction
    end: Fraction
    frames: int = 0
    whole: bool = True
    damaged: bool = False
    disordered: bool = False
    resized: bool = False


@dataclass(frozen=True)
class _Video:
    """A video that can be read repeatedly.

    Attributes:
        notes: receives what is noticed; None for nothing.
        grid: the frame times by which fields are converted; None to leave frames as they are.
    """

    path: Path
    facts: Facts
    notes: Notes | None
    grid: Grid | None = None

    def read(self, start: Fraction) -> Iterator[Frame]:
        """Yield the frames that are shown at or after `start`; see `Clip.read`."""
        progress = self._begin()
        held: tuple[Fraction, VideoFrame] | None = None
        for time, native in self._read_progressive(start, progress):
            if held is not None and time > start:
                yield self._frame(*held, time - held[0])
            held = time, native
        if held is not None:
            self._check_end(progress)
            time, native = held
            if progress.end > start:
                yield self._frame(time, native, progress.end - time)

    def sample(self) -> Iterator[Iterator[Timed]]:
        """Yield windows of consecutive frames from the whole video, as decoded; nothing is noted.

        Each window begins at a key frame.
        """
        silent = replace(self, notes=None)
        begin, length = self.facts.clock.begin, self.facts.length or self.facts.rough_length
        frames = length * self.facts.nominal_rate
        is_long = self.facts.seekable and frames > SAMPLE_FRAMES
        latest = None
        for window in range(WINDOWS if is_long else 1):
            start = begin + length * Fraction(window, WINDOWS)
            source = silent._read_timed(start, silent._begin())
            first = next(source, None)
            if first is not None and first[0] != latest:
                latest = first[0]
                most = WINDOW_FRAMES if is_long else SAMPLE_FRAMES
                yield islice(chain([first], source), most)

    def _begin(self) -> _Progress:
        return _Progress(self.facts.clock.begin, self.facts.clock.begin)

    def _read_progressive(self, start: Fraction, progress: _Progress) -> Iterator[Timed]:
        """Yield progressive frames with their times; those long before `start` may differ."""
        if self.grid is None:
            return self._read_timed(start, progress)
        before = start - CONTEXT_FRAMES / self.grid.rate
        return deinterlace(self._read_timed(before, progress), self.grid)

    def _read_timed(
        self, start: Fraction, progress: _Progress
    ) -> Iterator[tuple[Fraction, VideoFrame]]:
        """Yield decoded frames with their times, which increase."""
        clock, facts = self.facts.clock, self.facts
        uniform = UniformFrames(facts.size, facts.pix_fmt, facts.color)
        for native in self._read_natives(start, progress):
            if native.pts is not None:
                time = clock.time(native.pts)
            else:
                time = progress.time + (1 / self.facts.nominal_rate if progress.frames else 0)
            if progress.frames and time <= progress.time:
                self._out_of_order(time, progress)
                continue
            if progress.frames and time - progress.time > MAX_FRAME_S:
                self._damage(f"a frame lasts {float(time - progress.time):.0f} s", progress)
                return
            progress.time, progress.frames = time, progress.frames + 1
            progress.end = time + self._duration(native)
            if native.is_corrupt and time >= start:
                self._damage("a picture is incomplete", progress)
            if uniform.differs(native):
                self._note_size(native, progress)
            yield time, uniform.fit(native)

    def _read_natives(self, start: Fraction, progress: _Progress) -> Iterator[VideoFrame]:
        """Yield decoded frames from the one shown at `start`, or from an earlier one."""
        clock = self.facts.clock
        if self.facts.seekable and start > clock.begin:
            for earlier in _SEEK_BACK_S:
                natives = self._decode_pass(progress, seek=clock.ticks(start - earlier))
                first = next(natives, None)
                if first is not None and clock.time(first.pts or 0) <= start:
                    progress.whole = False
                    yield first
                    yield from natives
                    return
        yield from self._decode_pass(progress)

    def _decode_pass(self, progress: _Progress, *, seek: int | None = None) -> Iterator[VideoFrame]:
        def on_error(message: str) -> None:
            self._damage(f"FFmpeg reports '{message}'", progress)

        with open_input(self.path) as container:
            stream = find_picture_stream(container, self.path)
            decoder = open_decoder(stream)
            if seek is not None:
                prime_decoder(decoder, container, stream)
            source = read_packets(container, stream, on_error, seek=seek)
            if self.facts.timed:
                yield from decode(decoder, source, on_error, from_key=seek is not None)
            else:
                yield from decode_untimed(decoder, source, on_error)

    def _frame(self, time: Fraction, native: VideoFrame, duration: Fraction) -> Frame:
        picture = to_picture(native, self.facts.color)
        turn = self.facts.rotation
        if turn == Rotation():
            return Frame(picture, time, duration, native)
        exact = None
        if is_clipped(native):
            exact = ExactPicture(lambda: turn.apply(to_exact(native, self.facts.color)))
        return Frame(turn.apply(picture), time, duration, exact)

    def _duration(self, native: VideoFrame) -> Fraction:
        stored = native.duration * self.facts.clock.tick
        return self.facts.clock.snap(stored) if stored else 1 / self.facts.nominal_rate

    def _out_of_order(self, time: Fraction, progress: _Progress) -> None:
        if progress.disordered:
            return
        progress.disordered = True
        name, back = self.path.name, progress.time - time
        if back > _MIN_RESTART_S:
            text = f"The times of {name} jump back by {float(back):.0f} s at "
            text += f"{float(progress.time):.3f} s; frames are left out until they go on."
            self._note("times", text, "error", progress.time)
        else:
            text = f"Frames of {name} that are out of order are left out."
            self._note("times", text, "warning", progress.time)

    def _note_size(self, native: VideoFrame, progress: _Progress) -> None:
        if progress.resized:
            return
        progress.resized = True
        width, height = self.facts.size
        text = f"The pictures of {self.path.name} change to {native.width}x{native.height} at "
        text += f"{float(progress.time):.3f} s; they are scaled to {width}x{height}."
        self._note("size", text, "warning", progress.time)

    def _check_end(self, progress: _Progress) -> None:
        if self.facts.length is None:
            return
        declared = self.facts.clock.begin + self.facts.length
        if declared - progress.end > _MIN_CUT_OFF_S + 1 / self.facts.nominal_rate:
            self._damage(f"it should last until {float(declared):.3f} s", progress)

    def _damage(self, message: str, progress: _Progress) -> None:
        """Note the first damage of a pass; further errors mostly follow from it."""
        if progress.damaged:
            return
        progress.damaged = True
        after = f"after {progress.frames} frames " if progress.whole else ""
        where = f"{after}at {float(progress.time):.3f} s"
        text = f"{self.path.name} is damaged {where}: {message}. The readable part is used."
        self._note("damage", text, "error", progress.time)

    def _note(self, kind: str, text: str, level: Level, time: Fraction) -> None:
        if self.notes is not None:
            self.notes.add(kind, text, level, time)
