"""Runs networks that are stored as ONNX, on the CPU, without torch."""

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
    """A network from a file.

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
        """The outputs, in the order in which the file declares them."""
        return [np.asarray(out) for out in self._session.run(None, dict(inputs))]


@cache
def open_model(file: Path, inputs: tuple[str, ...]) -> OnnxModel:
    """The network of a file, read once a process.

    Args:
        file: an .onnx file.
        inputs: their names, in order.

    Raises:
        WeightsError: as `OnnxModel`, or it is a network with other inputs.
    """
    model = OnnxModel(file)
    if model.inputs != inputs:
        raise WeightsError(
            f"{file} is another network: it takes {', '.join(model.inputs)}, "
            f"not {', '.join(inputs)}.",
            hint="Name the file that belongs to the engine with --weights.",
        )
    return model
