"""Tests of fields, their files, ops and commands."""

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
from kinoloom.clifford.fields.dataset import Fields
from kinoloom.clifford.fields.files import FIELDS_FILES, FieldsWriteOptions
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


def run_command(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "kinoloom", *words]
    return subprocess.run(line, capture_output=True, text=True)


def create_fields(**changes: object) -> Fields:
    fields = Fields(
        "test", (1, 1), (0, 1), (2, 3, 4, 4), 2, 0.5, 1.0, lambda k: np.full((2, 3, 4, 4), k, "f4")
    )
    return replace(fields, **changes)


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


def test_skip_discards_initial_time_steps() -> None:
    late = make_smoke(Nothing(), **SMALL, skip=1)[0]
    early = make_smoke(Nothing(), **SMALL, skip=0)[0]
    np.testing.assert_array_equal(late[:2], early[1:])


@pytest.mark.parametrize("name", OPS)
def test_fields_survive_a_round_trip_through_files(name: str, tmp_path: Path) -> None:
    fields = OPS[name](Nothing(), **SMALL)
    path = tmp_path / "fields.npz"
    seen: list[tuple[int, int | None]] = []
    written = files_of(Fields).write(
        fields, path, FieldsWriteOptions(), lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 2), (2, 2)]
    assert written.data["trajectories"] == 2
    assert written.data["bytes"] == path.stat().st_size
    read = FIELDS_FILES.read([path], NoOptions())
    for key in ("name", "signature", "grades", "shape", "count", "step_s", "cell", "parameters"):
        assert getattr(read, key) == getattr(fields, key)
    for one, other in zip(read, fields, strict=True):
        np.testing.assert_array_equal(one, other)
    with np.load(path) as archive:
        record = json.loads(str(archive["about"]))["provenance"]
    assert record["op"] == f"fields.make.{name}"


def test_command_does_not_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "smoke.npz"
    line = ["fields", "make", "smoke", "-o", str(path), "--cells", "8", "--steps", "2", "--json"]
    done = run_command(*line, "--trajectories", "3", "--seed", "7")
    assert done.returncode == 0, done.stderr
    written = json.loads(done.stdout)
    assert written["trajectories"] == 3
    assert written["provenance"]["options"]["seed"] == 7
    assert len(FIELDS_FILES.read([path], NoOptions())) == 3
    again = run_command(*line)
    assert again.returncode == 2
    assert "already exists" in again.stderr
    anew = run_command(*line[:-1], "--overwrite", "--trajectories", "2")
    assert "smoke.npz: 2 trajectories of 2 x 3 x 8 x 8, " in anew.stderr


def test_commands_are_listed_and_report_errors(tmp_path: Path) -> None:
    listed = run_command("fields", "make", "--help").stdout
    assert all(name in listed for name in OPS)
    bad = run_command("fields", "make", "smoke", "-o", str(tmp_path / "x.npz"), "--cells", "4")
    assert bad.returncode == 2
    assert "--cells must be from 8 to 4096" in bad.stderr
    assert run_command("fields", "make", "smoke").returncode == 2
    other = run_command("fields", "make", "maxwell", "-o", str(tmp_path / "x.h5"), "--cells", "8")
    assert other.returncode == 2
    assert "expected .npz" in other.stderr
    out = str(tmp_path / "x.npz")
    wild = run_command("fields", "make", "smoke", "-o", out, "--cells", "8", "--buoyancy", "1e30")
    assert wild.returncode == 2
    assert "expected at most 100000" in wild.stderr
    assert not list(tmp_path.iterdir())


def test_listing_ops_does_not_import_torch() -> None:
    code = (
        "import sys; from kinoloom.base import registry; "
        "[registry.load('ops', n) for n in registry.names('ops') if n.startswith('fields')]; "
        "print('torch' in sys.modules, 'scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"], done.stderr
    assert [n for n in registry.names("ops") if n.startswith("fields.make.")]


def test_invalid_trajectories_are_refused() -> None:
    broken = np.zeros((2, 3, 4, 4), np.float32)
    broken[1, 2, 3, 3] = np.nan
    with pytest.raises(ArrayError, match="Trajectory 1 contains NaN"):
        create_fields(load=lambda k: broken)[1]
    with pytest.raises(ArrayError, match=r"float64 of shape \(2, 3, 4, 4\)"):
        create_fields(load=lambda k: np.zeros((2, 3, 4, 4)))[0]
    with pytest.raises(IndexError, match="Trajectory 2 is out of range: expected 0 to 1"):
        create_fields()[2]
    assert [float(t.mean()) for t in create_fields()] == [0.0, 1.0]


@pytest.mark.parametrize(
    "changes",
    [{"count": 0}, {"shape": (2, 4, 4, 4)}, {"shape": (2, 3, 4)}, {"shape": (0, 3, 4, 4)}],
)
def test_inconsistent_shapes_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="expected at least one, and the shape"):
        create_fields(**changes)


def test_unresolved_wavelengths_are_refused() -> None:
    with pytest.raises(UsageError, match="too short for grid cells"):
        make_maxwell(Nothing(), **SMALL, wavelength=1.0)


def test_op_without_input_refuses_one() -> None:
    with pytest.raises(UsageError, match="takes a Nothing, not a Posix"):
        make_smoke(Path("x"))


def test_failed_write_preserves_existing_file(tmp_path: Path) -> None:
    path = tmp_path / "fields.npz"
    FIELDS_FILES.write(create_fields(), path, FieldsWriteOptions())
    before = path.read_bytes()
    bad = create_fields(load=lambda k: np.full((2, 3, 4, 4), np.inf, np.float32))
    with pytest.raises(OutputExistsError):
        FIELDS_FILES.write(bad, path, FieldsWriteOptions())
    with pytest.raises(ArrayError):
        FIELDS_FILES.write(bad, path, FieldsWriteOptions(overwrite=True))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_files_without_fields_are_refused(tmp_path: Path) -> None:
    good = tmp_path / "good.npz"
    FIELDS_FILES.write(create_fields(), good, FieldsWriteOptions())
    with np.load(good) as archive:
        metadata = str(archive["about"])
    cases = {"empty": b"", "text": b"hello", "cut": good.read_bytes()[:-40]}
    for name, content in cases.items():
        path = tmp_path / f"{name}.npz"
        path.write_bytes(content)
        with pytest.raises(UnreadableMediaError, match=rf"{name}\.npz"):
            FIELDS_FILES.read([path], NoOptions())
    other = tmp_path / "other.npz"
    for about, message in (
        ('{"a": 1}', "does not contain fields"),
        ('{"kinoloom_fields": 1}', "does not contain fields"),
        ("[1]", "does not contain fields"),
        ("{", "does not contain fields"),
        (metadata.replace('_fields": 1', '_fields": 9'), "version 9 of the file format"),
    ):
        np.savez(other, about=np.array(about))
        with pytest.raises(UnreadableMediaError, match=message):
            FIELDS_FILES.read([other], NoOptions())
    np.savez(other, x=np.zeros(3))
    with pytest.raises(UnreadableMediaError, match="does not contain about"):
        FIELDS_FILES.read([other], NoOptions())
    with pytest.raises(InputNotFoundError, match="No such file"):
        FIELDS_FILES.read([tmp_path / "none.npz"], NoOptions())
    with pytest.raises(UsageError, match="Got 2 files of fields: expected one"):
        FIELDS_FILES.read([good, good], NoOptions())


def test_missing_trajectory_is_reported(tmp_path: Path) -> None:
    path, short = tmp_path / "fields.npz", tmp_path / "short.npz"
    FIELDS_FILES.write(create_fields(), path, FieldsWriteOptions())
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(short, "w") as new:
        for name in old.namelist()[:-1]:
            new.writestr(name, old.read(name))
    read = FIELDS_FILES.read([short], NoOptions())
    assert read[0].shape == (2, 3, 4, 4)
    with pytest.raises(UnreadableMediaError, match="trajectory_00001"):
        read[1]
