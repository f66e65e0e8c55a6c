"""Media files as FFmpeg opens them, and what in them is pictures and sound.

In: paths. Out: open containers and their streams, with errors that name the file and say what to
do. FFmpeg's own messages are kept off the terminal; the last one goes into the error.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from kinoloom.errors import (
    InputNotFoundError,
    MediaError,
    UnreadableMediaError,
    UnsupportedMediaError,
)


def open_input(path: Path) -> InputContainer:
    """Open a media file for reading; the caller closes it.

    Raises:
        InputNotFoundError: there is no such file.
        UnreadableMediaError: a folder, an empty file, one that may not be read, or one that
            FFmpeg can make nothing of.
    """
    if not path.exists():
        raise InputNotFoundError(
            f"There is no file {path}.", hint="Check the spelling and the folder."
        )
    if path.is_dir():
        raise UnreadableMediaError(f"{path} is a folder.", hint="Give the files in it instead.")
    if path.stat().st_size == 0:
        raise UnreadableMediaError(f"{path} is empty (0 bytes).", hint="Copy or download it again.")
    try:
        return _open(path)
    except (av.FFmpegError, OSError) as error:
        raise UnreadableMediaError(
            f"{path} cannot be read as media: FFmpeg says '{_last_words(path, error)}'.",
            hint="It may be damaged, cut off, or neither a photo nor a video.",
        ) from error


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The stream of moving pictures, set up for decoding; the other streams are not read.

    The cover of a song does not count. Of several the one with the most frames is taken (an
    animated AVIF has a still beside its film), else the first.

    Raises:
        UnsupportedMediaError: there is sound or text only, or pictures that cannot be decoded.
        UnreadableMediaError: there is nothing of that.
    """
    streams = [s for s in container.streams.video if not _is_cover(s)]
    if not streams:
        raise _no_pictures(container, path)
    chosen = max(streams, key=lambda stream: stream.frames)
    if chosen.codec_context is None:
        raise UnsupportedMediaError(
            f"{path} is coded in a way that this FFmpeg cannot decode.",
            hint="Convert it to a common codec first, such as H.264.",
        )
    read_only(container, chosen)
    chosen.thread_type = "AUTO"
    return chosen


def sound_streams(container: InputContainer) -> list[AudioStream]:
    """The streams of sound that can be decoded."""
    return [s for s in container.streams.audio if s.codec_context and s.rate and s.channels]


def read_only(container: InputContainer, wanted: Stream) -> None:
    """Let the container pass over the packets of all other streams."""
    for stream in container.streams:
        stream.discard = Discard.default if stream.index == wanted.index else Discard.all


def zero_of(container: InputContainer) -> Fraction:
    """The zero of the clip's clock: the earliest time of pictures or sound, in the file's seconds.

    One zero for all streams keeps what starts late in one of them late.
    """
    streams = [s for s in (*container.streams.video, *container.streams.audio) if not _is_cover(s)]
    return min((begin for s in streams if (begin := begin_of(s)) is not None), default=Fraction(0))


def begin_of(stream: Stream) -> Fraction | None:
    """When a stream begins, in the file's seconds; None where the file does not say."""
    if stream.start_time is None or stream.time_base is None:
        return None
    return stream.start_time * stream.time_base


def _no_pictures(container: InputContainer, path: Path) -> MediaError:
    kinds = {stream.type for stream in container.streams} & {"audio", "subtitle"}
    if kinds:
        what = " and ".join(sorted(kinds))
        return UnsupportedMediaError(
            f"{path} has no moving pictures, only {what}.", hint="Give a video."
        )
    return UnreadableMediaError(
        f"{path} has no moving pictures.", hint="It may be cut off; copy or download it again."
    )


def _open(path: Path) -> InputContainer:
    return av.open(f"file:{path}", metadata_errors="replace")  # "file:", for names with colons


def _is_cover(stream: Stream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)


def _last_words(path: Path, error: Exception) -> str:
    """What FFmpeg logs while it fails to open a file; logging is on only for this second try."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture():
            _open(path).close()
    except av.FFmpegError as again:
        error = again
    finally:
        av.logging.set_level(level)
    log = getattr(error, "log", None)
    return str(log[2]).strip() if log else str(getattr(error, "strerror", None) or error)
