"""Devices that lose their power after every training step, on each target of `tiny`.

Used by `benchmarks.trials`. A device exports its image, starts again from other initial weights and
imports the image. After the last step, loss and checksum of the trained tensors must be those of a
device that never lost its power, as `tiny simulate` computes them.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from kinoloom import tiny
from kinoloom.tiny.api import CompiledProgram
from kinoloom.tiny.codegen.project import make_example_input, make_example_label
from kinoloom.tiny.image import image_bytes
from kinoloom.tiny.training.options import TrainingOptions

STEPS = 20
LEARNING_RATE = 0.01
TARGETS = ("simulator", "host", "m3", "m4", "m7", "m33")
_BOARD_COMMANDS = ("make", "arm-none-eabi-gcc", "qemu-system-arm")
_ROUNDINGS: tuple[Literal["stochastic", "residual"], ...] = ("stochastic", "residual")
_AFTER_STEP = "        if (code != NET_OK) {\n            return code;\n        }\n"
_CYCLE = """
        static uint8_t image[IMAGE_BYTES];
        (void)net_export(image);
        net_init(1000u + step);
        if (net_import(image) != NET_OK) {
            return 50;
        }
"""


class Digits(nn.Module):
    """A network of pictures: convolutions, a residual and pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores of the classes."""
        x = torch.relu(self.first(x))
        x = nn.functional.max_pool2d(x + torch.relu(self.second(x)), 2)
        return self.head(x.mean((2, 3)))


class Gestures(nn.Module):
    """A network of time series: dilated causal convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(3, 8, 3), nn.Conv1d(8, 8, 3, dilation=2)
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores of the classes."""
        x = torch.relu(self.first(nn.functional.pad(x, (2, 0))))
        x = torch.relu(self.second(nn.functional.pad(x, (4, 0))))
        return self.head(x.mean(-1))


class Sensors(nn.Module):
    """A perceptron of sensor readings."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores of the classes."""
        return self.layers(x)


NETWORKS: dict[str, tuple[type[nn.Module], tuple[int, ...]]] = {
    "digits": (Digits, (1, 1, 10, 10)),
    "gestures": (Gestures, (1, 3, 24)),
    "sensors": (Sensors, (1, 12)),
}


def run_power_cycles(folder: Path) -> list[dict[str, Any]]:
    """Return one row for each network: by target whether the result is identical, or "skipped"."""
    rows = []
    for name, (kind, shape) in NETWORKS.items():
        results: dict[str, list[bool | None]] = {target: [] for target in TARGETS}
        for rounding in _ROUNDINGS:
            compiled = _compile(kind, shape, rounding)
            expected = _simulate(compiled, cycles=False)
            for target in TARGETS:
                output = _run(compiled, target, folder / name / target / rounding)
                results[target].append(None if output is None else output == expected)
        row: dict[str, Any] = {"network": name, "power cycles": STEPS * len(_ROUNDINGS)}
        row |= {t: "skipped" if None in found else all(found) for t, found in results.items()}
        rows.append(row)
    return rows


def _compile(kind: type[nn.Module], shape: tuple[int, ...], rounding: Any) -> CompiledProgram:
    torch.manual_seed(0)
    data = [np.random.default_rng(k).normal(size=shape).astype(np.float32) for k in range(8)]
    options = TrainingOptions(rounding=rounding)
    return tiny.compile(kind().eval(), data[0], data=data, options=options)


def _run(compiled: CompiledProgram, target: str, folder: Path) -> str | None:
    """Return the output of a device that loses its power; None if its tools are absent."""
    if target == "simulator":
        return _simulate(compiled, cycles=True)
    commands = ("make", "cc") if target == "host" else _BOARD_COMMANDS
    if not all(map(shutil.which, commands)):
        return None
    compiled.write(folder)
    main = folder / "main.c"
    text, size = main.read_text(), image_bytes(compiled.program)
    assert _AFTER_STEP in text
    cycle = _CYCLE.replace("IMAGE_BYTES", str(size))
    main.write_text(text.replace(_AFTER_STEP, _AFTER_STEP + cycle))
    line = ["make", "-s", "-C", str(folder), f"run-{target}", f"STEPS={STEPS}"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).replace("\r", "")  # boards print through the debugger


def _simulate(compiled: CompiledProgram, *, cycles: bool) -> str:
    program, device = compiled.program, compiled.simulator()
    loss = 0.0
    for step in range(STEPS):
        x, label = make_example_input(program, step), make_example_label(program, step)
        loss = device.train_step(x, label, LEARNING_RATE)
        if cycles:
            image, device = device.export(), compiled.simulator(1000 + step)
            device.load(image)
    bits = int(np.float32(loss).view(np.uint32))
    return f"loss {bits:08x}\ncrc {int.from_bytes(device.export()[-4:], 'little'):08x}\n"
