"""The operations of FILM on a CPU, each compared with plain torch."""

import threading

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from kinoloom.film.nets import nhwc
from kinoloom.film.nets.film_net import Conv, warp
from kinoloom.film.nets.threads import run_in_threads
from kinoloom.film.nets.winograd import transform_filter


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def as_planes(image: Tensor) -> Tensor:
    return image.permute(0, 3, 1, 2)


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize(
    ("channels", "filters", "height", "width"),
    [
        (3, 8, 40, 52),  # narrow: torch's convolution
        (8, 8, 1, 1),
        (64, 64, 129, 7),
        (100, 90, 24, 40),  # wide: Winograd
        (170, 60, 68, 36),
        (300, 300, 12, 64),
        (100, 90, 8, 12),  # small: one matrix product per tap
        (90, 100, 25, 41),
        (96, 96, 1, 1),
        (96, 96, 2, 300),
    ],
)
def test_conv3x3_equals_torch(
    channels: int, filters: int, height: int, width: int, linear: bool
) -> None:
    block = Conv(channels, filters, 3, linear=linear)
    image = torch.randn(2, height, width, channels)
    [layer] = nhwc.collect_layers(block)
    with torch.inference_mode():
        found = nhwc.conv3x3(nhwc.RowSource.from_tensor(image), layer)
        torch.testing.assert_close(as_planes(found), block(as_planes(image)), atol=3e-5, rtol=1e-4)


def test_result_does_not_depend_on_the_band_height(monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.randn(1, 48, 32, 100)
    [layer] = nhwc.collect_layers(Conv(100, 100, 3))
    found = []
    for tiles in (1, 24, 10_000):
        monkeypatch.setattr(nhwc, "_MIN_BAND_TILES", tiles)
        monkeypatch.setattr(nhwc, "_MAX_BAND_BYTES", 1)
        with torch.inference_mode():
            found.append(nhwc.conv3x3(nhwc.RowSource.from_tensor(image), layer))
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=0)
    torch.testing.assert_close(found[0], found[2], atol=1e-5, rtol=0)


def test_rows_are_requested_in_bounded_bands() -> None:
    asked: list[tuple[int, int]] = []

    def fill(out: Tensor, index: int, top: int, bottom: int) -> None:
        assert 0 <= top < bottom <= 400
        assert out.shape == (bottom - top, 64, 128)
        asked.append((top, bottom))
        out.zero_()

    [layer] = nhwc.collect_layers(Conv(128, 128, 3))
    nhwc.conv3x3(nhwc.RowSource((1, 400, 64, 128), fill), layer)
    assert max(bottom - top for top, bottom in asked) < 100
    assert {row for top, bottom in asked for row in range(top, bottom)} == set(range(400))


def test_winograd_loses_about_one_digit() -> None:
    image, weight = torch.randn(1, 32, 32, 256), torch.randn(128, 256, 3, 3) / 48
    layer = nhwc.ConvLayer(weight.permute(2, 3, 1, 0).contiguous(), torch.zeros(128), linear=True)
    with torch.inference_mode():
        found = as_planes(nhwc.conv3x3(nhwc.RowSource.from_tensor(image), layer))
    exact = fn.conv2d(as_planes(image).double(), weight.double(), padding=1)
    assert exact.std() > 0.5
    assert (found - exact).abs().max() < 1e-4
    assert (found - exact).square().mean().sqrt() < 1e-5


def test_transformed_corner_tap() -> None:
    taps = torch.zeros(3, 3, 1, 1)
    taps[0, 0] = 16.0
    points = transform_filter(taps).view(6, 6)
    assert points[0].tolist() == pytest.approx([1, -2 / 3, -2 / 3, 1 / 6, 1 / 6, 0])
    assert points[5].abs().max() == 0


@pytest.mark.parametrize(("height", "width", "channels"), [(1, 1, 4), (3, 5, 6), (16, 20, 90)])
def test_upsample_conv2x2_equals_torch(height: int, width: int, channels: int) -> None:
    block = Conv(channels, 10, 2, linear=True)
    image = torch.randn(2, height, width, channels)
    [layer] = nhwc.collect_layers(block)
    with torch.inference_mode():
        found = nhwc.upsample_conv2x2(image, layer)
        expected = block(fn.interpolate(as_planes(image), scale_factor=2, mode="nearest"))
    torch.testing.assert_close(as_planes(found), expected, atol=1e-5, rtol=1e-5)


def test_conv1x1_equals_torch() -> None:
    block = Conv(12, 5, 1)
    image = torch.randn(2, 6, 7, 12)
    [layer] = nhwc.collect_layers(block)
    with torch.inference_mode():
        found = nhwc.conv1x1(image, layer)
        torch.testing.assert_close(as_planes(found), block(as_planes(image)))


@pytest.mark.parametrize(("height", "width"), [(20, 30), (1, 9), (5, 1)])
def test_sampling_equals_warp(height: int, width: int) -> None:
    image, flow = torch.rand(height, width, 7), 9 * torch.randn(height, width, 2)
    expected = warp(as_planes(image[None]), as_planes(flow[None]))[0].permute(1, 2, 0)
    for top in range(height):
        where = nhwc.find_corners(flow[top : top + 1], top, height)
        torch.testing.assert_close(nhwc.sample(image, where), expected[top], atol=1e-5, rtol=0)


def test_concatenate_into_joins_channels() -> None:
    out = torch.empty(2, 3, 6)
    left, right = torch.rand(2, 3, 2), torch.rand(6, 4)
    nhwc.concatenate_into(out, [left, right])
    torch.testing.assert_close(out, torch.cat([left, right.view(2, 3, 4)], 2))


def test_layers_are_collected_in_order() -> None:
    layers = nhwc.collect_layers(
        nn.ModuleList([Conv(2, 3, 3), nn.Sequential(Conv(3, 4, 1, linear=True))])
    )
    assert [(tuple(layer.taps.shape), layer.linear) for layer in layers] == [
        ((3, 3, 2, 3), False),
        ((1, 1, 3, 4), True),
    ]


def test_each_piece_runs_once_in_a_single_threaded_worker() -> None:
    before = torch.get_num_threads()
    done: list[tuple[int, int, bool]] = []
    lock = threading.Lock()

    def begin():  # noqa: ANN202
        def do(piece: int) -> None:
            with lock:
                done.append((piece, torch.get_num_threads(), torch.is_inference_mode_enabled()))

        return do

    run_in_threads(range(50), begin)
    assert sorted(piece for piece, _, _ in done) == list(range(50))
    assert {(cores, inference) for _, cores, inference in done} == {(1, True)}
    assert torch.get_num_threads() == before
    assert threads_of_a_new_thread() == before


def threads_of_a_new_thread() -> int:
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return seen[0]


def test_worker_errors_propagate() -> None:
    def begin():  # noqa: ANN202
        def do(piece: int) -> None:
            if piece == 3:
                raise ArithmeticError("piece 3")

        return do

    with pytest.raises(ArithmeticError, match="piece 3"):
        run_in_threads(range(10), begin)
    run_in_threads(range(2), lambda: lambda piece: None)


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    image = torch.from_numpy(np.random.default_rng(0).random((1, 64, 64, 128), np.float32))
    [layer] = nhwc.collect_layers(Conv(128, 96, 3))
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(nhwc.conv3x3(nhwc.RowSource.from_tensor(image), layer))
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(found[0], found[1], atol=0, rtol=0)
