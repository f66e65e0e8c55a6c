"""The parts of a RaySession that need no cluster: transfer, and a node's side of a step."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kinoloom
from kinoloom.errors import ExecutionError, OutputError, UsageError
from kinoloom.pipelines.cluster import actor_pool
from kinoloom.pipelines.cluster import connect as connecting
from kinoloom.pipelines.cluster.actor_pool import ActorPool
from kinoloom.pipelines.cluster.connect import connect, read_last_lines
from kinoloom.pipelines.cluster.host import Host, Parcel
from kinoloom.pipelines.cluster.shared_input import SharedInput
from kinoloom.pipelines.cluster.transfer import Listed, iter_chunks, list_folder, write_folder
from kinoloom.pipelines.local.jobs.job import Input, Job, Output
from kinoloom.pipelines.local.jobs.resources import Demand, Resources

PROCESSING = "/opt/ml/processing"


def job(script: str, *, inputs: tuple[Input, ...] = (), limit_s: float = 60) -> Job:
    return Job(
        kind="Processing",
        name="job",
        arguments={},
        inputs=inputs,
        outputs=(Output("out", f"{PROCESSING}/out", "s3://bucket/out"),),
        files={},
        words=("python3", "-S", "-c", script),
        env={},
        cwd=PROCESSING,
        limit_s=limit_s,
        instance_type="",
        properties={},
        resources=Resources(cpu=2),
    )


def parcel(path: Path, digest: str = "abc") -> Parcel:
    listing = list_folder(path)
    return Parcel(digest, path.is_file(), listing, list(iter_chunks(path, listing)))


def followed(host: Host) -> tuple[str, Any]:
    text, ending = b"", None
    while ending is None:
        written, ending = host.poll(len(text))
        text += written
    return text.decode(), ending


@given(
    files=st.dictionaries(st.sampled_from(["a", "b/c", "b/d", "e"]), st.binary(max_size=40)),
    most=st.integers(1, 17),
)
def test_a_folder_arrives_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], most: int
) -> None:
    source = tmp_path_factory.mktemp("source")
    for name, content in files.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_bytes(content)
        (source / name).chmod(0o755 if name == "e" else 0o644)
    listing = list_folder(source)
    pieces = list(iter_chunks(source, listing, most))
    assert {len(piece) for piece in pieces[:-1]} <= {most}
    target = tmp_path_factory.mktemp("target") / "new"
    write_folder(listing, pieces, target)
    assert {one.path: (target / one.path).read_bytes() for one in listing} == files
    assert [one.path for one in list_folder(target) if one.executable] == [
        n for n in files if n == "e"
    ]


@pytest.mark.parametrize("path", ["../out", "/out", "a/../../out"])
def test_a_listing_cannot_leave_its_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(OutputError, match="must be within"):
        write_folder([Listed(path, 1, executable=False)], [b"x"], tmp_path / "target")
    assert not (tmp_path / "out").exists()


def test_incomplete_content_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="'a' is incomplete"):
        write_folder([Listed("a", 3, executable=False)], [b"xy"], tmp_path)
    (tmp_path / "a").write_bytes(b"xy")
    with pytest.raises(OutputError, match="was truncated"):
        list(iter_chunks(tmp_path, [Listed("a", 3, executable=False)]))


def test_a_node_runs_a_job_and_sends_its_outputs(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "f").write_text("given")
    large = tmp_path / "large.bin"
    large.write_bytes(b"large")
    script = textwrap.dedent("""
        import os
        base = os.environ["KINOLOOM_ML_ROOT"] + "/processing/"
        print("cores", os.environ["OMP_NUM_THREADS"], os.environ["COLOUR"])
        made = open(base + "in/f").read() + open(base + "large/large.bin").read()
        open(base + "out/made", "w").write(made)
    """)
    inputs = (
        Input("s3://bucket/in", f"{PROCESSING}/in"),
        Input("s3://bucket/large.bin", f"{PROCESSING}/large", in_place=True),
    )
    work = job(script, inputs=inputs)
    host = Host(lambda piece: piece, lambda: "here")
    parcels = {
        "s3://bucket/in": parcel(tmp_path / "in"),
        "s3://bucket/large.bin": parcel(large, "ef" * 32),
    }
    host.start(kinoloom.__version__, work, parcels, {"COLOUR": "red"}, "auto")
    text, ending = followed(host)
    assert (text, ending.code) == ("cores 2 red\n", 0)
    listings = host.list_outputs(work)
    (listing,) = listings.values()
    write_folder(listing, iter(host.next_chunk, b""), tmp_path / "made")
    assert (tmp_path / "made" / "made").read_text() == "givenlarge"
    folder = host._folder
    host.close()
    assert not folder.exists()
    host.start(kinoloom.__version__, job("print('again')"), {}, {}, "plain")
    assert followed(host)[0] == "again\n"
    host.close()
    assert not list(folder.parent.glob(f"kinoloom-kept-{os.getuid()}/{'ef' * 32}*"))


def test_a_node_stops_a_job_on_request_and_at_its_limit() -> None:
    host = Host(lambda piece: piece, lambda: "here")
    host.start(kinoloom.__version__, job("import time; time.sleep(60)"), {}, {}, "plain")
    assert host.poll(0) == (b"", None)
    host.stop()
    assert followed(host)[1].cause == "stop"
    host.close()
    late = Host(lambda piece: piece, lambda: "here")
    sleep = job("import time; time.sleep(60)", limit_s=0.2)
    late.start(kinoloom.__version__, sleep, {}, {}, "plain")
    assert followed(late)[1].cause == "time"
    late.close()


def test_a_node_with_another_version_is_rejected() -> None:
    host = Host(lambda piece: piece, lambda: "here")
    with pytest.raises(
        ExecutionError,
        match=rf"here has kinoloom {kinoloom.__version__}, but the driver has 0\.0\.0",
    ):
        host.start("0.0.0", job("pass"), {}, {}, "plain")


def test_a_step_ends_with_its_killed_actor(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import kinoloom
        from test_cluster_parts import Host, job
        host = Host(lambda piece: piece, lambda: "here")
        step = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
        host.start(kinoloom.__version__, job(step), {{}}, {{}}, "plain")
        text = b""
        while not text:
            text = host.poll(0)[0]
        print(text.decode().strip(), host._folder, flush=True)
        time.sleep(60)
    """)
    actor = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert actor.stdout is not None
    pid, folder = actor.stdout.readline().split()
    os.kill(int(pid), 0)
    assert Path(folder).is_dir()
    actor.kill()
    actor.communicate()
    deadline = time.monotonic() + 30
    while (Path(f"/proc/{pid}").exists() or Path(folder).exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(folder).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), signal.SIGKILL)


def test_a_shared_input_is_fetched_once_and_removed_by_its_last_user() -> None:
    fetched: list[Path] = []

    def fetch(target: Path) -> None:
        fetched.append(target)
        target.mkdir()

    digest = f"test-{os.getpid()}"
    one, other = SharedInput(digest, fetch), SharedInput(digest, fetch)
    assert len(fetched) == 1
    one.release()
    assert other.folder.is_dir()
    other.release()
    assert not other.folder.exists()
    third = SharedInput(digest, fetch)
    assert len(fetched) == 2
    stale = third.folder.with_name(f"{digest}-stale")  # of a step that was killed
    stale.mkdir()
    stale.with_suffix(".lock").touch()
    SharedInput(f"{digest}-next", fetch).release()
    assert not stale.exists()
    assert third.folder.is_dir()
    third.release()


def test_a_step_uses_at_most_one_machine() -> None:
    instances = {
        "large": Resources(cpu=64),
        "gpu": Resources(cpu=64, gpu=1),
        "small": Resources(cpu=2),
        "memory": Resources(memory_bytes=1 << 40),
    }
    nodes = (Resources(8, 0, 100), Resources(4, 2, 200))
    demand = Demand(Resources(12, 2, 300), instances, nodes)
    assert demand.of("large") == Resources(8, 0, 0)
    assert demand.of("gpu") == Resources(4, 1, 0)
    assert demand.of("small") == Resources(2, 0, 0)
    assert demand.of("memory") == Resources(1, 0, 100)
    assert demand.of("other") == Resources(1, 0, 0)
    assert Demand(Resources(4), instances).of("large") == Resources(4)


class FakeRay(SimpleNamespace):
    """Ray as far as `connect` knows it: starts that fail so many times."""

    def __init__(self, failures: int) -> None:
        super().__init__(exceptions=SimpleNamespace(RayError=KeyError), calls=[], begun=False)
        self.failures = failures

    def is_initialized(self) -> bool:
        return self.begun

    def init(self, **settings: Any) -> None:
        self.calls.append(settings)
        if len(self.calls) <= self.failures:
            raise RuntimeError("the raylet is gone")
        self.begun = True

    def shutdown(self) -> None:
        self.begun = False


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def use(failures: int) -> FakeRay:
        ray = FakeRay(failures)
        monkeypatch.setattr(connecting, "need", lambda module, extra: ray)
        return ray

    monkeypatch.setattr(connecting, "_DELAY_S", 0.0)
    monkeypatch.setattr(connecting, "_connected", None)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    return use


def test_a_failed_start_is_retried(fake: Any) -> None:
    ray = fake(2)
    assert connect(None) is ray
    assert [call["address"] for call in ray.calls] == ["local"] * 3
    connect("auto")
    assert len(ray.calls) == 3, "connected already"
    with pytest.raises(UsageError, match="other than 'ray://other:1'"):
        connect("ray://other:1")


def test_a_failed_start_reports_the_raylet_log(fake: Any, tmp_path: Path) -> None:
    logs = tmp_path / "ray" / "session_latest" / "logs"
    logs.mkdir(parents=True)
    (logs / "raylet.out").write_text("\n".join(f"line {k}" for k in range(40)))
    (logs / "raylet.err").write_text("no port is free")
    ray = fake(9)
    with pytest.raises(ExecutionError, match=r"3 attempts: the raylet is gone\n(?s:.*)line 39"):
        connect(None)
    assert len(ray.calls) == 3
    assert len(read_last_lines(tmp_path / "ray").splitlines()) == 15
    assert read_last_lines(tmp_path / "none") == ""


def test_a_missing_cluster_is_tried_once(fake: Any) -> None:
    ray = fake(9)
    with pytest.raises(ExecutionError, match="cluster at 'ray://far:10001' cannot be reached"):
        connect("ray://far:10001")
    assert len(ray.calls) == 1


def test_a_free_actor_is_reused_for_the_same_resources(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(actor_pool, "IDLE_S", 0.05)
    made: list[str] = []
    killed: list[str] = []

    def make(needs: Resources) -> str:
        made.append(f"{needs.cpu:g} cores, number {len(made)}")
        return made[-1]

    pool = ActorPool(make, killed.append)
    for _ in range(3):
        with pool.acquire(Resources(1)):
            pass
    assert made == ["1 cores, number 0"]
    with pool.acquire(Resources(2)):
        assert killed == ["1 cores, number 0"], "its core may be needed"
    with pytest.raises(KeyError), pool.acquire(Resources(2)) as host:
        assert host == "2 cores, number 1"
        raise KeyError
    assert killed[1:] == ["2 cores, number 1"], "what has failed is not trusted"
    with pool.acquire(Resources(1)):
        pass
    deadline = time.monotonic() + 10
    while len(killed) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert killed[2:] == ["1 cores, number 2"], "nobody came for it"
