"""Encode frames into a file with a single video stream.

In: frames of a clip, and a `Plan`. Out: a file with one stream.

Conventions: times are integer ticks of a clock chosen by the caller. A decoder's frame that is
unchanged and in the planned format is passed to the encoder as it is, and one in another YUV format
is converted without RGB; all others are converted with `color.to_native`. If the plan is larger
than the picture, the edge is repeated.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.stream import VideoStream

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Color, Frame
from kinoloom.base.outputs import name_output_errors
from kinoloom.errors import OutputError, UnsupportedMediaError
from kinoloom.media.frames.exact import read_exact
from kinoloom.media.frames.reformat import reformat_yuv
from kinoloom.media.video.codecs import Container
from kinoloom.media.video.color import to_native
from kinoloom.media.video.plan import Plan, find_native_format, is_transparent
from kinoloom.media.video.planes import repack
from kinoloom.media.video.scheduling import keep_scheduling

_LIMITED, _FULL = 1, 2  # FFmpeg's AVCOL_RANGE_MPEG and AVCOL_RANGE_JPEG


class Encoder:
    """One video stream in one file; a context manager.

    Args:
        path: the file; replaced if it exists.
        container: the file format.
        plan: how pictures are stored.
        clock: the unit of `pts`, in seconds.

    Attributes:
        reorder: the largest number of places by which a frame was moved forward in the stream so
            far; meaningful if `pts` counts frames.

    Raises:
        av.FFmpegError, OSError: the file cannot be written, or the encoder rejects the plan; see
            `translate_errors`.
    """

    def __init__(self, path: Path, container: Container, plan: Plan, clock: Fraction) -> None:
        self.path, self.clock = path, clock
        self.reorder = 0
        self._packets = 0
        self._durations: dict[int, int] = {}
        self._file = open_output(path, container)
        self._stream = self._add_stream(plan)

    def __enter__(self) -> Encoder:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        self.close(whole=kind is None)

    def add(self, native: av.VideoFrame, pts: int, duration: int = 1) -> None:
        """Encode one frame of the plan's size and format, shown at `pts` for `duration` ticks."""
        native.pts, native.time_base = pts, self.clock
        native.pict_type = PictureType.NONE
        self._durations[pts] = duration
        self._mux(self._stream.encode(native))

    def close(self, *, whole: bool = True) -> None:
        """Finish the file; if not `whole`, frames still inside the encoder are dropped."""
        try:
            if whole:
                self._mux(self._stream.encode(None))
        finally:
            self._file.close()

    def _add_stream(self, plan: Plan) -> VideoStream:
        os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 logs to stderr; errors only
        stream = cast(
            VideoStream,
            self._file.add_stream(plan.codec.encoder, rate=plan.rate, options=dict(plan.settings)),
        )
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = plan.width, plan.height, plan.pix_fmt
        context.time_base = stream.time_base = self.clock
        context.sample_aspect_ratio = plan.pixel_aspect
        context.thread_count = plan.threads
        tag_color(context, plan.color)
        with keep_scheduling():
            context.open()
        return stream

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            if packet.pts is not None:
                self.reorder = max(self.reorder, self._packets - packet.pts)
                packet.duration = self._durations.pop(packet.pts, packet.duration)
            self._packets += 1
            self._file.mux(packet)


def open_output(path: Path, container: Container, **options: str) -> OutputContainer:
    """Open a file for writing, with the container's options and further ones."""
    return av.open(  # "file:", for names with colons
        f"file:{path}",
        "w",
        format=container.form,
        container_options={**container.options, **options},
    )


def stores_stream(container: Container, template: Stream) -> bool:
    """Whether a container takes packets like those of a stream; its header is tried in memory."""
    try:
        with av.open(io.BytesIO(), "w", format=container.form) as trial:
            trial.add_stream_from_template(template)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def prepare_frame(frame: Frame, plan: Plan) -> av.VideoFrame:
    """Return a frame in the planned format; the decoder's own if nothing has to change.

    Raises:
        UnsupportedMediaError: it has transparent parts, which the plan cannot store.
    """
    native = _reuse_native(frame.native, plan)
    if native is None:
        _check_alpha(frame, plan)
        native = _reformat_native(frame, plan)
    if native is None:
        exact = read_exact(frame, plan.source_color)
        image = _pad(frame.image if exact is None else exact, plan.width, plan.height)
        native = to_native(image, plan.pix_fmt, plan.color)
    tag_color(native, plan.color)
    return native


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Raise the errors of FFmpeg and the system inside the block as an `OutputError` with `path`.

    Raises:
        OutputError: writing failed.
    """
    try:
        with name_output_errors(path):
            yield
    except MemoryError:
        raise
    except av.FFmpegError as error:
        raise OutputError(
            f"{path} cannot be written: FFmpeg reports '{error.strerror}'.",
            hint="Try another --codec or another suffix.",
        ) from error


def is_disk_full(error: OutputError) -> bool:
    """Whether an output could not be written because the disk is full."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)


def tag_color(target: av.VideoFrame | VideoCodecContext, color: Color) -> None:
    """Set the colour tags of a frame or an encoder."""
    target.color_primaries, target.color_trc = color.primaries, color.transfer
    target.colorspace = color.matrix
    target.color_range = _FULL if color.full_range else _LIMITED


def _reuse_native(native: object, plan: Plan) -> av.VideoFrame | None:
    """Return the decoder's frame if it can be encoded as it is, else None."""
    if not isinstance(native, av.VideoFrame) or not plan.takes_native:
        return None
    if find_native_format(native) != plan.pix_fmt:
        return None
    if (native.width, native.height) != (plan.width, plan.height):
        return None
    return repack(native, plan.pix_fmt)  # "yuvj" formats differ in name only


def _reformat_native(frame: Frame, plan: Plan) -> av.VideoFrame | None:
    """Return the decoder's frame in the planned YUV format, None if its colours differ."""
    native = frame.native
    if not isinstance(native, av.VideoFrame) or not plan.takes_native:
        return None
    if (native.height, native.width) != frame.shape[:2]:
        return None
    size = plan.width, plan.height
    return reformat_yuv(native, plan.pix_fmt, size, full_range=plan.color.full_range)


def _check_alpha(frame: Frame, plan: Plan) -> None:
    if not plan.alpha and is_transparent(frame.image):
        raise UnsupportedMediaError(
            f"The frame at {float(frame.time):.3f} s has transparent parts, but "
            f"{plan.codec.name} was chosen by the opaque first frame and cannot store them.",
            hint="Choose a --codec that stores alpha: ffv1, prores or vp9.",
        )


def _pad(image: Picture, width: int, height: int) -> Picture:
    """Return the picture, extended to a size by repeating its last row and column."""
    extra = ((0, height - image.shape[0]), (0, width - image.shape[1]), (0, 0))
    return np.pad(image, extra, mode="edge") if any(map(sum, extra)) else image
