"""Losses compared with cases computed by hand, plain loops, and finite differences."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from kinoloom.errors import ArrayError
from kinoloom.learn.losses.census import census_ddflow, census_distance, census_unflow
from kinoloom.learn.losses.flow import end_point_error, smoothness
from kinoloom.learn.losses.laplacian import laplacian_loss, laplacian_pyramid
from kinoloom.learn.losses.photometric import (
    charbonnier,
    generalised_charbonnier,
    l1,
    masked_mean,
    warped_l1,
)


def random_image(height: int = 20, width: int = 23, seed: int = 0) -> Tensor:
    """Return random colours in float64."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.random((2, 3, height, width)))


def random_flow(seed: int = 0) -> Tensor:
    return 10 * random_image(seed=seed)[:, :2] - 5


HALF = torch.zeros(2, 1, 20, 23)
HALF[..., :10, :] = 1


def test_l1_respects_its_mask() -> None:
    prediction, target = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    prediction[0, 0, 0, 0], prediction[0, 1, 1, 1] = 0.6, -0.3
    assert float(l1(prediction, target)) == pytest.approx(0.9 / 12)
    mask = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    assert float(l1(prediction, target, mask)) == pytest.approx(0.6 / 6)
    assert float(l1(prediction, target, 0 * mask)) == 0


def test_charbonnier_is_the_root_of_squares() -> None:
    prediction, target = torch.full((1, 3, 4, 4), 0.004), torch.zeros(1, 3, 4, 4)
    assert float(charbonnier(prediction, target, epsilon=0.003)) == pytest.approx(0.005)
    assert float(charbonnier(target, target)) == pytest.approx(1e-3)
    assert float(generalised_charbonnier(torch.tensor(0.01), 0.5, 0.75, 100)) == pytest.approx(1.25)


def test_warped_l1_is_the_sum_over_both_images() -> None:
    target = random_image()
    assert float(warped_l1([target + 0.1, target - 0.2], target)) == pytest.approx(0.3)
    assert float(warped_l1([target + 0.1, target - 0.2], target, HALF)) == pytest.approx(0.3)


def test_half_precision_is_averaged_in_float32() -> None:
    """A mean in bf16 would lose the 1/4096."""
    values = torch.full((1, 1, 64, 64), 1.0, dtype=torch.bfloat16)
    values[0, 0, 0, 0] = 2.0
    assert masked_mean(values).dtype == torch.float32
    assert float(masked_mean(values)) == pytest.approx(1 + 1 / 4096, rel=1e-7)


def test_laplacian_pyramid_matches_plain_loops() -> None:
    image = random_image(13, 16)[:1, :1]
    kernel = np.array([1, 4, 6, 4, 1]) / 16

    def blur(a: np.ndarray) -> np.ndarray:
        wide = np.pad(a, 2, "reflect")
        out = np.zeros_like(a)
        for y in range(a.shape[0]):
            for x in range(a.shape[1]):
                out[y, x] = kernel @ wide[y : y + 5, x : x + 5] @ kernel
        return out

    first = image[0, 0].numpy()
    small = blur(first)[::2, ::2]
    spread = np.zeros_like(first)
    spread[::2, ::2] = small
    fine, rest = laplacian_pyramid(image, 2)
    np.testing.assert_allclose(fine[0, 0].numpy(), first - 4 * blur(spread), atol=1e-12)
    np.testing.assert_allclose(rest[0, 0].numpy(), small, atol=1e-12)


def test_laplacian_loss_weighs_by_octave() -> None:
    target = random_image(64, 65)
    assert float(laplacian_loss(target + 0.5, target)) == pytest.approx(2**4 * 0.5)
    prediction = random_image(64, 65, seed=1)
    levels = laplacian_pyramid(prediction - target, 5)
    expected = sum(2**i * float(level.abs().mean()) for i, level in enumerate(levels))
    assert float(laplacian_loss(prediction, target)) == pytest.approx(expected)
    assert [level.shape[-1] for level in levels] == [65, 33, 17, 9, 5]


@pytest.mark.parametrize(("size", "levels"), [(33, 5), (5, 2)])
def test_image_too_small_for_the_pyramid_is_rejected(size: int, levels: int) -> None:
    laplacian_pyramid(random_image(size, size), levels)
    with pytest.raises(ArrayError, match=f"at least {size} pixels"):
        laplacian_pyramid(random_image(size - 1, size), levels)


def naive_distance(prediction: Tensor, target: Tensor, radius: int) -> np.ndarray:
    """Return the census distance of the first image, pixel by pixel."""
    grey = [
        255 * (np.array([0.2989, 0.5870, 0.1140]) @ p[0].numpy().reshape(3, -1)).reshape(20, 23)
        for p in (prediction, target)
    ]
    out = np.zeros((20 - 2 * radius, 23 - 2 * radius))
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            for dy in range(2 * radius + 1):
                for dx in range(2 * radius + 1):
                    d = [g[y + dy, x + dx] - g[y + radius, x + radius] for g in grey]
                    a, b = (v / math.sqrt(0.81 + v * v) for v in d)
                    out[y, x] += (a - b) ** 2 / (0.1 + (a - b) ** 2)
    return out


@pytest.mark.parametrize("radius", [1, 3])
def test_census_distance_matches_plain_loops(radius: int) -> None:
    prediction, target = random_image(), random_image(seed=1)
    expected = naive_distance(prediction, target, radius)
    found = census_distance(prediction, target, radius)
    assert found.shape == (2, 1, 20 - 2 * radius, 23 - 2 * radius)
    np.testing.assert_allclose(found[0, 0].numpy(), expected, rtol=1e-6)


def test_census_losses_are_normalised_as_published() -> None:
    prediction, target = random_image(), random_image(seed=1)
    distance = (census_distance(prediction, target, 3) + 0.01) ** 0.4
    inner = HALF[..., 3:-3, 3:-3]
    expected = float((distance * inner).sum() / (2 * inner.sum()))
    assert float(census_ddflow(prediction, target, HALF)) == pytest.approx(expected)
    assert float(census_ddflow(prediction, target)) == pytest.approx(float(distance.mean() / 2))
    near = (census_distance(prediction, target, 1) ** 2 + 1e-6) ** 0.45
    assert float(census_unflow(prediction, target)) == pytest.approx(
        float(near.sum()) / (2 * 20 * 23)
    )


def test_census_is_invariant_to_brightness() -> None:
    prediction = random_image()
    assert float(census_ddflow(prediction, prediction + 0.2)) == pytest.approx(0.01**0.4 / 2)
    assert float(census_ddflow(prediction, random_image(seed=1))) > 1


def test_end_point_error_is_the_euclidean_distance() -> None:
    target = torch.zeros(2, 2, 20, 23)
    moved = target.clone()
    moved[:, 0], moved[:, 1, :10] = 3, 4
    assert float(end_point_error(moved, target)) == pytest.approx(4)
    assert float(end_point_error(moved, target, HALF)) == pytest.approx(5)
    still = target.clone().requires_grad_()
    end_point_error(still, target).backward()
    assert still.grad is not None
    assert bool((still.grad == 0).all())


def test_smoothness_of_a_ramp() -> None:
    """u increases by 2 per pixel in x, so only its first difference is not 0."""
    ramp = torch.zeros(1, 2, 8, 9, dtype=torch.float64)
    ramp[0, 0] = 2 * torch.arange(9)
    flat = torch.zeros(1, 3, 8, 9, dtype=torch.float64)
    in_x = (math.sqrt(4 + 1e-6) + 0.001) / 2
    assert float(smoothness(ramp, flat)) == pytest.approx((in_x + 0.001) / 2)
    assert float(smoothness(ramp, flat, order=2)) == pytest.approx(0.001)
    assert float(smoothness(ramp.mT.contiguous(), flat.mT)) == pytest.approx((in_x + 0.001) / 2)


@pytest.mark.parametrize("order", [1, 2])
def test_smoothness_allows_discontinuities_at_edges(order: int) -> None:
    jump = torch.zeros(1, 2, 8, 9, dtype=torch.float64)
    jump[..., 5:] = 1
    edge = torch.zeros(1, 3, 8, 9, dtype=torch.float64)
    edge[:, 0, :, 5:] = 0.06
    breaks = order * math.sqrt(1 + 1e-6) / (9 - order)
    rest = 0.001 * (9 - 2 * order) / (9 - order)
    held = math.exp(-150 * 0.06 / 3)
    assert float(smoothness(jump, 0 * edge, order)) == pytest.approx((breaks + rest + 0.001) / 2)
    expected = (held * breaks + rest + 0.001) / 2
    assert float(smoothness(jump, edge, order)) == pytest.approx(expected)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: charbonnier(x, random_image(seed=1), HALF),
        lambda x: l1(x, random_image(seed=1), HALF),
        lambda x: laplacian_loss(x, random_image(seed=1), 3),
        lambda x: census_ddflow(x, random_image(seed=1), HALF),
        lambda x: census_unflow(x, random_image(seed=1)),
        lambda x: end_point_error(x[:, :2], random_flow(1), HALF),
        lambda x: smoothness(x[:, :2], random_image(seed=1)),
        lambda x: smoothness(x[:, :2], random_image(seed=1), order=2),
        lambda x: smoothness(random_flow(1), x, edge_weight=2.0),
    ],
    ids=["charb", "l1", "lap", "ddflow", "unflow", "epe", "smooth1", "smooth2", "edges"],
)
def test_gradients_match_finite_differences(loss: Callable[[Tensor], Tensor]) -> None:
    prediction = random_image().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(prediction), prediction)
    direction = torch.from_numpy(np.random.default_rng(5).standard_normal(prediction.shape))
    step = 1e-7
    with torch.no_grad():
        numeric = float(
            loss(prediction + step * direction) - loss(prediction - step * direction)
        ) / (2 * step)
    assert float((gradient * direction).sum()) == pytest.approx(numeric, rel=1e-4)
