"""Train an upscaler for a few steps, and compare it with Lanczos.

python examples/train_upscaler.py PHOTOS SET [STEPS]  (needs the extra `train`)

PHOTOS is a folder of photos, SET one with HR/ and LR_x2/. A useful network needs many steps: see
`kinoloom train enhance --help` for the presets.
"""

import sys
from pathlib import Path

from kinoloom.enhance.ops import bench_sr, train_enhance


def main(photos: str, test_set: str, steps: str = "20") -> None:
    """Train, then print the PSNR of both."""
    train_enhance(Path(photos), preset="live", out="runs/live", steps=int(steps))
    network = "runs/live/live-x2.onnx"
    report = bench_sr(Path(test_set), upscalers="lanczos4", models=network)
    for row in report.data["rows"]:
        print("{model} x{scale}: {psnr_y_db:.2f} dB".format(**row))


if __name__ == "__main__":  # the benchmark starts processes that import this file
    main(*sys.argv[1:])
