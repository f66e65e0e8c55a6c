"""Declarations of the ops on enhancement; the work is in the modules they call."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base.clip import Clip
from kinoloom.base.op import op
from kinoloom.base.report import Report
from kinoloom.enhance.options import (
    BenchDenoiseOptions,
    BenchSrOptions,
    BenchVideoOptions,
    DegradeOptions,
    EnhanceOptions,
    MeasureOptions,
    TrainOptions,
)


@op(
    "enhance",
    page="kinoloom.enhance.page:build_enhance_page",
    one_by_one=True,
    output_option="try_",
)
def enhance(clip: Clip, options: EnhanceOptions) -> Clip:
    """Clean, sharpen and enlarge photos, folders of photos, or a video.

    Photos keep their format, metadata, colour profile and depth; a folder is mirrored, and one
    that fails does not stop the others. A video keeps its times, sound, subtitles, chapters and
    tags; --fps, --times and --slow add frames in the same pass. Without an option the corrections
    are chosen as with --auto.
    """
    if options.try_ is not None:
        from kinoloom.enhance.trial import try_strengths

        return try_strengths(clip, options, options.try_)
    from kinoloom.enhance.photos import enhance_photos
    from kinoloom.enhance.video.enhancement import enhance_video

    return enhance_photos(clip, options) if clip.stills else enhance_video(clip, options)


@op("measure")
def measure(clip: Clip, options: MeasureOptions) -> Report:
    """Measure noise, compression, blur and light of photos or a video.

    Noise and its dependence on brightness, JPEG quality, blockiness, blur, banding, exposure, and
    the true resolution below the stored one; of a video, the median over sampled frames, and
    interlacing and repeated frames. The guide on measuring states the error of each estimate.
    """
    from kinoloom.enhance.estimate.measure import measure_clip
    from kinoloom.enhance.estimate.report import build_measure_report

    return build_measure_report(measure_clip(clip, options.samples))


@op("degrade", one_by_one=True)
def degrade(clip: Clip, options: DegradeOptions) -> Clip:
    """Make realistic low-quality photos and videos from good ones.

    The preset is a distribution of blur, resizing, noise and compression, from which the seed
    samples. A video is also encoded and decoded by a real codec (H.264, H.265, AV1 or MPEG-4); the
    preset meeting halves its frame rate. realesrgan and bsrgan are the published degradations;
    light and heavy vary the first; meeting, vhs and phone imitate a video call, a tape and a
    messenger. Photos and folders of photos keep their format and metadata. A record of all
    parameters (--record) replays bit-identically (--recipe).
    """
    from kinoloom.enhance.degrade.run import degrade as run

    return run(clip, options)


@op("bench.sr")
def bench_sr(data: Path, options: BenchSrOptions) -> Report:
    """Measure upscalers on pictures with known ground truth.

    DATA contains HR/ with the ground truth, and LR_x2/, LR_x3/ or LR_x4/ with its reductions by
    MATLAB's bicubic filter; sorted names correspond. PSNR and SSIM are of luma (Y of MATLAB's
    YCbCr), without a border of as many pixels as the scale. Each upscaler runs in its own process,
    whose peak memory is reported; times are medians.
    """
    from kinoloom.enhance.bench import run_sr_benchmark

    return run_sr_benchmark(data, options)


@op("bench.denoise")
def bench_denoise(data: Path, options: BenchDenoiseOptions) -> Report:
    """Measure denoisers on pictures with added Gaussian noise.

    DATA contains clean pictures. Picture i in the order of names gets noise of the generator with
    seed i, which is neither rounded nor clipped. PSNR is of the 8-bit RGB result. Each denoiser
    runs in its own process, whose peak memory is reported; times are medians.
    """
    from kinoloom.enhance.bench import run_denoise_benchmark

    return run_denoise_benchmark(data, options)


@op("bench.video")
def bench_video(data: Path, options: BenchVideoOptions) -> Report:
    """Measure video denoisers on clips with added Gaussian noise.

    DATA contains lossless clips: videos, or folders of pictures. Clip i in the order of names gets
    noise of the generator with seed i, drawn frame by frame, and is stored with 8 bits. PSNR is of
    the 8-bit RGB result; flicker is the change from frame to frame along the motion of the clean
    clip, in levels. A network runs frame by frame, and after our window filter as window+NAME. Each
    denoiser runs in its own process.
    """
    from kinoloom.enhance.bench import run_video_benchmark

    return run_video_benchmark(data, options)


@op("train.enhance", extra="train")
def train_enhance(data: Path, options: TrainOptions) -> Report:
    """Train a network for super-resolution or denoising on photos.

    DATA is a folder of photos, nested to any depth; photos below a folder named val are not used.
    The presets live, fast and small enlarge pictures, denoise removes noise. The best weights are
    exported as ONNX, with a card that lists photos and settings. An interrupted run resumes when
    the command is repeated with the same --out.
    """
    from kinoloom.enhance.train.run import train_enhance as run

    return run(data, options)
