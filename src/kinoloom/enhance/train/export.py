"""Export of trained networks to ONNX, in their folded form, with what a program needs to run them.

An upscaler has the input "image" (1, C, H, W), a denoiser also "noise" (1, 1, H, W); the output is
"result". Their conventions are those of the modules in `nets`. The file stores the properties
"kind" ("upscale" or "denoise"), "scale", "reach_px" and "size_multiple".
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from kinoloom.base.outputs import atomic_output
from kinoloom.enhance.nets.compact import Compact
from kinoloom.enhance.nets.ffdnet import SIZE_MULTIPLE, FFDNet
from kinoloom.enhance.nets.folding import Foldable
from kinoloom.enhance.nets.luma import Luma
from kinoloom.learn.export import export_onnx

Network = Luma | Compact | FFDNet
_EXAMPLE_PX = (32, 40)


def fold_network(net: nn.Module) -> nn.Module:
    """Return the network's folded form, or the network where it has none."""
    return net.fold() if isinstance(net, Foldable) else net


def export_network(net: Network, file: Path, *, overwrite: bool = False) -> None:
    """Export a network on the CPU.

    Raises:
        MissingError: onnx is not installed.
        OutputExistsError, OutputError: as `atomic_output`.
    """
    inputs, properties = _describe(net)
    with atomic_output(file, overwrite=overwrite) as temporary:
        export_onnx(
            fold_network(net), inputs, ["result"], dict.fromkeys(inputs, 2), temporary, properties
        )


def _describe(net: Network) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return example inputs and the properties of a network."""
    reach = {"reach_px": str(net.reach_px)}
    if isinstance(net, FFDNet):
        inputs = {"image": torch.rand(1, 3, *_EXAMPLE_PX), "noise": torch.rand(1, 1, *_EXAMPLE_PX)}
        return inputs, {
            "kind": "denoise",
            "scale": "1",
            "size_multiple": str(SIZE_MULTIPLE),
            **reach,
        }
    inputs = {"image": torch.rand(1, net.in_channels, *_EXAMPLE_PX)}
    return inputs, {"kind": "upscale", "scale": str(net.scale), "size_multiple": "1", **reach}
