"""The generated project: the model, an example main, a Makefile and start-up code for boards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

import numpy as np

from kinoloom.base.outputs import name_output_errors, replace
from kinoloom.base.outputs.temporary import temporary_folder
from kinoloom.tiny.arithmetic import hash32
from kinoloom.tiny.codegen.model import Sources
from kinoloom.tiny.ir.program import Array, Program

TEMPLATES = Path(__file__).parents[1] / "boards"


def build_project(program: Program, sources: Sources) -> dict[str, str]:
    """Return the text of each file by name; an inference program has no example main."""
    files = {"model.h": sources.header, "model.c": sources.source}
    if not program.label:
        return files
    values = {"name": program.name, "NAME": program.name.upper(), "label": _label(program)}
    count = program.tensors[program.output].size
    has_target = values["label"] == "zeros"
    values["zeros"] = f"static const float zeros[{count}];" if has_target else ""
    for path in sorted(TEMPLATES.iterdir()):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".in":
            files[path.stem] = Template(text).substitute(values)
        else:
            files[path.name] = text
    return files


def make_example_input(program: Program, step: int) -> Array:
    """Return the synthetic input of a step of the example main."""
    tensor = program.tensors[program.input]
    index = (step * tensor.size + np.arange(tensor.size, dtype=np.uint64)) & np.uint64(0xFFFFFFFF)
    values = (hash32(index) >> np.uint64(24)).astype(np.int64) - 128
    return values.astype(np.int8).reshape(tensor.shape)


def make_example_label(program: Program, step: int) -> int | Array:
    """Return the label of a step of the example main: classes in turn, or a target of zeros."""
    output = program.tensors[program.output]
    if program.tensors[program.label].dtype == "int32":
        return step % output.size
    return np.zeros(output.shape, np.float32)


def _label(program: Program) -> str:
    if program.tensors[program.label].dtype == "int32":
        return f"(int32_t)(step % {program.tensors[program.output].size})"
    return "zeros"


def write_project(files: Mapping[str, str], folder: Path) -> None:
    """Write text files into a folder: a new one appears with all of them, or not at all.

    Args:
        files: their contents by path in the folder.
        folder: created if missing; files of the same names are replaced, others are kept.

    Raises:
        OutputError: a file cannot be written.
    """
    is_new = not folder.exists()
    with name_output_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(folder if is_new else folder / "project") as temporary:
            project = temporary / "project"
            for name, text in files.items():
                (project / name).parent.mkdir(parents=True, exist_ok=True)
                (project / name).write_text(text, encoding="utf-8")
            if is_new:
                replace(project, folder)
                return
            for name in files:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                replace(project / name, folder / name)
