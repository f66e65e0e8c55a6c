"""Images of trained tensors, as devices export them and import them after a power cycle.

    magic, fingerprint of the program    4 bytes each
    seed, number of steps taken          4 bytes each, since format 2 ("KLT2")
    trained tensors                      in the order of the program
    CRC-32 of everything before          4 bytes

All numbers are little-endian. Seed and step determine the stochastic rounding of the next update: a
device that imports them learns as if it had never been switched off. An image of format 1 ("KLT1")
has neither, and leaves those of the device unchanged.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from kinoloom.errors import UsageError
from kinoloom.tiny.ir.program import Array, Program

MAGIC = b"KLT2"
OLD_MAGIC = b"KLT1"
INVALID_IMAGE = "The image is damaged or belongs to another program; nothing was changed."
_HEAD_BYTES = 8
"""Magic and fingerprint."""
_RANDOMNESS_BYTES = 8
"""Seed and step."""
_CRC_BYTES = 4
_WORD = 1 << 32


@dataclass(frozen=True)
class Image:
    """The content of an image.

    Attributes:
        params: trained tensors by name.
        randomness: seed and number of steps taken; None in an image of format 1.
    """

    params: dict[str, Array]
    randomness: tuple[int, int] | None


def image_bytes(program: Program, magic: bytes = MAGIC) -> int:
    """Return the size of an image in bytes."""
    randomness = 0 if magic == OLD_MAGIC else _RANDOMNESS_BYTES
    return _HEAD_BYTES + randomness + program.param_bytes + _CRC_BYTES


def compute_fingerprint(program: Program) -> int:
    """Return a number that identifies the layout of a program's image."""
    layout = [(t.name, t.shape, t.dtype) for t in program.params]
    return zlib.crc32(repr((program.name, layout)).encode())


def encode_image(program: Program, params: dict[str, Array], seed: int, step: int) -> bytes:
    """Encode trained tensors as the device exports them.

    Args:
        program: of the tensors.
        params: trained tensors by name.
        seed, step: seed of stochastic rounding and number of steps taken, modulo 2**32.
    """
    body = MAGIC + compute_fingerprint(program).to_bytes(4, "little")
    body += (seed % _WORD).to_bytes(4, "little") + (step % _WORD).to_bytes(4, "little")
    for tensor in program.params:
        values = params[tensor.name]
        body += values.astype(values.dtype.newbyteorder("<")).tobytes()
    return body + zlib.crc32(body).to_bytes(4, "little")


def decode_image(program: Program, image: bytes) -> Image:
    """Decode an image of either format.

    Raises:
        UsageError: the image is damaged or belongs to another program.
    """
    _check_image(program, image)
    place, randomness = _HEAD_BYTES, None
    if image.startswith(MAGIC):
        seed, step = (int(word) for word in np.frombuffer(image, "<u4", 2, place))
        place, randomness = place + _RANDOMNESS_BYTES, (seed, step)
    params = {}
    for tensor in program.params:
        dtype = program.initial[tensor.name].dtype
        values = np.frombuffer(image, dtype.newbyteorder("<"), tensor.size, place)
        params[tensor.name] = values.astype(dtype).reshape(tensor.shape)
        place += values.nbytes
    return Image(params, randomness)


def _check_image(program: Program, image: bytes) -> None:
    """Check that an image is intact and belongs to a program.

    Raises:
        UsageError: it is damaged or belongs to another program.
    """
    magic = image[:4]
    is_valid = (
        magic in (MAGIC, OLD_MAGIC)
        and len(image) == image_bytes(program, magic)
        and image[4:_HEAD_BYTES] == compute_fingerprint(program).to_bytes(4, "little")
        and image[-_CRC_BYTES:] == zlib.crc32(image[:-_CRC_BYTES]).to_bytes(4, "little")
    )
    if not is_valid:
        raise UsageError(INVALID_IMAGE)
