"""Declarations of the ops of frame interpolation; the work is in the modules they call."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base.clip import Clip
from kinoloom.base.op import op
from kinoloom.base.report import Report
from kinoloom.film.options import BenchOptions, InterpolateOptions, TrainOptions


@op("interpolate", page="kinoloom.film.page:build_interpolation_page")
def interpolate(clip: Clip, options: InterpolateOptions) -> Clip:
    """Interpolate new frames between photos or the frames of a video.

    Two or more photos of one scene, such as near-duplicates from a phone, become a film. A video
    gets a higher frame rate (--fps, --times) or slow motion (--slow). Interlaced and telecined
    video becomes progressive first (--deinterlace). Audio, subtitles, chapters and metadata stay in
    sync; scene cuts are detected and kept; source frames that coincide with an output time are
    passed through unchanged.
    """
    from kinoloom.film.photos.interpolation import interpolate_photos
    from kinoloom.film.video.interpolation import interpolate_video

    return interpolate_photos(clip, options) if clip.stills else interpolate_video(clip, options)


@op("bench.film")
def bench_film(data: Path, options: BenchOptions) -> Report:
    """Measure all available engines on triplets with known middle frames.

    DATA contains one folder per triplet, nested to any depth, with the images frame0, frame1
    (the ground truth) and frame2 of one size; the names im1, im2 and im3 are also accepted.
    PSNR, SSIM and, if installed, ST-LPIPS are measured on the 8-bit middle frame and averaged
    over all triplets and over those with small, medium and large motion. Times are medians. Each
    engine runs in its own process, whose peak memory is reported. An HTML report (-o page.html)
    shows the worst results of each engine.
    """
    from kinoloom.film.bench import run_benchmark

    return run_benchmark(data, options)


@op("train.film", extra="train")
def train_film(data: Path, options: TrainOptions) -> Report:
    """Train a network for frame interpolation on triplets, videos or photos.

    DATA is a folder with Vimeo-90K, folders of three images, videos, or photos, from which
    synthetic scenes are generated. An interrupted run resumes when the command is repeated with
    the same --out.
    """
    from kinoloom.film.train.run import train_film as run

    return run(data, options)
