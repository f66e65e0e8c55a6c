"""Loading of FILM weights: every checkpoint format, and every kind of invalid file."""

import os
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from film_models import NARROW, random_film
from safetensors.torch import save_file
from torch import Tensor, nn

from kinoloom.errors import WeightsError
from kinoloom.film.nets.film_weights import load_film
from kinoloom.learn.checkpointing.tensor_files import read_tensors

State = dict[str, Tensor]
pytestmark = pytest.mark.usefixtures("one_core")


class Holder(nn.Module):
    """A scriptable tree of parameters, for TorchScript archives."""

    def forward(self, x: Tensor) -> Tensor:
        return x


def save_torchscript(state: State, path: Path) -> None:
    root = Holder()
    for name, tensor in state.items():
        *parents, last = name.split(".")
        node: nn.Module = root
        for parent in parents:
            if parent not in node._modules:
                node.add_module(parent, Holder())
            node = node._modules[parent]  # type: ignore[assignment]
        node.register_parameter(last, nn.Parameter(tensor, requires_grad=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(root).save(str(path))


def save_legacy(state: State, path: Path) -> None:
    with path.open("wb") as file:
        torch.save(state, file, _use_new_zipfile_serialization=False)


FORMATS: dict[str, Callable[[State, Path], Any]] = {
    "torchscript": save_torchscript,
    "zip": torch.save,
    "legacy": save_legacy,
    "safetensors": save_file,
}


@pytest.fixture(scope="module")
def state() -> State:
    return random_film(NARROW).state_dict()


@pytest.mark.parametrize("name", ["film.pt", "weights"])
@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_and_precision_loads(
    tmp_path: Path, state: State, file_format: str, kind: torch.dtype, name: str
) -> None:
    stored = {key: tensor.to(kind) for key, tensor in state.items()}
    FORMATS[file_format](stored, tmp_path / name)
    net = load_film(tmp_path / name, NARROW)
    assert not net.training
    for key, tensor in net.state_dict().items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, stored[key].float(), atol=0, rtol=0)


def test_loaded_network_is_trainable(tmp_path: Path, state: State) -> None:
    torch.save(state, tmp_path / "film.pt")
    net = load_film(tmp_path / "film.pt", NARROW)
    net(torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def changed(state: State, **changes: Any) -> State:
    return {**state, **{name.replace("__", "."): value for name, value in changes.items()}}


def without(state: State, *names: str) -> State:
    return {key: tensor for key, tensor in state.items() if key not in names}


BIAS, WEIGHT = "fuse.output_conv.bias", "fuse.output_conv.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda state: {f"net.{k}": torch.zeros(1) for k in range(110)},
            r"82 tensors expected, found 110; first missing: extract\.extract_sublevels\.convs"
            r"\.0\.0\.0\.weight; first unknown: net\.0",
        ),
        (
            lambda state: without(state, BIAS),
            f"82 tensors expected, found 81; first missing: {BIAS}",
        ),
        (lambda state: {**state, "more": torch.zeros(1)}, "found 83; first unknown: more"),
        (
            lambda state: {**state, BIAS: torch.zeros(4)},
            rf"{BIAS} has shape \(4,\), expected \(3,\)",
        ),
        (lambda state: {**state, BIAS: torch.zeros(3, dtype=torch.int32)}, "has dtype torch.int32"),
        (lambda state: {**state, BIAS: torch.full((3,), torch.nan)}, f"{BIAS} contains NaN or inf"),
    ],
)
def test_another_network_is_rejected_with_the_difference(
    tmp_path: Path, state: State, change: Callable[[State], State], message: str
) -> None:
    torch.save(change(state), tmp_path / "film.pt")
    with pytest.raises(WeightsError, match=f"film.pt does not contain FILM: .*{message}") as caught:
        load_film(tmp_path / "film.pt", NARROW)
    assert "https://" in caught.value.hint


def test_narrow_network_is_rejected_as_published_weights(tmp_path: Path, state: State) -> None:
    torch.save(state, tmp_path / "film.pt")
    with pytest.raises(WeightsError, match=r"shape \(4, 3, 3, 3\), expected \(64, 3, 3, 3\)"):
        load_film(tmp_path / "film.pt")


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("kept", [0.3, 0.95])
def test_truncated_file_is_rejected(
    tmp_path: Path, state: State, file_format: str, kept: float
) -> None:
    path = tmp_path / "film.pt"
    FORMATS[file_format](state, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(WeightsError, match=r"film\.pt is damaged or truncated"):
        load_film(path, NARROW)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "film.pt is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "film.pt is not a checkpoint"),
        (b"<!doctype html><title>Not found</title>", "film.pt is not a checkpoint"),
        (b"PK", "damaged"),
        (pickle.dumps({"a": 1}), "film.pt is not a checkpoint"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9", "damaged"),
        (bytes(8) + b"{", "damaged"),
    ],
)
def test_invalid_file_is_rejected(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "film.pt"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        load_film(path, NARROW)


def test_unrelated_zip_is_rejected(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "film.pt", "w") as archive:
        archive.writestr("README.txt", "hello")
    with pytest.raises(WeightsError, match=r"film\.pt is not a checkpoint"):
        load_film(tmp_path / "film.pt", NARROW)


@pytest.mark.parametrize("place", ["nowhere.pt", "."])
def test_missing_file_is_rejected(tmp_path: Path, place: str) -> None:
    with pytest.raises(WeightsError, match="does not exist"):
        load_film(tmp_path / place)


class Bomb:
    """An object that creates a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("file_format", ["zip", "legacy"])
def test_pickled_code_does_not_run(tmp_path: Path, state: State, file_format: str) -> None:
    path, trace = tmp_path / "film.pt", tmp_path / "trace"
    FORMATS[file_format]({**state, "bomb": Bomb(trace)}, path)
    with pytest.raises(WeightsError, match="could run code"):
        load_film(path, NARROW)
    assert not trace.exists()


@pytest.mark.parametrize("content", [[1, 2], {"state_dict": {"a": torch.zeros(1)}}, torch.zeros(3)])
def test_other_content_than_a_state_dict_is_rejected(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "film.pt")
    with pytest.raises(WeightsError, match="does not contain a state dict"):
        read_tensors(tmp_path / "film.pt")


class Hostile(nn.Module):
    """A module whose program writes a file when `torch.jit.load` loads it."""

    def __init__(self) -> None:
        super().__init__()
        self.x = torch.zeros(8, dtype=torch.uint8)

    @torch.jit.export
    def __getstate__(self) -> tuple[Tensor, bool]:
        return self.x, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, bool]) -> None:
        self.training = state[1]
        file = torch.from_file("trace", True, 8, dtype=torch.uint8)
        self.x = file.copy_(state[0] + 65)

    def forward(self) -> Tensor:
        return self.x


def test_the_program_of_a_torchscript_archive_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(Hostile()).save("film.pt")
    with pytest.raises(WeightsError, match="82 tensors expected, found 0"):
        load_film(Path("film.pt"), NARROW)
    assert not Path("trace").exists()


def replace_pickle(path: Path, content: bytes, compression: int = zipfile.ZIP_STORED) -> None:
    """Replace the data.pkl of a TorchScript archive."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, old in members.items():
            archive.writestr(name, content if name.endswith("/data.pkl") else old)


MODULE = b"c__torch__\nM\n)\x81"
"""The pickle of a new module; what follows is its state."""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x80\x02cos\nmkdir\nX\x05\0\0\0trace\x85R.", "could run code"),
        (b"\x80\x02cbuiltins\neval\nX\x01\0\0\x001\x85R.", "could run code"),
        (b"\x80\x02ctorch.jit._pickle\nbuild_tensor_from_id\nK\0\x85R.", "could run code"),
        (b"\x80\x02]q\0h\0a.", "damaged"),
        (b"\x80\x02" + MODULE + b"q\0}X\x01\0\0\0ah\0sb.", "damaged"),  # contains itself
        (b"\x80\x02" + MODULE + b"(NNtb.", "found 0"),
        (
            b"\x80\x02" + MODULE + b"}X\x01\0\0\0actorch._utils\n_rebuild_tensor_v2\n(K\0K\0)tRsb.",
            "damaged",
        ),
        (b"", "damaged"),
    ],
)
def test_a_hostile_pickle_in_a_torchscript_archive_is_rejected(
    tmp_path: Path, state: State, content: bytes, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_torchscript(state, tmp_path / "film.pt")
    replace_pickle(tmp_path / "film.pt", content)
    with pytest.raises(WeightsError, match=message):
        load_film(tmp_path / "film.pt", NARROW)
    assert not (tmp_path / "trace").exists()


def test_a_compressed_torchscript_archive_is_rejected(tmp_path: Path, state: State) -> None:
    save_torchscript(state, tmp_path / "film.pt")
    replace_pickle(tmp_path / "film.pt", bytes(1 << 20), zipfile.ZIP_DEFLATED)
    with pytest.raises(WeightsError, match="damaged"):
        load_film(tmp_path / "film.pt", NARROW)


def test_a_tensor_outside_its_storage_is_rejected(tmp_path: Path, state: State) -> None:
    save_torchscript(state, tmp_path / "film.pt")
    with zipfile.ZipFile(tmp_path / "film.pt") as archive:
        member = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        content = archive.read(member)
    size = b"(K\x04K\x03K\x03K\x03t"  # of the first convolution, as BININT1 in a tuple
    assert size in content
    replace_pickle(tmp_path / "film.pt", content.replace(size, b"(K\x04K\x7fK\x03K\x03t"))
    with pytest.raises(WeightsError, match="damaged"):
        load_film(tmp_path / "film.pt", NARROW)


def test_shared_modules_and_typed_lists_are_read(tmp_path: Path) -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.sizes = [1, 2, 3]
            self.names = {"a": 1}
            self.first = nn.Linear(2, 3)
            self.again = nn.ModuleList([self.first])
            self.register_buffer("count", torch.arange(4))
            self.tied = nn.Parameter(self.first.weight.t())

        def forward(self, x: Tensor) -> Tensor:
            return self.first(x) * self.sizes[0] * self.names["a"]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.script(Shared())
        scripted.save(str(tmp_path / "shared.pt"))
    found, expected = read_tensors(tmp_path / "shared.pt"), scripted.state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
