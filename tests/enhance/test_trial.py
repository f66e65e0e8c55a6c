"""`--try`: a detail at four strengths, in one picture and nothing else."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kinoloom.base.clip import Clip, Frame
from kinoloom.cli.main import main
from kinoloom.enhance.ops import enhance
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.trial import try_strengths
from kinoloom.errors import UsageError
from kinoloom.jobs.job import Job
from kinoloom.media.photo.editing import open_each_photo

RNG = np.random.default_rng(5)
SCENE = cv2.GaussianBlur(RNG.integers(0, 256, (360, 480, 3), np.uint8), (0, 0), 2)
PANEL_PX, GAP_PX = 256, 8


def save(path: Path, picture: NDArray[np.uint8] = SCENE) -> Path:
    """Write a picture without loss."""
    cv2.imwrite(str(path), picture[..., ::-1])
    return path


def take_panels(sheet: NDArray[np.uint8], side: int = PANEL_PX) -> list[NDArray[np.uint8]]:
    """Return the four panels of a sheet."""
    pitch = side + GAP_PX
    return [
        sheet[GAP_PX : GAP_PX + side, GAP_PX + k * pitch : GAP_PX + k * pitch + side]
        for k in range(4)
    ]


def run(*words: str) -> object:
    """Run the command and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["enhance", *words])
    return ended.value.code


def contains(picture: NDArray[np.uint8], part: NDArray[np.uint8]) -> bool:
    """Whether a part is found in a picture, bit-identically."""
    found = cv2.matchTemplate(picture, part, cv2.TM_SQDIFF)
    y, x = np.unravel_index(int(found.argmin()), found.shape)
    height, width = part.shape[:2]
    return np.array_equal(picture[y : y + height, x : x + width], part)


def test_the_first_panel_is_the_source_and_the_last_one_the_result(tmp_path: Path) -> None:
    source = open_each_photo([save(tmp_path / "a.png")])
    sheet = next(iter(enhance(source, sharpen=True, try_=tmp_path / "s.png"))).image
    panels = take_panels(sheet)
    result = np.ascontiguousarray(next(iter(enhance(source, sharpen=True))).image)
    assert contains(SCENE, panels[0])
    assert contains(result, panels[3])
    steps = [float(np.abs(one.astype(int) - panels[0]).mean()) for one in panels]
    assert 0 == steps[0] < steps[1] < steps[2] < steps[3]


def test_panels_have_the_pixels_of_the_enlarged_picture(tmp_path: Path) -> None:
    source = open_each_photo([save(tmp_path / "a.png")])
    values = {"scale": 2, "tier": "live"}
    sheet = next(iter(enhance(source, **values, try_=tmp_path / "s.png"))).image
    result = np.ascontiguousarray(next(iter(enhance(source, **values))).image)
    assert contains(result, take_panels(sheet)[3])


def test_strengths_are_shares_of_the_requested_one(tmp_path: Path) -> None:
    source = open_each_photo([save(tmp_path / "a.png")])
    half = next(iter(enhance(source, sharpen=True, strength=0.5, try_=tmp_path / "s.png"))).image
    result = np.ascontiguousarray(next(iter(enhance(source, sharpen=True, strength=0.5))).image)
    assert contains(result, take_panels(half)[3])


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (300, 5)])
def test_small_pictures_are_shown_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = RNG.integers(0, 256, (*size, 3), np.uint8)
    source = open_each_photo([save(tmp_path / "a.png", picture)])
    sheet = next(iter(enhance(source, sharpen=True, try_=tmp_path / "s.png"))).image
    assert contains(sheet, picture[: min(size[0], 256), : min(size[1], 256)]) or max(size) > 256
    assert sheet.shape[0] > min(size[0], 256)


def test_a_video_shows_its_middle() -> None:
    pictures = [np.full((48, 64, 3), 10 * k, np.uint8) for k in range(9)]
    frames = [Frame(one, Fraction(k, 10), Fraction(1, 10)) for k, one in enumerate(pictures)]
    clip = Clip.from_frames(frames, rate=Fraction(10))
    sheet = try_strengths(clip, EnhanceOptions(sharpen=True), Path("s.png"))
    assert (next(iter(sheet)).image[GAP_PX : GAP_PX + 48, GAP_PX : GAP_PX + 64] == 40).all()


def test_options_for_videos_are_rejected_for_photos(tmp_path: Path) -> None:
    source = open_each_photo([save(tmp_path / "a.png")])
    with pytest.raises(UsageError, match="--fps applies to videos"):
        enhance(source, fps="60", try_=tmp_path / "s.png")


@pytest.mark.parametrize("name", ["s.png", "s.jpg", "s.webp", "s.tif"])
def test_the_command_writes_the_sheet_and_nothing_else(tmp_path: Path, name: str) -> None:
    photo = save(tmp_path / "a.png")
    assert run(str(photo), "--sharpen", "--try", str(tmp_path / name)) == 0
    assert {one.name for one in tmp_path.iterdir()} == {"a.png", name}
    sheet = cv2.imread(str(tmp_path / name))
    assert sheet.shape == (294, 1064, 3)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--try", "s.png", "-o", "b.png"], "excludes -o"),
        (["--try", "s.png", "--report", "r.html"], "excludes --report"),
        (["--try", "s.mp4"], "Photos cannot be written as '.mp4'"),
        ([], "Missing option '-o' / '--output', or --try"),
    ],
)
def test_other_outputs_are_rejected(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    message: str,
) -> None:
    save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    assert run("a.png", "--sharpen", *more) == 2
    assert message in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]


def test_an_existing_sheet_is_not_replaced(tmp_path: Path) -> None:
    photo, sheet = save(tmp_path / "a.png"), tmp_path / "s.png"
    sheet.write_text("mine")
    assert run(str(photo), "--sharpen", "--try", str(sheet)) == 2
    assert sheet.read_text() == "mine"


def test_the_option_is_the_output_of_a_job() -> None:
    job = Job(enhance, (Path("a.png"),), options={"try_": Path("s.png")})
    assert job.output == Path("s.png")
    assert Job(enhance, (), Path("s.png"), {"try_": "s.png"}).output == Path("s.png")
