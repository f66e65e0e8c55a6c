"""Writes the refining network as ONNX, for any size, without what only training needs."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from kinoloom.base.need import need
from kinoloom.base.outputs import whole_file
from kinoloom.film.nets.refine_net import RefineNet
from kinoloom.film.refine import MULTIPLE, PLANES

_OPSET = 18
_EXAMPLE = 10 * MULTIPLE


class _Answers(nn.Module):
    def __init__(self, net: RefineNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        answers, light, error, _ = self.net(seen)
        return answers, light, error


def export_refine(net: RefineNet, file: Path, *, overwrite: bool = False) -> None:
    """Write the network; its input is `seen`, one picture, sides multiples of 4.

    Raises:
        MissingError: onnxscript is not installed.
        OutputExistsError, OutputError: as `whole_file`.
    """
    need("onnxscript", extra="train")
    seen = torch.zeros(1, net.size.guesses, PLANES, _EXAMPLE, _EXAMPLE + MULTIPLE)
    sides = {side: MULTIPLE * torch.export.Dim(f"{side}s", min=1) for side in ("height", "width")}
    net.eval()
    with whole_file(file, overwrite=overwrite) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's exporter about its own parts
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            _Answers(net),
            (seen,),
            str(temporary),
            input_names=["seen"],
            output_names=["answers", "light", "error"],
            opset_version=_OPSET,
            dynamo=True,
            external_data=False,
            dynamic_shapes={"seen": {3: sides["height"], 4: sides["width"]}},
            verbose=False,
        )
