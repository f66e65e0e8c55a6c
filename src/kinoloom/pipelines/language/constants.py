"""Fixed words and patterns of the language."""

from __future__ import annotations

VERSION = "2020-12-01"
PARAMETER_TYPES = ("String", "Integer", "Float", "Boolean")
RETRY_EXCEPTIONS = (
    "Step.SERVICE_FAULT",
    "Step.THROTTLING",
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
)
DURATION = (
    r"(?i)(?=.*\d)p?(?P<weeks>\d+w)?(?P<days>\d+d)?"
    r"(t(?P<hours>\d+h)?(?P<minutes>\d+m)?(?P<seconds>\d+s)?)?"
)
"""A duration in ISO 8601, or as the service's documentation spells it: P30D, T12H, 30d."""
