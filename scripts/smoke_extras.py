"""Check that an extra works when it is installed alone: one real job for each extra.

    pip install 'kinoloom[heic]'
    python scripts/smoke_extras.py heic

`scripts/smoke_install.sh` does so in a new virtual environment. `core` is the package without
extras; `--list` prints the names.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

EXAMPLES = Path(__file__).parents[1] / "examples"
PHOTOS = [str(EXAMPLES / "photos" / f"aloe{n}.jpg") for n in (1, 2)]
VIDEO = EXAMPLES / "pipelines" / "video" / "data" / "pan.mp4"


def main() -> None:
    """Run the job of the extra that the command line names, in a temporary folder; or list them.

    Raises:
        SystemExit: the extra is unknown.
    """
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name == "--list":
        print(*JOBS, sep="\n")
        return
    if name not in JOBS:
        raise SystemExit(f"Unknown extra {name!r}: expected one of {', '.join(JOBS)}.")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        JOBS[name]()
        os.chdir("/")
    print(f"{name}: ok")


def run_kinoloom(*words: str) -> None:
    """Run a command of kinoloom that must succeed."""
    subprocess.run([sys.executable, "-m", "kinoloom", *words], check=True)


def check_core() -> None:
    """Interpolate two photos and list what is installed."""
    outputs = ["-o", "film.mp4", "--report", "film.html", "--size", "480"]
    run_kinoloom("interpolate", *PHOTOS, *outputs, "--seconds", "1")
    run_kinoloom("doctor")


def check_train() -> None:
    """Train the FILM network for three steps and a Clifford network for two."""
    runpy.run_path(str(EXAMPLES / "train_film_network.py"))
    size = ["--trajectories", "2", "--held-out-trajectories", "1", "--horizon", "2", "--steps", "2"]
    run_kinoloom("train", "clifford", "--preset", "smoke-cresnet", "--out", "run", *size)


def check_perceptual() -> None:
    """Compute features of the VGG-16 in the extra's wheel."""
    import torch

    from kinoloom.learn.losses.vgg_weights import load_vgg

    features = load_vgg()(torch.rand(1, 3, 64, 64))
    assert all(torch.isfinite(layer).all() for layer in features)


def check_heic() -> None:
    """Interpolate two HEIC photos."""
    import pillow_heif
    from PIL import Image

    pillow_heif.register_heif_opener()
    for number, photo in enumerate(PHOTOS):
        Image.open(photo).resize((160, 120)).save(f"{number}.heic")
    run_kinoloom("interpolate", "0.heic", "1.heic", "-o", "film.mp4", "--seconds", "1")


def check_aws() -> None:
    """Register a pipeline with a stubbed SageMaker, without network."""
    from botocore.stub import Stubber

    from kinoloom.pipelines import FailStep, Pipeline, SageMakerSession

    os.environ |= {"AWS_ACCESS_KEY_ID": "smoke", "AWS_SECRET_ACCESS_KEY": "smoke"}
    os.environ["AWS_DEFAULT_REGION"] = "us-west-2"
    role = "arn:aws:iam::123456789012:role/SageMakerRole"
    session = SageMakerSession(role=role, default_bucket="bucket")
    arn = "arn:aws:sagemaker:us-west-2:123456789012:pipeline/smoke"
    with Stubber(session.sagemaker_client) as stubber:
        stubber.add_client_error("describe_pipeline", "ResourceNotFound")
        stubber.add_response("create_pipeline", {"PipelineArn": arn})
        steps = [FailStep("Stop", error_message="smoke")]
        created = Pipeline("smoke", steps=steps, sagemaker_session=session).upsert(role)
    assert created["PipelineArn"] == arn


def check_pipelines() -> None:
    """Run a pipeline of two functions on this machine."""
    from kinoloom.pipelines import LocalSession, Pipeline, step

    @step(name="Double")
    def double(value: int) -> int:
        return 2 * value

    last = double(double(3))
    pipeline = Pipeline("smoke", steps=[last], sagemaker_session=LocalSession(Path("work")))
    pipeline.upsert()
    execution = pipeline.start()
    execution.wait()
    assert execution.result("Double-1") == 12


def check_ray() -> None:
    """Interpolate a video in pieces on a Ray cluster that starts on this machine."""
    run_kinoloom("interpolate", str(VIDEO), "-o", "out.mp4", "--fps", "50", "--session", "ray")


def check_studio() -> None:
    """Serve a folder, log in by the printed link, and read the page and its state."""
    words = [sys.executable, "-m", "kinoloom", "studio", ".", "--no-open", "--json", "--port"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen([*words, str(port)], stdout=subprocess.PIPE, text=True) as studio:
        assert studio.stdout is not None
        link = json.loads(studio.stdout.readline())
        browser = build_opener(HTTPCookieProcessor())
        page = browser.open(f"{link['url']}/?token={link['token']}").read()
        state = json.load(browser.open(f"{link['url']}/api/state"))
        studio.send_signal(signal.SIGINT)
    assert b"kinoloom" in page
    assert state["version"]
    assert studio.returncode == 0


JOBS: dict[str, Callable[[], None]] = {
    "core": check_core,
    "train": check_train,
    "perceptual": check_perceptual,
    "heic": check_heic,
    "aws": check_aws,
    "pipelines": check_pipelines,
    "ray": check_ray,
    "studio": check_studio,
}

if __name__ == "__main__":
    main()
