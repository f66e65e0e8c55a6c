"""Fields: the noun, its files, the ops that make them and their commands."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kinoloom.base import registry
from kinoloom.base.files import NoOptions, Nothing, files_of
from kinoloom.clifford.fields.files import FIELDS_FILES, FieldsWriteOptions
from kinoloom.clifford.fields.noun import Fields
from kinoloom.clifford.ops import make_maxwell, make_shallow_water, make_smoke
from kinoloom.errors import (
    ArrayError,
    InputNotFoundError,
    OutputExistsError,
    UnreadableMediaError,
    UsageError,
)

SMALL = {"trajectories": 2, "steps": 3, "cells": 16}
OPS = {"smoke": make_smoke, "shallow-water": make_shallow_water, "maxwell": make_maxwell}
BLADES = {
    "smoke": ("1", "e1", "e2"),
    "shallow-water": ("1", "e1", "e2"),
    "maxwell": ("e1", "e2", "e3", "e12", "e13", "e23"),
}


def command(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "kinoloom", *words]
    return subprocess.run(line, capture_output=True, text=True)


def plain_fields(**changes: object) -> Fields:
    made = Fields(
        "test", (1, 1), (0, 1), (2, 3, 4, 4), 2, 0.5, 1.0, lambda k: np.full((2, 3, 4, 4), k, "f4")
    )
    return replace(made, **changes)


@pytest.mark.parametrize("name", OPS)
def test_ops_make_seeded_finite_fields(name: str) -> None:
    fields = OPS[name](Nothing(), **SMALL, seed=3)
    assert fields.name == name
    assert fields.blades == BLADES[name]
    assert fields.shape[:2] == (3, len(BLADES[name]))
    first, second = fields
    assert first.dtype == np.float32
    assert (first != second).any()
    again = OPS[name](Nothing(), **{**SMALL, "trajectories": 5}, seed=3)
    assert (again[1] == second).all(), "a trajectory depends on its seed and number alone"
    assert (OPS[name](Nothing(), **SMALL, seed=4)[0] != first).any()
    assert fields.provenance.options["seed"] == 3
    assert (first[0] != first[2]).any()


def test_smoke_may_skip_its_beginning() -> None:
    late = make_smoke(Nothing(), **SMALL, skip=1)[0]
    early = make_smoke(Nothing(), **SMALL, skip=0)[0]
    np.testing.assert_array_equal(late[:2], early[1:])


@pytest.mark.parametrize("name", OPS)
def test_fields_go_to_files_and_back(name: str, tmp_path: Path) -> None:
    fields = OPS[name](Nothing(), **SMALL)
    path = tmp_path / "fields.npz"
    seen: list[tuple[int, int | None]] = []
    told = files_of(Fields).write(
        fields, path, FieldsWriteOptions(), lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 2), (2, 2)]
    assert told["trajectories"] == 2
    assert told["bytes"] == path.stat().st_size
    read = FIELDS_FILES.read([path], NoOptions())
    for key in ("name", "signature", "grades", "shape", "count", "step_s", "cell", "parameters"):
        assert getattr(read, key) == getattr(fields, key)
    for one, other in zip(read, fields, strict=True):
        np.testing.assert_array_equal(one, other)
    with np.load(path) as archive:
        record = json.loads(str(archive["about"]))["provenance"]
    assert record["op"] == f"fields.make.{name}"


def test_the_command_writes_a_file_once(tmp_path: Path) -> None:
    path = tmp_path / "smoke.npz"
    line = ["fields", "make", "smoke", "-o", str(path), "--cells", "8", "--steps", "2", "--json"]
    done = command(*line, "--trajectories", "3", "--seed", "7")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["trajectories"] == 3
    assert told["provenance"]["options"]["seed"] == 7
    assert len(FIELDS_FILES.read([path], NoOptions())) == 3
    again = command(*line)
    assert again.returncode == 2
    assert "already exists" in again.stderr
    anew = command(*line[:-1], "--overwrite", "--trajectories", "2")
    assert "smoke.npz: 2 trajectories of 2 x 3 x 8 x 8, made in" in anew.stderr


def test_the_commands_are_listed_and_say_what_is_wrong(tmp_path: Path) -> None:
    listed = command("fields", "make", "--help").stdout
    assert all(name in listed for name in OPS)
    bad = command("fields", "make", "smoke", "-o", str(tmp_path / "x.npz"), "--cells", "4")
    assert bad.returncode == 2
    assert "--cells must be from 8 to 4096" in bad.stderr
    assert command("fields", "make", "smoke").returncode == 2
    other = command("fields", "make", "maxwell", "-o", str(tmp_path / "x.h5"), "--cells", "8")
    assert other.returncode == 2
    assert "Use .npz" in other.stderr
    out = str(tmp_path / "x.npz")
    wild = command("fields", "make", "smoke", "-o", out, "--cells", "8", "--buoyancy", "1e30")
    assert wild.returncode == 2
    assert "steps of the solver, more than 100000" in wild.stderr
    assert not list(tmp_path.iterdir())


def test_listing_ops_imports_no_torch() -> None:
    code = (
        "import sys; from kinoloom.base import registry; "
        "[registry.load('ops', n) for n in registry.names('ops') if n.startswith('fields')]; "
        "print('torch' in sys.modules, 'scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"], done.stderr
    assert [n for n in registry.names("ops") if n.startswith("fields.make.")]


def test_a_field_that_does_not_blow_up_is_not_taken_for_granted() -> None:
    broken = np.zeros((2, 3, 4, 4), np.float32)
    broken[1, 2, 3, 3] = np.nan
    with pytest.raises(ArrayError, match="Trajectory 1 holds NaN"):
        plain_fields(make=lambda k: broken)[1]
    with pytest.raises(ArrayError, match=r"float64 of shape \(2, 3, 4, 4\)"):
        plain_fields(make=lambda k: np.zeros((2, 3, 4, 4)))[0]
    with pytest.raises(IndexError, match="0 to 1, not 2"):
        plain_fields()[2]
    assert [float(t.mean()) for t in plain_fields()] == [0.0, 1.0]


@pytest.mark.parametrize(
    "changes",
    [{"count": 0}, {"shape": (2, 4, 4, 4)}, {"shape": (2, 3, 4)}, {"shape": (0, 3, 4, 4)}],
)
def test_fields_that_contradict_themselves_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="have trajectories of shape"):
        plain_fields(**changes)


def test_waves_too_short_for_the_cells_are_refused() -> None:
    with pytest.raises(UsageError, match="need cells of a third"):
        make_maxwell(Nothing(), **SMALL, wavelength=1.0)


def test_an_op_that_takes_nothing_takes_nothing_else() -> None:
    with pytest.raises(UsageError, match="takes a Nothing, not a Posix"):
        make_smoke(Path("x"))


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "fields.npz"
    FIELDS_FILES.write(plain_fields(), path, FieldsWriteOptions())
    before = path.read_bytes()
    bad = plain_fields(make=lambda k: np.full((2, 3, 4, 4), np.inf, np.float32))
    with pytest.raises(OutputExistsError):
        FIELDS_FILES.write(bad, path, FieldsWriteOptions())
    with pytest.raises(ArrayError):
        FIELDS_FILES.write(bad, path, FieldsWriteOptions(overwrite=True))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_are_no_fields_are_refused(tmp_path: Path) -> None:
    good = tmp_path / "good.npz"
    FIELDS_FILES.write(plain_fields(), good, FieldsWriteOptions())
    with np.load(good) as archive:
        told = str(archive["about"])
    cases = {"empty": b"", "text": b"hello", "cut": good.read_bytes()[:-40]}
    for name, content in cases.items():
        path = tmp_path / f"{name}.npz"
        path.write_bytes(content)
        with pytest.raises(UnreadableMediaError, match=rf"{name}\.npz"):
            FIELDS_FILES.read([path], NoOptions())
    other = tmp_path / "other.npz"
    for about, message in (
        ('{"a": 1}', "holds no fields"),
        ('{"kinoloom_fields": 1}', "holds no fields"),
        ("[1]", "holds no fields"),
        ("{", "holds no fields"),
        (told.replace('_fields": 1', '_fields": 9'), "another version, 9"),
    ):
        np.savez(other, about=np.array(about))
        with pytest.raises(UnreadableMediaError, match=message):
            FIELDS_FILES.read([other], NoOptions())
    np.savez(other, x=np.zeros(3))
    with pytest.raises(UnreadableMediaError, match="holds no about"):
        FIELDS_FILES.read([other], NoOptions())
    with pytest.raises(InputNotFoundError, match="no file"):
        FIELDS_FILES.read([tmp_path / "none.npz"], NoOptions())
    with pytest.raises(UsageError, match=r"one \.npz file, not 2"):
        FIELDS_FILES.read([good, good], NoOptions())


def test_a_missing_trajectory_is_named(tmp_path: Path) -> None:
    path, short = tmp_path / "fields.npz", tmp_path / "short.npz"
    FIELDS_FILES.write(plain_fields(), path, FieldsWriteOptions())
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(short, "w") as new:
        for name in old.namelist()[:-1]:
            new.writestr(name, old.read(name))
    read = FIELDS_FILES.read([short], NoOptions())
    assert read[0].shape == (2, 3, 4, 4)
    with pytest.raises(UnreadableMediaError, match="trajectory_00001"):
        read[1]
