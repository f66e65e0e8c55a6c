"""Splits a video: every second frame goes to half.mkv, the frames between them to truth.mkv."""

import os
from pathlib import Path

import kinoloom
from kinoloom.base import Clip


def main() -> None:
    """Write half.mkv, which has the first and last frame, and truth.mkv."""
    base = Path(os.environ["KINOLOOM_ML_ROOT"]) / "processing"
    (path,) = (base / "video").iterdir()
    clip = kinoloom.read(path)
    frames = list(clip)
    if len(frames) < 3 or clip.rate is None:
        raise SystemExit(f"{path.name} must have three frames or more, at a constant rate.")
    frames = frames[: len(frames) - 1 + len(frames) % 2]
    for name, some in (("half", frames[::2]), ("truth", frames[1::2])):
        held = Clip.from_frames(some, rate=clip.rate / 2, color=clip.color)
        kinoloom.write(held, base / name / f"{name}.mkv", codec="ffv1")


if __name__ == "__main__":
    main()
