"""Sampled recipes: the published shares and ranges, over many samples."""

import math
from collections import Counter

import numpy as np
import pytest

from kinoloom.enhance.degrade.recipe import Recipe
from kinoloom.enhance.degrade.sampling.presets import PRESETS, sample_recipe
from kinoloom.enhance.degrade.sampling.second_order import KERNEL_SIZES_PX
from kinoloom.enhance.degrade.steps.blur import Blur, Sinc
from kinoloom.enhance.degrade.steps.camera import CameraNoise
from kinoloom.enhance.degrade.steps.jpeg import Jpeg
from kinoloom.enhance.degrade.steps.noise import CorrelatedNoise, GaussianNoise, PoissonNoise
from kinoloom.enhance.degrade.steps.resize import Decimate, Reduce, Resize
from kinoloom.errors import UsageError

COUNT = 4000
TOLERANCE = 0.03
"""Four standard deviations of a share near one half."""


def sample_many(preset: str) -> list[Recipe]:
    return [sample_recipe(preset, np.random.default_rng((1, k))) for k in range(COUNT)]


@pytest.fixture(scope="module")
def published() -> list[Recipe]:
    return sample_many("realesrgan")


@pytest.fixture(scope="module")
def shuffled() -> list[Recipe]:
    return sample_many("bsrgan")


def share(recipes: list[Recipe], holds: object) -> float:
    return sum(map(holds, recipes)) / len(recipes)  # type: ignore[arg-type]


def first_resize(recipe: Recipe) -> int:
    return next(k for k, step in enumerate(recipe.steps) if isinstance(step, Resize))


def second_stage(recipe: Recipe) -> tuple[object, ...]:
    """Blur, if any, resizing and noise of the second stage."""
    start = next(k for k, step in enumerate(recipe.steps) if isinstance(step, Jpeg)) + 1
    noises = (GaussianNoise, PoissonNoise)
    end = next(k for k in range(start, len(recipe.steps)) if isinstance(recipe.steps[k], noises))
    return recipe.steps[start : end + 1]


def test_stage_1_always_blurs_with_the_published_kinds(published: list[Recipe]) -> None:
    blurs = [recipe.steps[0] for recipe in published]
    assert all(isinstance(blur, Blur | Sinc) for blur in blurs)
    assert share(published, lambda r: isinstance(r.steps[0], Sinc)) == pytest.approx(0.1, abs=0.02)
    kinds = Counter(
        (
            "plateau" if b.shape == "plateau" else "general" if b.beta != 1 else "gaussian",
            b.sigma_x == b.sigma_y,
        )
        for b in blurs
        if isinstance(b, Blur)
    )
    total = sum(kinds.values())
    expected = {
        ("gaussian", True): 0.45,
        ("gaussian", False): 0.25,
        ("general", True): 0.12,
        ("general", False): 0.03,
        ("plateau", True): 0.12,
        ("plateau", False): 0.03,
    }
    for kind, proportion in expected.items():
        assert kinds[kind] / total == pytest.approx(proportion, abs=TOLERANCE), kind


def test_kernels_have_the_published_sizes_and_widths(published: list[Recipe]) -> None:
    blurs = [recipe.steps[0] for recipe in published]
    sizes = Counter(blur.size_px for blur in blurs)  # type: ignore[attr-defined]
    assert sorted(sizes) == list(KERNEL_SIZES_PX) == [7, 9, 11, 13, 15, 17, 19, 21]
    assert min(sizes.values()) / COUNT == pytest.approx(1 / 8, abs=TOLERANCE)
    sigmas = [blur.sigma_x for blur in blurs if isinstance(blur, Blur)]
    assert 0.2 <= min(sigmas) < 0.25
    assert 2.95 < max(sigmas) <= 3
    for blur in blurs:
        if isinstance(blur, Sinc):
            lowest = math.pi / 3 if blur.size_px < 13 else math.pi / 5
            assert lowest <= blur.cutoff <= math.pi
        else:
            kernel = blur.build_kernel()  # type: ignore[attr-defined]
            assert kernel.shape == (blur.size_px, blur.size_px)  # type: ignore[attr-defined]


def test_resizing_of_both_stages_has_the_published_shares(published: list[Recipe]) -> None:
    firsts = [recipe.steps[first_resize(recipe)] for recipe in published]
    seconds = [next(s for s in second_stage(r) if isinstance(s, Resize)) for r in published]
    for found, shares, limits in (
        (firsts, (0.2, 0.7, 0.1), (0.15, 1.5)),
        (seconds, (0.3, 0.4, 0.3), (0.3, 1.2)),
    ):
        factors = np.array([step.factor for step in found])
        assert np.mean(factors > 1) == pytest.approx(shares[0], abs=TOLERANCE)
        assert np.mean(factors < 1) == pytest.approx(shares[1], abs=TOLERANCE)
        assert np.mean(factors == 1) == pytest.approx(shares[2], abs=TOLERANCE)
        assert limits[0] <= factors.min() <= factors.max() <= limits[1]
    assert {step.of for step in firsts} == {"picture"}
    assert {step.of for step in seconds} == {"output"}
    methods = Counter(step.method for step in firsts)
    assert min(methods.values()) / COUNT == pytest.approx(1 / 3, abs=TOLERANCE)


def test_noise_has_the_published_shares_and_ranges(published: list[Recipe]) -> None:
    firsts = [recipe.steps[first_resize(recipe) + 1] for recipe in published]
    seconds = [second_stage(recipe)[-1] for recipe in published]
    for noises, sigma, scale in ((firsts, 30, 3), (seconds, 25, 2.5)):
        gaussian = [n for n in noises if isinstance(n, GaussianNoise)]
        poisson = [n for n in noises if isinstance(n, PoissonNoise)]
        assert len(gaussian) / COUNT == pytest.approx(0.5, abs=TOLERANCE)
        assert len(gaussian) + len(poisson) == COUNT
        grey = [n.is_grey for n in (*gaussian, *poisson)]
        assert np.mean(grey) == pytest.approx(0.4, abs=TOLERANCE)
        assert 1 <= min(n.sigma for n in gaussian) < 1.5
        assert sigma - 0.5 < max(n.sigma for n in gaussian) <= sigma
        assert 0.05 <= min(n.scale for n in poisson) < 0.1
        assert scale - 0.1 < max(n.scale for n in poisson) <= scale


def test_second_stage_blurs_in_four_of_five(published: list[Recipe]) -> None:
    found = [second_stage(recipe)[0] for recipe in published]
    blurs = [step for step in found if isinstance(step, Blur | Sinc)]
    assert len(blurs) / COUNT == pytest.approx(0.8, abs=TOLERANCE)
    assert max(b.sigma_x for b in blurs if isinstance(b, Blur)) <= 1.5


def test_end_is_compressed_before_or_after_the_last_resizing(published: list[Recipe]) -> None:
    last_jpeg = share(published, lambda r: isinstance(r.steps[-1], Jpeg))
    assert last_jpeg == pytest.approx(0.5, abs=TOLERANCE)
    has_sinc = share(published, lambda r: any(isinstance(s, Sinc) for s in r.steps[-2:]))
    assert has_sinc == pytest.approx(0.8, abs=TOLERANCE)
    jpegs = [s.quality for r in published for s in r.steps if isinstance(s, Jpeg)]
    assert len(jpegs) == 2 * COUNT
    assert (min(jpegs), max(jpegs)) == (30, 95)


def test_bsrgan_shuffles_its_steps(shuffled: list[Recipe]) -> None:
    assert all(isinstance(recipe.steps[-1], Jpeg) for recipe in shuffled)
    assert share(shuffled, lambda r: isinstance(r.steps[0], Blur)) > 0.2
    for recipe in shuffled:
        assert sum(isinstance(step, Blur) for step in recipe.steps) == 2
        kinds = [step for step in recipe.steps if isinstance(step, Resize | Decimate)]
        assert isinstance(kinds[-1], Resize)
        assert (kinds[-1].of, kinds[-1].factor) == ("output", 1.0)
    orders = {tuple(type(step).__name__ for step in recipe.steps) for recipe in shuffled}
    assert len(orders) > 200


def test_bsrgan_has_the_published_shares(shuffled: list[Recipe]) -> None:
    jpegs = share(shuffled, lambda r: sum(isinstance(s, Jpeg) for s in r.steps) == 2)
    assert jpegs == pytest.approx(0.9, abs=TOLERANCE)
    camera = share(shuffled, lambda r: any(isinstance(s, CameraNoise) for s in r.steps))
    assert camera == pytest.approx(0.25, abs=TOLERANCE)
    halved = share(
        shuffled,
        lambda r: (
            isinstance(r.steps[0], Reduce)
            or (isinstance(r.steps[0], Resize) and r.steps[0].factor == 0.5)
        ),
    )
    assert halved == pytest.approx(0.25, abs=TOLERANCE)
    decimated = share(shuffled, lambda r: any(isinstance(s, Decimate) for s in r.steps))
    assert decimated == pytest.approx(0.25, abs=TOLERANCE)
    grey = share(
        shuffled, lambda r: any(isinstance(s, GaussianNoise) and s.is_grey for s in r.steps)
    )
    assert grey == pytest.approx(0.4, abs=TOLERANCE)
    correlated = share(shuffled, lambda r: any(isinstance(s, CorrelatedNoise) for s in r.steps))
    assert correlated == pytest.approx(0.2, abs=TOLERANCE)


def test_bsrgan_halves_first_only_for_a_reduction_by_four() -> None:
    recipes = [sample_recipe("bsrgan", np.random.default_rng((1, k)), 2) for k in range(300)]
    assert not any(isinstance(step, Reduce) for recipe in recipes for step in recipe.steps)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_depends_on_its_generator_alone(preset: str) -> None:
    def sample(seed: int, *, moving: bool = False) -> Recipe:
        return sample_recipe(preset, np.random.default_rng((seed, 0)), moving=moving)

    assert sample(7) == sample(7)
    assert sample(7) != sample(8)
    assert sample(7, moving=True).video is not None
    assert sample(7).scale == PRESETS[preset].scale


@pytest.mark.parametrize(
    ("preset", "scale", "words"), [("grainy", None, "realesrgan"), ("light", 0, "from 1 to 8")]
)
def test_unknown_presets_and_scales_are_rejected(
    preset: str, scale: int | None, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        sample_recipe(preset, np.random.default_rng(0), scale)
