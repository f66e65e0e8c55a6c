"""Changes of bytes that know nothing about their format."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Mutation = Callable[[bytes, Random], bytes]
"""Returns changed bytes; the generator decides how."""

BLOCKS = (1, 16, 256, 2048)
INTEGERS = tuple(
    number.to_bytes(size, order)
    for number in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 0xFF)
    for size in (4, 8)
    for order in ("big", "little")
)
_HEAD_BYTES = 400
"""Headers are short, and most fields that matter are in them."""


def flip_bits(data: bytes, random: Random) -> bytes:
    """Flip 1 to 100 bits, anywhere or in the head."""
    changed = bytearray(data)
    end = random.choice((len(changed), min(_HEAD_BYTES, len(changed))))
    for _ in range(random.choice((1, 4, 8, 100))):
        changed[random.randrange(end)] ^= 1 << random.randrange(8)
    return bytes(changed)


def truncate(data: bytes, random: Random) -> bytes:
    """Drop the end."""
    return data[: random.randrange(len(data))]


def clear_block(data: bytes, random: Random) -> bytes:
    """Set a block to zero."""
    start, end = _choose_block(data, random)
    return data[:start] + bytes(end - start) + data[end:]


def repeat_block(data: bytes, random: Random) -> bytes:
    """Store a block twice."""
    start, end = _choose_block(data, random)
    return data[:end] + data[start:]


def delete_block(data: bytes, random: Random) -> bytes:
    """Remove a block."""
    start, end = _choose_block(data, random)
    return data[:start] + data[end:]


def swap_blocks(data: bytes, random: Random) -> bytes:
    """Exchange two blocks of equal length."""
    size = max(1, len(data) // 8)
    first, second = sorted(random.randrange(len(data) - size + 1) for _ in range(2))
    if first + size > second:
        return delete_block(data, random)
    middle = data[first + size : second]
    moved = data[second : second + size] + middle + data[first : first + size]
    return data[:first] + moved + data[second + size :]


def set_integers(data: bytes, random: Random) -> bytes:
    """Write extreme integers, anywhere or in the head."""
    changed = bytearray(data)
    end = random.choice((len(changed), min(_HEAD_BYTES, len(changed))))
    for _ in range(random.choice((1, 2, 4))):
        value = random.choice(INTEGERS)
        place = random.randrange(end)
        changed[place : place + len(value)] = value
    return bytes(changed[: max(len(data), 1)])


def append_noise(data: bytes, random: Random) -> bytes:
    """Append random bytes, or the file itself."""
    return data + random.choice((random.randbytes(random.choice((1, 100, 5000))), data))


def _choose_block(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(data))
    return start, min(len(data), start + random.choice(BLOCKS))


ANYTHING: tuple[Mutation, ...] = (
    flip_bits,
    truncate,
    clear_block,
    repeat_block,
    delete_block,
    swap_blocks,
    set_integers,
    append_noise,
)


def mutate_bytes(data: bytes, random: Random) -> bytes:
    """Apply one change, or rarely three."""
    for _ in range(random.choice((1, 1, 1, 1, 3))):
        data = random.choice(ANYTHING)(data or b"\0", random)
    return data
