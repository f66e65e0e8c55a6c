"""Enhancement from Python: arrays, files, and streams of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import kinoloom
from kinoloom.enhance import enhance
from kinoloom.errors import ArrayError, UsageError


def picture(channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.integers(0, 256, (6, 8, channels), dtype=np.uint8).repeat(6, 0).repeat(6, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [3, 4])
def test_arrays_keep_their_type(dtype: type, channels: int) -> None:
    top = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    source = (picture(channels).astype(float) * top).astype(dtype)
    result = enhance(source, scale=1.5, tier="live")
    assert (result.shape, result.dtype) == ((54, 72, channels), source.dtype)


def test_files_become_clips_and_folders_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(picture()).save(tmp_path / "in" / name)
    clip = enhance(tmp_path / "in", scale=2, tier="live")
    facts = kinoloom.write(clip, tmp_path / "out")
    assert (facts["photos"], facts["width"], facts["height"]) == (2, 96, 72)
    one = enhance(str(tmp_path / "in" / "a.png"), scale=2, tier="live")
    np.testing.assert_array_equal(next(iter(one)).image, enhance(picture(), scale=2, tier="live"))


def test_a_stream_is_enhanced_picture_by_picture() -> None:
    enhancer = kinoloom.Enhancer(scale=2)
    results = [enhancer.push(picture()) for _ in range(3)]
    assert results[0].shape == (72, 96, 3)
    np.testing.assert_array_equal(results[0], enhance(picture(), scale=2, tier="live"))
    np.testing.assert_array_equal(results[0], results[2])
    with pytest.raises(ArrayError, match="expected"):
        enhancer.push(picture()[:20])


def test_a_stream_that_is_late_gets_a_faster_tier() -> None:
    enhancer = kinoloom.Enhancer(rate=10**9, latency_s=0.0, scale=2)
    first = enhancer.push(picture())
    for _ in range(4):
        last = enhancer.push(picture())
    assert enhancer.late >= 1
    assert last.shape == first.shape
    assert (last != first).any()
    patient = kinoloom.Enhancer(scale=2)
    for _ in range(3):
        np.testing.assert_array_equal(patient.push(picture()), first)
    assert patient.late == 0


def test_options_for_videos_are_rejected() -> None:
    for call in (lambda: enhance(picture(), fps="60"), lambda: kinoloom.Enhancer(times=2)):
        with pytest.raises(UsageError, match="is for videos"):
            call()
