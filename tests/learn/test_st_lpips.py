"""ST-LPIPS compared with the implementation of its authors."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from kinoloom.errors import WeightsError
from kinoloom.learn.losses.st_lpips import StLpips, load_st_lpips

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"


@pytest.fixture(scope="module")
def metric() -> StLpips:
    return load_st_lpips()


def photo(name: str) -> Tensor:
    from PIL import Image

    with Image.open(PHOTOS / f"{name}.png") as image:
        small = np.asarray(image.convert("RGB").resize((96, 80)), np.float32) / 255
    return torch.from_numpy(small).permute(2, 0, 1)[None]


def test_distance_matches_the_reference_implementation(metric: StLpips) -> None:
    """The figures are of stlpips_pytorch 0.0.2, LPIPS(net="vgg", variant="shift_tolerant")."""
    one, two = photo("basketball1"), photo("basketball2")
    distances = metric(torch.cat([one, one]), torch.cat([two, one.flip(-1)]))
    assert distances.tolist() == pytest.approx([0.008372346, 0.352404803], rel=1e-4)


def test_blur_is_farther_than_a_shift(metric: StLpips) -> None:
    picture = photo("basketball1").requires_grad_()
    assert metric(picture, picture.detach()).tolist() == [0.0]
    truth = picture.detach()
    shifted = truth.roll(1, -1)
    blurred = torch.nn.functional.avg_pool2d(truth, 5, 1, 2, count_include_pad=False)
    assert 0 < float(metric(shifted, truth)) < float(metric(blurred, truth))
    distance = metric(picture.roll(1, -1), truth)
    distance.backward()
    assert picture.grad is not None
    assert bool(picture.grad.isfinite().all())


@pytest.mark.usefixtures("no_models")
def test_without_its_weights_it_says_how_to_get_them() -> None:
    with pytest.raises(WeightsError, match="kinoloom models get vgg16-st"):
        load_st_lpips()


def test_other_weights_are_refused(no_models: Path) -> None:
    torch.save({"lin0.model.1.weight": torch.zeros(1)}, no_models / "vgg16-st.pth")
    with pytest.raises(WeightsError, match=r"vgg16-st\.pth has no tensor lin1\.model\.1\.weight"):
        load_st_lpips()
