"""Build progressive frames: join two fields, or interpolate the missing rows of one.

Rows are interpolated by FFmpeg's bwdif (Thomas Mundt, after Weston's three-field deinterlacer of
the BBC and yadif), which uses the frames before and after. Its result depends on these three
frames only.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import av.filter

from kinoloom.media.video.planes import find_layout, join_planes, split_planes


def join_fields(first: av.VideoFrame, second: av.VideoFrame, *, top_first: bool) -> av.VideoFrame:
    """Return the frame with the first field of one frame and the second field of another.

    The result is marked progressive and has exact copies of the samples.

    Args:
        first: has the first field in time.
        second: has the other field; of the same size and format.
        top_first: whether the top field is the first in time.
    """
    layout = find_layout(first.format.name)
    top, bottom = (first, second) if top_first else (second, first)
    planes = [plane.copy() for plane in split_planes(top, layout)]
    if second is not first:
        for plane, other in zip(planes, split_planes(bottom, layout), strict=True):
            plane[1::2] = other[1::2]
    return join_planes(planes, first.width, first.height, layout)


class Deinterlacer:
    """Interpolates frames from single fields; consecutive frames share a filter graph."""

    def __init__(self) -> None:
        self._graph: av.filter.Graph | None = None
        self._top_first = True
        self._last: av.VideoFrame | None = None

    def split(
        self,
        before: av.VideoFrame | None,
        here: av.VideoFrame,
        after: av.VideoFrame | None,
        *,
        top_first: bool,
    ) -> tuple[av.VideoFrame, av.VideoFrame]:
        """Return the two frames of a frame's fields, in order of time.

        Args:
            before, after: its neighbours; None at the ends of the video.
            here: the frame.
            top_first: whether the top field is the first in time.
        """
        pushed: list[av.VideoFrame | None] = [after]
        if self._graph is None or self._last is not here or self._top_first != top_first:
            self._graph = _build_graph(here, top_first=top_first)
            pushed = [before, here, after] if before is not None else [here, after]
        frames: list[av.VideoFrame] = []
        for frame in pushed:
            self._graph.push(frame)
            frames += _pull(self._graph)
        self._top_first, self._last = top_first, after
        if after is None:
            self._graph = None
        first, second = frames[-2:]
        return first, second


def _build_graph(frame: av.VideoFrame, *, top_first: bool) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=frame.time_base or Fraction(1, av.time_base),
    )
    parity = "tff" if top_first else "bff"
    filters = graph.add("bwdif", f"mode=send_field:parity={parity}:deint=all")
    graph.link_nodes(source, filters, graph.add("buffersink")).configure()
    return graph


def _pull(graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        if isinstance(frame, av.VideoFrame):
            yield frame
