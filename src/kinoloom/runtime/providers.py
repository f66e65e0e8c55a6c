"""Where networks run: on the CPU, or on an NVIDIA GPU through CUDA.

CUDA needs the package onnxruntime-gpu instead of onnxruntime. Its libraries are loaded from the
packages of NVIDIA or PyTorch, if these are installed, or from the system.

On CUDA, results differ from those of the CPU in the last digits. TF32, which would round
more, is off. The method of a convolution is chosen without measuring, because measuring repeats for
every new size of the pictures.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kinoloom.base.machine import cores
from kinoloom.errors import MissingError
from kinoloom.runtime.onnx_writer import Graph, Node, encode_model

if TYPE_CHECKING:
    import onnxruntime

Provider = Literal["auto", "cpu", "cuda"]
"""`auto` is CUDA where it works, else the CPU."""

CUDA_REMEDY = "pip uninstall -y onnxruntime && pip install onnxruntime-gpu"
_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_MOST_FOLDED_BYTES = 64 << 20
"""The most memory of a constant that is computed when a file is opened."""
_BY_REQUEST = 1
"""The memory pool grows by what is requested, not by powers of two."""


def open_session(
    model: Path | bytes, provider: Provider, memory_bytes: int
) -> onnxruntime.InferenceSession:
    """Open a network.

    Args:
        model: an .onnx file, or the content of one.
        provider: where it runs.
        memory_bytes: the most memory of its weights and tensors, on the GPU if it runs there.

    Raises:
        MissingError: the provider is "cuda", and CUDA does not work.
        Exception: onnxruntime rejects the network, with a class of its own.
    """
    import onnxruntime

    source = model if isinstance(model, bytes) else str(model)
    _limit_memory(memory_bytes)
    if not _choose_cuda(provider):
        return onnxruntime.InferenceSession(source, _options(), providers=[_CPU])
    _load_cuda_libraries()
    limits = {"gpu_mem_limit": str(memory_bytes), "arena_extend_strategy": "kSameAsRequested"}
    settings = limits | {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}
    providers: Sequence[str | tuple[str, dict[Any, Any]]] = [(_CUDA, settings), _CPU]
    try:
        session = onnxruntime.InferenceSession(source, _options(), providers=providers)
    except Exception:
        if provider == "cuda":
            raise
        return onnxruntime.InferenceSession(source, _options(), providers=[_CPU])
    if provider == "cuda" and not runs_on_cuda(session):
        raise MissingError(
            "onnxruntime cannot load CUDA: its libraries or the driver of the GPU are missing.",
            hint="Install them with: pip install 'onnxruntime-gpu[cuda,cudnn]'",
        )
    return session


def runs_on_cuda(session: onnxruntime.InferenceSession) -> bool:
    """Whether CUDA runs a network."""
    return _CUDA in session.get_providers()


@cache
def find_provider() -> Literal["cpu", "cuda"]:
    """Return what "auto" means on this machine, by opening a network of one node."""
    shape = {"x": (1,)}, {"y": (1,)}
    model = encode_model(Graph([Node("Identity", ("x",), ("y",))], {}, *shape))
    return "cuda" if runs_on_cuda(open_session(model, "auto", 1 << 20)) else "cpu"


def _choose_cuda(provider: Provider) -> bool:
    """Whether to try CUDA.

    Raises:
        MissingError: CUDA is requested, but this build of onnxruntime does not have it.
    """
    import onnxruntime

    if provider == "cpu":
        return False
    available = onnxruntime.get_available_providers()
    if provider == "cuda" and _CUDA not in available:
        names = ", ".join(name.removesuffix("ExecutionProvider") for name in available)
        raise MissingError(
            f"CUDA is not available: onnxruntime {onnxruntime.__version__} has {names}.",
            hint=f"Install it with: {CUDA_REMEDY}",
        )
    return _CUDA in available


def _load_cuda_libraries() -> None:
    """Load CUDA from installed packages; onnxruntime itself searches the system only."""
    import onnxruntime

    load = getattr(onnxruntime, "preload_dlls", None)  # since 1.21
    if load is not None:
        with redirect_stdout(io.StringIO()):  # it prints what is missing; outputs go there too
            load()


def _options() -> onnxruntime.SessionOptions:
    import onnxruntime

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
    return options


def _limit_memory(memory_bytes: int) -> None:
    """Create the memory pool of the next network: a small file can request any size."""
    import onnxruntime

    pool = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    limits = {"max_mem": memory_bytes, "arena_extend_strategy": _BY_REQUEST}
    onnxruntime.create_and_register_allocator(pool, onnxruntime.OrtArenaCfg(limits))
