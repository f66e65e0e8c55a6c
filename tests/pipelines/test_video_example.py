"""The video example on the command line: it passes and fails its gate."""

import json
import subprocess
import sys
from pathlib import Path

from kinoloom.pipelines.local.session import LocalSession

EXAMPLE = Path(__file__).parents[2] / "examples" / "pipelines" / "video"


def run(root: Path, *more: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "kinoloom", "pipeline", "run", "--json", "--root", str(root)]
    words = [*line, str(EXAMPLE / "pipeline.py"), *more]
    return subprocess.run(words, capture_output=True, text=True, timeout=300)


def test_an_engine_is_measured_and_registered_or_rejected(tmp_path: Path) -> None:
    passed = run(tmp_path)
    assert passed.returncode == 0, passed.stderr
    session = LocalSession(tmp_path)
    (package,) = session.models.list_packages("Interpolators")
    quality = package["metrics"]["ModelQuality.Statistics"]
    assert quality["frames"] == 16
    assert quality["psnr_db"]["least"] > 40
    assert quality["ssim"]["mean"] > 0.98

    stricter = run(tmp_path, "--set", "LeastPsnr=99")
    assert stricter.returncode == 1
    assert "The engine fast does not reach a PSNR of 99.0 dB" in stricter.stderr
    latest = session.executions("Video")[0]
    ran = [s["StepName"] for s in latest.list_steps() if s.get("CacheExplanation", "ran") == "ran"]
    assert ran == ["Gate", "TooPoor"], "all that was measured was taken over"
    assert len(session.models.list_packages("Interpolators")) == 1
    told = session.execution(json.loads(passed.stdout)["execution"])
    assert (told.result("Interpolate")["new"] / "new.mkv").is_file()
