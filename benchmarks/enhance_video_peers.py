"""Search for the best strengths of ffmpeg's denoising filters, for `kinoloom bench video`.

    python -m benchmarks.enhance_video_peers CLIPS [--sigma 25] [--frames 6]

CLIPS is a folder of clips that are not used to measure. Each filter runs with each combination of
its grid; the best mean PSNR wins. The factors of `kinoloom.enhance.bench.video_denoisers` are these
strengths divided by the noise.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path
from statistics import fmean

from benchmarks.common import write_results
from kinoloom.enhance.bench.video_clips import Frames, add_clip_noise, find_clips, read_clip
from kinoloom.enhance.bench.video_ffmpeg import run_ffmpeg
from kinoloom.metrics import psnr

_SPATIAL, _CHROMA, _TIME = (25, 35, 45), (40, 55, 70), (30, 45)
_STRENGTHS, _PATCHES = (8, 12, 16, 20, 24), (7,)
_ONE, _ALL, _COUNTS = (0.3,), (0.6, 1.2, 2.4, 5.0), (5, 9)


def main() -> None:
    """Search and write benchmarks/results/enhance_video_peers.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--sigma", type=float, default=25)
    parser.add_argument("--frames", type=int, default=6)
    arguments = parser.parse_args()
    truth = [read_clip(path, arguments.frames) for path in find_clips(arguments.clips)]
    noisy = [add_clip_noise(one, arguments.sigma, seed) for seed, one in enumerate(truth)]
    best = {name: _search(grid, truth, noisy) for name, grid in _list_grids().items()}
    command = f"python -m benchmarks.enhance_video_peers CLIPS --sigma {arguments.sigma:g}"
    findings = {"sigma": arguments.sigma, "clips": len(truth), "best": best}
    print(write_results("enhance_video_peers", command, findings))


def _list_grids() -> dict[str, list[str]]:
    return {
        "hqdn3d": [
            f"hqdn3d={luma}:{chroma}:{time}:{time}"
            for luma, chroma, time in product(_SPATIAL, _CHROMA, _TIME)
        ],
        "nlmeans": [f"nlmeans=s={s}:p={p}:r=15" for s, p in product(_STRENGTHS, _PATCHES)],
        "atadenoise": [
            f"atadenoise=0a={a}:1a={a}:2a={a}:0b={b}:1b={b}:2b={b}:s={count}"
            for a, b, count in product(_ONE, _ALL, _COUNTS)
        ],
    }


def _search(
    grid: list[str], truth: list[Frames], noisy: list[Frames]
) -> dict[str, str | float | list[list[str | float]]]:
    """Return the best description, its PSNR, and those of the whole grid."""
    scores = {one: _score(one, truth, noisy) for one in grid}
    best = max(scores, key=lambda one: scores[one])
    rows: list[list[str | float]] = [[one, round(score, 3)] for one, score in scores.items()]
    return {"filter": best, "psnr_db": round(scores[best], 3), "grid": rows}


def _score(described: str, truth: list[Frames], noisy: list[Frames]) -> float:
    """Return the mean PSNR over clips and frames."""
    clips = []
    for frames, true in zip(noisy, truth, strict=True):
        found = run_ffmpeg(frames, described)
        clips.append(fmean(psnr(one, other) for one, other in zip(found, true, strict=True)))
    return fmean(clips)


if __name__ == "__main__":
    main()
