"""The search strategies of tuning jobs, by Optuna.

Bayesian is Optuna's tree-structured Parzen estimator, Random its random sampler, Grid every
combination (with ten values for a range of numbers), Hyperband a random search with the Hyperband
pruner. TrainingJobEarlyStoppingType Auto stops a training whose metric is worse than the median of
the others at the same point of their logs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.errors import UsageError

_SEED = 0
_GRID_STEPS = 10  # values of a range of numbers in a grid


class Search:
    """The search of one tuning job.

    Args:
        config: The resolved HyperParameterTuningJobConfig.
        minimize: Whether a smaller value is better.

    Attributes:
        max_trials: The number of trials.

    Raises:
        MissingExtraError: Optuna is not installed.
        UsageError: No hyper-parameter has a range, or a range is invalid.
    """

    def __init__(self, config: Mapping[str, Any], *, minimize: bool) -> None:
        from kinoloom.base.need import need  # loads numpy, which sessions do not need

        optuna = need("optuna", extra="pipelines")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._ranges = _parse_ranges(config.get("ParameterRanges", {}))
        self._failed = optuna.trial.TrialState.FAIL
        strategy, seed = config["Strategy"], int(config.get("RandomSeed", _SEED))
        grid = {one.key: one.grid() for one in self._ranges} if strategy == "Grid" else {}
        size = math.prod(len(values) for values in grid.values()) if grid else None
        limit = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
        self.max_trials = min(int(limit), size or int(limit)) if limit is not None else size or 1
        stopping = config.get("TrainingJobEarlyStoppingType", "Off")
        samplers = optuna.samplers
        sampler = samplers.TPESampler if strategy == "Bayesian" else samplers.RandomSampler
        self._study = optuna.create_study(
            direction="minimize" if minimize else "maximize",
            sampler=sampler(seed=seed),
            pruner=_build_pruner(optuna, strategy, stopping),
        )
        for values in itertools.islice(itertools.product(*grid.values()), self.max_trials):
            if grid:
                self._study.enqueue_trial(dict(zip(grid, values, strict=True)))

    def ask(self) -> tuple[Any, dict[str, str]]:
        """Return the next trial and its hyper-parameters as text."""
        trial = self._study.ask()
        return trial, {one.name: one.suggest(trial) for one in self._ranges}

    def tell(self, trial: Any, value: float | None) -> None:
        """Record a trial's value; None if it has none."""
        if value is None:
            self._study.tell(trial, state=self._failed)
        else:
            self._study.tell(trial, value)

    def should_stop(self, trial: Any, values: Sequence[float]) -> bool:
        """Return whether to stop a trial with these values so far."""
        for step, value in enumerate(values):
            trial.report(value, step)
        return bool(values) and bool(trial.should_prune())


class _Range:
    """The range of one hyper-parameter."""

    def __init__(self, kind: str, raw: Mapping[str, Any]) -> None:
        self.name = str(raw["Name"])
        self._kind = kind
        self._values = [str(value) for value in raw.get("Values", ())]
        self._scaling = raw.get("ScalingType", "Auto")
        if kind != "Categorical":
            number = int if kind == "Integer" else float
            self._low, self._high = number(raw["MinValue"]), number(raw["MaxValue"])
            reverse = self._scaling == "ReverseLogarithmic" and not 0 <= self._high < 1
            if not self._low <= self._high or reverse or (self._log and self._low <= 0):
                raise UsageError(
                    f"The range of '{self.name}', {raw['MinValue']} to {raw['MaxValue']}, is "
                    f"invalid for ScalingType {self._scaling}."
                )

    @property
    def _log(self) -> bool:
        return bool(self._scaling == "Logarithmic")

    @property
    def key(self) -> str:
        """The name in Optuna, which searches 1 - x for ReverseLogarithmic."""
        return f"1-{self.name}" if self._scaling == "ReverseLogarithmic" else self.name

    def suggest(self, trial: Any) -> str:
        """Return a value for a trial, as text."""
        if self._kind == "Categorical":
            return str(trial.suggest_categorical(self.name, self._values))
        if self._kind == "Integer":
            return str(trial.suggest_int(self.name, self._low, self._high, log=self._log))
        if self._scaling == "ReverseLogarithmic":  # of 1 - x, for x in [0, 1)
            low, high = 1 - self._high, 1 - self._low
            return repr(1 - float(trial.suggest_float(self.key, low, high, log=True)))
        return repr(trial.suggest_float(self.name, self._low, self._high, log=self._log))

    def grid(self) -> list[Any]:
        """Return its values in a grid."""
        if self._kind == "Categorical":
            return list(self._values)
        if self._kind == "Integer" and self._high - self._low < _GRID_STEPS:
            return list(range(int(self._low), int(self._high) + 1))
        parts = [k / (_GRID_STEPS - 1) for k in range(_GRID_STEPS)]
        low, high = self._low, self._high
        if self.key != self.name:
            low, high = 1 - self._high, 1 - self._low
        if self._log or self.key != self.name:
            values = [low * (high / low) ** part for part in parts]
        else:
            values = [low + (high - low) * part for part in parts]
        if self._kind == "Integer":
            return sorted({round(value) for value in values})
        return [min(max(value, low), high) for value in values]


def _parse_ranges(raw: Mapping[str, Any]) -> list[_Range]:
    kinds = ("Continuous", "Integer", "Categorical")
    ranges = list(
        itertools.chain.from_iterable(
            (_Range(kind, one) for one in raw.get(f"{kind}ParameterRanges", ())) for kind in kinds
        )
    )
    if not ranges:
        raise UsageError("A Tuning step needs at least one hyper-parameter range.")
    return ranges


def _build_pruner(optuna: Any, strategy: str, stopping: str) -> Any:
    if strategy == "Hyperband":
        return optuna.pruners.HyperbandPruner()
    if stopping == "Auto":
        return optuna.pruners.MedianPruner(n_startup_trials=3)
    return optuna.pruners.NopPruner()
