"""Networks that a user adds with `kinoloom models add`."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from safetensors.torch import save_file

from kinoloom.cli.main import main
from kinoloom.enhance.cards import ANIMEVIDEOV3
from kinoloom.enhance.nets.compact import Compact
from kinoloom.enhance.nets.dncnn import DnCNN
from kinoloom.enhance.nets.ffdnet import FFDNet
from kinoloom.enhance.nets.nafnet import NAFNet
from kinoloom.enhance.nets.span import Span
from kinoloom.enhance.networks.denoiser import NetworkDenoiser
from kinoloom.enhance.networks.upscaler import NetworkUpscaler
from kinoloom.errors import UsageError, WeightsError
from kinoloom.runtime.models import added
from kinoloom.runtime.models.added import add_model, list_cards, load_card

pytestmark = pytest.mark.usefixtures("cache", "one_core")
Run = Callable[..., tuple[int, str, str]]
NETWORKS = {
    "compact": (Compact(6, 2, 2), "Compact (SRVGG)", 2),
    "span": (Span(5, 4), "SPAN", 4),
    "ffdnet": (FFDNet(7, 4), "FFDNet", 1),
    "dncnn": (DnCNN(6, 4, 3), "DnCNN", 1),
    "nafnet": (NAFNet(4, (1, 2), 3, (2, 1)), "NAFNet", 1),
}
PARAM = """7767517
5 5
Input in 0 1 data
Convolution first 1 1 data a 0=4 1=3 4=1 5=1 6=108
PReLU slope 1 1 a b 0=4
Convolution last 1 1 b c 0=12 1=3 4=1 5=1 6=432
PixelShuffle shuffle 1 1 c output 0=2
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `kinoloom models`; gives (exit code, standard output, standard error)."""

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["models", *words])
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A user's copy of a published network, under another name."""
    file = tmp_path / "mine.onnx"
    file.write_bytes((ANIMEVIDEOV3.file or file).read_bytes())
    return file


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("family", NETWORKS)
def test_a_file_of_torch_is_stored_as_onnx_and_runs(
    family: str, suffix: str, tmp_path: Path
) -> None:
    net, title, scale = NETWORKS[family]
    file = tmp_path / f"net{suffix}"
    if suffix == ".pth":
        torch.save({"params": net.state_dict()}, file)
    else:
        save_file(net.state_dict(), file)
    card = add_model("mine", file)
    assert card == load_card("mine")
    assert (card.family, card.scale, card.weights) == (title, scale, "user")
    assert card.parameters > 0
    assert card.file is not None
    file.unlink()
    rows, columns = (9, 13) if family == "dncnn" else (8, 12)
    image = np.random.default_rng(0).random((rows, columns, 3), np.float32)
    tensor = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
    noise = (torch.full((1, 1, rows, columns), 0.1),) if family == "ffdnet" else ()
    with torch.no_grad():
        expected = net.eval()(tensor, *noise)[0].numpy().transpose(1, 2, 0)
    if scale > 1:
        result = NetworkUpscaler(card.file)(image)
    else:
        result = NetworkDenoiser(card.file)(image, 0.1)
    assert np.abs(result - expected).max() < 1e-4 * max(1, np.abs(expected).max())


def test_a_model_is_added_listed_verified_and_removed(run: Run, mine: Path) -> None:
    code, out, err = run("add", "my-net_2.x4", str(mine))
    assert code == 0
    assert err == (
        "my-net_2.x4: Compact (SRVGG), 64 channels: enlarges pictures 4 times; added by the user\n"
    )
    path = Path(out.strip())
    assert path.read_bytes() == mine.read_bytes()
    assert run("path", "my-net_2.x4") == (0, f"{path}\n", "")
    row = next(line for line in run("list")[1].splitlines() if line.startswith("my-net"))
    assert row.split() == ["my-net_2.x4", "enhance", "user", "1.25", "MB", "NOASSERTION", "present"]
    details = run("list", "my-net_2.x4")[1]
    assert "family    Compact (SRVGG), scale 4\n" in details
    assert "user, 621,424 parameters\n" in details
    assert run("verify", "my-net_2.x4")[:2] == (0, "my-net_2.x4  intact\n")
    assert run("remove", "my-net_2.x4") == (0, "", "my-net_2.x4: removed\n")
    assert not path.parent.exists()
    assert run("path", "my-net_2.x4")[0] == 2


def test_scripts_read_the_card_as_json(run: Run, mine: Path) -> None:
    (card,) = json.loads(run("add", "mine", str(mine), "--json")[1])["models"]
    assert card["origin"] == "added"
    assert Path(card["path"]).name == card["file"] == "mine.onnx"
    assert len(card["sha256"]) == 64
    names = [each["name"] for each in json.loads(run("list", "--json")[1])["models"]]
    assert names[-1] == "mine"
    assert names.count("animevideov3") == 1


def test_a_damaged_model_is_found_and_can_be_removed(run: Run, mine: Path) -> None:
    path = Path(run("add", "mine", str(mine))[1].strip())
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    code, out, err = run("verify", "mine")
    assert (code, out) == (3, "mine  damaged\n")
    assert "kinoloom models remove mine && kinoloom models add mine FILE" in err
    assert run("path", "mine")[0] == 3
    (path.parent / "card.json").write_text("{}")
    code, _, err = run("list")
    assert code == 3
    assert "The card of the added model 'mine' is damaged" in err
    assert run("remove", "mine")[0] == 0
    assert run("list")[0] == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("flow", "'flow' is the name of a model of kinoloom"),
        ("span-x2", "'span-x2' is the name of a model of kinoloom"),
        ("../mine", "'../mine' is not a valid model name"),
        (".mine", "not a valid model name"),
        ("Mine", "not a valid model name"),
        ("a" * 65, "not a valid model name"),
        ("", "not a valid model name"),
        ("taken", "There is a model 'taken' already"),
    ],
)
def test_names_that_are_used_or_not_valid_are_refused(name: str, message: str, mine: Path) -> None:
    add_model("taken", mine)
    with pytest.raises(UsageError, match=message):
        add_model(name, mine)
    assert [card.name for card in list_cards() if card.weights == "user" and card.file] == ["taken"]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.onnx does not exist"):
        add_model("mine", tmp_path / "nowhere.onnx")


def save_other_network(file: Path) -> None:
    torch.save({"body.0.rdb1.conv1.weight": torch.zeros(3, 3, 3, 3)}, file)


def save_grey_network(file: Path) -> None:
    torch.save(DnCNN(6, 3, 1).state_dict(), file)


def save_half_a_network(file: Path) -> None:
    torch.save({"body.0.weight": torch.zeros(4, 3, 3, 3)}, file)


@pytest.mark.parametrize(
    ("save", "message"),
    [
        (save_other_network, r"contains ESRGAN \(RRDB\); supported are Compact"),
        (save_grey_network, "contains DnCNN for grey pictures"),
        (save_half_a_network, "contains an unknown network"),
        (lambda file: file.write_bytes(b"no weights"), r"net\.pth"),
    ],
)
def test_other_networks_are_refused_and_leave_nothing(
    save: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    save(tmp_path / "net.pth")
    with pytest.raises(WeightsError, match=message):
        add_model("mine", tmp_path / "net.pth")
    folder = added.added_folder()
    assert not folder.exists() or list(folder.iterdir()) == []


def test_weights_that_are_not_finite_are_refused(mine: Path) -> None:
    model = onnx.load(mine)
    tensor = next(each for each in model.graph.initializer if len(each.dims) == 4)
    values = numpy_helper.to_array(tensor).copy()
    values[0] = np.nan
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, mine)
    with pytest.raises(WeightsError, match="contains NaN"):
        add_model("mine", mine)
    assert list(added.added_folder().iterdir()) == []


def test_an_onnx_file_with_its_weights_elsewhere_is_refused(mine: Path) -> None:
    model = onnx.load(mine)
    onnx.save(model, mine, save_as_external_data=True, location="w.bin", size_threshold=0)
    with pytest.raises(WeightsError, match=r"mine\.onnx keeps weights in other files"):
        add_model("mine", mine)


@pytest.mark.parametrize("given", ["net.param", "net.bin"])
def test_files_of_ncnn_are_converted(given: str, tmp_path: Path) -> None:
    (tmp_path / "net.param").write_text(PARAM)
    sizes = (108 + 4, 4, 432 + 12)  # of convolutions with their biases, and of slopes
    first, slopes, last = (np.full(size, 0.1, "<f4").tobytes() for size in sizes)
    (tmp_path / "net.bin").write_bytes(bytes(4) + first + slopes + bytes(4) + last)
    card = add_model("mine", tmp_path / given)
    assert (card.family, card.scale, card.parameters) == ("Compact (SRVGG)", 2, sum(sizes))
    assert card.file is not None
    assert NetworkUpscaler(card.file)(np.ones((4, 5, 3), np.float32)).shape == (8, 10, 3)


def test_a_killed_process_leaves_no_model(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        raise KeyboardInterrupt(path)

    monkeypatch.setattr(added, "sync_file", fail)
    with pytest.raises(KeyboardInterrupt):
        add_model("mine", mine)
    assert "mine" not in [card.name for card in list_cards()]
    (added.added_folder() / ".new-abc").mkdir()
    assert "mine" not in [card.name for card in list_cards()]
