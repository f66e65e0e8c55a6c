"""The generated C code on this machine: compiled by the C compiler, called from Python."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.errors import ExecutionError, MissingError, UsageError
from kinoloom.tiny.codegen.model import generate_sources
from kinoloom.tiny.image import INVALID_IMAGE, image_bytes
from kinoloom.tiny.ir.program import Array, Program
from kinoloom.tiny.planning.arena import Plan

WARNING_FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")


def find_compiler() -> str:
    """Return the C compiler: the value of CC, or cc.

    Raises:
        MissingError: The compiler is not installed.
    """
    name = os.environ.get("CC", "cc")
    if shutil.which(name) is None:
        raise MissingError(f"C compiler not found: '{name}'.", hint="Install gcc, or set CC.")
    return name


def compile_c(folder: Path, flags: Sequence[str], output: Path) -> None:
    """Compile `model.c` of a folder, with warnings as errors.

    Raises:
        ExecutionError: The compiler reports an error.
        MissingError: The compiler is not installed.
    """
    line = [find_compiler(), *WARNING_FLAGS, *flags, str(folder / "model.c"), "-o", str(output)]
    result = subprocess.run(line, capture_output=True, text=True)
    if result.returncode:
        raise ExecutionError(f"The generated C does not compile: {result.stderr[:2000]}")


class HostProgram:
    """A program compiled for this machine, with the interface of `Simulator`.

    Args:
        program: the program.
        plan: its memory plan.
        folder: existing folder for the source files and the shared library.
        flags: additional compiler flags.
    """

    def __init__(
        self, program: Program, plan: Plan, folder: Path, flags: Sequence[str] = ("-O2",)
    ) -> None:
        sources = generate_sources(program, plan)
        (folder / "model.h").write_text(sources.header, encoding="utf-8")
        (folder / "model.c").write_text(sources.source, encoding="utf-8")
        library = folder / "model.so"
        compile_c(folder, ["-shared", "-fPIC", *flags], library)
        self.program = program
        self.library = ctypes.CDLL(str(library))
        self._call("forward").restype = ctypes.POINTER(ctypes.c_float)
        self.init(1)

    def _call(self, name: str) -> Any:
        return getattr(self.library, f"{self.program.name}_{name}")

    def init(self, seed: int) -> None:
        """Reset the trained tensors to their initial values."""
        self._call("init")(ctypes.c_uint32(seed))

    def forward(self, x: Array) -> Array:
        """Return the output for one int8 input."""
        pointer = self._call("forward")(_pointer(x))
        output = self.program.tensors[self.program.output]
        return np.ctypeslib.as_array(pointer, (output.size,)).copy().reshape(output.shape)

    def train_step(self, x: Array, label: Any, lr: float) -> float:
        """Take one training step and return the loss before it.

        Raises:
            UsageError: The label or the learning rate is invalid.
        """
        loss = ctypes.c_float()
        if self.program.tensors[self.program.label].dtype == "int32":
            target: Any = ctypes.c_int32(label)
        else:
            target = np.ascontiguousarray(label, np.float32).ctypes.data_as(ctypes.c_void_p)
        code = self._call("train_step")(_pointer(x), target, ctypes.c_float(lr), ctypes.byref(loss))
        if code:
            raise UsageError(
                f"Invalid label {label} or learning rate {lr}: train_step returned code {code}."
            )
        return loss.value

    def export(self) -> bytes:
        """Return the trained tensors, seed and step as an image; see `tiny.image`."""
        image = (ctypes.c_uint8 * image_bytes(self.program))()
        self._call("export")(image)
        return bytes(image)

    def load(self, image: bytes) -> None:
        """Load the trained tensors, seed and step from an image; see `tiny.image`.

        Raises:
            UsageError: The image is damaged or belongs to another program.
        """
        size = image_bytes(self.program, image[:4])
        if len(image) != size or self._call("import")(image):
            raise UsageError(INVALID_IMAGE)


def _pointer(x: Array) -> Any:
    return np.ascontiguousarray(x, np.int8).ctypes.data_as(ctypes.c_void_p)
