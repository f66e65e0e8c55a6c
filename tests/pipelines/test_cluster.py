"""A RaySession on a cluster of two nodes: distribution, a killed node, the example by ray://."""

import gc
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from definition_samples import definition, processing, training

from kinoloom.pipelines.builder.functions.decorator import step
from kinoloom.pipelines.builder.pipeline import Pipeline

pytest.importorskip("ray", reason="pip install 'kinoloom[ray]'")
# Ray leaves its own log files open and forgets children that it started.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

EXAMPLE = Path(__file__).parents[2] / "examples" / "pipelines" / "abalone"
WAIT_S = 240


@pytest.fixture
def client(cluster: Any, tmp_path: Path) -> Iterator[str]:
    """The cluster's address for Ray's client, with a server for it."""
    port = free_port()
    place = ["--address", cluster.address, "--host", "127.0.0.1", "--port", str(port)]
    words = [sys.executable, "-m", "ray.util.client.server", *place, "--mode", "specific-server"]
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(words, stdout=log, stderr=log)
    yield f"ray://127.0.0.1:{port}"
    server.terminate()
    server.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes, of one core and of two."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    small = {"object_store_memory": 100 << 20, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **small})
    made.second = made.add_node(num_cpus=2, object_store_memory=100 << 20)
    made.wait_for_nodes()
    yield made
    import ray

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.shutdown()
        made.shutdown()
        del made
        gc.collect()


@pytest.fixture
def session(cluster: Any, tmp_path: Path) -> Any:
    from kinoloom.pipelines import RaySession

    return RaySession(cluster.address, tmp_path / "root")


def seen(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_map_is_spread_over_the_nodes_and_files_go_with_it(session: Any, tmp_path: Path) -> None:
    @step(name="Write")
    def write(k: int) -> Path:
        file = Path("part.txt")
        file.write_text(str(k) * 3)
        time.sleep(1)
        return file

    @step(name="Join")
    def join(parts: list[Path]) -> str:
        return "".join(part.read_text() for part in parts)

    pipeline = Pipeline("Map", steps=[join(write.map(range(4)))], sagemaker_session=session)
    pipeline.upsert()
    execution = pipeline.start()
    execution.wait()
    assert execution.result("Join") == "000111222333"
    nodes = {execution.logs(f"Write-{k}").splitlines()[0] for k in range(4)}
    assert len(nodes) == 2, nodes
    again = pipeline.start()
    again.wait()
    assert all("cache hit" in one["CacheExplanation"] for one in again.list_steps())


def test_an_execution_is_stopped_and_a_failure_reported(session: Any) -> None:
    sleep = processing("Sleep", entrypoint=["python3", "-c", "import time; time.sleep(99)"])
    session.put_pipeline("Long", json.dumps(definition(sleep)))
    execution = session.start("Long")
    seen(lambda: execution.list_steps() != [] and "running on" in execution.logs("Sleep"))
    execution.stop()
    execution.join()
    assert execution.status == "Stopped"
    wrong = processing("Wrong", entrypoint=["python3", "-c", "import sys; sys.exit('no such sea')"])
    session.put_pipeline("Wrong", json.dumps(definition(wrong)))
    failed = session.start("Wrong")
    failed.join()
    assert failed.status == "Failed"
    assert "exit code 1" in failed.describe()["FailureReason"]
    assert "no such sea" in failed.describe()["FailureReason"]


def test_a_killed_training_restarts_from_its_checkpoints_on_a_node(session: Any) -> None:
    step_ = training(RetryStrategy={"MaximumRetryAttempts": 2})
    session.put_pipeline("Spot", json.dumps(definition(step_)))
    execution = session.start("Spot")
    execution.wait()
    told = [line for line in execution.logs("T").splitlines() if line.startswith("beginning")]
    assert told == ["beginning 1", "beginning 2", "beginning 3"]
    assert session.workspace.objects.path("s3://bucket/checkpoints/count").read_text() == "3"


def test_steps_of_a_node_that_is_killed_run_on_another(session: Any, cluster: Any) -> None:
    script = "import sys, time; time.sleep(4); open(sys.argv[1] + '/f', 'w').write(sys.argv[1])"
    names = ("A", "B", "C")
    line = ["python3", "-c", script]
    steps = [
        processing(name, entrypoint=[*line, f"/opt/ml/processing/out/{name}"], outputs=(name,))
        for name in names
    ]
    session.put_pipeline("Kill", json.dumps(definition(*steps)))
    execution = session.start("Kill")
    seen(lambda: len(execution.list_steps()) == 3)
    seen(lambda: all("running on" in execution.logs(name) for name in names))
    cluster.remove_node(cluster.second, allow_graceful=False)
    execution.wait()
    logs = [execution.logs(name) for name in names]
    assert sum("the node was lost (loss 1)" in log for log in logs) == 2
    made = [(execution.result(name)[name] / "f").read_text() for name in names]
    assert made == [f"/opt/ml/processing/out/{name}" for name in names]
    cluster.second = cluster.add_node(num_cpus=2, object_store_memory=100 << 20)
    cluster.wait_for_nodes()


def test_the_example_runs_on_the_cluster_with_one_option(client: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "kinoloom", "pipeline", "run", "--json"]
    words += [str(EXAMPLE / "pipeline.py"), "--root", str(tmp_path / "root")]
    words += ["--session", client]
    done = subprocess.run(words, capture_output=True, text=True, timeout=WAIT_S)
    assert done.returncode == 0, done.stderr
    steps = {one["name"]: one for one in json.loads(done.stdout)["steps"]}
    assert len(steps) == 9
    assert {one["status"] for one in steps.values()} == {"Succeeded"}
    failed = subprocess.run(
        [*words, "--set", "MseThreshold=2.0"], capture_output=True, text=True, timeout=WAIT_S
    )
    assert failed.returncode == 1
    assert "Execution failed due to MSE > 2.0" in failed.stderr


def test_a_film_is_interpolated_in_pieces_on_the_cluster(client: str, tmp_path: Path) -> None:
    source = str(EXAMPLE.parent / "video" / "data" / "pan.mp4")
    words = [sys.executable, "-m", "kinoloom", "interpolate", source, "--engine", "fast"]
    words += ["--slow", "10", "--fps", "48"]  # 660 frames: three segments
    # The cluster first: its server ends when nobody connects to it within 30 seconds.
    for name, more in (("pieces.mp4", ["--session", client, "--piece", "1"]), ("one.mp4", [])):
        line = [*words, "-o", str(tmp_path / name), *more]
        done = subprocess.run(line, capture_output=True, text=True, timeout=WAIT_S)
        assert done.returncode == 0, done.stderr
    one, pieces = (frames_of(tmp_path / name) for name in ("one.mp4", "pieces.mp4"))
    assert len(one) == 660
    assert one == pieces


def frames_of(path: Path) -> list[tuple[Any, str]]:
    import av

    with av.open(str(path)) as file:
        return [
            (frame.time, hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest())
            for frame in file.decode(video=0)
        ]
