"""The functions of an inference script, with defaults for those that it does not define.

`model_fn(dir)`, then for each request either `transform_fn(model, body, type, accept)` or
`input_fn(body, type)`, `predict_fn(data, model)` and `output_fn(result, accept)`.

Source: aws/sagemaker-inference-toolkit, README; the defaults read and write CSV and JSON as its
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

_MODEL_FILES = ("xgboost-model", "model.joblib", "model.pkl", "model.pickle")
_TEXT_TYPES = ("text/", "application/json", "application/jsonlines")

Handler = Callable[[bytes, str, str], bytes]
"""Handles one request: (body, its media type, the accepted media type) -> body."""

Responder = Callable[[bytes, str, str], tuple[bytes, str]]
"""Handles one request like a `Handler`, and returns the body and its media type."""


def load_handler(model: Path) -> Handler:
    """Load the script and a model and return the handler of requests; see `load_responder`."""
    respond = load_responder(model)
    return lambda body, media_type, accept: respond(body, media_type, accept)[0]


def load_responder(folder: Path) -> Responder:
    """Load the script and a model and return what answers requests.

    Args:
        folder: The unpacked model.

    Raises:
        ValueError: The script does not exist, or the model cannot be loaded without a script.
    """
    script = _load_script()
    model = _get_function(script, "model_fn", _load)(str(folder))
    transform = getattr(script, "transform_fn", None)
    read = _get_function(script, "input_fn", _read)
    predict = _get_function(script, "predict_fn", _predict)
    write = _get_function(script, "output_fn", _write)

    def respond(body: bytes, media_type: str, accept: str) -> tuple[bytes, str]:
        content = body.decode() if media_type.startswith(_TEXT_TYPES) else body
        if transform is not None:
            result = transform(model, content, media_type, accept)
        else:
            result = write(predict(read(content, media_type), model), accept)
        returned, kind = result if isinstance(result, tuple) else (result, accept)
        return returned.encode() if isinstance(returned, str) else bytes(returned), kind

    return respond


def _load_script() -> ModuleType | None:
    program = os.environ.get("SAGEMAKER_PROGRAM")
    if not program:
        return None
    folder = Path(os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", ""))
    if not (folder / program).is_file():
        raise ValueError(f"Inference script {program} does not exist in the model's code.")
    sys.path.insert(0, str((folder / program).parent))
    return importlib.import_module(Path(program).stem)


def _get_function(script: ModuleType | None, name: str, default: Callable[..., Any]) -> Any:
    return getattr(script, name, default)


def _load(folder: str) -> Any:
    """Default model_fn: load the file whose name says how it was saved."""
    for name in _MODEL_FILES:
        file = Path(folder, name)
        if file.is_file() and name == "model.joblib":
            return importlib.import_module("joblib").load(file)
        if file.is_file():
            with file.open("rb") as content:
                return pickle.load(content)  # noqa: S301  the model's own process
    raise ValueError(
        f"The model has neither an inference script (entry_point) nor one of "
        f"{', '.join(_MODEL_FILES)}."
    )


def _read(content: str | bytes, media_type: str) -> Any:
    """Default input_fn: read rows of numbers; content without a media type is CSV."""
    numpy = importlib.import_module("numpy")
    kind = media_type.partition(";")[0].strip()
    if kind in ("text/csv", ""):
        text = content.decode() if isinstance(content, bytes) else content
        return numpy.loadtxt(io.StringIO(text), delimiter=",", ndmin=2)
    if kind == "application/json":
        return numpy.asarray(json.loads(content))
    if kind == "application/x-npy" and isinstance(content, bytes):
        return numpy.load(io.BytesIO(content), allow_pickle=False)
    raise ValueError(f"Without an input_fn, {media_type} is not supported.")


def _predict(data: Any, model: Any) -> Any:
    """Default predict_fn: call the model's predict()."""
    if type(model).__name__ == "Booster" and type(model).__module__.startswith("xgboost"):
        return model.predict(importlib.import_module("xgboost").DMatrix(data))
    return model.predict(data)


def _write(result: Any, accept: str) -> bytes:
    """Default output_fn: write rows of CSV, or JSON."""
    values = result.tolist() if hasattr(result, "tolist") else result
    if accept.partition(";")[0].strip() == "application/json":
        return json.dumps(values).encode()
    rows = [row if isinstance(row, list) else [row] for row in values]
    return "\n".join(",".join(str(cell) for cell in row) for row in rows).encode()
