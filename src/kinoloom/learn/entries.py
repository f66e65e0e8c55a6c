"""What learn adds to the registry: the command groups that subjects share, and model cards."""

from __future__ import annotations

from kinoloom.base.declarations import Entries

ENTRIES = Entries(
    groups={
        "bench": "Measure engines and networks against ground truth.",
        "train": "Train networks.",
    },
    cards={"vgg16-st": "cards:VGG16_ST", "vgg19": "cards:VGG19"},
)
