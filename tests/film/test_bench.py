"""`kinoloom bench film`: tables, JSON, peers and invalid folders."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scenes import panning, save_photos, texture, view

from kinoloom.base.report.files import to_html
from kinoloom.errors import ArrayError, BudgetError, InputNotFoundError, UsageError
from kinoloom.film.bench import run
from kinoloom.film.bench.motion import measure_displacement_px, measure_warping_error
from kinoloom.film.bench.scores import FrameScore, stratify_scores
from kinoloom.film.ops import bench_film
from kinoloom.learn.bench import distance


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one", "deep/two"):
        below = tmp_path / "data" / name
        below.mkdir(parents=True)
        for k, path in enumerate(save_photos(below, panning(3, step=3.0, seed=len(name)))):
            path.rename(below / f"frame{k}.png")
    return tmp_path / "data"


def test_command_prints_one_json_object(folder: Path) -> None:
    line = [sys.executable, "-m", "kinoloom", "bench", "film", str(folder), "--json"]
    done = subprocess.run([*line, "--engines", "fast,blend"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for step in ("starting fast", "starting blend", "1 of 2 triplets", "2 of 2 triplets"):
        assert f"kinoloom: {step}\n" in done.stderr
    found = json.loads(done.stdout)
    assert {"schema", "data", "rows"} <= found.keys()
    rows = {row["engine"]: row for row in found["rows"]}
    assert list(rows) == ["fast", "blend"]
    for row in rows.values():
        assert {"triplets", "psnr_db", "ssim", "seconds_per_frame", "peak_mb"} <= row.keys()
        assert row["triplets"] == 2
        (stratum,) = row["strata"]  # 6 px from the first image to the last
        assert stratum == {"motion": "under 10 px", "triplets": 2} | {
            name: row[name] for name in ("psnr_db", "ssim", "st_lpips")
        }
        assert row["seconds_per_frame"] > 0
        assert row["warping_error"] is None
        assert row["peak_mb"] > 10
    assert rows["fast"]["psnr_db"] > rows["blend"]["psnr_db"] + 3
    assert rows["fast"]["ssim"] > rows["blend"]["ssim"]


def test_peer_is_measured_next_to_the_engines(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disable_st_lpips(monkeypatch)
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
        (lambda path: path / "none", InputNotFoundError, "does not exist"),
        (lambda path: path, InputNotFoundError, "no triplet"),
    ],
)
def test_folder_without_triplets_is_rejected(
    tmp_path: Path, make: object, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        bench_film(make(tmp_path))


def test_incomplete_triplet_is_named(folder: Path) -> None:
    (folder / "one" / "frame1.png").unlink()
    with pytest.raises(InputNotFoundError, match="one must contain"):
        bench_film(folder)


def test_peer_file_without_an_engine_is_rejected(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.py"
    empty.write_text("")
    with pytest.raises(UsageError, match="does not define ENGINE"):
        bench_film(folder, engines="blend", peer=empty)


def disable_st_lpips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distance, "find_spec", lambda name: None)


def test_missing_metric_is_omitted_and_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disable_st_lpips(monkeypatch)
    report = bench_film(folder, engines="blend")
    assert report.data["rows"][0]["st_lpips"] is None
    page = to_html(report)
    assert "<th>ST-LPIPS</th>" not in page
    assert page.count("kinoloom models get vgg16-st") == 1


@pytest.mark.skipif(find_spec("stlpips_pytorch") is None, reason="needs the extra perceptual")
def test_st_lpips_is_zero_for_identical_images_and_rises_with_blur() -> None:
    measured = distance.load_st_lpips_distance()
    assert measured is not None
    sharp = view(texture(3), 40)
    blurred = (view(texture(3), 37) // 2 + view(texture(3), 43) // 2).astype(np.uint8)
    assert measured(sharp)(sharp) == 0
    assert measured(sharp)(blurred) > 0.02
    with pytest.raises(ArrayError, match="at least 32x32 pixels, not 20x40"):
        measured(np.zeros((40, 20, 3), np.uint8))


def test_report_shows_the_three_worst_triplets_of_each_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disable_st_lpips(monkeypatch)
    for step in (2, 4, 6, 8):  # the larger the motion, the worse a cross-fade
        below = tmp_path / f"by{step}"
        below.mkdir()
        for k, path in enumerate(save_photos(below, panning(3, step=step))):
            path.rename(below / f"im{k + 1}.png")
    pictures = bench_film(tmp_path, engines="blend").sections[-3:]
    assert [picture.caption.split(":")[0] for picture in pictures] == [
        "blend, by8",
        "blend, by6",
        "blend, by4",
    ]
    assert [picture.title for picture in pictures] == ["Worst frames of blend", "", ""]
    for picture in pictures:
        drawing = picture.data.decode()
        assert drawing.count("<image ") == 5
        labels = ("first", "ground truth", "second", "interpolated", "error")
        assert all(f">{label}<" in drawing for label in labels)


def test_scores_are_stratified_by_motion() -> None:
    score = FrameScore(3.0, psnr_db=30.0, ssim=0.9, st_lpips=None)
    scores = [
        score,
        replace(score, displacement_px=10.0, psnr_db=20.0, st_lpips=0.2),
        replace(score, displacement_px=39.9, psnr_db=22.0, st_lpips=0.4),
    ]
    near, middle = stratify_scores(scores)
    assert (near.motion, near.triplets, near.psnr_db, near.st_lpips) == ("under 10 px", 1, 30, None)
    assert (middle.motion, middle.triplets, middle.psnr_db) == ("10-40 px", 2, 21)
    assert middle.st_lpips == pytest.approx(0.3)
    (far,) = stratify_scores([replace(score, displacement_px=40.0)])
    assert far.motion == "over 40 px"


def test_displacement_is_the_mean_motion() -> None:
    first, second = panning(2, step=5.0, size=(192, 128))
    assert measure_displacement_px(first, second) == pytest.approx(5.0, abs=0.3)


def test_warping_error_measures_flicker_but_not_motion() -> None:
    steady = panning(7, step=2.0, size=(192, 128))
    flicker = [
        np.clip(picture + 6.0 * (k % 2), 0, 255).astype(np.uint8)
        for k, picture in enumerate(steady)
    ]
    calm = measure_warping_error(steady)
    assert calm < 1.5
    assert measure_warping_error([steady[0]] * 3) == 0
    assert measure_warping_error(flicker) == pytest.approx(6, abs=1.5)


def test_warping_error_uses_at_most_ten_triplets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disable_st_lpips(monkeypatch)
    for name in "abcdefghijklmno":
        below = tmp_path / name
        below.mkdir()
        for k, path in enumerate(save_photos(below, panning(3, size=(32, 32)))):
            path.rename(below / f"frame{k}.png")
    seen = []

    def count_frames(frames: list[np.ndarray]) -> float:
        seen.append(len(frames))
        return 1.0 * len(seen)

    monkeypatch.setattr(run, "measure_warping_error", count_frames)
    (row,) = bench_film(tmp_path, engines="blend", smoothness=True).data["rows"]
    assert seen == [7] * 8
    assert row["warping_error"] == 4.5
    assert row["triplets"] == 15


def test_killed_engine_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disable_st_lpips(monkeypatch)
    peer = tmp_path / "peer.py"
    peer.write_text(
        "import os\n"
        "from dataclasses import replace\n"
        "from kinoloom.film.engines.blend import BLEND\n"
        "class Dying:\n"
        "    def interpolate(self, first, second, times):\n"
        "        os._exit(9)\n"
        "ENGINE = replace(BLEND, name='dying', build=lambda options: Dying())\n"
    )
    with pytest.raises(BudgetError, match="'dying' was killed during deep/two"):
        bench_film(folder, engines="blend", peer=peer)
