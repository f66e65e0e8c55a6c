"""The value that a step's function returned, for `LocalExecution.result`.

The value is a pickle, so reading it can run code: that of the function, which the caller wrote or
trusts. The pickle must be the one that the step itself stored, whatever other steps wrote to its
address since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinoloom.errors import ExecutionError
from kinoloom.pipelines.builder.functions import run_function
from kinoloom.pipelines.local.storage.store import Store


def read_value(store: Store, row: Mapping[str, Any], folder: Path) -> Any:
    """Return the value that a step's function returned, with paths to its files.

    Args:
        store: The contents.
        row: The step's row in the state.
        folder: The folder of its output.

    Raises:
        ExecutionError: The stored value is missing or was changed.
    """
    entries = store.tree(row["outputs"]["result"]) or ()
    digests = {entry.path: entry.digest for entry in entries}
    file = folder / run_function.RESULT
    content = file.read_bytes() if file.is_file() else b""
    if hashlib.sha256(content).hexdigest() != digests.get(run_function.RESULT):
        raise ExecutionError(
            f"The result of step '{row['name']}' is missing or was changed since it was stored.",
            hint="Start the pipeline again.",
        )
    return run_function.load_result(folder, content)
