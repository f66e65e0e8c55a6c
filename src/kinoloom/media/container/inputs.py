"""Open media files with FFmpeg, and find their picture and sound streams.

In: paths. Out: open containers and their streams; errors name the file and what to do. FFmpeg's log
is not printed; its last message is part of the error. FFmpeg opens no other file, see `demuxers`.
"""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from kinoloom.base.files import check_regular
from kinoloom.errors import (
    InputNotFoundError,
    MediaError,
    UnreadableMediaError,
    UnsupportedMediaError,
)
from kinoloom.media.container.demuxers import INPUT_OPTIONS, explain_refusal, find_format
from kinoloom.media.limits import (
    MAX_DURATION_S,
    SAMPLE_RATES_HZ,
    check_size,
    choose_decoder_options,
)


def open_input(path: Path) -> InputContainer:
    """Open a media file for reading; the caller closes it.

    Raises:
        InputNotFoundError: the file does not exist.
        UnreadableMediaError: a folder, a pipe or device, an empty file, a file without read
            permission, or one that FFmpeg cannot open.
        UnsupportedMediaError: a playlist, or another format that `demuxers` does not allow.
    """
    if not path.exists():
        raise InputNotFoundError(
            f"The file {path} does not exist.", hint="Check its name and folder."
        )
    if path.is_dir():
        raise UnreadableMediaError(f"{path} is a folder.", hint="Pass the files in it.")
    check_regular(path)
    if path.stat().st_size == 0:
        raise UnreadableMediaError(f"{path} is empty (0 bytes).", hint="Copy or download it again.")
    try:
        return _open(path)
    except MemoryError:
        raise
    except (av.FFmpegError, OSError) as error:
        form, reason = _find_reason(path, error)
        raise explain_refusal(path, form, reason) or UnreadableMediaError(
            f"{path} cannot be read as media: FFmpeg reports '{reason}'.",
            hint="It may be damaged or truncated, or it is neither a photo nor a video.",
        ) from error


def open_bytes(content: bytes, form: str) -> InputContainer:
    """Open the content of a file in memory; the caller closes it.

    Args:
        content: the whole file.
        form: FFmpeg's name of its format.

    Raises:
        av.FFmpegError: FFmpeg cannot open it.
    """
    return av.open(io.BytesIO(content), "r", format=form, options=dict(INPUT_OPTIONS))


def find_picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the stream of moving pictures, ready for decoding; other streams are discarded.

    Cover art is ignored. Of several streams the one with the most frames is chosen (an animated
    AVIF also has a still picture), else the first.

    Raises:
        UnsupportedMediaError: the file has only sound or text, the codec is not supported, or
            the pictures are too large.
        UnreadableMediaError: the file has no streams.
    """
    streams = [s for s in container.streams.video if not is_cover(s)]
    if not streams:
        raise _describe_missing_pictures(container, path)
    chosen = max(streams, key=lambda stream: stream.frames)
    if chosen.codec_context is None:
        raise UnsupportedMediaError(
            f"{path} has a codec that this FFmpeg cannot decode.",
            hint="Convert it to a common codec such as H.264 first.",
        )
    check_size(path, chosen.codec_context.width, chosen.codec_context.height)
    chosen.codec_context.options = choose_decoder_options(chosen.codec_context.name)
    discard_others(container, chosen)
    return chosen


def list_sound_streams(container: InputContainer) -> list[AudioStream]:
    """Return the audio streams that can be decoded, with a usual sample rate and start."""
    zero = find_zero(container)
    return [stream for stream in container.streams.audio if _is_usable(stream, zero)]


def discard_others(container: InputContainer, wanted: Stream) -> None:
    """Let the container skip the packets of all other streams."""
    for stream in container.streams:
        stream.discard = Discard.default if stream.index == wanted.index else Discard.all


def find_zero(container: InputContainer) -> Fraction:
    """Return the zero of the clip's clock: the earliest time of pictures or sound in the file.

    A common zero keeps the offsets between streams. The unit is seconds.
    """
    streams = [s for s in (*container.streams.video, *container.streams.audio) if not is_cover(s)]
    return min(
        (begin for s in streams if (begin := find_start(s)) is not None), default=Fraction(0)
    )


def find_start(stream: Stream) -> Fraction | None:
    """Return when a stream starts, in seconds of the file; None if unknown."""
    if stream.start_time is None or stream.time_base is None:
        return None
    return stream.start_time * stream.time_base


def _describe_missing_pictures(container: InputContainer, path: Path) -> MediaError:
    kinds = {stream.type for stream in container.streams} & {"audio", "subtitle"}
    if kinds:
        what = " and ".join(sorted(kinds))
        return UnsupportedMediaError(
            f"{path} has no moving pictures, only {what}.", hint="Pass a video."
        )
    return UnreadableMediaError(
        f"{path} has no moving pictures.", hint="It may be truncated; copy or download it again."
    )


def _open(path: Path) -> InputContainer:
    # "file:", for names with colons; opening decodes the first frames
    return av.open(
        f"file:{path}",
        format=find_format(path),
        metadata_errors="replace",
        options=dict(INPUT_OPTIONS),
    )


def _is_usable(stream: AudioStream, zero: Fraction) -> bool:
    if stream.codec_context is None or not stream.channels:
        return False
    start = find_start(stream)
    is_late = start is not None and start - zero > MAX_DURATION_S
    return stream.rate in SAMPLE_RATES_HZ and not is_late


def is_cover(stream: Stream) -> bool:
    """Whether a stream is cover art rather than moving pictures."""
    return bool(stream.disposition & Disposition.attached_pic)


def _find_reason(path: Path, error: Exception) -> tuple[str, str]:
    """Return which part of FFmpeg fails to open a file, and what it logs.

    Only this second try is logged.
    """
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture():
            _open(path).close()
    except av.FFmpegError as again:
        error = again
    finally:
        av.logging.set_level(level)
    _, part, message = getattr(error, "log", None) or (0, "", "")
    return part, message.strip() or str(getattr(error, "strerror", None) or error)
