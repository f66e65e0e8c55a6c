"""The scripts of examples/tiny, in a short form: training improves the score and fits the board."""

import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "tiny"
STORIES = {
    "digits": ["digits.py", "--epochs", "2"],
    "tcn": ["gestures.py", "--epochs", "4", "--pretrain", "100"],
    "gru": ["gestures.py", "--net", "gru", "--epochs", "8", "--pretrain", "100"],
    "denoiser": ["denoiser.py", "--epochs", "1", "--pretrain", "60"],
}
PUBLISHED = {
    "mcunet-5fps": ["--rate", "0.003"],
    "mbv2-w0.35": ["--rate", "0.003"],
    "proxyless-w0.3": [],  # chooses its rate
}


@dataclass(frozen=True)
class Outcome:
    """What a story prints.

    Attributes:
        before: the score before training.
        after: the score after training.
        sram_bytes: the planned peak.
        flash: its line on flash: the size of the linked program where the ARM compiler is
            installed, else a lower bound, the size of the constants.
        flash_bytes: the number in that line.
    """

    before: float
    after: float
    sram_bytes: int
    flash: str
    flash_bytes: int


def run_story(*words: str) -> Outcome:
    line = [sys.executable, str(FOLDER / words[0]), *words[1:]]
    done = subprocess.run(line, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    scores = re.search(r"before ([\d.]+), after ([\d.]+)", done.stdout)
    memory = re.search(r"SRAM (\d+) bytes(?s:.)*(flash .*?(\d+) bytes.*)", done.stdout)
    assert scores is not None, done.stdout
    assert memory is not None, done.stdout
    return Outcome(float(scores[1]), float(scores[2]), int(memory[1]), memory[2], int(memory[3]))


def grouped(stories: Iterable[str]) -> list[Any]:
    """Parameters of a test, one group for each story: its tests share one run of it."""
    group = pytest.mark.xdist_group
    return [pytest.param(name, marks=group(f"story-{name}")) for name in stories]


@pytest.fixture(scope="module", params=grouped(STORIES))
def outcome(request: pytest.FixtureRequest) -> Outcome:
    return run_story(*STORIES[request.param])


@pytest.mark.system_package("cc")
def test_the_device_learns(outcome: Outcome) -> None:
    assert outcome.after > outcome.before + 0.1
    assert outcome.sram_bytes < 64 * 1024
    assert 0 < outcome.flash_bytes < 64 * 1024


@pytest.mark.system_package("cc", "arm-none-eabi-gcc")
def test_the_linked_program_fits_the_flash(outcome: Outcome) -> None:
    assert outcome.flash.endswith("linked for a Cortex-M4")
    assert 1000 < outcome.flash_bytes < 64 * 1024


@pytest.mark.system_package("cc")
@pytest.mark.parametrize("network", grouped(PUBLISHED))
def test_a_published_network_learns_to_see_people(network: str, shared_data: Path) -> None:
    file = shared_data / "tiny" / f"{network}.npz"
    if not file.is_file():
        pytest.skip(f"no {file.name}: put it under data/tiny of the folder of conformance data")
    outcome = run_story("person.py", str(file), "--count", "60", *PUBLISHED[network])
    assert outcome.after > outcome.before + 0.2
    assert outcome.sram_bytes < 2**18
    assert outcome.flash_bytes < 2**20


def test_every_story_is_run_here() -> None:
    scripts = {path.name for path in FOLDER.glob("*.py")} - {"device.py"}
    text = Path(__file__).read_text()
    assert scripts == {name for name in scripts if f'"{name}"' in text}
