"""Side data of a type that PyAV does not know is ignored; the rest of the frame's is used."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from kinoloom import read, write
from kinoloom.media.video.side_data import read_side_data

_ORIENTATION = 0x0112


def pictures(count: int) -> list[Image.Image]:
    """Pictures of 48x32 that are dark on the left."""
    ramp = np.tile(np.linspace(0, 200, 48, dtype=np.uint8)[None, :, None], (32, 1, 3))
    return [Image.fromarray(ramp + 10 * k) for k in range(count)]


def exif(orientation: int) -> bytes:
    """An EXIF block."""
    block = Image.Exif()
    block[_ORIENTATION] = orientation
    return block.tobytes()


def motion_jpeg(path: Path, orientation: int) -> None:
    """Write JPEG files, each with EXIF, as a video."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuvj420p"
        for number, picture in enumerate(pictures(4)):
            data = io.BytesIO()
            picture.save(data, "JPEG", exif=exif(orientation))
            packet = av.Packet(data.getvalue())
            packet.stream, packet.pts, packet.dts = stream, number, number
            packet.time_base = Fraction(1, 10)
            packet.is_keyframe = True
            out.mux(packet)


def animated_png(path: Path, orientation: int) -> None:
    """Write an animation with an eXIf chunk."""
    first, *rest = pictures(4)
    first.save(path, save_all=True, append_images=rest, duration=100, exif=exif(orientation))


@pytest.mark.parametrize(
    ("name", "make"), [("a.avi", motion_jpeg), ("a.mkv", motion_jpeg), ("a.png", animated_png)]
)
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_exif_in_a_video_is_not_an_error(
    tmp_path: Path, name: str, make: Callable[[Path, int], None], orientation: int
) -> None:
    make(tmp_path / name, orientation)
    clip = read(tmp_path / name)
    frames = list(clip)
    assert len(frames) == 4
    assert not clip.notes.failed
    assert frames[0].image.shape == (clip.height, clip.width, 3)
    write(clip, tmp_path / "out.mkv", codec="ffv1")
    assert len(list(read(tmp_path / "out.mkv"))) == 4


def test_known_side_data_next_to_unknown_is_used(tmp_path: Path) -> None:
    motion_jpeg(tmp_path / "a.avi", 6)
    with av.open(str(tmp_path / "a.avi")) as file:
        found = read_side_data(next(file.decode(video=0)))
    assert "DISPLAYMATRIX" in found
    assert "MASTERING_DISPLAY_METADATA" not in found
    clip = read(tmp_path / "a.avi")
    assert (clip.width, clip.height) == (32, 48)  # on its side
    assert next(iter(clip)).image[0].mean() < next(iter(clip)).image[-1].mean()
