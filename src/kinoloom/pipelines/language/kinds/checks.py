"""QualityCheck and ClarifyCheck steps, which only the service runs."""

from __future__ import annotations

from kinoloom.pipelines.language.kinds import processing
from kinoloom.pipelines.language.shapes import Nullable, Shape, boolean, text
from kinoloom.pipelines.language.step_kind import CACHE, TEXT, StepKind

_OPTIONAL: dict[str, Shape] = {
    **CACHE,
    "CheckType": TEXT,
    "ModelPackageGroupName": Nullable(text()),
    "SkipCheck": boolean(),
    "FailOnViolation": boolean(),
    "RegisterNewBaseline": boolean(),
    "SuppliedBaselineStatistics": Nullable(text()),
    "SuppliedBaselineConstraints": Nullable(text()),
}
_PROPERTIES = (
    "CalculatedBaselineConstraints",
    "CalculatedBaselineStatistics",
    "BaselineUsedForDriftCheckConstraints",
    "BaselineUsedForDriftCheckStatistics",
    *processing.PROPERTIES,
)

KINDS = tuple(
    StepKind(name, processing.REQUEST, optional=_OPTIONAL, properties=_PROPERTIES)
    for name in ("QualityCheck", "ClarifyCheck")
)
