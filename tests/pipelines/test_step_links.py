"""A link that a step creates is never a way to other files of this machine."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from definition_samples import definition, processing

import kinoloom
from kinoloom.errors import OutputError
from kinoloom.pipelines.cluster.host import Host
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.jobs.job import Job, Output
from kinoloom.pipelines.local.jobs.mounts import namespaces_work
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.storage.step_folder import StepFolder, open_step_file
from kinoloom.pipelines.local.storage.store import Store

ISOLATIONS = ["namespace", "plain"] if namespaces_work() else ["plain"]
SECRET = "SECRET CONTENT"
OUT_IS_A_LINK = "os.rmdir(out); os.symlink(victim, out)"
PARENT_IS_A_LINK = (
    "os.rename(ml + '/processing', ml + '/old'); "
    "os.makedirs(victim + '/out/out'); os.symlink(victim, ml + '/processing')"
)
SUBFOLDER_IS_A_LINK = "os.symlink(victim, out + '/sub')"
FILE_IS_A_LINK = "os.symlink(victim + '/diary', out + '/f')"
LINK_TO_A_LINK = "os.symlink(victim, ml + '/x'); os.symlink(ml + '/x/diary', out + '/f')"
FILE_IS_A_FIFO = "os.mkfifo(out + '/f')"
ATTACKS = [
    OUT_IS_A_LINK,
    PARENT_IS_A_LINK,
    SUBFOLDER_IS_A_LINK,
    FILE_IS_A_LINK,
    LINK_TO_A_LINK,
    FILE_IS_A_FIFO,
]


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder of the user with a private file."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "diary").write_text(SECRET)
    (folder / "diary").chmod(0o600)
    return folder


def words(code: str, victim: Path, out: str) -> list[str]:
    head = f"import os; ml = os.environ['KINOLOOM_ML_ROOT']; out = ml + {out!r}; "
    return ["python3", "-S", "-c", f"{head} victim = {str(victim)!r}; {code}"]


def run(session: LocalSession, step: dict[str, Any]) -> LocalExecution:
    session.put_pipeline("Test", json.dumps(definition(step)))
    execution = session.start("Test")
    execution.join()
    return execution


def untouched(victim: Path) -> bool:
    stat = (victim / "diary").stat()
    return stat.st_nlink == 1 and stat.st_mode & 0o777 == 0o600


def leaked(root: Path) -> list[Path]:
    """The files of a workspace that have the secret."""
    files = [p for top in ("s3", "cas") for p in (root / top).rglob("*") if p.is_file()]
    return [path for path in files if SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_outputs_are_not_collected_through_links(
    tmp_path: Path, victim: Path, attack: str, isolation: Any
) -> None:
    session = LocalSession(tmp_path / "root", isolation=isolation)
    code = words(attack, victim, "/processing/out/out")
    execution = run(session, processing("A", entrypoint=code, outputs=("out",)))
    assert execution.status == "Failed"
    reason = str(execution.list_steps()[0]["FailureReason"])
    assert "link" in reason or "must be a file" in reason
    assert untouched(victim)
    assert leaked(session.root) == []


@pytest.mark.parametrize("attack", [SUBFOLDER_IS_A_LINK, FILE_IS_A_LINK, LINK_TO_A_LINK])
def test_models_are_not_packed_through_links(tmp_path: Path, victim: Path, attack: str) -> None:
    session = LocalSession(tmp_path / "root")
    step = {
        "Name": "T",
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {
                "TrainingImage": "any",
                "TrainingInputMode": "File",
                "ContainerEntrypoint": words(attack, victim, "/model"),
            },
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
            "RoleArn": "any",
        },
    }
    assert run(session, step).status == "Failed"
    assert not list((session.root / "s3").rglob("model.tar.gz"))


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize(
    "attack",
    [
        "os.symlink(victim + '/diary', out + '/failure'); os._exit(1)",
        "os.rmdir(out); os.symlink(victim, out); os.link(out + '/diary', victim + '/failure'); "
        "os._exit(1)",
        "os.mkfifo(out + '/failure'); os._exit(1)",
    ],
)
def test_the_failure_file_is_not_read_through_links(
    tmp_path: Path, victim: Path, attack: str, isolation: Any
) -> None:
    session = LocalSession(tmp_path / "root", isolation=isolation)
    execution = run(session, processing("A", entrypoint=words(attack, victim, "/output")))
    reason = str(execution.list_steps()[0]["FailureReason"])
    assert "ended with exit code 1" in reason
    assert SECRET not in reason


def test_hard_links_are_copied(tmp_path: Path, victim: Path) -> None:
    session = LocalSession(tmp_path / "root", isolation="plain")
    code = words("os.link(victim + '/diary', out + '/f')", victim, "/processing/out/out")
    execution = run(session, processing("A", entrypoint=code, outputs=("out",)))
    assert execution.status == "Succeeded"
    assert (execution.result("A")["out"] / "f").read_text() == SECRET
    assert (victim / "diary").stat().st_mode & 0o777 == 0o600
    assert not (execution.result("A")["out"] / "f").samefile(victim / "diary")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files of other users")
def test_files_of_other_users_are_copied(tmp_path: Path) -> None:
    file = tmp_path / "out/f"
    file.parent.mkdir()
    file.write_text("x")
    os.chown(file, 65534, 65534)
    before = file.stat()
    store = Store(tmp_path / "cas")
    assert store.tree(store.keep(StepFolder(tmp_path, "out"), set())) is not None
    after = file.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_nlink) == (
        before.st_mode,
        before.st_mtime_ns,
        1,
    )


def test_links_within_the_output_count_as_their_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "v2").mkdir(parents=True)
    (out / "v2/model").write_text("x")
    (out / "latest").symlink_to("v2/model")
    (out / "newest").symlink_to("latest")
    (out / "folder").symlink_to("v2")
    names = [("latest", "v2/model"), ("newest", "v2/model"), ("v2/model", "v2/model")]
    assert StepFolder(tmp_path, "out").files() == names


def test_a_link_that_appears_after_the_listing_is_not_followed(
    tmp_path: Path, victim: Path
) -> None:
    out = tmp_path / "out"
    (out / "sub").mkdir(parents=True)
    (out / "sub/diary").write_text("x")
    folder = StepFolder(tmp_path, "out")
    assert folder.files() == [("sub/diary", "sub/diary")]
    (out / "sub").rename(out / "old")
    (out / "sub").symlink_to(victim)
    with pytest.raises(OutputError, match="must be a file"):
        folder.open("sub/diary")
    assert open_step_file(tmp_path, "out/sub/diary") is None


def test_a_node_sends_no_files_through_links(tmp_path: Path, victim: Path) -> None:
    host = Host(lambda reference: reference, lambda: "node")
    job = Job(
        kind="Processing",
        name="job",
        arguments={},
        inputs=(),
        outputs=(Output("out", "/opt/ml/processing/out", "s3://bucket/out"),),
        files={},
        words=tuple(words(OUT_IS_A_LINK, victim, "/processing/out")),
        env={},
        cwd="/opt/ml/processing",
        limit_s=60,
        instance_type="",
        properties={},
    )
    host.start(kinoloom.__version__, job, {}, {}, "plain")
    while host.poll(0)[1] is None:
        pass
    with pytest.raises(OutputError, match="links are not followed"):
        host.list_outputs(job)
    host.close()
