"""Train an upscaler for a few steps, and compare it with Lanczos.

python examples/train_upscaler.py PHOTOS SET [STEPS]  (needs the extra `train`)

PHOTOS is a folder of photos, SET one with HR/ and LR_x2/. A useful network needs many steps: see
`kinoloom train enhance --help` for the presets.
"""

import sys

from kinoloom.enhance.ops import bench_sr, train_enhance

photos, test_set, *steps = sys.argv[1:]
train_enhance(photos, preset="live", out="runs/live", steps=int(*steps or [20]))
report = bench_sr(test_set, upscalers="lanczos4", models="runs/live/live-x2.onnx")
for row in report.data["rows"]:
    print("{model} x{scale}: {psnr_y_db:.2f} dB".format(**row))
