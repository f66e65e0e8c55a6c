"""Checks of `kinoloom doctor` for networks: onnxruntime, and where it runs them."""

from __future__ import annotations

import onnxruntime

from kinoloom.base.checks import Check
from kinoloom.runtime.providers import CUDA_REMEDY, find_provider


def checks() -> list[Check]:
    """Check onnxruntime, and CUDA by opening a network there."""
    cpu = Check("onnxruntime", True, f"{onnxruntime.__version__}, on the CPU", "networks")
    has_cuda = find_provider() == "cuda"
    detail = "works" if has_cuda else "not available to onnxruntime"
    remedy = "" if has_cuda else CUDA_REMEDY
    return [cpu, Check("cuda", has_cuda, detail, "networks on an NVIDIA GPU", remedy)]
