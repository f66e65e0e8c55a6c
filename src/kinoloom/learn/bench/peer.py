"""External contestants: an object defined in a user-supplied Python file."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TypeVar

from kinoloom.errors import UsageError

T = TypeVar("T")


def load_peer(file: Path, name: str, kind: type[T]) -> T:
    """Execute a Python file and return one of the objects it defines.

    Args:
        file: trusted Python code.
        name: of the object, such as "ENGINE".
        kind: expected class of the object.

    Raises:
        UsageError: the file does not exist, is not a Python file, or defines no such object.
    """
    if not file.is_file():
        raise UsageError(f"The file {file} does not exist.")
    spec = spec_from_file_location("kinoloom_peer", file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} is not a Python file.")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if not isinstance(found, kind):
        raise UsageError(
            f"{file} does not define {name} as {kind.__module__}.{kind.__qualname__}.",
            hint="See benchmarks/rife_hdv3.py.",
        )
    return found
