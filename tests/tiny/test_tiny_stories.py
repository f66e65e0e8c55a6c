"""The scripts of examples/tiny run, in a short form, and what they learn shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "tiny"
STORIES = {
    "digits": ["digits.py", "--epochs", "2"],
    "tcn": ["gestures.py", "--epochs", "4", "--pretrain", "100"],
    "gru": ["gestures.py", "--net", "gru", "--epochs", "8", "--pretrain", "100"],
    "denoiser": ["denoiser.py", "--epochs", "1", "--pretrain", "60"],
}


def told(*words: str) -> tuple[float, float, int, int]:
    """(score before, after, bytes of SRAM, bytes of flash) that a story prints."""
    line = [sys.executable, str(FOLDER / words[0]), *words[1:]]
    done = subprocess.run(line, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    scores = re.search(r"before ([\d.]+), after ([\d.]+)", done.stdout)
    memory = re.search(r"SRAM (\d+) bytes(?s:.)*flash .*?(\d+) bytes", done.stdout)
    assert scores is not None, done.stdout
    assert memory is not None, done.stdout
    return float(scores[1]), float(scores[2]), int(memory[1]), int(memory[2])


@pytest.mark.parametrize("name", STORIES)
def test_the_device_learns(name: str) -> None:
    before, after, sram, flash = told(*STORIES[name])
    assert after > before + 0.1
    assert sram < 64 * 1024
    assert 1000 < flash < 64 * 1024


PUBLISHED = {
    "mcunet-5fps": ["--rate", "0.003"],
    "mbv2-w0.35": ["--rate", "0.003"],
    "proxyless-w0.3": [],  # chooses its rate
}


@pytest.mark.parametrize("network", PUBLISHED)
def test_a_published_network_learns_to_see_people(network: str, shared_data: Path) -> None:
    file = shared_data / "tiny" / f"{network}.npz"
    if not file.is_file():
        pytest.skip(f"no {file.name}: put it under data/tiny of the folder of conformance data")
    before, after, sram, flash = told("person.py", str(file), "--count", "60", *PUBLISHED[network])
    assert after > before + 0.2
    assert sram < 2**18
    assert flash < 2**20


def test_every_story_is_run_here() -> None:
    scripts = {path.name for path in FOLDER.glob("*.py")} - {"device.py"}
    text = Path(__file__).read_text()
    assert scripts == {name for name in scripts if f'"{name}"' in text}
