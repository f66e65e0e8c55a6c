"""A Clifford network predicts rising smoke: truth, prediction and difference.

Trains for about a minute on one core; needs the extra `train`.

python examples/gallery/smoke.py [FOLDER [OPTION...]]    (options of `kinoloom train clifford`)
"""

import sys
import tempfile
from pathlib import Path

from panels import labelled, row, run_kinoloom, save

import kinoloom

OPTIONS = sys.argv[2:] or ["--steps", "600"]
SHOWN = (4, 9)  # of the rollout's ten steps

with tempfile.TemporaryDirectory() as name:
    folder = Path(name) / "run"
    words = ("--preset", "smoke-rotresnet", "--device", "cpu", "--out", folder)
    run_kinoloom("train", "clifford", *words, *OPTIONS)
    frames = [frame.image for frame in kinoloom.read(folder / "rollout.mp4")]
save(row([labelled(frames[step], "") for step in SHOWN]), "smoke")
