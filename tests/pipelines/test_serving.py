"""The program of Transform steps: splitting, batching, filters, joins, the script."""

import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kinoloom.pipelines.serving import filters
from kinoloom.pipelines.serving.main import transform
from kinoloom.pipelines.serving.records import batch_records, build_body, read_records
from kinoloom.pipelines.serving.script import load_handler

USUAL = {
    "content_type": "text/csv", "accept": "", "compression": "None", "split": "Line",
    "strategy": "MultiRecord", "max_bytes": 0, "assemble": "None", "input_filter": "$",
    "output_filter": "$", "join": "None",
}  # fmt: skip


def doubled(content: bytes, media_type: str, accept: str) -> bytes:
    """A model: twice the sum of each line."""
    rows = [sum(float(cell) for cell in line.split(b",")) for line in content.splitlines()]
    return "".join(f"{2 * row:g}\n" for row in rows).encode()


def made(file: Path, **config: Any) -> bytes:
    return b"".join(transform(file, {**USUAL, **config}, doubled))


def test_lines_are_batched_up_to_the_payload(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"1,2\r\n3,4\n\n5,6")
    parts = list(read_records(file, "Line", "None"))
    assert parts == [b"1,2", b"3,4", b"5,6"]
    assert list(batch_records(iter(parts), "Line", "MultiRecord", 8)) == [parts[:2], parts[2:]]
    assert list(batch_records(iter(parts), "Line", "MultiRecord", 7)) == [[p] for p in parts]
    assert list(batch_records(iter(parts), "Line", "SingleRecord", 0)) == [[p] for p in parts]
    assert list(batch_records(iter(parts), "Line", "MultiRecord", 0)) == [parts]
    assert list(batch_records(iter([]), "Line", "MultiRecord", 0)) == []
    with pytest.raises(ValueError, match="record of 3 bytes exceeds"):
        list(batch_records(iter(parts), "Line", "MultiRecord", 2))


def test_framed_records_are_split_and_framed_again(tmp_path: Path) -> None:
    content = [b"abc", b"", b"12345678"]
    frames = [struct.pack("<II", 0xCED7230A, len(c)) + c + b"\0" * (-len(c) % 4) for c in content]
    file = tmp_path / "data.rec"
    file.write_bytes(b"".join(frames))
    assert list(read_records(file, "RecordIO", "None")) == content
    assert build_body(content, "RecordIO") == file.read_bytes()
    packed = tmp_path / "data.rec.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert list(read_records(packed, "RecordIO", "Gzip")) == content
    whole = [struct.pack("<Q", len(c)) + b"sums" + c + b"sum2" for c in content]
    file.write_bytes(b"".join(whole))
    assert list(read_records(file, "TFRecord", "None")) == whole
    file.write_bytes(b"".join(whole)[:-1])
    with pytest.raises(ValueError, match="ends within a record"):
        list(read_records(file, "TFRecord", "None"))
    with pytest.raises(ValueError, match="not RecordIO"):
        list(read_records(file, "RecordIO", "None"))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$", {"a": [1, 2, 3], "b c": {"d": "x"}}),
        ("$.a[1:]", [2, 3]),
        ("$.a[-1]", 3),
        ("$.a[0,2]", [1, 3]),
        ("$['b c'].d", "x"),
        ("$['b c', 'a']", {"b c": {"d": "x"}, "a": [1, 2, 3]}),
    ],
)
def test_an_expression_selects_a_part(expression: str, expected: Any) -> None:
    assert filters.select({"a": [1, 2, 3], "b c": {"d": "x"}}, expression) == expected


@pytest.mark.parametrize("expression", ["a", "$.z", "$.a[9]", "$..a", "$[?(@.a)]"])
def test_invalid_expressions_are_rejected(expression: str) -> None:
    with pytest.raises(
        ValueError, match=r"not a valid JSONPath|not supported from|A record has no value"
    ):
        filters.select({"a": [1, 2, 3]}, expression)


def test_filters_and_joins_work_on_each_record(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("7,1,2\n8,3,4\n")
    assert made(file) == b"20\n30\n"
    assert made(file, input_filter="$[1:]", assemble="Line") == b"6\n14\n"
    joined = made(file, input_filter="$[1:]", join="Input", assemble="Line")
    assert joined == b"7,1,2,6\n8,3,4,14\n"
    kept = made(file, join="Input", output_filter="$[0,-1]", assemble="Line")
    assert kept == b"7,20\n8,30\n"
    assert made(file, strategy="SingleRecord", assemble="Line") == b"20\n30\n"


def test_json_records_are_joined_by_name(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id": 1, "x": [2, 3]}\n{"id": 2, "x": [4]}\n')
    config = {**USUAL, "content_type": "application/jsonlines", "input_filter": "$.x",
              "join": "Input", "assemble": "Line"}  # fmt: skip

    def sums(content: bytes, media_type: str, accept: str) -> bytes:
        lines = [str(sum(json.loads(line))) for line in content.splitlines()]
        return "\n".join(lines).encode()

    lines = b"".join(transform(file, config, sums)).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"id": 1, "x": [2, 3], "SageMakerOutput": 5},
        {"id": 2, "x": [4], "SageMakerOutput": 4},
    ]
    config["content_type"] = "application/json"
    file.write_text("[1, 2]\n")
    config["input_filter"] = "$"
    assert b"".join(transform(file, config, sums)) == (
        b'{"SageMakerInput":[1,2],"SageMakerOutput":3}\n'
    )


def test_results_must_match_the_records(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("1\n2\n")
    config = {**USUAL, "join": "Input"}
    with pytest.raises(ValueError, match="returned 1 lines for 2 records"):
        list(transform(file, config, lambda *_: b"3"))


Serve = Callable[..., bytes]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Answers a request with a script, as the child process does."""

    def answer(
        script: str, name: str, content: bytes, kind: str = "text/csv", accept: str = "a"
    ) -> bytes:
        folder = tmp_path / "model" / "code"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.py").write_text(script)
        monkeypatch.setenv("SAGEMAKER_PROGRAM", f"{name}.py")
        monkeypatch.setenv("SAGEMAKER_SUBMIT_DIRECTORY", str(folder))
        monkeypatch.syspath_prepend(str(folder))
        return load_handler(tmp_path / "model")(content, kind, accept)

    return answer


FOUR = """
def model_fn(d): return len(d) > 0
def input_fn(body, kind): return (type(body).__name__, kind)
def predict_fn(data, model): return [*data, model]
def output_fn(result, accept): return f"{result} {accept}", accept
"""


def test_the_script_s_functions_are_called_in_turn(serve: Serve) -> None:
    assert serve(FOUR, "four", b"1") == b"['str', 'text/csv', True] a"
    assert serve(FOUR, "four_b", b"1", "image/png") == b"['bytes', 'image/png', True] a"
    whole = "def model_fn(d): return 3\ndef transform_fn(m, b, k, a): return bytes([m]), a\n"
    assert serve(whole, "whole", b"x") == b"\x03"


def test_default_functions_read_and_write_numbers(serve: Serve) -> None:
    class_ = (
        "class M:\n def predict(self, rows): return rows.sum(axis=1)\ndef model_fn(d): return M()\n"
    )
    assert serve(class_, "plain", b"1,2\n3,4") == b"3.0\n7.0"
    assert serve(class_, "plain_b", b"[[1, 2]]", "application/json", "application/json") == b"[3]"
    assert serve(class_, "plain_d", b"1,2", "") == b"3.0"
    with pytest.raises(ValueError, match="image/png is not supported"):
        serve(class_, "plain_c", b"", "image/png")


def test_a_missing_script_or_model_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(ValueError, match="neither an inference script"):
        load_handler(tmp_path)
    monkeypatch.setenv("SAGEMAKER_PROGRAM", "gone.py")
    with pytest.raises(ValueError, match=r"Inference script gone\.py"):
        load_handler(tmp_path)
