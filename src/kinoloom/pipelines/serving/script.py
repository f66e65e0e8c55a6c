"""The functions of an inference script, with stand-ins for those that it does not define.

`model_fn(dir)`, then for each request either `transform_fn(model, body, type, accept)` or
`input_fn(body, type)`, `predict_fn(data, model)` and `output_fn(result, accept)`. Source:
aws/sagemaker-inference-toolkit, README; the stand-ins read and write CSV and JSON as its
default_inference_handler does.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

_SAVED = ("xgboost-model", "model.joblib", "model.pkl", "model.pickle")
_TEXT = ("text/", "application/json", "application/jsonlines")

Answer = Callable[[bytes, str, str], bytes]
"""Answers one request: (body, its media type, the one that is wanted) -> body."""


def answerer(ml: Path) -> Answer:
    """Load the script and the model; what answers requests.

    Args:
        ml: the folder that stands for /opt/ml.

    Raises:
        ValueError: there is no script that is named, nor a model that can be loaded without one.
    """
    script = _script()
    model = _function(script, "model_fn", _load)(str(ml / "model"))
    whole = getattr(script, "transform_fn", None)
    read = _function(script, "input_fn", _read)
    predict = _function(script, "predict_fn", _predict)
    write = _function(script, "output_fn", _write)

    def answer(body: bytes, media_type: str, accept: str) -> bytes:
        content = body.decode() if media_type.startswith(_TEXT) else body
        if whole is not None:
            return _bytes(whole(model, content, media_type, accept))
        return _bytes(write(predict(read(content, media_type), model), accept))

    return answer


def _script() -> ModuleType | None:
    program = os.environ.get("SAGEMAKER_PROGRAM")
    if not program:
        return None
    folder = Path(os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", ""))
    if not (folder / program).is_file():
        raise ValueError(f"There is no inference script {program} in the model's code.")
    sys.path.insert(0, str((folder / program).parent))
    return importlib.import_module(Path(program).stem)


def _function(script: ModuleType | None, name: str, usual: Callable[..., Any]) -> Any:
    return getattr(script, name, usual)


def _load(folder: str) -> Any:
    """Stand-in for model_fn: the one file of a name that says how it was written."""
    for name in _SAVED:
        file = Path(folder, name)
        if file.is_file() and name == "model.joblib":
            return importlib.import_module("joblib").load(file)
        if file.is_file():
            with file.open("rb") as content:
                return pickle.load(content)  # noqa: S301  the model's own process
    raise ValueError(
        f"The model has no inference script (entry_point), and none of {', '.join(_SAVED)}."
    )


def _read(content: str | bytes, media_type: str) -> Any:
    """Stand-in for input_fn: rows of numbers."""
    numpy = importlib.import_module("numpy")
    kind = media_type.partition(";")[0].strip()
    if kind == "text/csv":
        return numpy.loadtxt(io.StringIO(str(content)), delimiter=",", ndmin=2)
    if kind == "application/json":
        return numpy.asarray(json.loads(content))
    if kind == "application/x-npy" and isinstance(content, bytes):
        return numpy.load(io.BytesIO(content), allow_pickle=False)
    raise ValueError(f"Without an input_fn, {media_type or 'data of no media type'} is not read.")


def _predict(data: Any, model: Any) -> Any:
    """Stand-in for predict_fn."""
    if type(model).__name__ == "Booster" and type(model).__module__.startswith("xgboost"):
        return model.predict(importlib.import_module("xgboost").DMatrix(data))
    return model.predict(data)


def _write(result: Any, accept: str) -> bytes:
    """Stand-in for output_fn: rows of CSV, or JSON."""
    values = result.tolist() if hasattr(result, "tolist") else result
    if accept.partition(";")[0].strip() == "application/json":
        return json.dumps(values).encode()
    rows = [row if isinstance(row, list) else [row] for row in values]
    return "\n".join(",".join(str(cell) for cell in row) for row in rows).encode()


def _bytes(answer: Any) -> bytes:
    """An answer as bytes; a pair is the answer and its media type."""
    if isinstance(answer, tuple):
        answer = answer[0]
    if isinstance(answer, str):
        return answer.encode()
    return bytes(answer)
