"""The generated C on this machine: compiled with the C compiler, called from Python."""

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
from kinoloom.tiny.codegen.model import generate_sources, image_bytes
from kinoloom.tiny.ir.program import Array, Program
from kinoloom.tiny.planning.arena import Plan

WARNING_FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")


def find_compiler() -> str:
    """The C compiler: what CC names, or cc.

    Raises:
        MissingError: there is none.
    """
    name = os.environ.get("CC", "cc")
    if shutil.which(name) is None:
        raise MissingError(f"There is no C compiler '{name}'.", hint="Install gcc, or set CC.")
    return name


def compile_c(folder: Path, flags: Sequence[str], output: Path) -> None:
    """Compile `model.c` of a folder; warnings are errors.

    Raises:
        ExecutionError: it does not compile.
        MissingError: there is no compiler.
    """
    line = [find_compiler(), *WARNING_FLAGS, *flags, str(folder / "model.c"), "-o", str(output)]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise ExecutionError(f"The generated C does not compile: {done.stderr[:2000]}")


class HostProgram:
    """A program compiled for this machine; the same calls as `Simulator`."""

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
        """Set trained tensors to their first values."""
        self._call("init")(ctypes.c_uint32(seed))

    def forward(self, x: Array) -> Array:
        """The output for one int8 input."""
        found = self._call("forward")(_bytes(x))
        output = self.program.tensors[self.program.output]
        return np.ctypeslib.as_array(found, (output.size,)).copy().reshape(output.shape)

    def train_step(self, x: Array, label: Any, lr: float) -> float:
        """One step of training; returns the loss before it.

        Raises:
            UsageError: the code refuses the label or the learning rate.
        """
        loss = ctypes.c_float()
        if self.program.tensors[self.program.label].dtype == "int32":
            target: Any = ctypes.c_int32(label)
        else:
            target = np.ascontiguousarray(label, np.float32).ctypes.data_as(ctypes.c_void_p)
        code = self._call("train_step")(_bytes(x), target, ctypes.c_float(lr), ctypes.byref(loss))
        if code:
            raise UsageError(f"train_step refuses label {label}, rate {lr}: code {code}.")
        return loss.value

    def export(self) -> bytes:
        """The trained tensors as an image."""
        image = (ctypes.c_uint8 * image_bytes(self.program))()
        self._call("export")(image)
        return bytes(image)

    def load(self, image: bytes) -> None:
        """Take trained tensors from an image.

        Raises:
            UsageError: it is damaged or of another program.
        """
        if len(image) != image_bytes(self.program) or self._call("import")(image):
            raise UsageError("The image is damaged, or of another program; nothing was changed.")


def _bytes(x: Array) -> Any:
    return np.ascontiguousarray(x, np.int8).ctypes.data_as(ctypes.c_void_p)
