"""Devices that export, lose power and import again: they learn as if they had stayed on."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from tiny_networks import Everything, Series, build_inference, has_learned, loss_of

from kinoloom import tiny
from kinoloom.errors import UsageError
from kinoloom.tiny.api import CompiledProgram, compile_program
from kinoloom.tiny.codegen.host import HostProgram
from kinoloom.tiny.codegen.project import make_example_input, make_example_label
from kinoloom.tiny.image import image_bytes
from kinoloom.tiny.simulate.simulator import Simulator
from kinoloom.tiny.training.options import TrainingOptions

Device = Simulator | HostProgram
Rounding = Literal["stochastic", "residual"]
STEPS = 24


def compile_network(kind: Any, rounding: Rounding) -> CompiledProgram:
    options = TrainingOptions(rounding=rounding)
    return compile_program(
        build_inference(kind), loss_of(kind), scheme=tiny.full_update, options=options
    )


def take_step(device: Device, step: int) -> float:
    program = device.program
    x, label = make_example_input(program, step), make_example_label(program, step)
    return device.train_step(x, label, 0.02)


@pytest.mark.system_package("cc")
@pytest.mark.parametrize("rounding", ["stochastic", "residual"])
@pytest.mark.parametrize("kind", [Everything, Series])
def test_learn_sleep_wake_equals_never_having_slept(
    kind: Any, rounding: Rounding, tmp_path: Path
) -> None:
    compiled = compile_network(kind, rounding)
    host = HostProgram(compiled.program, compiled.plan, tmp_path)

    awake = compiled.simulator(7)
    expected = [take_step(awake, step) for step in range(STEPS)]
    assert has_learned(awake)

    simulated = compiled.simulator(7)
    losses = [take_step(simulated, 0)]
    for step in range(1, STEPS):
        image = simulated.export()
        simulated = compiled.simulator()  # its seed is another
        simulated.load(image)
        losses.append(take_step(simulated, step))
    assert losses == expected
    assert simulated.export() == awake.export()

    host.init(7)
    losses = [take_step(host, 0)]
    for step in range(1, STEPS):
        image = host.export()
        host.init(1)
        host.load(image)
        losses.append(take_step(host, step))
    assert losses == expected
    assert host.export() == awake.export()


@pytest.mark.system_package("cc")
def test_images_are_exchanged_between_simulator_and_c(tmp_path: Path) -> None:
    compiled = compile_network(Series, "residual")
    device, host = compiled.simulator(7), HostProgram(compiled.program, compiled.plan, tmp_path)
    take_step(device, 0)
    host.load(device.export())
    assert take_step(device, 1) == take_step(host, 1)
    device.load(host.export())
    assert take_step(device, 2) == take_step(host, 2)
    assert device.export() == host.export()


def convert_to_old_format(image: bytes) -> bytes:
    """Convert an image of format 2 to format 1, which has neither seed nor step."""
    body = b"KLT1" + image[4:8] + image[16:-4]
    return body + zlib.crc32(body).to_bytes(4, "little")


@pytest.mark.system_package("cc")
@pytest.mark.parametrize("rounding", ["stochastic", "residual"])
def test_an_image_of_the_old_format_keeps_seed_and_step(rounding: Rounding, tmp_path: Path) -> None:
    compiled = compile_network(Series, rounding)
    learned = compiled.simulator(7)
    for step in range(5):
        take_step(learned, step)
    new, old = learned.export(), convert_to_old_format(learned.export())
    assert len(old) == image_bytes(compiled.program, b"KLT1") == len(new) - 8

    host = HostProgram(compiled.program, compiled.plan, tmp_path)
    device = compiled.simulator(3)
    host.init(3)
    for each in (device, host):
        take_step(each, 0)
        each.load(old)
        assert int.from_bytes(each.export()[8:12], "little") == 3
        assert int.from_bytes(each.export()[12:16], "little") == 1
        assert each.export()[16:-4] == new[16:-4]
    assert take_step(device, 1) == take_step(host, 1)
    assert device.export() == host.export()


def damage(place: int) -> Callable[[bytes], bytes]:
    return lambda image: image[:place] + bytes([image[place] ^ 1]) + image[place + 1 :]


@pytest.mark.parametrize(
    "change",
    [
        *(damage(place) for place in (0, 3, 5, 9, 13, 40, -2)),
        lambda image: image[:-1],
        lambda image: image + b"\0",
        lambda image: b"",
        lambda image: b"KLT1" + image[4:],
        lambda image: convert_to_old_format(image) + bytes(8),
    ],
)
def test_the_simulator_rejects_a_damaged_image(change: Callable[[bytes], bytes]) -> None:
    device = compile_network(Series, "stochastic").simulator()
    fresh = device.export()
    take_step(device, 0)
    image = device.export()
    device.load(fresh)
    with pytest.raises(UsageError, match="nothing was changed"):
        device.load(change(image))
    assert device.export() == fresh


def test_the_number_of_steps_wraps_as_on_the_device() -> None:
    device = compile_network(Series, "stochastic").simulator()
    device.memory.step = (1 << 32) - 1
    wrapped = compile_network(Series, "stochastic").simulator()
    wrapped.load(device.export())
    assert [take_step(device, 0), take_step(device, 1)] == [
        take_step(wrapped, 0),
        take_step(wrapped, 1),
    ]
    assert device.export() == wrapped.export()
