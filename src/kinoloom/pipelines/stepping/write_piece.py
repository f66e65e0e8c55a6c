"""Makes one piece of what an op gives: the program of the steps that `mapped` makes.

Input: one argument, a JSON object with op, inputs (names of files), read and options (by name),
files (the names of options that are files, with the names of the files) and piece. The files lie in
`input/<number>/` and `option/<name>/`. Output: the folder `piece`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from kinoloom.base import registry
from kinoloom.base.files import files_of
from kinoloom.base.op import Op
from kinoloom.base.options import build


def main() -> None:
    """Do what the argument says."""
    told = json.loads(sys.argv[1])
    base = Path(os.environ["KINOLOOM_ML_ROOT"]) / "processing"
    op: Op = registry.load("ops", told["op"])
    source = files_of(op.takes)
    inputs = [base / "input" / str(k) / name for k, name in enumerate(told["inputs"])]
    files = {key: base / "option" / key / name for key, name in told["files"].items()}
    noun = source.read(inputs, build(source.read_options, told["read"]))
    made = op(noun, build(op.options, {**told["options"], **files}))
    target: object = files_of(op.gives)
    target.write_piece(made, told["piece"], base / "piece")  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
