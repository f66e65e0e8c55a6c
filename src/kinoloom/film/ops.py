"""The ops of this subject, declared; the work is in the modules that they call."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base.clip import Clip
from kinoloom.base.op import op
from kinoloom.base.report import Report
from kinoloom.film.options import BenchOptions, InterpolateOptions, TrainOptions


@op("interpolate", page="kinoloom.film.page:interpolation_page")
def interpolate(clip: Clip, options: InterpolateOptions) -> Clip:
    """Weave new frames between photos or the frames of a video.

    Two to many photos of one scene, near-duplicates from a phone, become a film; or give one
    video for a higher frame rate (--fps, --times) or slow motion (--slow). Sound, subtitles,
    chapters and tags of a video stay in sync; scene cuts are not woven across; frames of the
    source that fall on an output time are passed through untouched.
    """
    from kinoloom.film.photos.film import film_of_photos
    from kinoloom.film.video.film import film_of_video

    return film_of_photos(clip, options) if clip.stills else film_of_video(clip, options)


@op("bench.film")
def bench_film(folder: Path, options: BenchOptions) -> Report:
    """Measure every engine that is present on triplets with known middle frames.

    DIR holds one folder for each triplet, nested as you like, with frame0, frame1 (the truth)
    and frame2 as pictures of one size; im1, im2 and im3 will do too. PSNR, SSIM and ST-LPIPS
    (where it is installed) are of the 8-bit middle frame, averaged over all triplets and over
    those of small, medium and large motion; seconds are medians; each engine runs in a process of
    its own, whose peak memory is reported. A page (-o page.html) shows where each did worst.
    """
    from kinoloom.film.bench import bench

    return bench(folder, options)


@op("train.film", extra="train")
def train_film(data: Path, options: TrainOptions) -> Report:
    """Train a network for frame interpolation on triplets, videos or photos.

    DATA is a folder: Vimeo-90K, folders of three pictures, videos, photos (of which scenes are
    made). Called again with the same --out it goes on where it stopped, however it was stopped.
    """
    from kinoloom.film.train.run import train_film as run

    return run(data, options)
