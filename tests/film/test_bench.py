"""`kinoloom bench film`: the table, its JSON, peers, and folders that are not right."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scenes import panning, save_photos

from kinoloom.errors import InputNotFoundError, UsageError
from kinoloom.film.ops import bench_film


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one", "deep/two"):
        below = tmp_path / "data" / name
        below.mkdir(parents=True)
        for k, path in enumerate(save_photos(below, panning(3, step=3.0, seed=k_of(name)))):
            path.rename(below / f"frame{k}.png")
    return tmp_path / "data"


def k_of(name: str) -> int:
    return len(name)


def test_the_command_prints_one_json_object(folder: Path) -> None:
    line = [sys.executable, "-m", "kinoloom", "bench", "film", "--data", str(folder), "--json"]
    done = subprocess.run([*line, "--engines", "fast,blend"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"schema", "data", "rows"} <= found.keys()
    rows = {row["engine"]: row for row in found["rows"]}
    assert list(rows) == ["fast", "blend"]
    for row in rows.values():
        assert {"triplets", "psnr_db", "ssim", "seconds_per_frame", "peak_mb"} <= row.keys()
        assert row["triplets"] == 2
        assert row["seconds_per_frame"] > 0
        assert row["peak_mb"] > 10
    assert rows["fast"]["psnr_db"] > rows["blend"]["psnr_db"] + 3
    assert rows["fast"]["ssim"] > rows["blend"]["ssim"]


def test_a_peer_is_measured_beside_the_engines(folder: Path, tmp_path: Path) -> None:
    peer = tmp_path / "peer.py"
    peer.write_text(
        "from dataclasses import replace\n"
        "from kinoloom.film.engines.blend import BLEND\n"
        "ENGINE = replace(BLEND, name='peer')\n"
    )
    report = bench_film(folder, engines="blend", peer=peer)
    blend, other = report.data["rows"]
    assert other["engine"] == "peer"
    assert other["psnr_db"] == blend["psnr_db"]


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda path: path / "none", InputNotFoundError, "no folder"),
        (lambda path: path, InputNotFoundError, "no triplet"),
    ],
)
def test_folders_without_triplets_are_refused(
    tmp_path: Path, make: object, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        bench_film(make(tmp_path))


def test_an_incomplete_triplet_is_named(folder: Path) -> None:
    (folder / "one" / "frame1.png").unlink()
    with pytest.raises(InputNotFoundError, match="one should hold"):
        bench_film(folder)


def test_a_peer_file_without_an_engine_is_refused(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.py"
    empty.write_text("")
    with pytest.raises(UsageError, match="defines no ENGINE"):
        bench_film(folder, engines="blend", peer=empty)
