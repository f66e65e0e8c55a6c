"""Runs ONNX networks on the CPU or through CUDA, without torch.

providers     where a network runs, and opening it there
onnx_half     conversion to float16
external_data, initializers, operators    checks of a file before it is opened
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.machine import default_budget_bytes
from kinoloom.base.notes import Notes
from kinoloom.errors import BudgetError, MissingError, WeightsError, describe_cause
from kinoloom.runtime.external_data import check_external_data
from kinoloom.runtime.initializers import check_initializers
from kinoloom.runtime.onnx_half import convert_to_half
from kinoloom.runtime.operators import check_operators
from kinoloom.runtime.providers import Provider, open_session, runs_on_cuda

if TYPE_CHECKING:
    import onnxruntime

Precision = Literal["float32", "float16"]
Floats = NDArray[np.float32]
Shape = tuple[int | None, ...]
"""The sides of an array; None is any length."""

_HINT = "Install kinoloom again, or name another file with --weights."
_OUT_OF_MEMORY = ("Available memory of", "Failed to allocate memory", "out of memory")
"""In the messages of onnxruntime and CUDA."""


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
        file: an .onnx file with float32 inputs and outputs.
        memory_bytes: the most memory of its weights and tensors; None is half of what is available.
        provider: where it runs. Results of CUDA differ from those of the CPU in the last digits.
        precision: float16 needs less memory and is meant for GPUs; the CPU has no use for it.
            Inputs and outputs stay float32. If a result is NaN or infinite, the same inputs run
            again in float32; an overflow that does not reach the result is not noticed. A network
            that cannot be converted runs in float32.
        notes: receives a note on each of these two cases.
        keeps_pool: whether memory is kept for the next call. Without it, calls with different sizes
            need no more memory; with it, a small network is faster on pictures of one size.

    Raises:
        WeightsError: it cannot be read as an ONNX model, names external data outside its folder,
            contains weights that are NaN or infinite, or control flow.
        MissingError: the provider is "cuda", and CUDA does not work.
    """

    def __init__(
        self,
        file: Path,
        memory_bytes: int | None = None,
        provider: Provider = "cpu",
        precision: Precision = "float32",
        notes: Notes | None = None,
        *,
        keeps_pool: bool = False,
    ) -> None:
        check_external_data(file)
        check_initializers(file)
        check_operators(file)
        self.file = file
        self.notes = Notes() if notes is None else notes
        self._keeps_pool = keeps_pool
        self._place = provider, memory_bytes or default_budget_bytes()
        half = self._open_half() if precision == "float16" else None
        self._session = half or self._open(file)
        self._repeats = half is not None

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
        outputs = self._run(self._session, inputs)
        if self._repeats and not all(np.isfinite(each).all() for each in outputs):
            self.notes.add(
                "float32",
                f"The network {self.file} returns NaN or infinite values in float16; these parts "
                "are computed again in float32.",
            )
            outputs = self._run(self._full_session, inputs)
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

    @cached_property
    def _full_session(self) -> onnxruntime.InferenceSession:
        """The network in float32, opened when float16 fails for the first time."""
        return self._open(self.file)

    def _open(self, model: Path | bytes) -> onnxruntime.InferenceSession:
        try:
            return open_session(model, *self._place)
        except MissingError:
            raise
        except Exception as error:
            raise WeightsError(
                f"{self.file} cannot be read as an ONNX model: {describe_cause(error)}.", hint=_HINT
            ) from error

    def _open_half(self) -> onnxruntime.InferenceSession | None:
        """Open the network in float16; return None if it cannot be converted."""
        try:
            return self._open(convert_to_half(self.file.read_bytes()))
        except (ValueError, IndexError) as error:
            cause = error.__cause__ if isinstance(error, WeightsError) else error
            reason = describe_cause(cause or error)
            self.notes.add(
                "float32", f"The network {self.file} runs in float32, not in float16: {reason}."
            )
            return None

    def _run(
        self, session: onnxruntime.InferenceSession, inputs: Mapping[str, Floats]
    ) -> list[Floats]:
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.log_severity_level = 4
        if not self._keeps_pool:
            pools = "cpu:0;gpu:0" if runs_on_cuda(session) else "cpu:0"
            options.add_run_config_entry("memory.enable_memory_arena_shrinkage", pools)
        try:
            return [np.asarray(each) for each in session.run(None, dict(inputs), options)]
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
