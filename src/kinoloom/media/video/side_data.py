"""Side data of decoded frames: display matrix, HDR metadata and the like, by FFmpeg's names.

PyAV rejects all side data of a frame if one type is newer than its list of types, for example the
EXIF block of a Motion JPEG or APNG file. Its list is extended by the types that turn up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame


def read_side_data(frame: VideoFrame) -> Mapping[str, bytes]:
    """Return the side data of a frame by the names of `av.sidedata.sidedata.Type`."""
    return cast(Mapping[str, bytes], frame.side_data)


def _add_type(cls: type[Type], value: object) -> Type | None:
    """Return a new member for an unknown number; None lets the enum reject other values."""
    if not isinstance(value, int):
        return None
    member: Any = object.__new__(cls)
    member._name_, member._value_ = f"UNKNOWN_{value}", value
    return cast(Type, cls._value2member_map_.setdefault(value, member))


Type._missing_ = classmethod(_add_type)  # type: ignore[assignment,method-assign]
