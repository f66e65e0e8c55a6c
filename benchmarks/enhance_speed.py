"""Speed of `kinoloom enhance` on video: tiers, with and without skipping, from file to file.

    python -m benchmarks.enhance_speed FIXED MOVING [--rounds N] [--frames N]

FIXED is a video of a fixed camera, MOVING one of a camera that moves. Both are resized to 640x360
at 25 frames a second and stored as H.264 (crf 28) with FFmpeg. Contestants take turns; each is a
command in a process of its own, from decoding to encoding, and a command on a tenth of the frames
is subtracted for the start of the process. For each clip, medians of:

    wall_fps        frames a second
    processor_ms    processor time for a frame

"ffmpeg" is FFmpeg's Lanczos filter with the encoder settings of kinoloom.
"plain" is the tier on RGB without skipping, which a correction of negligible effect enforces.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.common import write_results

_SIZE, _RATE = (640, 360), 25
Cost = tuple[float, float]
"""Wall and processor seconds."""


def main() -> None:
    """Measure and write benchmarks/results/enhance_speed.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fixed", type=Path)
    parser.add_argument("moving", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=200)
    arguments = parser.parse_args()
    rows = []
    with TemporaryDirectory() as folder:
        for name, source in (("fixed", arguments.fixed), ("moving", arguments.moving)):
            rows += _measure(Path(folder), name, source, arguments.frames, arguments.rounds)
    for row in rows:
        print(row)
    command = f"python -m benchmarks.enhance_speed FIXED MOVING --rounds {arguments.rounds}"
    write_results("enhance_speed", command, {"frames": arguments.frames, "rows": rows})


def _measure(
    folder: Path, name: str, source: Path, frames: int, rounds: int
) -> list[dict[str, object]]:
    few = max(1, frames // 10)
    clips = {
        count: _prepare(folder / f"{name}-{count}.mp4", source, count) for count in (frames, few)
    }
    costs: dict[str, list[Cost]] = {}
    for _ in range(rounds):
        for contestant in ("live", "live plain", "fast", "fast plain", "ffmpeg"):
            long, short = (_run(contestant, clips[count], folder) for count in (frames, few))
            cost = tuple((a - b) / (frames - few) for a, b in zip(long, short, strict=True))
            costs.setdefault(contestant, []).append((cost[0], cost[1]))
    return [
        {
            "clip": name,
            "contestant": contestant,
            "wall_fps": round(1 / median(wall for wall, _ in found), 1),
            "processor_ms": round(1000 * median(cpu for _, cpu in found), 1),
        }
        for contestant, found in costs.items()
    ]


def _prepare(path: Path, source: Path, count: int) -> Path:
    picture = f"scale={_SIZE[0]}:{_SIZE[1]},fps={_RATE}"
    words = ["ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", source, "-vf", picture]
    words += ["-an", "-frames:v", count, "-c:v", "libx264", "-crf", "28", path]
    subprocess.run([str(word) for word in words], check=True)
    return path


def _run(contestant: str, clip: Path, folder: Path) -> Cost:
    out = folder / "out.mp4"
    out.unlink(missing_ok=True)
    tier, _, plain = contestant.partition(" ")
    if tier == "ffmpeg":
        scale = f"scale={2 * _SIZE[0]}:{2 * _SIZE[1]}:flags=lanczos"
        words = ["ffmpeg", "-v", "error", "-i", clip, "-vf", scale, "-c:v", "libx264", out]
    else:
        words = [sys.executable, "-m", "kinoloom", "enhance", clip, "-o", out]
        words += ["--scale", "2", "--tier", tier, "--codec", "h264"]
        words += ["--curves", "0/0 1/1"] if plain else []
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([str(word) for word in words], check=True, stderr=subprocess.DEVNULL)
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return wall, used


if __name__ == "__main__":
    main()
