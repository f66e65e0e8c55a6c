"""Runs ONNX networks on the CPU, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import WeightsError
from kinoloom.runtime.external_data import check_external_data

Floats = NDArray[np.float32]


class OnnxModel:
    """A network read from an ONNX file.

    Args:
        file: an .onnx file.

    Raises:
        WeightsError: it cannot be read as an ONNX model, or names external data outside its folder.
    """

    def __init__(self, file: Path) -> None:
        import onnxruntime

        check_external_data(file)
        self.file = file
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False  # sizes change from call to call
        try:
            self._session = onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise WeightsError(
                f"{file} cannot be read as an ONNX model: {error}",
                hint="Install kinoloom again, or name another file with --weights.",
            ) from error

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(each.name for each in self._session.get_inputs())

    def __call__(self, inputs: Mapping[str, Floats]) -> list[Floats]:
        """Run the network; return the outputs in the order of the file."""
        return [np.asarray(out) for out in self._session.run(None, dict(inputs))]


@cache
def open_model(file: Path, inputs: tuple[str, ...]) -> OnnxModel:
    """Open the network of a file, once per process.

    Args:
        file: an .onnx file.
        inputs: the expected names of its inputs, in order.

    Raises:
        WeightsError: as `OnnxModel`, or the network has other inputs.
    """
    model = OnnxModel(file)
    if model.inputs != inputs:
        raise WeightsError(
            f"{file} is another network: its inputs are {', '.join(model.inputs)}; "
            f"expected {', '.join(inputs)}.",
            hint="Name the file that belongs to the engine with --weights.",
        )
    return model
