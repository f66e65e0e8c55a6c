"""Runs the function of a `@step` and stores its result; uploaded together with the function.

Inputs: `call.pkl` next to this script, the results of other steps in `results/<step>/`, and
parameter values as arguments (text or JSON). Outputs: `result/result.pkl`, returned files in
`result/files/`, and `result/result.json` if JSON can represent the value.

Apart from the standard library it needs only cloudpickle. Pickles are read in this process only,
which is the step's own.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MARK = "kinoloom.step"


def main() -> None:
    """Run the call in call.pkl."""
    import cloudpickle

    base = Path(os.environ.get("KINOLOOM_ML_ROOT", "/opt/ml")) / "processing"
    with (Path(__file__).parent / "call.pkl").open("rb") as file:
        function, args, kwargs = pickle.load(file)  # noqa: S301  see the module docstring
    words = sys.argv[1:]

    def resolve(mark: Any) -> Any:
        kind, key = mark[MARK]
        if kind == "result":
            return load_result(base / "results" / key)
        return words[key] if kind == "text" else json.loads(words[key])

    result = function(*replace_marks(args, resolve), **replace_marks(kwargs, resolve))
    save_result(result, base / "result", cloudpickle.dumps)


def replace_marks(value: Any, resolve: Callable[[Any], Any]) -> Any:
    """Return a value with `resolve(mark)` in place of every mark in it."""
    if isinstance(value, dict):
        if set(value) == {MARK}:
            return resolve(value)
        return {key: replace_marks(item, resolve) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(replace_marks(item, resolve) for item in value)
    return value


def load_result(folder: Path) -> Any:
    """Return what another step returned, with paths to its files in this step."""
    with (folder / "result.pkl").open("rb") as file:
        value = pickle.load(file)  # noqa: S301  see the module docstring
    return replace_marks(value, lambda mark: folder / "files" / mark[MARK][1])


def save_result(value: Any, folder: Path, dump: Callable[[Any], bytes]) -> None:
    """Store what a function returned; the files of returned paths are copied."""
    files = folder / "files"
    count = 0

    def mark_files(item: Any) -> Any:
        nonlocal count
        if isinstance(item, Path):
            files.mkdir(exist_ok=True)
            target = files / f"{count}-{item.name}"
            count += 1
            (shutil.copytree if item.is_dir() else shutil.copyfile)(item, target)
            return {MARK: ("file", target.name)}
        if isinstance(item, dict):
            return {key: mark_files(one) for key, one in item.items()}
        if isinstance(item, list | tuple):
            return type(item)(mark_files(one) for one in item)
        return item

    marked = mark_files(value)
    (folder / "result.pkl").write_bytes(dump(marked))
    try:
        text = json.dumps({"Result": marked}, allow_nan=False)
    except (TypeError, ValueError):  # JSON cannot represent the value; the pickle has it
        return
    (folder / "result.json").write_text(text)


if __name__ == "__main__":
    main()
