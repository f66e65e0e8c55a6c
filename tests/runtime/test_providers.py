"""The choice between the CPU and CUDA; the tests need no GPU."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from kinoloom.base import registry
from kinoloom.errors import MissingError, WeightsError
from kinoloom.runtime import checks, providers
from kinoloom.runtime.onnx import OnnxModel
from kinoloom.runtime.onnx_writer import Graph, Node, encode_model

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
without_cuda = pytest.mark.skipif(
    CUDA in onnxruntime.get_available_providers(), reason="this build of onnxruntime has CUDA"
)


@pytest.fixture
def doubling(tmp_path: Path) -> Path:
    graph = Graph([Node("Add", ("x", "x"), ("y",))], {}, {"x": ("n",)}, {"y": ("n",)})
    file = tmp_path / "net.onnx"
    file.write_bytes(encode_model(graph))
    return file


@pytest.fixture
def broken_cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """A build with CUDA whose libraries cannot be loaded: a session then runs on the CPU."""
    opened: list[Any] = []
    real = onnxruntime.InferenceSession

    def open_as_cuda_build(source: Any, options: Any, providers: list[Any]) -> Any:
        opened.append(providers)
        return real(source, options, providers=[CPU])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", open_as_cuda_build)
    providers.find_provider.cache_clear()
    yield opened
    providers.find_provider.cache_clear()


def run(model: OnnxModel) -> list[float]:
    (y,) = model({"x": np.float32([1, 2])})
    return [float(value) for value in y]


@pytest.mark.parametrize("provider", ["auto", "cpu"])
def test_networks_run_without_a_gpu(doubling: Path, provider: providers.Provider) -> None:
    assert run(OnnxModel(doubling, provider=provider)) == [2, 4]


@without_cuda
def test_cuda_is_refused_where_it_is_not_available(doubling: Path) -> None:
    with pytest.raises(MissingError, match=r"CUDA is not available: onnxruntime .* CPU") as caught:
        OnnxModel(doubling, provider="cuda")
    assert "pip install onnxruntime-gpu" in caught.value.hint


def test_auto_falls_back_to_the_cpu(doubling: Path, broken_cuda: list[Any]) -> None:
    model = OnnxModel(doubling, 1 << 24, provider="auto")
    assert run(model) == [2, 4]
    ((name, settings), last) = broken_cuda[0]
    assert (name, last) == (CUDA, CPU)
    assert settings["gpu_mem_limit"] == str(1 << 24)
    assert settings["use_tf32"] == "0"


def test_cuda_that_cannot_be_loaded_is_refused(doubling: Path, broken_cuda: list[Any]) -> None:
    with pytest.raises(MissingError, match="cannot load CUDA"):
        OnnxModel(doubling, provider="cuda")


def test_the_cpu_is_not_replaced_by_cuda(doubling: Path, broken_cuda: list[Any]) -> None:
    OnnxModel(doubling)
    OnnxModel(doubling, provider="cpu")
    assert broken_cuda == [[CPU], [CPU]]


def test_a_gpu_that_fails_is_left_to_others(
    doubling: Path, broken_cuda: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session on the GPU can fail to open, such as when its memory is full."""
    real = onnxruntime.InferenceSession

    def fail(source: Any, options: Any, providers: list[Any]) -> Any:
        if providers != [CPU]:
            raise RuntimeError("CUDA failure 2: out of memory")
        return real(source, options, providers=providers)

    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    assert run(OnnxModel(doubling, provider="auto")) == [2, 4]
    with pytest.raises(WeightsError, match="out of memory"):
        OnnxModel(doubling, provider="cuda")


def test_loading_cuda_prints_nothing(
    doubling: Path,
    broken_cuda: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Standard output may be a video."""
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: print("Failed to load libcudnn"))
    OnnxModel(doubling, provider="auto")
    assert capsys.readouterr().out == ""


@without_cuda
def test_doctor_shows_how_to_get_cuda() -> None:
    cpu, cuda = checks.checks()
    assert cpu.present
    assert cpu.detail == f"{onnxruntime.__version__}, on the CPU"
    assert not cuda.present
    assert cuda.remedy.endswith("pip install onnxruntime-gpu")


def test_doctor_does_not_trust_the_list_of_providers(broken_cuda: list[Any]) -> None:
    assert not checks.checks()[1].present


def test_doctor_has_the_check() -> None:
    assert registry.load("checks", "runtime") is checks.checks
