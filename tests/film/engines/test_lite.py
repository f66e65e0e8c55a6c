"""The engine `lite`, its network, and its ONNX export."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pans import pan, texture
from torch.nn import functional

from kinoloom.base.arrays import Picture
from kinoloom.errors import ArrayError, WeightsError
from kinoloom.film.cards import LITE as CARD
from kinoloom.film.cards import REFINE
from kinoloom.film.engine import EngineOptions
from kinoloom.film.engines.lite import LITE, Lite
from kinoloom.film.nets import lite_net
from kinoloom.film.nets.lite_net import SIZE_MULTIPLE, LiteNet, LiteSize
from kinoloom.film.train.export import export_lite
from kinoloom.metrics import psnr
from kinoloom.runtime.onnx import OnnxModel

ROOMY = EngineOptions(2_000_000_000)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export an untrained network, which is a block matcher."""
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "lite.onnx"
    export_lite(LiteNet(), file)
    return file


@pytest.fixture(scope="module")
def engine(weights: Path) -> Lite:
    result = LITE.build(replace(ROOMY, weights=weights))
    assert isinstance(result, Lite)
    return result


def interpolate_one(engine: Lite, first: Picture, second: Picture, time: float = 0.5) -> Picture:
    return next(iter(engine.interpolate(first, second, [time])))


@pytest.mark.parametrize("step", [2, 4, -16])
def test_untrained_network_is_a_block_matcher(step: int) -> None:
    scene = texture(192, 192 + 2 * abs(step), 1)
    starts = [0, 2 * step] if step > 0 else [-2 * step, 0]
    pair = [
        torch.from_numpy(scene[:, at : at + 192].transpose(2, 0, 1)[None] / 255).float()
        for at in starts
    ]
    torch.manual_seed(0)
    net = LiteNet(LiteSize(8, 12, 4, 8, 2))
    with torch.no_grad():
        motion = net(*pair, torch.full((1, 1, 1, 1), 0.4)).motion
    inner = motion[..., 16:-16, 24:-24]
    for way in (inner[:, :2], inner[:, 2:]):
        assert float((way[:, 0] + step).abs().median()) < 0.15 * abs(step) + 0.2
        assert float(way[:, 1].abs().median()) < 0.5


def test_motion_upsampling_is_nearly_bilinear_and_keeps_constants() -> None:
    torch.manual_seed(0)
    motion = torch.randn(2, 4, 5, 7)
    even = torch.full((1, 4, 3, 3), 1.5)
    torch.testing.assert_close(
        lite_net._upsample_motion(even, torch.randn(1, 36, 3, 3)),
        2 * even.expand(1, 4, 3, 3).repeat_interleave(2, 2).repeat_interleave(2, 3),
    )
    finer = lite_net._upsample_motion(motion, torch.zeros(2, 36, 5, 7))
    bilinear = 2 * functional.interpolate(motion, scale_factor=2, mode="bilinear")
    assert float((finer - bilinear).abs().mean()) < 0.1 * float(bilinear.abs().mean())
    chosen = torch.full((2, 9, 4, 5, 7), -99.0)
    chosen[:, 5] = 99.0  # the right neighbour, for all four
    right = torch.cat([motion[..., 1:], motion[..., -1:]], 3)
    torch.testing.assert_close(
        lite_net._upsample_motion(motion, chosen.flatten(1, 2)),
        2 * right.repeat_interleave(2, 2).repeat_interleave(2, 3),
    )


def test_gradients_within_a_pixel_do_not_cancel() -> None:
    """A bar as wide as one pixel of the grid has a rising and a falling horizontal gradient."""
    bar = torch.zeros(1, 3, 16, 16)
    bar[..., 8:12] = 1
    _, rises, falls = lite_net._compute_gradients(bar)[0, :, 2, 2].split([3, 6, 6])
    for each in (rises, falls):
        assert each[:3].min() > 1
        assert each[3:].max() == 0


def views(height: int, width: int, step: int) -> list[Picture]:
    """Return five views of a smooth texture, each `step` px right of the previous one."""
    coarse = texture(height // 4 + 2, (width + 4 * step) // 4 + 2, 1)
    scene = cv2.resize(coarse, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)[:height]
    return [np.ascontiguousarray(scene[:, step * k : step * k + width]) for k in range(5)]


@pytest.mark.parametrize("size", [(128, 192), (131, 197), (70, 250)])
@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_pan_is_interpolated_at_any_size_and_time(
    engine: Lite, size: tuple[int, int], quarter: int
) -> None:
    frames = views(*size, 3)
    result = interpolate_one(engine, frames[0], frames[4], quarter / 4)
    assert result.shape == frames[0].shape
    inner = np.s_[8:-8, 24:-24]
    mean = (frames[0] // 2 + frames[4] // 2)[inner]
    right = psnr(result[inner], frames[quarter][inner])
    assert right > psnr(mean, frames[quarter][inner]) + 3
    assert right > psnr(result[inner], frames[2 if quarter != 2 else 1][inner]) + 3


def test_result_is_symmetric_in_time(engine: Lite) -> None:
    first, second = pan(66, 98, 3)[::2]
    there, back = (
        interpolate_one(engine, first, second, 0.3),
        interpolate_one(engine, second, first, 0.7),
    )
    assert np.abs(there.astype(int) - back).max() <= 1


def test_identical_images_are_returned(engine: Lite) -> None:
    picture = texture(64, 64)
    assert np.array_equal(interpolate_one(engine, picture, picture.copy()), picture)


def test_nearly_identical_images_stay_unchanged(engine: Lite) -> None:
    picture = texture(64, 64)
    other = picture.copy()
    other[0, 0] ^= 1
    assert psnr(interpolate_one(engine, picture, other), picture) > 40


def test_16_bits_and_alpha_are_supported(engine: Lite) -> None:
    first, _, second = pan(80, 96, 2)
    plain = interpolate_one(engine, first, second)
    deep = interpolate_one(
        engine, *(picture.astype(np.uint16) * 257 for picture in (first, second))
    )
    assert deep.dtype == np.uint16
    assert psnr((deep >> 8).astype(np.uint8), plain) > 45
    opaque = [np.dstack([picture, np.full((80, 96), 255, np.uint8)]) for picture in (first, second)]
    assert np.array_equal(interpolate_one(engine, *opaque)[..., 3], opaque[0][..., 3])


def test_error_estimate_locates_errors(engine: Lite) -> None:
    first, _, truth, _, second = views(128, 256, 2)
    second[:, 128:] = texture(128, 128, seed=3)
    result, error = next(iter(engine.interpolate_with_errors(first, second, [0.5])))
    assert error.shape == (128, 256)
    left, right = np.s_[16:-16, 24:100], np.s_[16:-16, 156:-24]
    assert error[right].mean() > 2 * error[left].mean()
    assert psnr(result[left], truth[left]) > psnr(result[right], truth[right]) + 6


def test_images_of_different_sizes_are_rejected(engine: Lite) -> None:
    with pytest.raises(ArrayError):
        interpolate_one(engine, texture(64, 64), texture(64, 66))


def test_large_image_is_reduced_to_the_memory_limit(engine: Lite) -> None:
    large = np.zeros((2160, 3840, 3), np.uint8)
    rows, columns = engine._choose_grid(large)
    assert 900_000 < rows * columns < 1_010_000
    assert rows % 2 == columns % 2 == 0
    tight = Lite(replace(engine.options, memory_bytes=3 * large.nbytes + 80_000_000))
    rows, columns = tight._choose_grid(large)
    assert rows * columns < 210_000


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[LiteNet, OnnxModel]:
    torch.manual_seed(1)
    net = LiteNet(LiteSize(8, 12, 4, 8, 2)).eval()
    for name, tensor in net.state_dict().items():
        if name.startswith(("answer", "paint")):
            tensor.normal_(std=0.003 if name.startswith("answer") else 0.02)
        tensor.copy_(tensor.half().float())  # as stored
    file = tmp_path_factory.mktemp("onnx") / "lite.onnx"
    export_lite(net, file)
    return net, OnnxModel(file)


@pytest.mark.parametrize(
    ("rows", "columns", "time"), [(64, 64, 0.5), (64, 224, 0.1), (160, 96, 0.9)]
)
def test_onnx_equals_torch(
    network: tuple[LiteNet, OnnxModel], rows: int, columns: int, time: float
) -> None:
    net, model = network
    first, second = (
        np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32) / 255
        for picture in pan(rows, columns, 3)[::2]
    )
    moment = np.full((1, 1, 1, 1), time, np.float32)
    with torch.no_grad():
        expected = net(*(torch.from_numpy(each) for each in (first, second, moment)))
    found = model({"first": first, "second": second, "time": moment})
    for one, other in zip(expected, found, strict=True):
        assert float(one.std()) > 0.001
        np.testing.assert_allclose(other, one.numpy(), rtol=1e-4, atol=1e-4)


def moment(time: float) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), time)


def test_engine_averages_both_time_directions(
    network: tuple[LiteNet, OnnxModel],
) -> None:
    net, model = network
    first, second = texture(64, 96, 1), texture(64, 96, 2)
    planes = [torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255 for p in (first, second)]
    with torch.no_grad():
        frames = [
            net.render_frame(*pair, time, *net.estimate_motion(*pair, time)[-1])[1]
            for pair, time in ((planes, moment(0.3)), (planes[::-1], moment(0.7)))
        ]
    frame = sum(frames) / 2
    truth = (frame[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    engine = Lite(EngineOptions(2_000_000_000, weights=model.file))
    assert psnr(interpolate_one(engine, first, second, 0.3), truth) > 45


def test_card_matches_the_network(weights: Path) -> None:
    assert sum(each.numel() for each in LiteNet().parameters()) == CARD.parameters
    assert CARD.size_multiple == SIZE_MULTIPLE
    assert b"/kinoloom/" not in weights.read_bytes()


def test_unusable_weights_are_explained(tmp_path: Path) -> None:
    assert "mine.pt is not an .onnx file" in LITE.missing(replace(ROOMY, weights=Path("mine.pt")))
    assert LITE.missing(replace(ROOMY, weights=Path("mine.onnx"))) == ""
    with pytest.raises(WeightsError, match=r"none\.onnx"):
        LITE.build(replace(ROOMY, weights=tmp_path / "none.onnx"))


def test_weights_of_another_network_are_rejected() -> None:
    assert REFINE.file is not None
    with pytest.raises(WeightsError, match=r"refine\.onnx is another network: its inputs are seen"):
        LITE.build(replace(ROOMY, weights=REFINE.file))
