"""Tuning steps: the search, parallel trainings, early stopping, top models, the cache."""

import copy
import json
import time
from pathlib import Path
from typing import Any

import pytest
from definition_samples import ROLE, definition

from kinoloom.errors import UsageError
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.jobs.worker import find_values
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.tuning.early_stopping import watch_log
from kinoloom.pipelines.local.tuning.search import Search

TRAIN = """
import json, os
ml = os.environ["KINOLOOM_ML_ROOT"]
given = json.load(open(ml + "/input/config/hyperparameters.json"))
x, y = float(given["x"]), given["y"]
if given.get("bad") == y:
    raise SystemExit(3)
for step in range(3):
    print(f"step {step} loss={(x - 2) ** 2 + (y == 'b') + 3 - step}")
open(ml + "/model/x", "w").write(f"{x:g}{y}")
"""
SLEEP = "import time; print('loss=1', flush=True); time.sleep(100)"
RANGES = {
    "IntegerParameterRanges": [{"Name": "x", "MinValue": "1", "MaxValue": "3"}],
    "CategoricalParameterRanges": [{"Name": "y", "Values": ["a", "b"]}],
}


def tuning(code: str = TRAIN, strategy: str = "Grid", most: int | None = None,
           regex: str = r"loss=([\d.]+)", **static: str) -> dict[str, Any]:  # fmt: skip
    limits = {"MaxParallelTrainingJobs": 2}
    return {
        "Name": "Tune",
        "Type": "Tuning",
        "Arguments": {
            "HyperParameterTuningJobConfig": {
                "Strategy": strategy,
                "ResourceLimits": {**limits, "MaxNumberOfTrainingJobs": most} if most else limits,
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
                "ParameterRanges": RANGES,
            },
            "TrainingJobDefinition": {
                "StaticHyperParameters": static,
                "RoleArn": ROLE,
                "AlgorithmSpecification": {
                    "TrainingInputMode": "File",
                    "ContainerEntrypoint": ["python3", "-S", "-c", code],
                    "MetricDefinitions": [{"Name": "loss", "Regex": regex}],
                },
                "OutputDataConfig": {"S3OutputPath": "s3://tuned/t"},
            },
        },
    }


@pytest.fixture
def session(tmp_path: Path) -> LocalSession:
    return LocalSession(tmp_path / "root")


def start(session: LocalSession, step: dict[str, Any]) -> LocalExecution:
    session.put_pipeline("Tuned", json.dumps(definition(step)))
    return session.start("Tuned")


def test_a_grid_is_trained_ranked_and_cached(session: LocalSession) -> None:
    done = start(session, tuning())
    done.wait()
    made = done.result("Tune")
    found = [
        (one["TunedHyperParameters"], one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])
        for one in made["TrainingJobSummaries"]
    ]
    assert found[0] == ({"x": "2", "y": "a"}, 1.0)
    assert [value for _, value in found] == [1.0, 2.0, 2.0, 2.0, 3.0, 3.0]
    assert made["BestTrainingJob"] == made["TrainingJobSummaries"][0]
    name = made["BestTrainingJob"]["TrainingJobName"]
    assert session.workspace.objects.path(f"s3://tuned/t/{name}/output/model.tar.gz").is_file()
    assert [step["StepName"] for step in done.list_steps()] == ["Tune"]
    assert len(done.list_trainings("Tune")) == 6
    again = start(session, tuning())
    again.wait()
    told = {one["CacheExplanation"] for one in again.list_trainings("Tune")}
    assert told == {f"cache hit: execution {done.id}"}
    values = [
        one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        for one in again.result("Tune")["TrainingJobSummaries"]
    ]
    assert values == [value for _, value in found], "a metric is known without its log"


def test_a_training_that_fails_does_not_end_the_tuning(session: LocalSession) -> None:
    done = start(session, tuning(bad="b"))
    done.wait()
    made = done.result("Tune")
    assert made["TrainingJobStatusCounters"] == {
        "Completed": 3, "Stopped": 0, "NonRetryableError": 3,
    }  # fmt: skip
    assert {one["TunedHyperParameters"]["y"] for one in made["TrainingJobSummaries"]} == {"a"}


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (tuning("raise SystemExit(3)", "Random", 2), "None of 2 trainings has a value: The job"),
        (tuning(strategy="Random", most=1, regex="no=(.*)"), "no log has the metric 'loss'"),
    ],
)
def test_a_tuning_without_a_value_fails(
    session: LocalSession, step: dict[str, Any], reason: str
) -> None:
    done = start(session, step)
    done.join()
    assert done.status == "Failed"
    assert reason in done.describe()["FailureReason"]


def test_stop_ends_all_trainings(session: LocalSession) -> None:
    execution = start(session, tuning(SLEEP))
    deadline = time.monotonic() + 60
    while len(execution.list_trainings("Tune")) < 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    execution.stop()
    execution.join()
    assert execution.status == "Stopped"
    assert {one["StepStatus"] for one in execution.list_trainings("Tune")} == {"Stopped"}


def config(strategy: str, most: int | None, ranges: Any = None, **more: Any) -> dict[str, Any]:
    limits = {"MaxNumberOfTrainingJobs": most} if most else {}
    return {
        "Strategy": strategy, "ResourceLimits": limits, "ParameterRanges": ranges or RANGES, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("strategy", "most", "expected"),
    [("Grid", None, 6), ("Grid", 4, 4), ("Grid", 9, 6), ("Random", 9, 9), ("Bayesian", None, 1)],
)
def test_the_number_of_trainings(strategy: str, most: int | None, expected: int) -> None:
    assert Search(config(strategy, most), minimize=True).max_trials == expected


def ranged(scaling: str, low: str, high: str) -> dict[str, Any]:
    one = {"Name": "r", "MinValue": low, "MaxValue": high, "ScalingType": scaling}
    return {"ContinuousParameterRanges": [one]}


@pytest.mark.parametrize("strategy", ["Bayesian", "Random", "Hyperband", "Grid"])
@pytest.mark.parametrize(
    ("scaling", "low", "high"),
    [("Logarithmic", "1e-4", "1"), ("Linear", "-2", "3"), ("ReverseLogarithmic", "0", "0.99")],
)
def test_values_are_in_their_range(strategy: str, scaling: str, low: str, high: str) -> None:
    search = Search(config(strategy, 5, ranged(scaling, low, high)), minimize=False)
    for _ in range(5):
        trial, chosen = search.ask()
        assert float(low) <= float(chosen["r"]) <= float(high)
        search.tell(trial, float(chosen["r"]))


def test_the_bayesian_search_comes_closer_than_chance() -> None:
    def best(strategy: str) -> float:
        search = Search(config(strategy, 40, ranged("Linear", "0", "1")), minimize=True)
        errors = []
        for _ in range(40):
            trial, chosen = search.ask()
            errors.append(abs(float(chosen["r"]) - 0.7))
            search.tell(trial, errors[-1])
        return sum(errors[20:])

    assert best("Bayesian") < 0.5 * best("Random")


def test_an_invalid_range_is_rejected() -> None:
    with pytest.raises(UsageError, match="The range of 'r', 0 to 1, is invalid for ScalingType"):
        Search(config("Random", 1, ranged("Logarithmic", "0", "1")), minimize=True)
    with pytest.raises(UsageError, match="at least one hyper-parameter range"):
        Search(config("Random", 1, {"IntegerParameterRanges": []}), minimize=True)


def test_a_training_worse_than_the_median_is_stopped() -> None:
    search = Search(config("Random", 9, TrainingJobEarlyStoppingType="Auto"), minimize=True)
    for _ in range(3):
        trial, _ = search.ask()
        assert not search.should_stop(trial, [3.0, 2.0])
        search.tell(trial, 2.0)
    assert not search.should_stop(search.ask()[0], [3.0, 1.5])
    assert search.should_stop(search.ask()[0], [3.0, 2.5])
    off = Search(config("Random", 9), minimize=True)
    for _ in range(4):
        trial, _ = off.ask()
        assert not off.should_stop(trial, [9.0])
        off.tell(trial, 1.0)


def test_a_job_is_stopped_by_its_log(tmp_path: Path) -> None:
    import os
    import select

    never, end = os.pipe()
    log = tmp_path / "log.txt"
    with watch_log(log, never, lambda text: "bad" in text) as stop_fd:
        assert select.select([stop_fd], [], [], 0.7)[0] == []
        log.write_text("bad")
        assert select.select([stop_fd], [], [], 30)[0] == [stop_fd]
    with watch_log(log, never, lambda text: False) as stop_fd:
        os.write(end, b"x")
        assert select.select([stop_fd], [], [], 30)[0] == [stop_fd]
    os.close(never)
    os.close(end)


def test_metrics_are_numbers_in_the_log() -> None:
    log = "a=1.5 a=-2e-3\na=nan a=.5"
    assert find_values(log, r"a=(\S+)") == [1.5, -0.002, 0.5]
    assert find_values(log, r"nothing") == []


def test_several_training_definitions_share_the_limits(session: LocalSession) -> None:
    """As HyperparameterTuner.create() of the SDK compiles a tuner of several estimators."""
    step = tuning(strategy="Random", most=5)
    arguments = step["Arguments"]
    config = arguments["HyperParameterTuningJobConfig"]
    ranges = config.pop("ParameterRanges")
    objective = config.pop("HyperParameterTuningJobObjective")
    first = {
        **arguments.pop("TrainingJobDefinition"),
        "DefinitionName": "first", "HyperParameterRanges": ranges, "TuningObjective": objective,
    }  # fmt: skip
    second = copy.deepcopy({**first, "DefinitionName": "second"})
    second["AlgorithmSpecification"]["ContainerEntrypoint"][-1] = TRAIN.replace("loss=", "cost=-")
    second["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "cost", "Regex": r"cost=(-[\d.]+)"}
    ]
    second["TuningObjective"] = {"Type": "Minimize", "MetricName": "cost"}
    arguments["TrainingJobDefinitions"] = [first, second]
    done = start(session, step)
    done.wait()
    result = done.result("Tune")
    names = [one["TrainingJobDefinitionName"] for one in result["TrainingJobSummaries"]]
    assert names == ["second", "second", "first", "first", "first"], (
        "best first: costs are negative"
    )
    best = result["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] == "cost"
    assert len(done.list_trainings("Tune")) == 5
