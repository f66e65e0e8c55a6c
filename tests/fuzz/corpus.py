"""Builds the corpus: small valid files of every kind that kinoloom reads, and some hostile ones.

    python -m fuzz.corpus        in tests/, with tests/media on PYTHONPATH; rewrites corpus/

Encoders and libraries change, and a case of a seed then changes with them; so the files are stored.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "corpus"
_SMALL = {"size": (32, 24), "frames": 6, "rate": Fraction(12)}


def main() -> None:
    """Build all kinds that have a builder; other files, such as fixed findings, are kept."""
    for build in BUILDERS:
        folder = FOLDER / build.__name__.removeprefix("build_")
        folder.mkdir(parents=True, exist_ok=True)
        build(folder)


def build_video(folder: Path) -> None:
    """One file per container and codec, with sound, subtitles, rotation and metadata."""
    from make import Sound, make

    aac, opus = Sound(seconds=Fraction(1, 2)), Sound(codec="libopus", seconds=Fraction(1, 2))
    flac = Sound(codec="flac", seconds=Fraction(1, 2))
    pcm = Sound(codec="pcm_s16le", rate_hz=8000, layout="mono", seconds=Fraction(1, 4))
    x265 = {"x265-params": "log-level=none"}
    make(folder / "h264.mp4", sounds=(aac,), rotation=90, tags={"title": "a"}, **_SMALL)
    make(folder / "h264.mkv", sounds=(opus, pcm), **_SMALL)
    make(folder / "h264.ts", **_SMALL)
    make(folder / "h265.mp4", codec="libx265", options=x265, pix_fmt="yuv420p10le", **_SMALL)
    make(folder / "mpeg4.avi", codec="mpeg4", sounds=(pcm,), **_SMALL)
    make(folder / "mjpeg.avi", codec="mjpeg", pix_fmt="yuvj420p", **_SMALL)
    make(folder / "vp9.webm", codec="libvpx-vp9", sounds=(opus,), **_SMALL)
    make(folder / "av1.mp4", codec="libsvtav1", size=(64, 64), frames=4)
    make(folder / "prores.mov", codec="prores_ks", pix_fmt="yuv422p10le", size=(32, 24), frames=2)
    make(folder / "ffv1.mkv", codec="ffv1", size=(32, 24), frames=4, sounds=(flac,))
    make(folder / "flv.flv", codec="flv", **_SMALL)
    make(folder / "mpeg2.mpg", codec="mpeg2video", **_SMALL)
    ticks = [0, 40, 100, 140, 400, 440]
    make(folder / "variable.mkv", frames=5, size=(32, 24), ticks=ticks)


def build_photo(folder: Path) -> None:
    """One file per format, with Exif, ICC, XMP, alpha and 16 bits."""
    from photo_files import SRGB_ICC, deep_picture, exif, heic, picture, save, save_deep

    taken = exif(6, "2026:01:02 03:04:05")
    save(folder / "rgb.jpg", picture(), exif=taken, icc_profile=SRGB_ICC)
    save(folder / "progressive.jpg", picture(), progressive=True)
    save(folder / "gray.png", picture()[..., 0])
    save(folder / "palette.gif", picture())
    save(folder / "exif.png", picture(), exif=taken, icc_profile=SRGB_ICC)
    save(folder / "rgb.webp", picture(), exif=taken, quality=50)
    save(folder / "rgb.bmp", picture(8, 8))
    save(folder / "rgb.avif", picture(), exif=taken)
    save(folder / "deflate.tif", picture(), compression="tiff_adobe_deflate")
    save_deep(folder / "deep.png", deep_picture())
    save_deep(folder / "deep.tif", deep_picture(12, 16))
    (folder / "rgb.heic").write_bytes(heic(picture()))
    head = struct.pack(">IIBBBBB", 12000, 13000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(13000 * (1 + 12000 * 3)), 9)[:4000]
    chunks = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    (folder / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*c) for c in chunks))


def _chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def build_animation(folder: Path) -> None:
    """Animated GIF, PNG, WebP and AVIF."""
    from photo_files import picture
    from PIL import Image

    frames = [Image.fromarray(np.roll(picture(), 4 * k, axis=1)) for k in range(3)]
    for name in ("a.gif", "a.png", "a.webp", "a.avif"):
        options = {"save_all": True, "append_images": frames[1:], "duration": 80, "loop": 0}
        frames[0].save(folder / name, **options)


def build_onnx(folder: Path) -> None:
    """Networks with all kinds of weights, external data, control flow and growing tensors."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def save(name: str, nodes: list[Any], weights: dict[str, Any], external: bool = False) -> None:
        side = [1, 3, "h", "w"]
        tensors = [numpy_helper.from_array(value, key) for key, value in weights.items()]
        values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, side) for n in "xy"]
        graph = helper.make_graph(nodes, "g", values[:1], values[1:], tensors)
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        more = {"save_as_external_data": True, "location": "w.bin", "size_threshold": 0}
        onnx.save(model, path, **(more if external else {}))

    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 3)).astype(np.float32)
    conv = helper.make_node("Conv", ["x", "k"], ["c"], pads=[1, 1, 1, 1])
    relu = helper.make_node("Relu", ["c"], ["y"])
    save("conv.onnx", [conv, relu], {"k": kernel})
    (folder / "external" / "w.bin").unlink(missing_ok=True)
    save("external/conv.onnx", [conv, relu], {"k": kernel}, external=True)
    shape = helper.make_node("Expand", ["x", "s"], ["c"])
    save("expand.onnx", [shape, relu], {"s": np.array([1, 3, 40000, 40000])})
    resize = helper.make_node("Resize", ["x", "", "f"], ["c"], mode="nearest")
    save("resize.onnx", [resize, relu], {"f": np.array([1, 1, 1e4, 1e4], np.float32)})
    chain = [
        helper.make_node("Concat", [f"c{k}", f"c{k}"], [f"c{k + 1}"], axis=3) for k in range(40)
    ]
    ends = [helper.make_node("Identity", [a], [b]) for a, b in (("x", "c0"), ("c40", "y"))]
    save("concat.onnx", [ends[0], *chain, ends[1]], {})
    body = helper.make_graph(
        [helper.make_node("Identity", [a], [b]) for a, b in (("more", "m"), ("state", "s"))],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("more", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("m", TensorProto.BOOL, []),
            helper.make_tensor_value_info("s", TensorProto.FLOAT, None),
        ],
    )
    loop = helper.make_node("Loop", ["n", "t", "x"], ["y"], body=body)
    save("loop.onnx", [loop], {"n": np.array(2**62), "t": np.array(True)})


def build_ncnn(folder: Path) -> None:
    """Networks of ncnn: a small Compact, each other type of layer, and growing tensors."""
    random = np.random.default_rng(0)

    def plain(count: int) -> bytes:
        return random.normal(size=count).astype("<f4").tobytes()

    def half(count: int) -> bytes:
        stored = random.normal(size=count).astype("<f2").tobytes()
        return struct.pack("<I", 0x01306B47) + stored + bytes(-len(stored) % 4)

    def save(name: str, layers: list[str], weights: bytes = b"") -> None:
        (folder / name).mkdir(exist_ok=True)
        lines = ["7767517", f"{len(layers) + 1} 99", "Input in 0 1 data", *layers, ""]
        (folder / name / "net.param").write_text("\n".join(lines))
        (folder / name / "net.bin").write_bytes(weights)

    compact = [
        "Split s 1 2 data a b",
        "Convolution c 1 1 a d 0=4 1=3 4=1 5=1 6=108",
        "PReLU p 1 1 d e 0=4",
        "Convolution f 1 1 e g 0=12 1=3 4=1 5=1 6=432",
        "PixelShuffle h 1 1 g i 0=2",
        "Interp j 1 1 b k 0=1 1=2.0 2=2.0",
        "BinaryOp l 2 1 i k output",
    ]
    save("compact", compact, half(108) + plain(4) + plain(4) + half(432) + plain(12))
    others = [
        "MemoryData m 0 1 a 0=1 1=1 2=3",
        "BinaryOp b 2 1 data a c 0=1",
        "Clip d 1 1 c e 0=-1 1=1",
        "ConvolutionDepthWise f 1 1 e g 0=3 1=3 4=1 6=27 7=3 9=2 -23310=1,0.2",
        "Split h 1 4 g i j k l",
        "Swish n 1 1 i o",
        "Sigmoid p 1 1 j q",
        "ReLU r 1 1 k t 0=0.1",
        "Noop u 1 1 l v",
        "Eltwise w 2 1 o q x 0=1 -23301=2,0.2,1.0",
        "Concat output 3 1 x t v output",
    ]
    save("others", others, plain(3) + bytes(4) + plain(27))
    save(
        "growing",
        [
            f"Interp g{k} 1 1 {'data' if k == 0 else f'b{k}'} b{k + 1} 0=2 1=64 2=64"
            for k in range(4)
        ],
    )


def build_checkpoint(folder: Path) -> None:
    """State dicts of torch in each format, and a checkpoint of training."""
    import torch
    from safetensors.torch import save_file

    from kinoloom.learn.checkpointing.weights import write_weights

    state = {"a.weight": torch.ones(2, 3), "a.bias": torch.arange(3.0).half()}
    torch.save(state, folder / "zip.pt")
    with (folder / "legacy.pth").open("wb") as file:
        torch.save(state, file, _use_new_zipfile_serialization=False)
    save_file(state, folder / "plain.safetensors")
    write_weights(folder / "own.safetensors", state, {"options": {"width": 3}})
    torch.jit.script(torch.nn.Linear(3, 2)).save(str(folder / "script.pt"))
    training = {"kinoloom_checkpoint": 1, "model": state, "mean": None, "optimiser": {}, "step": 3}
    training |= {"settings": {}, "record": {"seed": 1}, "figures": {"loss": 1.0}}
    torch.save(training, folder / "training.pt")


def build_network(folder: Path) -> None:
    """A quantised network, and an exported one with its calibration inputs."""
    import torch

    np.savez(folder / "int8.npz", **_int8_network())
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(2, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 3)]
    example = (torch.zeros(1, 2, 6, 6),)
    exported = folder / "exported"
    exported.mkdir(exist_ok=True)
    model = torch.export.export(torch.nn.Sequential(*layers).eval(), example)
    for node in model.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths of this machine
    torch.export.save(model, exported / "model.pt2")
    inputs = np.random.default_rng(0).normal(size=(3, 2, 6, 6)).astype(np.float32)
    np.save(exported / "inputs.npy", inputs)


def _int8_network() -> dict[str, Any]:
    """A convolution, a block with a residual, and a head."""
    random, arrays, meta = np.random.default_rng(0), {}, {"first_conv.in_shape": 8}

    def add(name: str, shape: tuple[int, ...], stride: int = 1, groups: int = 1) -> None:
        arrays[f"{name}.params.weight"] = random.integers(-127, 128, shape).astype(np.int8)
        arrays[f"{name}.params.bias"] = random.integers(-99, 99, shape[0]).astype(np.int32)
        arrays[f"{name}.params.w_scales"] = np.full(shape[0], 0.01, np.float32)
        meta.update({f"{name}.stride": stride, f"{name}.groups": groups})
        meta[f"{name}.in_channel"] = shape[1] * groups
        for side in "xy":
            meta.update({f"{name}.params.{side}_scale": 0.1, f"{name}.params.{side}_zero": 0})

    add("first_conv", (4, 3, 3, 3), stride=2)
    add("blocks.0.pointwise1", (8, 4, 1, 1))
    add("blocks.0.depthwise", (8, 1, 3, 3), groups=8)
    add("blocks.0.pointwise2", (4, 8, 1, 1))
    add("classifier", (5, 4, 1, 1))
    meta.update({"blocks.0.residual.in_channel": 4})
    meta.update({"blocks.0.residual.params.y_scale": 0.1, "blocks.0.residual.params.y_zero": 0})
    return {**arrays, "__meta__": np.frombuffer(json.dumps(meta).encode(), np.uint8)}


def build_examples(folder: Path) -> None:
    """Labelled examples of the quantised network."""
    x = np.random.default_rng(0).normal(size=(4, 3, 8, 8)).astype(np.float32)
    np.savez(folder / "examples.npz", x=x, y=np.arange(4) % 5, x_test=x, y_test=np.arange(4))


def build_image(folder: Path) -> None:
    """The trained tensors of the quantised network as a device exports them."""
    from fuzz.targets import program_of_corpus
    from kinoloom.tiny.api import compile_program
    from kinoloom.tiny.image import encode_image

    program = compile_program(program_of_corpus()).program
    image = encode_image(program, dict(program.initial), seed=1, step=2)
    (folder / "device.bin").write_bytes(image)


def build_scheme(folder: Path) -> None:
    """An update scheme."""
    (folder / "scheme.txt").write_text("classifier bias 1\nblock0_pointwise2 - 0.5  # half\n")


def build_fields(folder: Path) -> None:
    """Fields of two trajectories."""
    from kinoloom.cli.main import _run

    small = ["--cells", "8", "--trajectories", "2", "--steps", "2", "--overwrite"]
    assert _run(["fields", "make", "smoke", *small, "-o", str(folder / "smoke.npz")]) == 0


def build_definition(folder: Path) -> None:
    """Pipeline definitions with all kinds of steps and values."""
    import definition_samples as samples

    steps = (
        samples.processing("Prepare", outputs=("data",)),
        samples.training(),
        samples.lambda_step("Call"),
        samples.condition("Check", samples.equals(1, samples.get("Parameters.N"))),
        samples.fail("Stop", samples.join(" ", "a", 1)),
    )
    parameters = [{"Name": "N", "Type": "Integer", "DefaultValue": 1}]
    _write_json(folder / "steps.json", samples.definition(*steps, parameters=parameters))
    _write_json(folder / "one.json", samples.definition(samples.fail("Stop")))


def build_degradation(folder: Path) -> None:
    """Records of degradations, which together have most kinds of steps."""
    from kinoloom.enhance.degrade.records import write_record
    from kinoloom.enhance.degrade.sampling.presets import sample_recipe

    for preset in ("realesrgan", "bsrgan", "meeting", "vhs"):
        write_record(
            [sample_recipe(preset, np.random.default_rng((7, 0)), 2)], folder / f"{preset}.json"
        )


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1))


def build_package(folder: Path) -> None:
    """A model's archive as the pipelines and the model store read it."""
    members = {"package/weights.bin": b"weights" * 9, "package/code/inference.py": b"pass\n"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    (folder / "model.tar").write_bytes(packed.getvalue())
    (folder / "model.tar.gz").write_bytes(gzip.compress(packed.getvalue(), mtime=0))
    zeros = io.BytesIO()
    with tarfile.open(fileobj=zeros, mode="w") as tar:
        info = tarfile.TarInfo("zeros")
        info.size = 30 << 20
        tar.addfile(info, io.BytesIO(bytes(info.size)))
    (folder / "zeros.tar.gz").write_bytes(gzip.compress(zeros.getvalue(), mtime=0))
    with zipfile.ZipFile(folder / "model.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)


def build_triplets(folder: Path) -> None:
    """A triplet of pictures for the benchmark."""
    from photo_files import picture, save

    scene = folder / "set" / "scene"
    scene.mkdir(parents=True, exist_ok=True)
    for number in range(3):
        save(scene / f"frame{number}.png", np.roll(picture(32, 32), number, axis=1))


def build_training(folder: Path) -> None:
    """Training data in the form of Vimeo-90K."""
    from photo_files import picture, save

    scene = folder / "vimeo" / "sequences" / "00001" / "0001"
    scene.mkdir(parents=True, exist_ok=True)
    (folder / "vimeo" / "tri_trainlist.txt").write_text("00001/0001\n")
    for number in range(1, 4):
        save(scene / f"im{number}.png", np.roll(picture(), number, axis=1))


def build_journal(folder: Path) -> None:
    """An interrupted film with its journal and first segment."""
    from make import make

    import kinoloom.media.video.segments as segments
    from kinoloom.cli.main import _run

    film = folder / "film"
    shutil.rmtree(film, ignore_errors=True)
    film.mkdir()
    source = make(film / "source.mkv", size=(32, 24), frames=40, codec="mpeg4")
    before, count = segments.MAX_FRAMES, 0

    def stop(self: Any, *rest: Any, save: Callable[..., Any] = segments.Segment.save) -> None:
        nonlocal count
        save(self, *rest)
        count += 1
        if count == 2:
            raise KeyboardInterrupt

    save, segments.Segment.save = segments.Segment.save, stop  # type: ignore[method-assign]
    segments.MAX_FRAMES = 20
    try:
        assert _run(["interpolate", str(source), "-o", str(film / "film.mkv"), "--engine", "fast"])
    finally:
        segments.MAX_FRAMES, segments.Segment.save = before, save  # type: ignore[method-assign]


BUILDERS = (
    build_video,
    build_photo,
    build_animation,
    build_onnx,
    build_ncnn,
    build_checkpoint,
    build_network,
    build_examples,
    build_image,
    build_scheme,
    build_fields,
    build_definition,
    build_degradation,
    build_package,
    build_triplets,
    build_training,
    build_journal,
)

if __name__ == "__main__":
    main()
