"""Generate published.npz: weights, inputs and outputs of layers of cliffordlayers 0.1.1.

    pip install cliffordlayers==0.1.1 && python tests/clifford/make_golden.py

Run once, where that package is installed; the tests only read what it wrote.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from cliffordlayers.nn.modules.batchnorm import CliffordBatchNorm2d
from cliffordlayers.nn.modules.cliffordconv import CliffordConv1d, CliffordConv2d, CliffordConv3d
from cliffordlayers.nn.modules.cliffordfourier import CliffordSpectralConv2d
from cliffordlayers.nn.modules.cliffordlinear import CliffordLinear
from torch import nn


def layers() -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
    yield "linear", CliffordLinear((1, -1, 0), 2, 3), (2, 2, 8)
    yield "conv1d", CliffordConv1d((-1,), 2, 3, 3, padding=1), (1, 2, 5, 2)
    yield "conv2d", CliffordConv2d((1, -1), 2, 3, 3, stride=2), (1, 2, 6, 5, 4)
    yield "conv3d", CliffordConv3d((1, 0, -1), 1, 2, 2), (1, 1, 3, 3, 2, 8)
    yield "rotation", CliffordConv2d((-1, -1), 2, 2, 3, padding=1, rotation=True), (1, 2, 4, 4, 4)
    yield "spectral2d", CliffordSpectralConv2d((1, 1), 2, 2, 2, 1), (1, 2, 5, 4, 4)
    yield "batch_norm", CliffordBatchNorm2d((1, 1), 2), (3, 2, 4, 4, 4)


def main() -> None:
    torch.manual_seed(0)
    stored: dict[str, np.ndarray] = {}
    for name, layer, shape in layers():
        mixing = torch.randn(shape[-1], shape[-1])
        x = torch.randn(shape) @ mixing
        if name == "batch_norm":
            with torch.no_grad():
                layer.weight.normal_()
                layer.bias.normal_()
                for _ in range(30):
                    layer(x + 0.1 * torch.randn(shape))
        with torch.no_grad():
            y = layer.eval()(x)
        stored |= {f"{name}/x": x.numpy(), f"{name}/y": y.numpy()}
        stored |= {f"{name}/state/{k}": v.numpy() for k, v in layer.state_dict().items()}
    np.savez_compressed(Path(__file__).parent / "published.npz", **stored)


if __name__ == "__main__":
    main()
