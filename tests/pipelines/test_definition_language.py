"""The definition language: valid definitions round-trip, problems are reported."""

import copy
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from definition_samples import (
    condition,
    definition,
    equals,
    fail,
    get,
    join,
    json_get,
    lambda_step,
    processing,
)

from kinoloom.errors import DefinitionError, InputNotFoundError, UnreadableMediaError
from kinoloom.pipelines.language import check, load_file, load_text
from kinoloom.pipelines.language.model import Cache, RetryPolicy
from kinoloom.pipelines.language.values import Get, parse_path

PARAMETERS = (
    {"Name": "Limit", "Type": "Float", "DefaultValue": 7},
    {"Name": "Mode", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]},
    {"Name": "Needed", "Type": "Integer"},
    {"Name": "Fast", "Type": "Boolean", "DefaultValue": False},
)
FILE = {"PropertyFileName": "Report", "OutputName": "out", "FilePath": "sub/report.json"}
RETRY = {"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 3, "IntervalSeconds": 2}


def whole() -> dict[str, Any]:
    """A definition with something of everything."""
    ordered = [
        {"Type": name, "LeftValue": json_get("P", "Report", "a[0]['b c']"), "RightValue": 1}
        for name in ("GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo")
    ]
    others = [
        {"Type": "In", "QueryValue": get("Parameters.Mode"), "Values": ["a", 1, True]},
        {"Type": "Not", "Condition": equals(get("Execution.PipelineName"), "x")},
        {"Type": "Or", "Conditions": [equals(1, 2), equals(get("Parameters.Fast"), True)]},
    ]
    train = {
        "Name": "T",
        "Type": "Training",
        "Arguments": {
            "RoleArn": get("Parameters.Mode"),
            "OutputDataConfig": {"S3OutputPath": join("/", "s3://b", get("Parameters.Needed"))},
            "HyperParameters": {"depth": "5"},
        },
        "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"},
        "RetryPolicies": [RETRY],
    }
    first = processing("P", outputs=("out",), PropertyFiles=[FILE])
    from_file = {
        "Std:JsonGet": {
            "S3Uri": join("/", get("Steps.T.OutputDataConfig.S3OutputPath"), "r.json"),
            "Path": "Result",
        }
    }
    inner = condition("Inner", equals(from_file, 3), then=[fail("Stop")])
    choice = condition(
        "C", *ordered, *others, then=[train, inner], otherwise=[lambda_step("L", "P", x=[None])]
    )
    return copy.deepcopy(definition(choice, first, parameters=PARAMETERS))


def test_a_definition_round_trips() -> None:
    raw = whole()
    assert check(copy.deepcopy(raw)).definition.to_json() == raw
    assert load_text(json.dumps(raw)).definition.to_json() == raw


def test_needs_come_from_references_depends_on_and_branches() -> None:
    graph = check(whole()).graph
    assert {name: sorted(needs) for name, needs in graph.needs.items()} == {
        "P": [],
        "C": ["P"],
        "T": ["C"],
        "Inner": ["C", "T"],
        "Stop": ["Inner"],
        "L": ["C", "P"],
    }
    assert graph.steps["Stop"].path == "$.Steps[0].Arguments.IfSteps[1].Arguments.IfSteps[0]"
    assert (graph.steps["L"].condition, graph.steps["L"].outcome) == ("C", False)


def at(raw: Any, *keys: str | int) -> Any:
    for key in keys:
        raw = raw[key]
    return raw


def put(*keys: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change that puts a value at a place; the last key may be new."""

    def change(raw: dict[str, Any]) -> None:
        at(raw, *keys[:-1])[keys[-1]] = value

    return change


def drop(*keys: str | int) -> Callable[[dict[str, Any]], None]:
    def change(raw: dict[str, Any]) -> None:
        del at(raw, *keys[:-1])[keys[-1]]

    return change


C, P = ("Steps", 0), ("Steps", 1)
T = (*C, "Arguments", "IfSteps", 0)
CONDITIONS = (*C, "Arguments", "Conditions")
PATH_C, PATH_P = "$.Steps[0]", "$.Steps[1]"
PATH_T = "$.Steps[0].Arguments.IfSteps[0]"

WRONG = [
    (put("Version", value="2021-01-01"), "$.Version: must be \"2020-12-01\", not '2021-01-01'"),
    (drop("Steps"), "$: must have 'Steps'"),
    (put("Stepz", value=[]), "$.Stepz: is an unknown key (did you mean Steps?)"),
    (put("Parameters", 0, "Type", value="Double"), "$.Parameters[0].Type: must be one of String"),
    (put("Parameters", 0, "DefaultValue", value="x"), "$.Parameters[0].DefaultValue: must be of"),
    (put("Parameters", 2, "DefaultValue", value=1.5), "must be of type Integer, not 1.5"),
    (put("Parameters", 2, "DefaultValue", value=True), "must be of type Integer, not true"),
    (put("Parameters", 1, "DefaultValue", value="c"), "must be one of a, b, not 'c'"),
    (
        put("Parameters", 0, "EnumValues", value=["a"]),
        "is allowed for String parameters only, not for Float",
    ),
    (put("Parameters", 2, "Name", value="Limit"), "$.Parameters[2].Name: another parameter"),
    (put(*P, "Type", value="Proces"), f"{PATH_P}.Type: unknown value 'Proces' (did you mean Proc"),
    (drop(*P, "Type"), f"{PATH_P}: must have 'Type'"),
    (put(*P, value=3), f"{PATH_P}: must be an object, not 3"),
    (put(*P, "Name", value="P 1"), f"{PATH_P}.Name: must be text of the form"),
    (put(*P, "Name", value="T"), f"{PATH_P}.Name: another step is already named 'T'"),
    (put(*P, "DependOn", value=["C"]), f"{PATH_P}.DependOn: is an unknown key (did you mean Dep"),
    (put(*P, "DependsOn", value="C"), f"{PATH_P}.DependsOn: must be a list, not 'C'"),
    (put(*P, "DependsOn", value=["D"]), f"{PATH_P}.DependsOn[0]: unknown step 'D'"),
    (put(*P, "DependsOn", value=["P"]), f"{PATH_P}.DependsOn[0]: step 'P' cannot depend on itself"),
    (put(*P, "CacheConfig", value={}), f"{PATH_P}.CacheConfig: must have 'Enabled'"),
    (put(*T, "CacheConfig", "Enabled", value="yes"), f"{PATH_T}.CacheConfig.Enabled: must be true"),
    (put(*T, "CacheConfig", "ExpireAfter", value="P"), f"{PATH_T}.CacheConfig.ExpireAfter: must"),
    (put(*T, "CacheConfig", "ExpireAfter", value="a day"), "ExpireAfter: must be text of the form"),
    (put(*T, "RetryPolicies", 0, "MaxAttempts", value=21), "must be an integer from 1 to 20"),
    (put(*T, "RetryPolicies", 0, "ExpireAfterMin", value=9), "must have either 'MaxAttempts' or"),
    (drop(*T, "RetryPolicies", 0, "MaxAttempts"), f"{PATH_T}.RetryPolicies[0]: must have either"),
    (put(*T, "RetryPolicies", 0, "ExceptionType", value=["Any"]), "ExceptionType[0]: must be one"),
    (put(*T, "PropertyFiles", value=[]), f"{PATH_T}.PropertyFiles: is an unknown key"),
    (drop(*P, "Arguments", "RoleArn"), f"{PATH_P}.Arguments: must have 'RoleArn'"),
    (
        drop(*T, "Arguments", "OutputDataConfig", "S3OutputPath"),
        "OutputDataConfig: must have 'S3Out",
    ),
    (put(*T, "Arguments", "HyperParameters", "depth", value=5), "HyperParameters.depth: must be t"),
    (put(*T, "Arguments", "HyperParameters", "a b", value=5), "HyperParameters['a b']: must be t"),
    (put(*CONDITIONS, 0, "Type", value="Like"), "Conditions[0].Type: unknown value 'Like' (known"),
    (put(*CONDITIONS, 0, "LeftValue", value="1"), "LeftValue: must be a number or a function"),
    (drop(*CONDITIONS, 4, "Values"), "Conditions[4]: must have 'Values'"),
    (put(*CONDITIONS, 5, "Condition", value={}), "Conditions[5].Condition: must have 'Type'"),
    (put(*CONDITIONS, 6, "Conditions", value=[]), "Conditions[6].Conditions: must have at least"),
    (put(*CONDITIONS, 0, "LeftValue", value={"Std:Max": [1]}), "must be a function (Get"),
    (
        put(*CONDITIONS, 0, "LeftValue", value=get("Parameter.X")),
        "'Parameter.X' is not a valid reference",
    ),
    (put(*CONDITIONS, 0, "LeftValue", value=get("Parameters.Limt")), "did you mean Limit?"),
    (put(*CONDITIONS, 0, "LeftValue", value=get("Parameters.Limit.x")), "and for nothing else"),
    (
        put(*CONDITIONS, 0, "LeftValue", value=get("Execution.Name")),
        "unknown execution variable 'Name'",
    ),
    (put(*CONDITIONS, 0, "LeftValue", value=get("Steps.P")), "must name a property for a step"),
    (put(*CONDITIONS, 0, "LeftValue", value=get("Steps.Q.a")), "unknown step 'Q'"),
    (put(*CONDITIONS, 0, "LeftValue", value=get("Steps.Stop.a")), "Fail step has no property 'a'"),
    (put(*CONDITIONS, 0, "LeftValue", value=get("Steps.P.ModelName")), "no property 'ModelName'"),
    (put(*CONDITIONS, 0, "LeftValue", value=json_get("P", "Other", "a")), "no property file 'Oth"),
    (
        put(*CONDITIONS, 0, "LeftValue", value=json_get("P", "Report", "a..b")),
        "is not a valid path",
    ),
    (put(*CONDITIONS, 0, "LeftValue", value={"Std:JsonGet": {"Path": "a"}}), "must have either"),
    (put(*CONDITIONS, 0, "LeftValue", value={"Std:Join": {"Values": []}}), "must have 'On'"),
    (
        put(*P, "PropertyFiles", 0, "OutputName", value="o"),
        "OutputName: step 'P' has no output 'o'",
    ),
    (
        put(*P, "PropertyFiles", 0, "FilePath", value="../x"),
        "FilePath: must be a path within the outp",
    ),
    (
        put(*P, "PropertyFiles", 0, "FilePath", value="/x"),
        "FilePath: must be a path within the output",
    ),
    (put("PipelineExperimentConfig", value={"Trial": "x"}), "$.PipelineExperimentConfig.Trial: is"),
    (
        put("PipelineExperimentConfig", value={"TrialName": get("Parameters.No")}),
        "$.PipelineExperimentConfig.TrialName: unknown parameter 'No'",
    ),
    (
        put(*T, "Arguments", "Environment", value={"X": get("Steps.L.OutputParameters['no']")}),
        f"{PATH_T}.Arguments.Environment.X: step 'L' has no output 'no' (known: answer)",
    ),
    (
        put(*P, "Arguments", "Environment", value={"X": get("Steps.P.RoleArn")}),
        f"{PATH_P}: dependency cycle: P -> P",
    ),
    (put(*P, "DependsOn", value=["T"]), "dependency cycle: C -> P -> T -> C"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[text for _, text in WRONG])
def test_problems_have_json_paths(change: Callable[[dict[str, Any]], None], message: str) -> None:
    raw = whole()
    change(raw)
    with pytest.raises(DefinitionError) as caught:
        check(raw)
    assert message in str(caught.value)


def test_every_problem_is_reported_at_once() -> None:
    raw = whole()
    del raw["Version"]
    raw["Steps"][1]["Name"] = 3
    with pytest.raises(DefinitionError) as caught:
        check(raw)
    assert "2 problems" in str(caught.value)
    assert "$: must have 'Version'" in str(caught.value)
    assert "$.Steps[1].Name: must be text" in str(caught.value)


def test_a_long_list_of_problems_is_truncated() -> None:
    raw = definition(*[fail(f"bad name {k}") for k in range(30)])
    with pytest.raises(DefinitionError, match=r"30 problems(.|\n)*and 10 more"):
        check(raw)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON: line 1, column 1"),
        ("[]", r"\$: must be an object"),
        ("null", r"\$: must be an object, not null"),
        ('{"Version": NaN}', "has the value NaN, which is not JSON"),
        ('{"Version": "a", "Version": "b"}', "repeats the key 'Version'"),
        ("[" * 100_000, "nested too deeply"),
        (
            '{"Version":"2020-12-01","Steps":' + '[{"a":' * 5000 + "1" + "}]" * 5000 + "}",
            "deep|lac",
        ),
    ],
)
def test_invalid_text_is_rejected(text: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        load_text(text)


def test_unreadable_files_are_reported(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="does not exist"):
        load_file(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableMediaError, match="Cannot read"):
        load_file(tmp_path / "bytes.json")
    with pytest.raises(UnreadableMediaError, match="Cannot read"):
        load_file(tmp_path)


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("a", ("a",)),
        ("a.b-c", ("a", "b-c")),
        ("a[0]['k.l'][12].b", ("a", 0, "k.l", 12, "b")),
        ("Outputs['train'].S3Uri", ("Outputs", "train", "S3Uri")),
        ("", ()),
    ],
)
def test_paths_have_names_keys_and_indices(text: str, members: tuple[Any, ...]) -> None:
    assert parse_path(text) == members


@pytest.mark.parametrize(
    "text", [".a", "a.", "a..b", "a[", "a[x]", "a['", "$", "a[*]", "a b", "ab[-1]"]
)
def test_invalid_paths_are_rejected(text: str) -> None:
    with pytest.raises(DefinitionError, match="is not a valid path"):
        parse_path(text)


def test_a_reference_is_split_into_its_parts() -> None:
    one = Get("Steps.A-1.Outputs['x'][3]")
    assert (one.kind, one.name, one.path) == ("Steps", "A-1", ("Outputs", "x", 3))


@pytest.mark.parametrize(
    ("text", "lifetime"),
    [
        ("P30D", timedelta(days=30)),
        ("PT1H30M", timedelta(minutes=90)),
        ("p2w", timedelta(weeks=2)),
        ("T12H", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("", None),
    ],
)
def test_cached_outputs_have_a_maximum_age(text: str, lifetime: timedelta | None) -> None:
    assert Cache(True, text).max_age == lifetime


def test_delays_grow_by_the_backoff_rate() -> None:
    policy = RetryPolicy(("Step.THROTTLING",), backoff_rate=3, interval_s=2, max_attempts=4)
    assert [policy.delay_s(attempt) for attempt in (1, 2, 3)] == [2, 6, 18]
    assert RetryPolicy(("Step.THROTTLING",), max_attempts=1).delay_s(2) == 2


def test_definitions_of_the_sdk_round_trip(shared_data: Path) -> None:
    files = sorted((shared_data / "pipelines").glob("*.json"))
    assert len(files) >= 12
    for file in files:
        assert load_file(file).definition.to_json() == json.loads(file.read_text()), file.name


def test_the_order_of_listing_means_nothing(shared_data: Path) -> None:
    """This definition is listed from its last step to its first."""
    graph = load_file(shared_data / "pipelines" / "06_fanout_dependson_execvars.json").graph
    assert graph.order[0] == "Split"
    assert sorted(graph.order[1:5]) == ["Map0", "Map1", "Map2", "Map3"]
    assert graph.order[5:] == ("Reduce", "Notify")


def test_numbers_with_too_many_digits_are_rejected() -> None:
    text = json.dumps(definition(fail("Stop"))).replace('"no"', "9" * 5000)
    with pytest.raises(DefinitionError, match="a number with too many digits"):
        load_text(text)
