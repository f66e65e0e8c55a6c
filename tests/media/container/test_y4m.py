"""Pipes: y4m on standard output, read by FFmpeg's decoder."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from kinoloom import read
from kinoloom.base.clip import Clip, Frame, Pacing
from kinoloom.base.files import no_progress
from kinoloom.errors import OutputError, UsageError
from kinoloom.media.files import CLIP_FILES
from kinoloom.media.write_options import STDOUT, WriteOptions


class Pipe(io.TextIOWrapper):
    """Standard output that is no terminal."""

    def __init__(self) -> None:
        self.kept = io.BytesIO()
        super().__init__(self.kept)


def make_clip(bits: int = 8, size: tuple[int, int] = (32, 24), count: int = 4) -> Clip:
    dtype = np.uint8 if bits == 8 else np.uint16
    rng = np.random.default_rng(0)
    base = rng.integers(
        0, np.iinfo(dtype).max, (size[1] // 8 + 1, size[0] // 8 + 1, 3), dtype=dtype
    )
    picture = base.repeat(8, 0).repeat(8, 1)[: size[1], : size[0]]
    frames = [Frame(picture, Fraction(k, 25), Fraction(1, 25)) for k in range(count)]
    return Clip.from_frames(frames, rate=Fraction(25), bits=bits)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Callable[[Clip], bytes]:
    """Write a clip to standard output, and return what arrived."""

    def write(clip: Clip, **options: object) -> bytes:
        target = Pipe()
        monkeypatch.setattr(sys, "stdout", target)
        CLIP_FILES.write(clip, STDOUT, WriteOptions(**options), no_progress)  # type: ignore[arg-type]
        return target.kept.getvalue()

    return write


@pytest.mark.parametrize(("bits", "pix_fmt"), [(8, "yuv444p"), (10, "yuv444p10le")])
def test_decoders_read_the_stream(pipe: Callable[..., bytes], bits: int, pix_fmt: str) -> None:
    clip = make_clip(bits, (33, 25))
    with av.open(io.BytesIO(pipe(clip)), format="yuv4mpegpipe") as container:
        stream = container.streams.video[0]
        assert (stream.average_rate, stream.width, stream.height) == (25, 33, 25)
        frames = list(container.decode(stream))
    assert len(frames) == 4
    assert frames[0].format.name == pix_fmt
    source = next(iter(clip)).image / (255 if bits == 8 else 65535) * 255
    shown = frames[0].reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
    assert np.abs(shown - source).mean() < 2


def test_samples_of_the_source_pass_unchanged(pipe: Callable[..., bytes], tmp_path: Path) -> None:
    path = tmp_path / "in.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        picture = next(iter(make_clip())).image
        source = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p")
        container.mux(stream.encode(source))
        container.mux(stream.encode(None))
    data = pipe(read(path))
    header, _, rest = data.partition(b"\n")
    assert b"C420mpeg2" in header.split()
    assert rest == b"FRAME\n" + source.to_ndarray().tobytes()


def test_what_a_pipe_cannot_carry_is_rejected(pipe: Callable[..., bytes]) -> None:
    clip = make_clip()
    for bad in (clip.with_(rate=None), clip.with_(stills=True)):
        with pytest.raises(UsageError, match="cannot carry"):
            pipe(bad)
    with pytest.raises(UsageError, match="no --codec"):
        pipe(clip, codec="h264")


def test_terminals_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Pipe()
    monkeypatch.setattr(target, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", target)
    with pytest.raises(UsageError, match="terminal"):
        CLIP_FILES.write(make_clip(), STDOUT, WriteOptions(), no_progress)


def test_a_reader_that_ends_is_reported() -> None:
    code = (
        "from test_y4m import make_clip\n"
        "from kinoloom.media.files import CLIP_FILES\n"
        "from kinoloom.media.write_options import STDOUT, WriteOptions\n"
        "CLIP_FILES.write(make_clip(size=(640, 480), count=50), STDOUT, WriteOptions())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parent,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(100)
        process.stdout.close()
        errors = process.stderr.read().decode()
    assert OutputError.__name__ in errors
    assert "The program that reads the pipe has ended." in errors


def test_pacing_counts_how_often_a_stream_is_late() -> None:
    pacing = Pacing(0.1)
    for _ in range(10):
        pacing.add(0.04, Fraction(1, 25))
    assert pacing.late == 0
    for _ in range(3):
        pacing.add(0.08, Fraction(1, 25))
    assert pacing.late == 1
    pacing.add(0.0, Fraction(1, 25))
    for _ in range(3):
        pacing.add(0.08, Fraction(1, 25))
    assert pacing.late == 2
