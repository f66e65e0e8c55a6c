"""Read single frames of a video by number, fast in both directions.

The decoder stays open between frames. The next frame is the next of the decoder; another one is
reached from the key frame before it. Frames decoded on the way are kept up to a limit of memory, so
that a step back, which follows a jump, costs nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Color
from kinoloom.errors import UnreadableMediaError, UsageError
from kinoloom.media.container.inputs import find_picture_stream, open_input
from kinoloom.media.frames.uniform import UniformFrames
from kinoloom.media.preview.display import fit
from kinoloom.media.preview.frame_times import FrameTimes
from kinoloom.media.video.color import to_picture
from kinoloom.media.video.decoding import decode, open_decoder, prime_decoder, read_packets

KEPT_BYTES = 96_000_000
"""Decoded frames kept, in bytes of their planes; at least two are."""
_SEEK_BACK_S = Fraction(1, 2), Fraction(10)
"""As in `media.video.reading`: a key frame found by a decoding time may be shown after the frame
that is wanted."""
_LIMITED, _FULL = 1, 2  # FFmpeg's AVCOL_RANGE_MPEG and AVCOL_RANGE_JPEG
_BT601 = 5
_MATRICES = {1: 1, 4: 4, 7: 7, 9: 9}
"""FFmpeg's SWS_CS_... by matrix; the others are BT.601."""
_NEAR_S = Fraction(1)
"""Frames this close ahead are reached by decoding on, not by seeking."""


class FrameReader:
    """A video whose frames are read by number; close it after use.

    Args:
        path: the file; it must stay until this is closed.

    Attributes:
        times: of the frames.

    Raises:
        MediaError: as `FrameTimes`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.times = FrameTimes(path)
        facts = self.times.facts
        self._can_seek = facts.timed and facts.seekable and not facts.is_animation
        self._uniform = UniformFrames(facts.size, facts.pix_fmt, facts.color)
        self._kept: OrderedDict[int, VideoFrame] = OrderedDict()
        self._container: InputContainer | None = None
        self._decoder: VideoCodecContext | None = None
        self._decoding: Iterator[tuple[int, VideoFrame]] = iter(())
        self._at: int | None = None
        self.problems: list[str] = []

    def read(self, number: int, width: int = 0) -> Picture:
        """Return a frame upright, in the colour space of the video; see `to_picture`.

        Args:
            number: of the frame in order of display, from 0.
            width: if it is above 0 and below the frame's own, the frame is as wide as this, with
                square pixels, and its colours are those of a fast conversion.

        Raises:
            UsageError: there is no frame of this number.
            UnreadableMediaError: it cannot be decoded.
        """
        facts = self.times.facts
        native = self._uniform.fit(self._find(number))
        is_sideways = facts.rotation.is_sideways
        shown = facts.size[0] * facts.aspect, Fraction(facts.size[1])
        scale = width / shown[is_sideways]
        if not 0 < scale < 1 or facts.color.is_hdr or facts.layout.kind != "yuv":
            picture = facts.rotation.apply(to_picture(native, facts.color))
            return fit(picture, width, 0, 1 / facts.aspect if is_sideways else facts.aspect)
        size = [max(1, round(side * scale)) for side in shown]
        return facts.rotation.apply(_scale(native, size[0], size[1], facts.color))

    def close(self) -> None:
        """Close the file."""
        self.times.close()
        self._kept.clear()
        self._close_container()

    def _find(self, number: int) -> VideoFrame:
        self.times.find(number + 1)
        if not 0 <= number < len(self.times.ticks):
            raise UsageError(
                f"There is no frame {number}: {self._path.name} has {len(self.times.ticks)} "
                "frames, and the first is 0."
            )
        wanted = self.times.ticks[number] if self.times.facts.timed else number
        if wanted in self._kept:
            self._kept.move_to_end(wanted)
            return self._kept[wanted]
        found = self._decode_to(wanted) if self._is_near(wanted) else None
        for start in () if found is not None else self._list_starts(wanted):
            self._restart(start)
            found = self._decode_to(wanted)
            if found is not None:
                break
        if found is None:
            reason = f": FFmpeg reports '{self.problems[-1]}'" if self.problems else ""
            raise UnreadableMediaError(
                f"Frame {number} of {self._path.name} cannot be decoded{reason}.",
                hint="The file may be damaged or truncated; other frames may be readable.",
            )
        return found

    def _is_near(self, wanted: int) -> bool:
        if self._at is None or wanted <= self._at:
            return False
        is_close = (wanted - self._at) * self.times.facts.clock.tick <= _NEAR_S
        return is_close or not self._can_seek

    def _list_starts(self, wanted: int) -> list[int | None]:
        """Return where decoding may start, in ticks; None is the beginning."""
        facts = self.times.facts
        if not self._can_seek or wanted <= facts.clock.first:
            return [None]
        back = [wanted - round(earlier / facts.clock.tick) for earlier in _SEEK_BACK_S]
        return [*(start for start in back if start > facts.clock.first), None]

    def _restart(self, start: int | None) -> None:
        """Let decoding begin at the key frame before a time in ticks, or at the beginning."""
        self.problems.clear()
        self._at = None
        if start is None or self._container is None:
            self._open(is_seeking=start is not None)
        assert self._container is not None and self._decoder is not None
        self._decoder.flush_buffers()
        stream = find_picture_stream(self._container, self._path)
        source = read_packets(self._container, stream, self.problems.append, seek=start)
        self._decoding = self._number(
            decode(self._decoder, source, self.problems.append, from_key=start is not None)
        )

    def _open(self, *, is_seeking: bool) -> None:
        self._close_container()
        self._container = open_input(self._path)
        stream = find_picture_stream(self._container, self._path)
        self._decoder = open_decoder(stream)
        if is_seeking:
            prime_decoder(self._decoder, self._container, stream)

    def _number(self, frames: Iterator[VideoFrame]) -> Iterator[tuple[int, VideoFrame]]:
        """Yield frames with their times, or with their numbers if the file has no times."""
        is_timed = self.times.facts.timed
        for number, frame in enumerate(frames):
            if not is_timed:
                yield number, frame
            elif frame.pts is not None:
                yield frame.pts, frame

    def _decode_to(self, wanted: int) -> VideoFrame | None:
        """Decode until a frame; None if the file ends before, or only later frames follow."""
        for at, frame in self._decoding:
            if self._at is not None and at <= self._at:
                continue
            self._at = at
            self._keep(at, frame)
            if at >= wanted:
                return frame if at == wanted else None
        return None

    def _keep(self, at: int, frame: VideoFrame) -> None:
        self._kept[at] = frame
        size = sum(plane.buffer_size for plane in frame.planes)
        while len(self._kept) > max(2, KEPT_BYTES // max(size, 1)):
            self._kept.popitem(last=False)

    def _close_container(self) -> None:
        self._decoding = iter(())
        container, self._container, self._decoder = self._container, None, None
        if container is not None:
            container.close()


def _scale(native: VideoFrame, width: int, height: int, color: Color) -> Picture:
    """Return a YUV frame of SDR as a smaller picture of 8 bits; transparent parts become opaque."""
    return native.reformat(
        width,
        height,
        "rgb24",
        src_colorspace=_MATRICES.get(color.matrix, _BT601),
        src_color_range=_FULL if color.full_range else _LIMITED,
        dst_color_range=_FULL,
        interpolation="AREA",
        threads=1,
    ).to_ndarray()
