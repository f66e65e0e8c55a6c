"""Engines from outside, to compare with."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from kinoloom.errors import UsageError
from kinoloom.film.engine import Engine


def load_peer(file: Path) -> Engine:
    """The engine that a Python file defines as ENGINE.

    Raises:
        UsageError: there is no such file, or no ENGINE in it.
    """
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    spec = spec_from_file_location("kinoloom_peer", file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} is not a Python file.")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    engine = getattr(module, "ENGINE", None)
    if not isinstance(engine, Engine):
        raise UsageError(f"{file} defines no ENGINE.", hint="See benchmarks/rife_hdv3.py.")
    return engine
