"""`kinoloom degrade` on photos, folders and videos, its record and its messages."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from degraded_pictures import draw_scene, make_clip
from make import Sound, Video, make
from PIL import Image

from kinoloom.base.clip import Clip
from kinoloom.base.conformance import check_op
from kinoloom.base.options import options_of
from kinoloom.cli.main import main
from kinoloom.enhance.degrade.records import read_record
from kinoloom.enhance.degrade.sampling.presets import PRESETS, sample_recipe
from kinoloom.enhance.ops import degrade
from kinoloom.enhance.options import DegradeOptions
from kinoloom.errors import OutputExistsError, UsageError
from kinoloom.media.files import read


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        main(["degrade", *map(str, words)])
    return int(end.value.code or 0)


def read_pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with RGB, grey, transparent and 16-bit photos."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    scene = Image.fromarray(draw_scene())
    scene.save(folder / "rgb.png", dpi=(300, 300))
    scene.convert("L").save(folder / "grey.jpg", quality=95)
    scene.putalpha(Image.fromarray(draw_scene()[..., 0]))
    scene.save(folder / "alpha.png")
    cv2.imwrite(str(folder / "deep" / "deep.png"), draw_scene().astype(np.uint16) * 257)
    return folder


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make(
        tmp_path / "in.mp4", Video(frames=30, size=(96, 64), rate=Fraction(30), sounds=(Sound(),))
    )


def test_the_op_is_declared_as_all_others() -> None:
    check_op(degrade)
    (choices,) = (each.choices for each in options_of(DegradeOptions) if each.name == "preset")
    assert choices == tuple(PRESETS)


def test_photos_keep_their_kind_and_get_a_recipe_each(photos: Path, tmp_path: Path) -> None:
    out, record = tmp_path / "out", tmp_path / "record.json"
    words = ("--preset", "bsrgan", "--scale", 2, "--seed", 7, "--record", record)
    assert run(photos, "-o", out, *words) == 0
    with Image.open(out / "rgb.png") as image:
        assert image.size == (48, 36)
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert read_pixels(out / "grey.jpg").shape == (36, 48)
    assert read_pixels(out / "alpha.png").shape == (36, 48, 4)
    deep = cv2.imread(str(out / "deep" / "deep.png"), cv2.IMREAD_UNCHANGED)
    assert deep.dtype == np.uint16
    recipes = read_record(record)
    assert len(recipes) == 4
    expected = [sample_recipe("bsrgan", np.random.default_rng((7, k)), 2) for k in range(4)]
    assert recipes == expected


def test_a_record_replays_bit_identically(photos: Path, tmp_path: Path) -> None:
    first, second, record = tmp_path / "first", tmp_path / "second", tmp_path / "record.json"
    assert run(photos, "-o", first, "--preset", "meeting", "--seed", 3, "--record", record) == 0
    assert run(photos, "-o", second, "--recipe", record) == 0
    for name in ("rgb.png", "alpha.png", "grey.jpg"):
        np.testing.assert_array_equal(read_pixels(first / name), read_pixels(second / name))
    other = tmp_path / "other.png"
    assert run(photos / "rgb.png", "-o", other, "--preset", "meeting", "--seed", 4) == 0
    assert not np.array_equal(read_pixels(other), read_pixels(first / "rgb.png"))


def test_a_video_keeps_its_sound_and_stores_its_recipe(video: Path, tmp_path: Path) -> None:
    out, record = tmp_path / "out.mkv", tmp_path / "record.json"
    words = ("--preset", "meeting", "--seed", 7, "--record", record, "--codec", "ffv1")
    assert run(video, "-o", out, *words) == 0
    clip = read(out)
    assert (clip.width, clip.height, clip.rate) == (48, 32, 15)
    assert len(clip.audio) == 1
    (recipe,) = read_record(record)
    assert recipe.to_dict() == read_provenance(out)["details"]["degradation"]
    again = tmp_path / "again.mkv"
    assert run(video, "-o", again, "--recipe", record, "--codec", "ffv1") == 0
    pairs = list(zip(clip, read(again), strict=True))
    assert len(pairs) == 15
    assert all(np.array_equal(a.image, b.image) for a, b in pairs)
    assert read_provenance(again)["details"]["recipe"]["name"] == "record.json"


def read_provenance(path: Path) -> dict[str, Any]:
    with av.open(str(path)) as container:
        found: dict[str, Any] = json.loads(container.metadata["KINOLOOM"])
    return found


def test_degraded_clips_chain_in_memory() -> None:
    once = degrade(make_clip(6), preset="light", scale=1)
    twice = degrade(once, preset="vhs", seed=1)
    assert isinstance(twice, Clip)
    assert twice.provenance is not None
    assert [parent.op for parent in twice.provenance.parents] == ["degrade"]
    assert len(list(twice)) == 6


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--preset", "grainy"), 2, "must be one of realesrgan"),
        (("--scale", "0"), 2, "must be from 1 to 8"),
        (("--seed", "-1"), 2, "must be from 0"),
        (("--recipe", "none.json"), 4, "none.json does not exist"),
    ],
)
def test_invalid_options_are_rejected(
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: Any,
    code: int,
    message: str,
) -> None:
    assert run(photos / "rgb.png", "-o", tmp_path / "out.png", *words) == code
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out.png").exists()


def test_a_damaged_record_is_rejected_by_its_field(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "record.json"
    assert run(photos / "rgb.png", "-o", tmp_path / "a.png", "--record", record) == 0
    content = json.loads(record.read_text())
    content["recipes"][0]["steps"][0]["size_px"] = 8
    record.write_text(json.dumps(content))
    assert run(photos / "rgb.png", "-o", tmp_path / "b.png", "--recipe", record) == 2
    assert "record.json: recipes[0].steps[0].size_px must be odd, not 8." in capsys.readouterr().err


def test_a_record_for_other_inputs_is_rejected(photos: Path, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    assert run(photos, "-o", tmp_path / "out", "--record", record, "--scale", 8) == 0
    with pytest.raises(UsageError, match=r"record.json has 4 recipes for 1 input\(s\)"):
        degrade(make_clip(2), recipe=record)


def test_a_record_with_one_recipe_is_for_all_photos(photos: Path, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    assert run(photos / "rgb.png", "-o", tmp_path / "one.png", "--record", record) == 0
    assert run(photos, "-o", tmp_path / "out", "--recipe", record) == 0
    np.testing.assert_array_equal(
        read_pixels(tmp_path / "one.png"), read_pixels(tmp_path / "out" / "rgb.png")
    )


def test_an_existing_record_is_kept(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    degrade(make_clip(2), seed=1, record=record)
    text = record.read_text()
    degrade(make_clip(2), seed=1, record=record)
    with pytest.raises(OutputExistsError):
        degrade(make_clip(2), seed=2, record=record)
    assert record.read_text() == text


def test_photos_in_memory_are_rejected() -> None:
    with pytest.raises(UsageError, match="degrade takes photos from files"):
        degrade(make_clip(2).with_(stills=True))
