"""The memory of one training step on a microcontroller: which tensor is where, and when.

Needs the extra `train`.

python examples/gallery/arena.py [FOLDER]
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from panels import run_kinoloom, save_svg
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(
    nn.Conv2d(1, 8, 3, stride=2, padding=1),
    nn.ReLU6(),
    nn.Conv2d(8, 8, 3, padding=1, groups=8),
    nn.ReLU6(),
    nn.Conv2d(8, 16, 1),
    nn.ReLU6(),
    nn.Conv2d(16, 32, 3, stride=2, padding=1),
    nn.ReLU6(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(32, 10),
).eval()
inputs = torch.rand(16, 1, 24, 24)

with tempfile.TemporaryDirectory() as name:
    model, examples, page = (Path(name) / file for file in ("net.pt2", "inputs.npy", "page.html"))
    torch.export.save(torch.export.export(net, (inputs[:1],)), model)
    np.save(examples, inputs.numpy())
    run_kinoloom("tiny", "report", model, "--calibration", examples, "-o", page)
    save_svg(page, "arena")
