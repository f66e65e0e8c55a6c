"""Give all frames of a video the size and pixel format of its first.

Both may change in the middle of a broadcast or of concatenated files. Larger and smaller pictures
are scaled to fit, with black borders if their shape differs.
"""

from __future__ import annotations

import av
import av.filter

from kinoloom.base.clip import Color
from kinoloom.media.video.color import read_color

_MATRICES = {1: "bt709", 4: "fcc", 5: "smpte170m", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc"}
_SCALING = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"


class UniformFrames:
    """Scales frames to one size and converts them to one pixel format.

    Args:
        size: width and height as stored, in pixels.
        pix_fmt: FFmpeg's name of the format.
        color: the colours of the result.
    """

    def __init__(self, size: tuple[int, int], pix_fmt: str, color: Color) -> None:
        self._size, self._pix_fmt, self._color = size, pix_fmt, color
        self._graphs: dict[str, av.filter.Graph] = {}

    def differs(self, frame: av.VideoFrame) -> bool:
        """Whether a frame has another size."""
        return (frame.width, frame.height) != self._size

    def fit(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the frame in the common size and format; itself if it has them."""
        if not self.differs(frame) and frame.format.name == self._pix_fmt:
            return frame
        color = read_color(frame)
        key = f"{frame.format.name} {frame.width}x{frame.height} {color}"
        if key not in self._graphs:
            self._graphs[key] = self._build_graph(frame, color)
        graph = self._graphs[key]
        graph.push(frame)
        fitted = graph.pull()
        assert isinstance(fitted, av.VideoFrame)
        fitted.pts, fitted.time_base = frame.pts, frame.time_base
        return fitted

    def _build_graph(self, frame: av.VideoFrame, color: Color) -> av.filter.Graph:
        width, height = self._size
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base,
        )
        scale = f"{width}:{height}:force_original_aspect_ratio=decrease:flags={_SCALING}:interl=-1"
        scale += f":in_range={_name_range(color)}:out_range={_name_range(self._color)}"
        if color.matrix in _MATRICES and self._color.matrix in _MATRICES:
            scale += f":in_color_matrix={_MATRICES[color.matrix]}"
            scale += f":out_color_matrix={_MATRICES[self._color.matrix]}"
        graph.link_nodes(
            source,
            graph.add("scale", scale),
            graph.add("format", self._pix_fmt),
            graph.add("pad", f"{width}:{height}:-1:-1:black"),
            graph.add("format", self._pix_fmt),
            graph.add("buffersink"),
        ).configure()
        return graph


def _name_range(color: Color) -> str:
    return "full" if color.full_range else "limited"
