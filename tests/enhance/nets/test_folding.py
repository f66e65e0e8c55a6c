"""Folded kernels against the convolutions that they replace."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.enhance.nets.folding import (
    LAPLACIAN,
    SOBEL_X,
    SOBEL_Y,
    Kernel,
    add_kernels,
    apply_kernel,
    build_convolution,
    compose,
    depthwise_kernel,
    get_kernel,
    identity_kernel,
)
from kinoloom.errors import ArrayError

sides = st.sampled_from([1, 3, 5])
channels = st.integers(1, 4)


@pytest.fixture(autouse=True)
def _narrow(one_core: None) -> None:
    """Run on one core: all networks here are tiny."""


def random_kernel(seed: int, out: int, inputs: int, side: int) -> Kernel:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(out, inputs, side, side, generator=generator, dtype=torch.float64)
    return Kernel(weight, torch.randn(out, generator=generator, dtype=torch.float64))


def random_image(seed: int, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, count, 7, 6, generator=generator, dtype=torch.float64)


def convolve(image: Tensor, *kernels: Kernel) -> Tensor:
    """Pad once, then convolve without padding: the training form."""
    margin = sum(kernel.weight.shape[2] // 2 for kernel in kernels)
    result = functional.pad(image, (margin,) * 4)
    for kernel in kernels:
        result = functional.conv2d(result, kernel.weight, kernel.bias)
    return result


@given(channels, channels, channels, channels, st.tuples(sides, sides, sides), st.integers(0, 99))
def test_a_chain_folds_exactly_up_to_the_borders(
    one: int, two: int, three: int, four: int, lengths: tuple[int, int, int], seed: int
) -> None:
    first = random_kernel(seed, two, one, lengths[0])
    second = random_kernel(seed + 1, three, two, lengths[1])
    third = random_kernel(seed + 2, four, three, lengths[2])
    image = random_image(seed, one)
    folded = compose(compose(first, second), third)
    assert folded.weight.shape == (four, one, *[sum(lengths) - 2] * 2)
    torch.testing.assert_close(
        apply_kernel(folded, image), convolve(image, first, second, third), rtol=0, atol=1e-10
    )


@given(channels, channels, st.lists(sides, min_size=1, max_size=4), st.integers(0, 99))
def test_parallel_branches_fold_into_their_sum(
    inputs: int, out: int, lengths: list[int], seed: int
) -> None:
    kernels = [random_kernel(seed + k, out, inputs, side) for k, side in enumerate(lengths)]
    image = random_image(seed, inputs)
    expected = torch.stack([convolve(image, kernel) for kernel in kernels]).sum(0)
    torch.testing.assert_close(
        apply_kernel(add_kernels(*kernels), image), expected, rtol=0, atol=1e-12
    )


def test_the_identity_changes_nothing() -> None:
    image = random_image(0, 3)
    assert torch.equal(apply_kernel(identity_kernel(3, image), image), image)


def test_a_depthwise_kernel_filters_each_channel_on_its_own() -> None:
    image, kernel = random_image(0, 3), random_kernel(1, 3, 1, 3)
    folded = depthwise_kernel(kernel.weight[:, 0], kernel.bias)
    expected = functional.conv2d(image, kernel.weight, kernel.bias, padding=1, groups=3)
    torch.testing.assert_close(apply_kernel(folded, image), expected)


@pytest.mark.parametrize(
    ("filters", "expected"), [(SOBEL_X, (-8.0, 0.0)), (SOBEL_Y, (0.0, -8.0)), (LAPLACIAN, (0, 0))]
)
def test_edge_filters_measure_the_slope_of_a_ramp(
    filters: tuple[tuple[float, ...], ...], expected: tuple[float, float]
) -> None:
    ramp = torch.arange(5.0).expand(1, 1, 5, 5)
    weight = torch.tensor(filters)[None, None]
    found = [functional.conv2d(image, weight)[0, 0] for image in (ramp, ramp.mT)]
    assert all(bool((plane == value).all()) for plane, value in zip(found, expected, strict=True))


def test_the_laplacian_measures_curvature() -> None:
    parabola = (torch.arange(5.0) ** 2).expand(1, 1, 5, 5)
    weight = torch.tensor(LAPLACIAN)[None, None]
    assert bool((functional.conv2d(parabola, weight) == 2).all())


def test_a_built_convolution_equals_its_kernel() -> None:
    kernel, image = random_kernel(0, 4, 3, 5), random_image(0, 3)
    convolution = build_convolution(kernel)
    assert convolution.weight.dtype == torch.float64
    assert torch.equal(convolution(image), apply_kernel(kernel, image))
    assert torch.equal(get_kernel(convolution).weight, kernel.weight)
    unbiased = nn.Conv2d(3, 4, 3, bias=False)
    assert torch.equal(get_kernel(unbiased).bias, torch.zeros(4))


@pytest.mark.parametrize(
    "settings",
    [{"stride": 2}, {"groups": 2}, {"dilation": 2}, {"kernel_size": 2}, {"kernel_size": (1, 3)}],
)
def test_other_convolutions_are_rejected(settings: dict[str, int]) -> None:
    convolution = nn.Conv2d(2, 2, **{"kernel_size": 3, **settings})  # type: ignore[arg-type]
    with pytest.raises(ArrayError, match="cannot be folded"):
        get_kernel(convolution)


def test_channels_that_do_not_match_are_rejected() -> None:
    with pytest.raises(ArrayError, match="to 3 channels cannot precede one from 2"):
        compose(random_kernel(0, 3, 1, 3), random_kernel(1, 4, 2, 3))
    with pytest.raises(ArrayError, match="Kernels of different channels cannot be added"):
        add_kernels(random_kernel(0, 3, 1, 3), random_kernel(1, 3, 2, 3))
