"""LocalSession: which steps succeed, fail or are skipped, and why."""

import errno
import json
import subprocess
import sys
import time
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

from kinoloom.errors import DefinitionError, ExecutionError, UsageError
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.jobs.mounts import namespaces_work
from kinoloom.pipelines.local.jobs.resources import Resources
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.storage.store import Store

ISOLATIONS = ["namespace", "plain"] if namespaces_work() else ["plain"]
ARN = "arn:aws:lambda:us-west-2:123456789012:function:f"


@pytest.fixture
def session(tmp_path: Path) -> LocalSession:
    return LocalSession(tmp_path / "root", resources=Resources(cpu=4))


def python(code: str, *words: Any) -> list[Any]:
    """A command whose code has the folder of the step's files in `ml`."""
    head = "import os; ml = os.environ['KINOLOOM_ML_ROOT']; "
    return ["python3", "-S", "-c", head + code, *words]


def run(session: LocalSession, *steps: dict[str, Any], **options: Any) -> LocalExecution:
    parameters = options.pop("parameters", ())
    session.put_pipeline("Test", json.dumps(definition(*steps, parameters=parameters)))
    execution = session.start("Test", options.pop("values", None), **options)
    execution.join()
    return execution


def statuses(execution: LocalExecution) -> dict[str, str]:
    return {step["StepName"]: step["StepStatus"] for step in execution.list_steps()}


def reason(execution: LocalExecution, step: str) -> str:
    told = {s["StepName"]: s.get("FailureReason", "") for s in execution.list_steps()}
    return str(told[step])


def writer(name: str, text: str = "x", **more: Any) -> dict[str, Any]:
    """A step that writes one file into its output "out"."""
    code = f"open(ml + '/processing/out/out/f.txt', 'w').write({text!r})"
    return processing(name, entrypoint=python(code), outputs=("out",), **more)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_files_pass_from_step_to_step(tmp_path: Path, isolation: Any) -> None:
    session = LocalSession(tmp_path / "root", isolation=isolation)
    session.upload(b"7", "s3://bucket/in/number.txt")
    double = "import sys; a, b = sys.argv[1:]; open(b, 'w').write(str(2 * int(open(a).read())))"
    steps = [
        processing(
            name,
            entrypoint=python(double, "/opt/ml/processing/in/number.txt",
                              "/opt/ml/processing/out/out/number.txt"),
            inputs={"in": uri},
            outputs=("out",),
        )
        for name, uri in (
            ("B", get("Steps.A.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")),
            ("A", "s3://bucket/in/number.txt"),
        )
    ]  # fmt: skip
    execution = run(session, *steps)
    execution.wait()
    assert statuses(execution) == {"A": "Succeeded", "B": "Succeeded"}
    assert (execution.result("B")["out"] / "number.txt").read_text() == "28"
    expected = f"s3://bucket/out/{execution.id}/B/out"
    outputs = execution.properties("B")["ProcessingOutputConfig"]["Outputs"]
    assert outputs[0]["S3Output"]["S3Uri"] == expected


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_only_a_namespace_has_opt_ml_itself(tmp_path: Path, isolation: Any) -> None:
    session = LocalSession(tmp_path / "root", isolation=isolation)
    code = (
        "import json; open('/opt' + '/ml/processing/out/out/f', 'w').close(); "
        "print(json.dumps(os.listdir('/opt')))"
    )
    execution = run(session, processing("A", entrypoint=python(code), outputs=("out",)))
    if isolation == "namespace":
        assert (execution.result("A")["out"] / "f").is_file()
        here = {path.name for path in Path("/opt").iterdir()}
        assert set(json.loads(execution.logs("A"))) == here | {"ml"}
    else:
        assert "No such file" in reason(execution, "A")


def test_a_step_may_change_its_inputs_but_nobody_else_sees_it(session: LocalSession) -> None:
    session.upload(b"before", "s3://bucket/in/a.txt")
    code = "import sys; open(sys.argv[1], 'w').write('after')"
    step = processing(
        "A", entrypoint=python(code, "/opt/ml/processing/in/a.txt"), inputs={"in": "s3://bucket/in"}
    )
    run(session, step).wait()
    assert session.workspace.objects.path("s3://bucket/in/a.txt").read_bytes() == b"before"


def test_conditions_choose_a_branch_and_skip_the_other(session: LocalSession) -> None:
    code = (
        "import json; open(ml + '/processing/out/out/r.json', 'w')"
        ".write(json.dumps({'a': [{'b c': 5.5}]}))"
    )
    first = processing(
        "P",
        entrypoint=python(code),
        outputs=("out",),
        PropertyFiles=[
            {"PropertyFileName": "R", "OutputName": "out", "FilePath": "r.json"},
            {"PropertyFileName": "Gone", "OutputName": "out", "FilePath": "no.json"},
        ],
    )
    value = json_get("P", "R", "a[0]['b c']")
    less = {"Type": "LessThan", "LeftValue": value, "RightValue": get("Parameters.Limit")}
    wanted = join(" ", "over", get("Parameters.Limit"))
    choice = condition("C", less, then=[writer("Yes")], otherwise=[fail("No", wanted)])
    after = writer("After", DependsOn=["Yes"])
    limit = [{"Name": "Limit", "Type": "Float", "DefaultValue": 7.0}]
    passed = run(session, choice, first, after, parameters=limit)
    assert passed.status == "Succeeded"
    assert list(statuses(passed)) == ["P", "C", "Yes", "After"]
    assert passed.result("C") is True
    failed = run(session, choice, first, after, parameters=limit, values={"Limit": 2})
    assert failed.status == "Failed"
    assert statuses(failed) == {"P": "Succeeded", "C": "Succeeded", "No": "Failed"}
    assert reason(failed, "No") == "over 2"
    with pytest.raises(ExecutionError, match="Step 'No' failed: over 2"):
        failed.wait()
    lost = condition("C", equals(json_get("P", "Gone", "a"), 1))
    gone = run(session, lost, first)
    assert "Property file 'Gone' of step 'P' does not exist" in reason(gone, "C")
    wrong = condition("C", equals(json_get("P", "R", "a[1].x"), 1))
    assert "has no '1'" in reason(run(session, wrong, first), "C")
    text = condition("C", {**less, "LeftValue": get("Steps.P.RoleArn")})
    compared = run(session, text, first, parameters=limit)
    assert "LessThan compares numbers" in reason(compared, "C")


def test_a_step_that_fails_says_why(session: LocalSession) -> None:
    code = "import sys; print('hello'); sys.exit('something is wrong')"
    slow = processing("Slow", entrypoint=python("import time; time.sleep(0.4)"))
    steps = [
        processing("Bad", entrypoint=python(code)),
        slow,
        writer("Never", DependsOn=["Bad"]),
        writer("Later", DependsOn=["Slow"]),
    ]
    execution = run(session, *steps)
    assert execution.status == "Failed"
    assert statuses(execution) == {"Bad": "Failed", "Slow": "Succeeded"}
    assert "exit code 1" in reason(execution, "Bad")
    assert reason(execution, "Bad").endswith("hello\nsomething is wrong")
    assert execution.logs("Bad") == "hello\nsomething is wrong\n"
    assert "Step 'Bad' failed" in execution.describe()["FailureReason"]
    with pytest.raises(ExecutionError, match="has not succeeded"):
        execution.result("Bad")
    with pytest.raises(UsageError, match="No step 'Never' has started"):
        execution.logs("Never")


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (processing("A", entrypoint=["no-such-program-here"]), "no-such-program-here"),
        (processing("A", inputs={"in": "s3://bucket/none"}), "s3://bucket/none does not exist"),
        (processing("A", entrypoint=python("import os; os.kill(os.getpid(), 9)")), "by SIGKILL"),
        (
            processing("A", entrypoint=python(
                "import os; os.makedirs(ml + '/output', exist_ok=True); "
                "open(ml + '/output/failure', 'w').write('my own words'); os._exit(3)")),
            "Its failure file: my own words",
        ),
        (
            processing("A", outputs=("out",), entrypoint=python(
                "import os; os.symlink('/etc/passwd', ml + '/processing/out/out/x')")),
            "must be a file, or a link to one within",
        ),
    ],
)  # fmt: skip
def test_jobs_that_cannot_run_fail_with_a_reason(
    session: LocalSession, step: dict[str, Any], message: str
) -> None:
    assert message in reason(run(session, step), "A")


def test_a_time_limit_terminates_the_whole_group(session: LocalSession, tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    child = f"import time; time.sleep(1.5); open({str(mark)!r}, 'w')"
    code = (
        "import subprocess, sys, time; "
        f"subprocess.Popen([sys.executable, '-S', '-c', {child!r}]); time.sleep(60)"
    )
    step = processing("A", entrypoint=python(code), StoppingCondition={"MaxRuntimeInSeconds": 1})
    begin = time.monotonic()
    execution = run(session, step)
    assert "exceeded its time limit of 1 s" in reason(execution, "A")
    assert time.monotonic() - begin < 20
    time.sleep(1)
    assert not mark.exists()


def test_processes_that_a_step_leaves_are_terminated(session: LocalSession, tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    child = f"import time; time.sleep(0.7); open({str(mark)!r}, 'w')"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', {child!r}])"
    run(session, processing("A", entrypoint=python(code))).wait()
    time.sleep(1.2)
    assert not mark.exists()


def test_stop_terminates_running_steps_and_starts_none(session: LocalSession) -> None:
    steps = [
        processing("A", entrypoint=python("import time; time.sleep(60)")),
        writer("B", DependsOn=["A"]),
    ]
    session.put_pipeline("Test", json.dumps(definition(*steps)))
    execution = session.start("Test")
    while not execution.list_steps():
        time.sleep(0.01)
    with pytest.raises(ExecutionError, match="did not finish within"):
        execution.wait(delay=0.05, max_attempts=1)
    execution.stop()
    execution.join()
    assert execution.status == "Stopped"
    assert statuses(execution) == {"A": "Stopped"}
    with pytest.raises(ExecutionError, match="stopped"):
        execution.wait()


def test_branches_run_in_parallel_within_the_resources(tmp_path: Path) -> None:
    span = "import time; a = time.time(); time.sleep(0.2); print(a, time.time())"
    steps = [processing(f"S{k}", entrypoint=python(span)) for k in range(4)]

    def most_at_once(session: LocalSession, **options: Any) -> int:
        execution = run(session, *steps, **options)
        spans = [tuple(map(float, execution.logs(f"S{k}").split())) for k in range(4)]
        return max(sum(a <= begin < b for a, b in spans) for begin, _ in spans)

    wide = LocalSession(tmp_path / "a", resources=Resources(cpu=4), strict=True)
    assert most_at_once(wide) > 1
    assert most_at_once(wide, max_parallel=1) == 1
    narrow = LocalSession(tmp_path / "b", resources=Resources(cpu=1), strict=True)
    assert most_at_once(narrow) == 1
    large = {"ml.m5.large": Resources(cpu=3)}
    two = LocalSession(tmp_path / "c", resources=Resources(cpu=4), instances=large, strict=True)
    assert most_at_once(two) == 1


def test_a_full_disk_fails_the_step_and_leaves_the_store_intact(
    session: LocalSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "keep", full)
        failed = run(session, writer("A"))
    assert "No space left on device" in reason(failed, "A")
    again = session.resume(failed.id)
    again.wait()
    assert (again.result("A")["out"] / "f.txt").read_text() == "x"


def test_a_session_loads_no_large_library(tmp_path: Path) -> None:
    program = (
        "import sys; from kinoloom.pipelines import LocalSession; LocalSession(sys.argv[1]); "
        "print(sorted({'numpy', 'av', 'torch', 'rich', 'click', 'boto3'} & set(sys.modules)))"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "root")]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_step_has_no_secrets_of_its_caller(
    session: LocalSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden-in-the-caller")
    code = "import os; print('\\n'.join(f'{k}={v}' for k, v in os.environ.items()))"
    step = processing("A", entrypoint=python(code), Environment={"MINE": "yes"})
    seen = run(session, step).logs("A")
    assert "MINE=yes" in seen
    assert "hidden-in-the-caller" not in seen


def test_lambdas_are_called_and_their_outputs_checked(session: LocalSession) -> None:
    session.register_function(ARN, lambda event, context: {"answer": event["x"] + 1, "more": 0})
    steps = [
        lambda_step("B", x=get("Steps.A.OutputParameters['answer']")),
        lambda_step("A", x=get("Parameters.N")),
        condition("C", equals(get("Steps.B.OutputParameters['answer']"), 3), otherwise=[fail("F")]),
    ]
    execution = run(session, *steps, parameters=[{"Name": "N", "Type": "Integer"}], values={"N": 1})
    assert execution.status == "Succeeded"
    assert execution.result("B") == {"answer": 3}
    assert execution.list_parameters() == [{"Name": "N", "Value": 1}]
    for answer, message in (("no", "must be a dict"), ({"answer": "3"}, "must be of type Int")):
        session.register_function(ARN, lambda event, context, it=answer: it)
        assert message in reason(run(session, lambda_step("A")), "A")
    session.register_function(ARN, lambda event, context: 1 // 0)
    assert "ZeroDivisionError" in reason(run(session, lambda_step("A")), "A")
    other = {**lambda_step("A"), "FunctionArn": "arn:none"}
    assert "No function is registered for arn:none" in reason(run(session, other), "A")


def test_steps_are_retried_by_exception_type(session: LocalSession, tmp_path: Path) -> None:
    count = tmp_path / "count"
    code = (
        f"import os, sys; p = {str(count)!r}; n = os.path.getsize(p) if os.path.exists(p) else 0; "
        "open(p, 'a').write('x'); print(n); sys.exit(int(sys.argv[1]) if n < 2 else 0)"
    )
    policy = {
        "ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"],
        "IntervalSeconds": 0,
        "MaxAttempts": 2,
    }

    def tried(exit_code: int, **change: Any) -> tuple[str, int]:
        count.unlink(missing_ok=True)
        retries = [{**policy, **change}]
        words = python(code, str(exit_code))
        off = {"Enabled": False}
        step = processing("A", entrypoint=words, RetryPolicies=retries, CacheConfig=off)
        execution = run(session, step, writer("B", DependsOn=["A"]))
        return execution.status, execution.list_steps()[0]["AttemptCount"]

    assert tried(75) == ("Succeeded", 3)
    assert tried(75, MaxAttempts=1) == ("Failed", 2)
    assert tried(1) == ("Failed", 1), "a script's own failure is not tried again"
    assert tried(75, ExceptionType=["Step.THROTTLING"]) == ("Failed", 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "'N' has no default"),
        ({"N": "1"}, "'N' must be of type Integer, not '1'"),
        ({"N": 1, "M": "c"}, "'M' must be one of a, b"),
        ({"N": 1, "O": 1}, "Unknown parameter 'O'"),
    ],
)
def test_parameters_are_checked_at_the_start(
    session: LocalSession, values: dict[str, Any], message: str
) -> None:
    declared = [
        {"Name": "N", "Type": "Integer"},
        {"Name": "M", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]},
    ]
    with pytest.raises(UsageError, match=message):
        run(session, lambda_step("A"), parameters=declared, values=values)


def test_unsupported_steps_are_rejected_when_the_pipeline_is_created(
    session: LocalSession,
) -> None:
    step = {"Name": "E", "Type": "EMR", "Arguments": {}}
    message = r"\$\.Steps\[0\]: is of type EMR; supported types: .*Condition, Fail, .* \(step 'E'\)"
    with pytest.raises(DefinitionError, match=message):
        session.put_pipeline("Test", json.dumps(definition(step)))
    with pytest.raises(UsageError, match="Pipeline 'Test' does not exist"):
        session.start("Test")
    with pytest.raises(UsageError, match="Execution 'x' does not exist"):
        session.execution("x")
