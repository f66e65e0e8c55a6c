"""The record of how a thing was made: what it holds, and a key that is equal for equal work."""

import hashlib
import json
import math
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kinoloom
from kinoloom.base import Provenance
from kinoloom.base.provenance import sha256, to_jsonable, versions
from kinoloom.errors import InputChangedError


def record(
    folder: Path, content: bytes = b"pictures", name: str = "in.mp4", **fields: Any
) -> Provenance:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_bytes(content)
    known: dict[str, Any] = {"op": "glow", "options": {"a": 1, "b": "2/3"}, "inputs": (file,)}
    return Provenance(**(known | fields))


def test_file_is_hashed_in_blocks(tmp_path: Path) -> None:
    content = b"0123456789" * 250_001
    (tmp_path / "large").write_bytes(content)
    assert sha256(tmp_path / "large") == hashlib.sha256(content).hexdigest()


def test_key_does_not_depend_on_location(tmp_path: Path) -> None:
    one = record(tmp_path / "one")
    two = record(tmp_path / "two", options={"b": "2/3", "a": 1})
    assert one.key == two.key
    assert len(one.key) == 64


@pytest.mark.parametrize(
    "changed",
    [
        {"content": b"other pictures"},
        {"name": "out.mp4"},
        {"op": "shine"},
        {"options": {"a": 2, "b": "2/3"}},
        {"inputs": ()},
        {"details": {"engine": "fast"}},
        {"parents": (Provenance("before", {}),)},
    ],
)
def test_different_work_has_a_different_key(tmp_path: Path, changed: dict[str, Any]) -> None:
    assert record(tmp_path / "one").key != record(tmp_path / "two", **changed).key


def test_weights_are_part_of_the_key(tmp_path: Path) -> None:
    weights = tmp_path / "w.pt"
    keys = set()
    for content in (b"first", b"second"):
        weights.write_bytes(content)
        keys.add(record(tmp_path, details={"weights": weights}).key)
    assert len(keys) == 2


def test_key_is_reproducible_across_processes(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from kinoloom.base import Provenance\n"
        "options = dict.fromkeys({'b', 'a', 'c'}, '1/2')\n"
        f"print(Provenance('glow', options, (Path({str(tmp_path / 'in.mp4')!r}),)).key)"
    )
    options = {"c": "1/2", "a": "1/2", "b": "1/2"}
    own = record(tmp_path, options=options).key
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        )
        assert done.stdout.strip() == own


def test_record_is_plain_and_has_no_folder_names(tmp_path: Path) -> None:
    parent = record(tmp_path / "deep")
    made = Provenance(
        "shine",
        to_jsonable({"weights": tmp_path / "w.pt", "rate": Fraction(30000, 1001)}),
        details={"weights": tmp_path / "deep" / "in.mp4", "tiles": (Fraction(1, 2), 3)},
        parents=(parent,),
    )
    told = made.to_dict()
    text = json.dumps(told, allow_nan=False)
    assert str(tmp_path) not in text
    assert "/deep" not in text
    digest = hashlib.sha256(b"pictures").hexdigest()
    assert told["details"] == {
        "weights": {"name": "in.mp4", "sha256": digest},
        "tiles": ["1/2", 3],
    }
    assert told["options"] == {"weights": "w.pt", "rate": "30000/1001"}
    assert told["parents"][0]["inputs"] == [{"name": "in.mp4", "sha256": digest}]
    assert told["key"] == made.key
    assert told["kinoloom"] == 1


@dataclass(frozen=True)
class Both:
    """Values that JSON cannot hold."""

    file: Path
    speed: Fraction | None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Fraction(1, 3), "1/3"),
        (Path("a") / "b.pt", "b.pt"),
        (Both(Path("a/b"), None), {"file": "b", "speed": None}),
        ([Both(Path("b"), Fraction(2))], [{"file": "b", "speed": "2"}]),
        ({"x": (Path("a/b"), 1)}, {"x": ["b", 1]}),
        ({1: math.inf, 2: [math.nan, 0.5]}, {"1": None, "2": [None, 0.5]}),
        (True, True),
    ],
)
def test_to_jsonable_converts_values(value: object, told: object) -> None:
    assert to_jsonable(value) == told
    json.dumps(to_jsonable(value), allow_nan=False)


def test_versions_lists_loaded_libraries() -> None:
    found = versions()
    assert found["kinoloom"] == kinoloom.__version__
    assert found["numpy"] == np.__version__
    assert found["python"] == sys.version.split()[0]
    script = "from kinoloom.base.provenance import versions; print(sorted(versions()))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['kinoloom', 'python']"


def test_missing_file_raises_instead_of_hashing_nothing(tmp_path: Path) -> None:
    made = record(tmp_path)
    (tmp_path / "in.mp4").unlink()
    with pytest.raises(InputChangedError, match=r"in\.mp4 was removed while it was read"):
        _ = made.key
    with pytest.raises(FileNotFoundError):
        _ = Provenance("glow", {}, (tmp_path / "in.mp4",)).key


@pytest.mark.parametrize("name", ["in.mp4", "net.safetensors"])
def test_files_of_parents_and_details_must_not_change(tmp_path: Path, name: str) -> None:
    parent = record(tmp_path)
    weights = tmp_path / "net.safetensors"
    weights.write_bytes(b"weights")
    made = Provenance("glow", {}, details={"weights": weights}, parents=(parent,))
    made.files.check()
    (tmp_path / name).write_bytes(b"changes")
    with pytest.raises(InputChangedError, match=rf"{name} "):
        made.files.check()
