"""The folder that a user gets: the model, an example main, a Makefile, start-up for boards."""

from __future__ import annotations

from pathlib import Path
from string import Template

from kinoloom.tiny.ir import Program

TEMPLATES = Path(__file__).parents[1] / "boards"


def project_files(program: Program, header: str, source: str) -> dict[str, str]:
    """Names and texts of all files of the project."""
    words = {"name": program.name, "NAME": program.name.upper()}
    files = {"model.h": header, "model.c": source}
    for path in sorted(TEMPLATES.iterdir()):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".in":
            files[path.stem] = Template(text).substitute(words)
        else:
            files[path.name] = text
    return files
