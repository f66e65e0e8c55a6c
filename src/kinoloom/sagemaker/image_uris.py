"""Names of the service's images, as `sagemaker.image_uris`.

Definitions have the same names as the SDK's. No image is fetched: a local step runs in this
interpreter's environment.

Source: the tables `image_uri_config/xgboost.json`, `sklearn.json`, `pytorch.json` and
`tensorflow.json` of the SageMaker Python SDK 2.257.7.
"""

from __future__ import annotations

from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.aws.images import deep_learning_registry
from kinoloom.pipelines.language.problems import suggest

_ACCOUNTS = {
    "af-south-1": "510948584623", "ap-east-1": "651117190479", "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698", "ap-northeast-3": "867004704886",
    "ap-south-1": "720646828776", "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285", "ca-central-1": "341280168497",
    "eu-central-1": "492215442770", "eu-north-1": "662702820516", "eu-south-1": "978288397137",
    "eu-west-1": "141502667606", "eu-west-2": "764974769150", "eu-west-3": "659782779980",
    "me-south-1": "801668240914", "sa-east-1": "737474898029", "us-east-1": "683313688378",
    "us-east-2": "257758044811", "us-west-1": "746614075791", "us-west-2": "246618743249",
}  # fmt: skip
_SHARED = ("pytorch", "tensorflow")
_IMAGES = {
    "xgboost": ("sagemaker-xgboost", ""),
    "sklearn": ("sagemaker-scikit-learn", "-cpu-py3"),
}


def retrieve(
    framework: str,
    region: str,
    version: str | None = None,
    py_version: str | None = None,
    instance_type: Any = None,
    image_scope: str | None = None,
) -> str:
    """Return the name of an image.

    Args:
        framework: "xgboost", "sklearn", "pytorch" or "tensorflow".
        region: The service's region; "local" returns a name without a registry.
        version: The image's version, such as "1.5-1".
        py_version: For pytorch and tensorflow, the Python version, such as "py310".
        instance_type: For pytorch and tensorflow, decides between "cpu" and "gpu".
        image_scope: For pytorch and tensorflow, "training" or "inference".

    Raises:
        UsageError: The framework or region is unknown, or the version is missing.
    """
    known = (*_IMAGES, *_SHARED)
    if framework not in known:
        raise UsageError(
            f"Unknown framework '{framework}'{suggest(framework, known)}.",
            hint="Pass an image_uri instead.",
        )
    if version is None:
        raise UsageError(f"The image of {framework} needs a version, such as '1.5-1'.")
    if framework in _SHARED:
        kind = "gpu" if _has_gpu(instance_type) else "cpu"
        name = f"{framework}-{image_scope or 'training'}"
        tag = "-".join(filter(None, (version, kind, py_version)))
        if region == "local":
            return f"local/{name}:{tag}"
        return f"{deep_learning_registry(region)}/{name}:{tag}"
    name, suffix = _IMAGES[framework]
    if region == "local":
        return f"local/{name}:{version}{suffix}"
    if region not in _ACCOUNTS:
        raise UsageError(
            f"The image registry of region '{region}' is unknown{suggest(region, _ACCOUNTS)}.",
            hint="Pass an image_uri instead.",
        )
    return f"{_ACCOUNTS[region]}.dkr.ecr.{region}.amazonaws.com/{name}:{version}{suffix}"


def _has_gpu(instance_type: Any) -> bool:
    """Return whether an instance type, such as "ml.p3.2xlarge", has an accelerator."""
    return isinstance(instance_type, str) and instance_type.startswith(("ml.p", "ml.g"))
