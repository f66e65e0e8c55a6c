"""Read numpy files of any origin: damage is one kind of error, and nothing is unpickled.

The size that a file declares for an array is compared with the bytes that it has before memory is
reserved.

Source: numpy's format (NEP 1).
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

Array = NDArray[Any]


def read_array(path: Path) -> Array:
    """Read the array of a .npy file.

    Raises:
        ValueError: the file is damaged, or contains objects.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return _read(file, path.stat().st_size)


def read_arrays(path: Path, names: Iterable[str] | None = None) -> dict[str, Array]:
    """Read arrays of a .npz file by name.

    Args:
        path: the file.
        names: of the arrays; None reads all.

    Raises:
        ValueError: the file is damaged, contains objects, or lacks an array.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
                wanted = members if names is None else names
                return {name: _read_member(archive, members[name]) for name in wanted}
        except (MemoryError, ValueError):
            raise
        except KeyError as error:
            raise ValueError(f"it lacks the array {error}") from error
        except Exception as error:  # a damaged archive raises any error
            raise ValueError(f"it is not a .npz archive: {error}") from error


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    with archive.open(info) as member:
        return _read(member, info.file_size)


def _read(file: IO[bytes], size: int) -> Array:
    """Read an array from a stream of `size` bytes."""
    try:
        version = npy.read_magic(file)
        readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        shape, fortran, dtype = readers[version](file)
        length = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or min(shape, default=0) < 0 or length > size:
            raise ValueError(f"it declares {dtype} of shape {shape} in {size} bytes")
        values = np.frombuffer(bytearray(file.read(length)), dtype, math.prod(shape))
        return values.reshape(shape, order="F" if fortran else "C")
    except MemoryError:
        raise
    except Exception as error:  # a damaged head raises any error
        raise ValueError(f"it is not an array of numbers or text: {error}") from error
