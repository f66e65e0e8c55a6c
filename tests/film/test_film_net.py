"""FILM: fidelity to the published graph, its operations, its training."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from film_models import MEDIUM, NARROW, moving_pair, pixels, planes, random_film
from torch.nn import functional as fn

from kinoloom.errors import ArrayError, UsageError
from kinoloom.film.nets.film_cpu import FilmCpu
from kinoloom.film.nets.film_gpu import FilmGpu
from kinoloom.film.nets.film_net import (
    FilmNet,
    FilmOptions,
    unshare_weights,
)
from kinoloom.film.nets.pyramid import build_image_pyramid, upsample_flow, warp

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.usefixtures("one_core")


@pytest.fixture(scope="module")
def plain_film() -> Callable[..., torch.Tensor]:
    """Load the reference implementation of the benchmark."""
    found: Callable[..., torch.Tensor] = runpy.run_path(str(BENCHMARKS / "film_plain.py"))[
        "plain_film"
    ]
    return found


def test_parameters_match_the_published_checkpoint() -> None:
    with torch.device("meta"):
        state = FilmNet().state_dict()
    assert len(state) == 82
    assert sum(tensor.numel() for tensor in state.values()) == 34_436_667
    pattern = re.compile(
        r"(extract\.extract_sublevels\.convs\.[0-3]\.[01]\.0"
        r"|predict_flow\._predictor\._convs\.[0-4]\.0"
        r"|predict_flow\._predictors\.[0-2]\._convs\.[0-4]\.0"
        r"|fuse\.convs\.[0-3]\.[0-2]\.0|fuse\.output_conv)\.(weight|bias)"
    )
    assert [name for name in state if not pattern.fullmatch(name)] == []
    assert state["predict_flow._predictors.0._convs.0.0.weight"].shape == (128, 896, 3, 3)
    assert state["fuse.convs.0.1.0.weight"].shape == (512, 2442, 3, 3)


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> dict[str, Any]:
    return dict(np.load(shared_data / "film" / "film_golden.npz"))


def test_conformance_case_of_the_torch_port(golden: dict[str, Any]) -> None:
    net = random_film()
    with torch.inference_mode():
        pair = net.analyse(torch.from_numpy(golden["x0"]), torch.from_numpy(golden["x1"]))
        image = net.render_frame(pair, 0.5)
    np.testing.assert_allclose(image, golden["image"], atol=1e-4)
    for level in range(5):
        for name, flows in (("forward", pair.forward), ("backward", pair.backward)):
            expected = golden[f"{name}_flow_pyramid_{level}"]
            np.testing.assert_allclose(flows[level], expected, atol=2e-4)


def test_cpu_runner_passes_the_conformance_case(golden: dict[str, Any]) -> None:
    run = FilmCpu(random_film())
    pair = run.analyse(*(golden[name][0].transpose(1, 2, 0) for name in ("x0", "x1")))
    image = run.render_frame(pair, 0.5)
    np.testing.assert_allclose(image, golden["image"][0].transpose(1, 2, 0), atol=1e-4)
    expected = golden["backward_flow_pyramid_0"][0].transpose(1, 2, 0)
    np.testing.assert_allclose(run.read_flow(pair)[1], expected, atol=2e-4)


@pytest.mark.parametrize("t", [0.5, 0.2])
@pytest.mark.parametrize("shape", [(64, 64), (128, 192)])
def test_equals_the_reference_implementation(
    plain_film: Callable[..., torch.Tensor], shape: tuple[int, int], t: float
) -> None:
    net = random_film(NARROW)
    x0, x1 = map(planes, moving_pair(*shape))
    with torch.inference_mode():
        expected = plain_film(net.state_dict(), x0, x1, t)
        assert expected.std() > 0.01
        torch.testing.assert_close(net(x0, x1, t), expected, atol=5e-5, rtol=0)


@pytest.mark.parametrize(
    ("options", "shape", "halvings"),
    [
        (NARROW, (64, 64), 0),
        (NARROW, (128, 256), 1),
        (NARROW, (256, 256), 2),
        (MEDIUM, (192, 320), 0),  # wide enough for all convolution methods
        (MEDIUM, (128, 256), 1),
    ],
)
def test_cpu_runner_equals_the_network(
    options: FilmOptions, shape: tuple[int, int], halvings: int
) -> None:
    net, (first, second) = random_film(options), moving_pair(*shape)
    run = FilmCpu(net)
    quick = run.analyse(first, second, halvings)
    with torch.inference_mode():
        pair = net.analyse(planes(first), planes(second), halvings)
        for t in (0.5, 0.3):
            expected = pixels(net.render_frame(pair, t))
            np.testing.assert_allclose(run.render_frame(quick, t), expected, atol=1e-4)
    for found, flow in zip(run.read_flow(quick), (pair.forward[0], pair.backward[0]), strict=True):
        assert np.abs(found).max() > 0.1
        np.testing.assert_allclose(found, pixels(flow), atol=2e-4)


def test_cpu_runner_copies_the_parameters() -> None:
    net, (first, second) = random_film(NARROW), moving_pair(64, 64)
    run = FilmCpu(net)
    before = run.render_frame(run.analyse(first, second), 0.5)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(run.render_frame(run.analyse(first, second), 0.5), before)


def test_half_precision_is_close() -> None:
    net, (first, second) = random_film(NARROW), moving_pair(128, 128)
    with torch.inference_mode():
        pair = net.analyse(planes(first), planes(second))
        expected = pixels(net.render_frame(pair, 0.4))
    run = FilmGpu(net, device="cpu")
    half = run.analyse(first, second)
    assert all(flow.dtype == torch.float32 for flow in (*half.forward, *half.backward))
    np.testing.assert_allclose(run.read_flow(half)[0], pixels(pair.forward[0]), atol=0.05)
    result = run.render_frame(half, 0.4)
    assert (result.dtype, result.shape) == (np.float32, (128, 128, 3))
    np.testing.assert_allclose(result, expected, atol=0.02)


def test_one_analysis_serves_all_times() -> None:
    net, (x0, x1) = random_film(NARROW), map(planes, moving_pair(64, 128))
    with torch.inference_mode():
        pair = net.analyse(x0, x1)
        early, late = net.render_frame(pair, 0.2), net.render_frame(pair, 0.8)
        torch.testing.assert_close(early, net(x0, x1, 0.2))
        assert (early - late).abs().max() > 1e-3
        both = net(
            torch.cat([x0, x0]), torch.cat([x1, x1]), torch.tensor([0.2, 0.8]).view(2, 1, 1, 1)
        )
    torch.testing.assert_close(both, torch.cat([early, late]), atol=1e-5, rtol=0)


def test_exchanging_the_images_exchanges_the_flows() -> None:
    net, (x0, x1) = random_film(NARROW), map(planes, moving_pair(64, 64))
    with torch.inference_mode():
        there, back = net.analyse(x0, x1), net.analyse(x1, x0)
    assert (there.forward[0] - there.backward[0]).abs().max() > 1e-3
    torch.testing.assert_close(there.forward, back.backward)
    torch.testing.assert_close(there.first, back.second)


@pytest.mark.parametrize("halvings", [1, 2])
def test_halvings_give_the_flow_of_halved_images(halvings: int) -> None:
    net, (x0, x1) = random_film(NARROW), map(planes, moving_pair(256, 256, step=20))
    with torch.inference_mode():
        pair = net.analyse(x0, x1, halvings)
        small = net.analyse(*(build_image_pyramid(x, halvings + 1)[-1] for x in (x0, x1)))
    torch.testing.assert_close(pair.forward[halvings], small.forward[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(pair.forward[halvings - 1], upsample_flow(small.forward[0]))
    assert pair.forward[0].shape == (1, 2, 256, 256)


@pytest.mark.parametrize("options", [NARROW, unshare_weights(NARROW)], ids=["shared", "unshared"])
def test_every_parameter_receives_gradients(options: FilmOptions) -> None:
    net = random_film(options).train()
    x0, x1 = map(planes, moving_pair(64, 64))
    truth = (x0 + x1) / 2
    descent = torch.optim.Adam(net.parameters(), 1e-3)
    losses = []
    for _ in range(8):
        descent.zero_grad()
        loss = (net(x0, x1) - truth).abs().mean()
        loss.backward()
        losses.append(loss.item())
        descent.step()
    still = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []
    assert losses[-1] < 0.9 * losses[0]


def test_unshared_network_with_equal_weights_equals_the_shared_one() -> None:
    """The ablation changes which weights exist, not the computation."""
    net, other = random_film(NARROW), FilmNet(unshare_weights(NARROW)).eval()
    for tree in other.extract.trees:
        state = net.extract.extract_sublevels.state_dict()
        tree.load_state_dict({name: state[name] for name in tree.state_dict()})
    for level in range(NARROW.pyramid_levels):
        mine, theirs = (each.predict_flow.predictor(level) for each in (other, net))
        mine.load_state_dict(theirs.state_dict())
    other.fuse.load_state_dict(net.fuse.state_dict())
    x0, x1 = map(planes, moving_pair(64, 64))
    with torch.inference_mode():
        torch.testing.assert_close(other(x0, x1), net(x0, x1))
    assert len({id(other.predict_flow.predictor(level)) for level in range(7)}) == 7
    assert len(other.extract.trees) == 7
    with pytest.raises(UsageError, match="halvings must be 0"):
        other.analyse(*map(planes, moving_pair(128, 128)), halvings=1)


@pytest.mark.parametrize(
    ("shapes", "halvings"),
    [
        ([(1, 3, 64, 64), (1, 3, 64, 128)], 0),
        ([(1, 3, 64, 96), (1, 3, 64, 96)], 0),
        ([(1, 3, 64, 128), (1, 3, 64, 128)], 1),
    ],
)
def test_invalid_sizes_are_rejected(shapes: list[tuple[int, ...]], halvings: int) -> None:
    with pytest.raises(ArrayError, match=f"multiples of {64 << halvings} px"):
        FilmNet(NARROW).analyse(*(torch.zeros(shape) for shape in shapes), halvings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flow_convs": (3, 3)}, "must have the same length"),
        ({"pyramid_levels": 3}, "must have the same length"),
        ({"flow_filters": (4, 4), "flow_convs": (3, 3)}, "share a flow predictor"),
        ({"fusion_levels": 1}, "fusion_levels must be"),
        ({"fusion_levels": 8}, "fusion_levels must be"),
    ],
)
def test_inconsistent_hyper_parameters_are_rejected(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FilmOptions(**changes)


def test_other_level_counts_work() -> None:
    options = FilmOptions(4, 5, 3, 3, (2, 4, 4), (1, 2, 3))
    net, (first, second) = random_film(options), moving_pair(32, 48)
    assert options.multiple == 16
    run = FilmCpu(net)
    result = run.render_frame(run.analyse(first, second), 0.5)
    np.testing.assert_allclose(result, pixels(net(planes(first), planes(second))), atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(7, 9), (1, 1), (1, 5), (6, 1)])
def test_warp_equals_bilinear_sampling(height: int, width: int) -> None:
    rng = np.random.default_rng(3)
    image = rng.random((height, width, 2)).astype(np.float32)
    flow = rng.uniform(-6, 6, (height, width, 2)).astype(np.float32)
    flow[0, 0] = 0
    found = pixels(warp(planes(image), planes(flow)))
    np.testing.assert_allclose(found, sample_bilinear(image, flow), atol=1e-5)
    np.testing.assert_allclose(found[0, 0], image[0, 0], atol=1e-6)


def sample_bilinear(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Sample (H, W, C) bilinearly at each pixel plus its flow, pixel by pixel."""
    height, width, _ = image.shape
    out = np.empty_like(image)
    for row in range(height):
        for column in range(width):
            x = min(max(column + float(flow[row, column, 0]), 0), width - 1)
            y = min(max(row + float(flow[row, column, 1]), 0), height - 1)
            left, above = int(x), int(y)
            right, below = min(left + 1, width - 1), min(above + 1, height - 1)
            top = (1 - x + left) * image[above, left] + (x - left) * image[above, right]
            bottom = (1 - x + left) * image[below, left] + (x - left) * image[below, right]
            out[row, column] = (1 - y + above) * top + (y - above) * bottom
    return out


def test_warp_is_exact_for_wide_images_in_half_precision() -> None:
    ramp = torch.linspace(0, 1, 4096).expand(1, 1, 2, 4096)
    moved = warp(ramp.half(), torch.full((1, 2, 2, 4096), 10.0))
    torch.testing.assert_close(moved[..., :-10].float(), ramp[..., 10:], atol=1e-3, rtol=0)


def test_upsampled_flow_is_in_pixels_of_the_finer_grid() -> None:
    column = torch.tensor([0.0, 1.0, 4.0])
    flow = column.view(1, 1, 3, 1).expand(1, 2, 3, 2)
    expected = torch.tensor([0.0, 0.5, 1.5, 3.5, 6.5, 8.0])  # centres at quarter steps, doubled
    torch.testing.assert_close(upsample_flow(flow)[0, 1, :, 2], expected)


def test_image_pyramid_averages_four_pixels() -> None:
    image = planes(moving_pair(64, 64)[0])
    levels = build_image_pyramid(image, 3)
    assert [level.shape[-1] for level in levels] == [64, 32, 16]
    torch.testing.assert_close(levels[1][0, :, 3, 5], image[0, :, 6:8, 10:12].mean((1, 2)))
    torch.testing.assert_close(levels[2], fn.avg_pool2d(image, 4))
