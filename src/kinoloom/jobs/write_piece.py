"""Writes one piece of an op's output: the program of the steps that `jobs.distributed` creates.

Input: one argument, a JSON object with op, inputs (file names), read and options (by name), files
(file names of options that are files), piece, and writing (bytes for the encoder) if the memory is
limited. The files are in `input/<number>/` and `option/<name>/`. Output: the folder `piece`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from kinoloom.base import registry
from kinoloom.base.budget import Budget
from kinoloom.base.files import files_of, read_input
from kinoloom.base.op import Op
from kinoloom.base.options import build


def main() -> None:
    """Write the piece that the argument describes."""
    request = json.loads(sys.argv[1])
    root = Path(os.environ["KINOLOOM_ML_ROOT"]) / "processing"
    op: Op = registry.load("ops", request["op"])
    inputs = [root / "input" / str(k) / name for k, name in enumerate(request["inputs"])]
    files = {option: root / "option" / option / name for option, name in request["files"].items()}
    options = build(op.options, {**request["options"], **files})
    writing = request.get("writing")
    budget = Budget(
        getattr(options, "memory", None), None if writing is None else lambda *size: int(writing)
    )
    source = read_input(op, inputs, request["read"], budget)
    result = op(source, options)
    writer: object = files_of(op.output_type)
    writer.write_piece(result, request["piece"], root / "piece")  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
