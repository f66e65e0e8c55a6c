"""The image of functions as steps on Amazon SageMaker: AWS's smallest with this Python version.

A pickled function needs the Python version that pickled it. The SDK's default image exists for
Python 3.8 and 3.10 only; AWS's PyTorch images exist for later versions.

Source: the table `image_uri_config/pytorch.json` of the SageMaker Python SDK 2.257.7, and its
`remote_function.job`, which reads the same variable.
"""

from __future__ import annotations

import os
import sys

from kinoloom.errors import UsageError

_STUDIO_VARIABLE = "SAGEMAKER_INTERNAL_IMAGE_URI"
"""The variable in which SageMaker Studio names the image of the notebook."""

_TAGS = {(3, 11): "2.5.1-cpu-py311", (3, 12): "2.8.0-cpu-py312"}
_ACCOUNT = "763104351884"
_ACCOUNTS = {  # of the regions with an account of their own
    "af-south-1": "626614931356", "ap-east-1": "871362719292", "ap-east-2": "975050140332",
    "ap-northeast-3": "364406365360", "ap-south-2": "772153158452",
    "ap-southeast-3": "907027046896", "ap-southeast-4": "457447274322",
    "ap-southeast-5": "550225433462", "ap-southeast-6": "633930458069",
    "ap-southeast-7": "590183813437", "ca-west-1": "204538143572", "cn-north-1": "727897471807",
    "cn-northwest-1": "727897471807", "eu-central-2": "380420809688", "eu-south-1": "692866216735",
    "eu-south-2": "503227376785", "il-central-1": "780543022126", "me-central-1": "914824155844",
    "me-south-1": "217643126080", "mx-central-1": "637423239942",
    "us-gov-east-1": "446045086412", "us-gov-west-1": "442386744353",
}  # fmt: skip


def deep_learning_registry(region: str) -> str:
    """Return the registry of AWS's deep learning images in a region."""
    suffix = ".cn" if region.startswith("cn-") else ""
    account = _ACCOUNTS.get(region, _ACCOUNT)
    return f"{account}.dkr.ecr.{region}.amazonaws.com{suffix}"


def function_image(region: str) -> str:
    """Return the image of functions as steps: that of the Studio notebook, or AWS's.

    Raises:
        UsageError: AWS has no image with this Python version.
    """
    named = os.environ.get(_STUDIO_VARIABLE)
    if named:
        return named
    version = sys.version_info[:2]
    if version not in _TAGS:
        known = " and ".join(f"{major}.{minor}" for major, minor in _TAGS)
        raise UsageError(
            f"There is no default image for @step on SageMaker with Python {version[0]}."
            f"{version[1]}: there are images for {known}.",
            hint="Pass @step(image_uri=...), an image with this Python version.",
        )
    return f"{deep_learning_registry(region)}/pytorch-training:{_TAGS[version]}"
