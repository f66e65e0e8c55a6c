"""Runs ONNX networks on the CPU, without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.machine import cores, default_budget_bytes
from kinoloom.errors import BudgetError, WeightsError, describe_cause
from kinoloom.runtime.external_data import check_external_data
from kinoloom.runtime.initializers import check_initializers
from kinoloom.runtime.operators import check_operators

Floats = NDArray[np.float32]
Shape = tuple[int | None, ...]
"""The sides of an array; None is any length."""

_HINT = "Install kinoloom again, or name another file with --weights."
_MOST_FOLDED_BYTES = 64 << 20
"""The most memory of a constant that is computed when a file is opened."""
_OUT_OF_MEMORY = ("Available memory of", "Failed to allocate memory")
"""In the messages of onnxruntime."""
_BY_REQUEST = 1
"""The memory pool grows by what is requested, not by powers of two."""


@dataclass(frozen=True)
class Contract:
    """The inputs and outputs that an engine expects of a network.

    Attributes:
        inputs: name and shape of each input, in order.
        outputs: the shape of each output, in order.
    """

    inputs: tuple[tuple[str, Shape], ...]
    outputs: tuple[Shape, ...]


class OnnxModel:
    """A network read from an ONNX file.

    Args:
        file: an .onnx file.
        memory_bytes: the most memory of its weights and tensors; None is half of what is available.

    Raises:
        WeightsError: it cannot be read as an ONNX model, names external data outside its folder,
            contains weights that are NaN or infinite, or control flow.
    """

    def __init__(self, file: Path, memory_bytes: int | None = None) -> None:
        import onnxruntime

        check_external_data(file)
        check_initializers(file)
        check_operators(file)
        _limit_memory(memory_bytes or default_budget_bytes())
        self.file = file
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # errors are raised; they need not be printed too
        options.intra_op_num_threads = cores()
        options.inter_op_num_threads = 1
        # Spinning threads burn a core while the caller decodes, samples or encodes.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.use_env_allocators", "1")
        options.add_session_config_entry(
            "optimization.constant_folding_max_output_size_in_bytes", str(_MOST_FOLDED_BYTES)
        )
        self._run_options = onnxruntime.RunOptions()
        self._run_options.log_severity_level = 4
        # Sizes change from call to call: the pool is emptied after each.
        self._run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        try:
            self._session = onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise WeightsError(
                f"{file} cannot be read as an ONNX model: {describe_cause(error)}.", hint=_HINT
            ) from error

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(each.name for each in self._session.get_inputs())

    @property
    def properties(self) -> dict[str, str]:
        """What the file says about the network, by name."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def check(self, contract: Contract) -> None:
        """Check that the file declares the inputs and outputs of a contract.

        Raises:
            WeightsError: names, types or shapes differ.
        """
        expected = tuple(name for name, _ in contract.inputs)
        if self.inputs != expected:
            raise WeightsError(
                f"{self.file} is another network: its inputs are {', '.join(self.inputs)}; "
                f"expected {', '.join(expected)}.",
                hint="Name the file that belongs to the engine with --weights.",
            )
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(outputs) != len(contract.outputs):
            raise WeightsError(
                f"{self.file} is another network: it has {len(outputs)} outputs; expected "
                f"{len(contract.outputs)}.",
                hint="Name the file that belongs to the engine with --weights.",
            )
        shapes = (*(shape for _, shape in contract.inputs), *contract.outputs)
        for value, shape in zip((*inputs, *outputs), shapes, strict=True):
            declared = _declared_shape(value.shape)
            if value.type != "tensor(float)" or not (declared == () or _agree(declared, shape)):
                raise WeightsError(
                    f"{self.file} is another network: '{value.name}' is {value.type} of shape "
                    f"{_format(declared)}; expected tensor(float) of shape {_format(shape)}.",
                    hint="Name the file that belongs to the engine with --weights.",
                )

    def __call__(
        self, inputs: Mapping[str, Floats], shapes: Sequence[tuple[int, ...]] | None = None
    ) -> list[Floats]:
        """Run the network; return the outputs in the order of the file.

        Args:
            inputs: by name.
            shapes: the expected shape of each output; None accepts any.

        Raises:
            WeightsError: the network fails, or an output has another shape or type, or contains
                NaN or infinite values.
            BudgetError: it needs more memory than is available.
        """
        try:
            results = self._session.run(None, dict(inputs), self._run_options)
            outputs = [np.asarray(each) for each in results]
        except Exception as error:
            if any(phrase in str(error) for phrase in _OUT_OF_MEMORY):
                raise BudgetError(
                    f"The network {self.file} needs more memory than is available.",
                    hint="Reduce --memory or the size of the pictures, or name another network.",
                ) from error
            shapes_given = ", ".join(_format(each.shape) for each in inputs.values())
            raise WeightsError(
                f"The network {self.file} failed on inputs of shape {shapes_given}: "
                f"{describe_cause(error)}.",
                hint=_HINT,
            ) from error
        found = [each.shape for each in outputs]
        if shapes is not None and found != list(shapes):
            raise WeightsError(
                f"{self.file} is another network: its outputs have the shapes "
                f"{', '.join(map(_format, found))}; expected {', '.join(map(_format, shapes))}.",
                hint=_HINT,
            )
        if not all(each.dtype == np.float32 and np.isfinite(each).all() for each in outputs):
            raise WeightsError(
                f"The network {self.file} returned values that are NaN or infinite.", hint=_HINT
            )
        return outputs


def _limit_memory(memory_bytes: int) -> None:
    """Create the memory pool of the next network: a small file can request any size."""
    import onnxruntime

    pool = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    limits = {"max_mem": memory_bytes, "arena_extend_strategy": _BY_REQUEST}
    onnxruntime.create_and_register_allocator(pool, onnxruntime.OrtArenaCfg(limits))


def open_model(file: Path, contract: Contract, memory_bytes: int | None = None) -> OnnxModel:
    """Open the network of a file, once per process.

    Args:
        file: an .onnx file.
        contract: the inputs and outputs that it must have.
        memory_bytes: see `OnnxModel`; up to a quarter more is allowed, so that budgets that differ
            by little share a network.

    Raises:
        WeightsError: as `OnnxModel`, or the network has other inputs or outputs.
    """
    unit = 1 << max((memory_bytes or 0).bit_length() - 3, 0)
    return _open_cached(file, contract, memory_bytes and -(-memory_bytes // unit) * unit)


@cache
def _open_cached(file: Path, contract: Contract, memory_bytes: int | None) -> OnnxModel:
    model = OnnxModel(file, memory_bytes)
    model.check(contract)
    return model


def _declared_shape(shape: Sequence[object]) -> Shape:
    """Return a declared shape; lengths that are named or unknown become None."""
    return tuple(side if isinstance(side, int) else None for side in shape)


def _agree(declared: Shape, expected: Shape) -> bool:
    return len(declared) == len(expected) and all(
        None in (one, other) or one == other for one, other in zip(declared, expected, strict=True)
    )


def _format(shape: Shape) -> str:
    return "x".join("?" if side is None else str(side) for side in shape)
