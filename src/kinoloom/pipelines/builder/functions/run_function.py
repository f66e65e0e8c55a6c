"""Runs the function of a `@step` and stores its result; uploaded together with the function.

Inputs: `call.pkl` next to this script, the caller's modules in `../modules` (if there are some),
the results of other steps in `results/<step>/`, and parameter values as arguments (text or JSON).
Outputs: `result/result.pkl`, returned files in `result/files/`, and `result/result.json` if JSON
can represent the value.

A pickle has persistent ids (see `pickle.Pickler.persistent_id`) in place of values that are known
only in the step: `("result", step, path)`, `("text", k)` and `("json", k)` for argument k, and
`("file", name)` for a returned file.

Apart from the standard library this script needs only cloudpickle.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

RESULT = "result.pkl"
IN_MODULES = "KINOLOOM_STEP_IN_MODULES"
"""The variable that makes the folder of modules the working directory."""


def main() -> None:
    """Run the call in call.pkl."""
    code = Path(__file__).parent
    modules = code.parent / "modules"
    sys.path[0] = str(modules)
    if os.environ.get(IN_MODULES) and modules.is_dir():
        os.chdir(modules)
    import cloudpickle

    base = Path(os.environ.get("KINOLOOM_ML_ROOT", "/opt/ml")) / "processing"
    words = sys.argv[1:]

    @cache
    def load(step: str) -> Any:
        return load_result(base / "results" / step)

    def resolve(kind: str, key: Any, *path: Any) -> Any:
        if kind == "result":
            value = load(key)
            for member in path:
                value = value[member]
            return value
        return words[key] if kind == "text" else json.loads(words[key])

    function, args, kwargs = unpickle((code / "call.pkl").read_bytes(), resolve)
    save_result(function(*args, **kwargs), base / "result", cloudpickle.Pickler)


def unpickle(content: bytes, resolve: Callable[..., Any]) -> Any:
    """Return the value of a pickle, with `resolve(*id)` in place of each persistent id."""

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, pid: Any) -> Any:
            return resolve(*pid)

    return Unpickler(io.BytesIO(content)).load()


def load_result(folder: Path, content: bytes | None = None) -> Any:
    """Return what a step's function returned, with paths to its files.

    Args:
        folder: The folder of the step's output.
        content: The content of its result.pkl, if it has already been read.
    """
    if content is None:
        content = (folder / RESULT).read_bytes()
    return unpickle(content, lambda kind, name: folder / "files" / name)


def save_result(value: Any, folder: Path, pickler: type[pickle.Pickler]) -> None:
    """Store what a function returned; the files of returned paths are copied."""
    files = folder / "files"
    count = 0

    class Pickler(pickler):  # type: ignore[valid-type,misc]  # a class that is passed as a value
        def persistent_id(self, item: Any) -> tuple[str, str] | None:
            nonlocal count
            if not isinstance(item, Path):
                return None
            files.mkdir(exist_ok=True)
            target = files / f"{count}-{item.name}"
            count += 1
            (shutil.copytree if item.is_dir() else shutil.copyfile)(item, target)
            return "file", target.name

    content = io.BytesIO()
    Pickler(content).dump(value)
    (folder / RESULT).write_bytes(content.getvalue())
    try:
        text = json.dumps({"Result": value}, allow_nan=False, default=_to_plain)
    except (TypeError, ValueError):  # JSON cannot represent the value; the pickle has it
        return
    (folder / "result.json").write_text(text)


def _to_plain(value: Any) -> Any:
    """Return a path as text, and a scalar of NumPy or PyTorch as a number."""
    if isinstance(value, Path):
        return str(value)
    if getattr(value, "ndim", None) == 0:
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON.")


if __name__ == "__main__":
    main()
