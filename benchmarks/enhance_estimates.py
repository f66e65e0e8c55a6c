"""Errors of the blind estimates on pictures with known noise, compression, blur and resolution.

    python -m benchmarks.enhance_estimates PHOTOS [--set5 DIR] [--pictures N] [--tuning]

PHOTOS is the folder of the 400 photos of BSDS500 in train and test; its val must not be used. The
constants of `kinoloom.enhance.estimate` were chosen on the first, third, ... photo in the order of
names ("tuning", measured with --tuning); the others ("photos") and the optional folder of Set5's
ground truth ("set5") test them. Photos are reduced to 3/4 before they are compressed, which removes
the traces of their own compression. Photos have noise of their own, which counts as an error of
"noise"; for "added noise" its estimate is subtracted. Errors are estimate / truth - 1 in percent
(noise, signal dependence, blur, resolution), or differences (JPEG quality; a missing estimate
counts as 100):

    median          of the errors with their sign
    mean_size, p90_size, max_size    of their sizes
    within_goal     share within the goal: noise 7 %, quality 5
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.common import write_results
from kinoloom.enhance.estimate.jpeg import estimate_jpeg_quality
from kinoloom.enhance.estimate.noise import estimate_noise
from kinoloom.enhance.estimate.sharpness import estimate_blur_px, estimate_true_resolution
from kinoloom.metrics import resize_bicubic

_SIGMAS = (5, 10, 15, 25, 35, 50)
_QUALITIES = (20, 30, 40, 50, 60, 70, 80, 90, 95)
_BLURS_PX = (1.5, 2.0, 3.0)
_SCALES = (1, 2, 3, 4)
_SLOPES = (0.5, 1.0, 2.0)
_GOALS = {"noise": 7.0, "added noise": 7.0, "signal dependence": 30.0, "JPEG quality": 5.0}
_SEED = 16
Photo = NDArray[np.uint8]
Errors = dict[tuple[str, float], list[float]]


def main() -> None:
    """Measure and write benchmarks/results/enhance_estimates.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--set5", type=Path)
    parser.add_argument("--pictures", type=int, default=40, help="photos of each half")
    parser.add_argument("--tuning", action="store_true", help="measure the other half too")
    arguments = parser.parse_args()
    files = sorted(path for path in arguments.photos.iterdir() if path.suffix == ".jpg")
    parts = {
        "tuning": _spread(files[::2], arguments.pictures) if arguments.tuning else [],
        "photos": _spread(files[1::2], arguments.pictures),
        "set5": sorted(arguments.set5.iterdir()) if arguments.set5 else [],
    }
    rows = [row for name, part in parts.items() if part for row in _measure(name, part)]
    for row in rows:
        print(row)
    command = f"python -m benchmarks.enhance_estimates PHOTOS --pictures {arguments.pictures}"
    write_results("enhance_estimates", f"{command} --set5 DIR", {"rows": rows})


def _spread(files: list[Path], count: int) -> list[Path]:
    return files[:: max(1, len(files) // count)][:count]


def _measure(part: str, files: list[Path]) -> Iterator[dict[str, object]]:
    errors: Errors = {}
    for number, file in enumerate(files):
        photo = _read(file)
        for quantity, truth, error in _find_errors(photo, np.random.default_rng(_SEED + number)):
            errors.setdefault((quantity, truth), []).append(error)
    for (quantity, truth), found in errors.items():
        yield {"data": part, "quantity": quantity, "truth": truth} | _summarise(quantity, found)


def _read(file: Path) -> Photo:
    return np.asarray(Image.open(file).convert("RGB"))


def _find_errors(photo: Photo, rng: np.random.Generator) -> Iterator[tuple[str, float, float]]:
    """Yield the quantity, its true value and the error of each estimate."""
    own = estimate_noise(photo).sigma
    for sigma in _SIGMAS:
        noisy = _to_bytes(photo + rng.normal(0, sigma, photo.shape))
        found = estimate_noise(noisy).sigma
        yield "noise", sigma, _percent(found, sigma)
        added = float(np.sqrt(max(found**2 - own**2, 0)))
        yield "added noise", sigma, _percent(added, sigma)
    for slope in _SLOPES:
        spread = np.sqrt(25 + slope * photo.astype(np.float64))
        noisy = _to_bytes(photo + rng.normal(0, 1, photo.shape) * spread)
        yield "signal dependence", slope, _percent(estimate_noise(noisy).slope, slope)
    for quality in _QUALITIES:
        estimate = estimate_jpeg_quality(_reduce_and_compress(photo, quality))
        yield "JPEG quality", quality, 100.0 if estimate is None else estimate - quality
    own_px = estimate_blur_px(photo)
    for blur_px in _BLURS_PX:
        blurred = np.asarray(cv2.GaussianBlur(photo, (0, 0), blur_px), np.uint8)
        yield "blur", blur_px, _percent(estimate_blur_px(blurred), float(np.hypot(blur_px, own_px)))
    for scale in _SCALES:
        large = resize_bicubic(resize_bicubic(photo, Fraction(1, scale)), scale)
        yield "true resolution", scale, _percent(estimate_true_resolution(large) * scale, 1)


def _percent(estimate: float, truth: float) -> float:
    return 100 * (estimate / truth - 1)


def _to_bytes(levels: NDArray[np.float64]) -> Photo:
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)


def _reduce_and_compress(photo: Photo, quality: int) -> Photo:
    image = Image.fromarray(photo)
    size = (image.width * 3 // 4, image.height * 3 // 4)
    data = BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(data, "JPEG", quality=quality)
    return np.asarray(Image.open(data).convert("RGB"))


def _summarise(quantity: str, errors: list[float]) -> dict[str, float]:
    known = np.array([error for error in errors if not np.isnan(error)])
    size = np.abs(known)
    measures: dict[str, Callable[[], float]] = {
        "median": lambda: np.median(known),
        "mean_size": lambda: size.mean(),
        "p90_size": lambda: np.percentile(size, 90),
        "max_size": lambda: size.max(),
    }
    found = {"pictures": len(errors)} | {
        name: round(float(measure()), 2) for name, measure in measures.items()
    }
    if quantity in _GOALS:
        found["within_goal"] = round(float((size <= _GOALS[quantity]).mean()), 3)
    return found


if __name__ == "__main__":
    main()
