"""Applies a model to the files of a transform job.

Inputs: `transform/config.json` and `transform/input/` below the folder that stands for /opt/ml.
Output: `transform/output/<file>.out` for each file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kinoloom.pipelines.serving import filters
from kinoloom.pipelines.serving.records import body, records, requests
from kinoloom.pipelines.serving.script import Answer, answerer


def main() -> None:
    """Do the job of this process's environment."""
    ml = Path(os.environ.get("KINOLOOM_ML_ROOT", "/opt/ml"))
    config = json.loads((ml / "transform" / "config.json").read_text())
    answer = answerer(ml)
    source, target = ml / "transform" / "input", ml / "transform" / "output"
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        result = target / f"{file.relative_to(source)}.out"
        result.parent.mkdir(parents=True, exist_ok=True)
        with result.open("wb") as output:
            for part in transformed(file, config, answer):
                output.write(part)
        sys.stdout.write(f"transformed {file.name}\n")


def transformed(file: Path, config: Mapping[str, Any], answer: Answer) -> Iterator[bytes]:
    """The pieces of a file's result.

    Args:
        file: to apply the model to.
        config: content_type, accept, split, strategy, most_bytes, assemble, compression,
            input_filter, output_filter, join.
        answer: answers one request.

    Raises:
        ValueError: the records do not fit the request, or the answers the records.
    """
    split, strategy = config["split"], config["strategy"]
    given, wanted = config["content_type"], config["accept"] or config["content_type"]
    parts = records(file, split, config["compression"])
    filtered = {"input_filter": "$", "output_filter": "$", "join": "None"}
    plain = all(config[name] == value for name, value in filtered.items())
    end = b"\n" if config["assemble"] == "Line" else b""
    for batch in requests(parts, split, strategy, config["most_bytes"]):
        if plain:
            made = answer(body(batch, split), given, wanted)
            yield made.rstrip(b"\n") + end if end else made
        else:
            yield from (line + end for line in _processed(batch, config, answer))


def _processed(batch: list[bytes], config: Mapping[str, Any], answer: Answer) -> Iterator[bytes]:
    """Each record filtered, answered, joined and filtered again."""
    given, wanted = config["content_type"], config["accept"] or config["content_type"]
    values = [filters.parse(record, given) for record in batch]
    seen = [filters.unparse(filters.pick(v, config["input_filter"]), given) for v in values]
    made = answer(body(seen, config["split"]), given, wanted)
    lines = [made] if config["split"] == "None" else made.splitlines()
    if len(lines) != len(batch):
        raise ValueError(
            f"A request of {len(batch)} records was answered with {len(lines)} lines; filters and "
            "joins need one for each. BatchStrategy SingleRecord asks for each on its own."
        )
    for value, line in zip(values, lines, strict=True):
        result = filters.parse(line, wanted)
        if config["join"] == "Input":
            result = filters.joined(value, result, given)
        yield filters.unparse(filters.pick(result, config["output_filter"]), wanted)


if __name__ == "__main__":
    main()
