"""Runs one function of a `@step` and keeps what it returns.

Inputs: `call.pkl` beside this script, the results of other steps in `results/<step>/`, and the
values of parameters as arguments, text or JSON. Output: `result/result.pkl`, files that were
returned as paths in `result/files/`, and `result/result.json` where JSON can hold the value.
Only cloudpickle is needed beside the standard library. This is the step's own process; nothing is
unpickled anywhere else.
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
    """Do what call.pkl says."""
    import cloudpickle

    base = Path(os.environ.get("KINOLOOM_ML_ROOT", "/opt/ml")) / "processing"
    with (Path(__file__).parent / "call.pkl").open("rb") as file:
        function, args, kwargs = pickle.load(file)  # noqa: S301  see the head
    words = sys.argv[1:]

    def real(value: Any) -> Any:
        kind, key = value[MARK]
        if kind == "result":
            return result_in(base / "results" / key)
        return words[key] if kind == "text" else json.loads(words[key])

    made = function(*mapped(args, real), **mapped(kwargs, real))
    keep(made, base / "result", cloudpickle.dumps)


def mapped(value: Any, real: Callable[[Any], Any]) -> Any:
    """The same with what `real` gives in place of every marked member."""
    if isinstance(value, dict):
        if set(value) == {MARK}:
            return real(value)
        return {key: mapped(item, real) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(mapped(item, real) for item in value)
    return value


def result_in(folder: Path) -> Any:
    """What another step returned; its files are where they lie now."""
    with (folder / "result.pkl").open("rb") as file:
        value = pickle.load(file)  # noqa: S301  see the head
    return mapped(value, lambda marked: folder / "files" / marked[MARK][1])


def keep(value: Any, folder: Path, dump: Callable[[Any], bytes]) -> None:
    """Keep what a function returned; paths are copied."""
    files = folder / "files"
    count = 0

    def stored(item: Any) -> Any:
        nonlocal count
        if isinstance(item, Path):
            files.mkdir(exist_ok=True)
            target = files / f"{count}-{item.name}"
            count += 1
            (shutil.copytree if item.is_dir() else shutil.copyfile)(item, target)
            return {MARK: ("file", target.name)}
        if isinstance(item, dict):
            return {key: stored(one) for key, one in item.items()}
        if isinstance(item, list | tuple):
            return type(item)(stored(one) for one in item)
        return item

    kept = stored(value)
    (folder / "result.pkl").write_bytes(dump(kept))
    try:
        text = json.dumps({"Result": kept}, allow_nan=False)
    except (TypeError, ValueError):  # not for JSON; the pickle has it
        return
    (folder / "result.json").write_text(text)


if __name__ == "__main__":
    main()
