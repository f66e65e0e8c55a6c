"""Quality of the preset `meeting` on calls that lost resolution and frame rate.

    python -m benchmarks.enhance_meeting VIDEOS [--frames N]

VIDEOS is a folder of videos on which no network was trained, those of interpolation included; what
is below 23 frames a second is left out. Each is resized to 640x360 at 30 frames a second: the
truth. The call is the truth at 320x180 and 15 frames a second, stored as H.264 (crf 28). PSNR is of
luma (BT.601), over all frames:

    lanczos    OpenCV's Lanczos filter, every frame twice
    meeting    `kinoloom enhance call.mp4 -o out.mkv --preset meeting`

`gain_db` is that of meeting over lanczos.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.common import write_results
from kinoloom import read
from kinoloom.metrics import psnr_y

_SIZE, _RATE = (640, 360), 30
_LEAST_RATE = 23
Pictures = list[NDArray[np.uint8]]


def main() -> None:
    """Measure and write benchmarks/results/enhance_meeting.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--frames", type=int, default=60)
    arguments = parser.parse_args()
    rows = []
    for source in sorted(path for path in arguments.videos.iterdir() if path.is_file()):
        if (read(source).rate or 0) < _LEAST_RATE:
            continue
        with TemporaryDirectory() as folder:
            rows.append(_measure(Path(folder), source, arguments.frames))
        print(rows[-1])
    gain = fmean(float(str(row["gain_db"])) for row in rows)
    command = f"python -m benchmarks.enhance_meeting VIDEOS --frames {arguments.frames}"
    write_results("enhance_meeting", command, {"mean_gain_db": round(gain, 2), "rows": rows})


def _measure(folder: Path, source: Path, count: int) -> dict[str, object]:
    truth_file, call = folder / "truth.mkv", folder / "call.mp4"
    picture = f"scale={_SIZE[0]}:{_SIZE[1]},fps={_RATE}"
    _run(
        "ffmpeg",
        "-i",
        source,
        "-vf",
        picture,
        "-frames:v",
        count,
        "-an",
        "-c:v",
        "ffv1",
        truth_file,
    )
    reduced = f"scale={_SIZE[0] // 2}:{_SIZE[1] // 2}:flags=area,fps={_RATE // 2}:round=up"
    _run("ffmpeg", "-i", truth_file, "-vf", reduced, "-c:v", "libx264", "-crf", "28", call)
    words = ["enhance", call, "-o", folder / "out.mkv", "--preset", "meeting", "--codec", "ffv1"]
    _run(sys.executable, "-m", "kinoloom", *words)
    truth, meeting = _read(truth_file), _read(folder / "out.mkv")
    lanczos = [cv2.resize(one, _SIZE, interpolation=cv2.INTER_LANCZOS4) for one in _read(call)]
    repeated = [np.asarray(one, np.uint8) for one in lanczos for _ in range(2)]
    length = min(len(truth), len(meeting), len(repeated))
    plain, enhanced = (_score(truth[:length], one) for one in (repeated, meeting))
    return {
        "video": source.stem,
        "frames": length,
        "lanczos_db": round(plain, 2),
        "meeting_db": round(enhanced, 2),
        "gain_db": round(enhanced - plain, 2),
    }


def _score(truth: Pictures, pictures: Pictures) -> float:
    """Return the PSNR of luma of the mean squared error over all frames."""
    errors = [10 ** (-psnr_y(one, other) / 10) for one, other in zip(pictures, truth, strict=False)]
    return float(-10 * np.log10(fmean(errors)))


def _read(path: Path) -> Pictures:
    return [np.asarray(frame.image, np.uint8) for frame in read(path)]


def _run(program: str, *words: object) -> None:
    quiet = ["-v", "error", "-y"] if program == "ffmpeg" else []
    subprocess.run([program, *quiet, *map(str, words)], check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
