"""Numpy files that are damaged or hostile."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kinoloom.base.machine import peak_memory_bytes
from kinoloom.runtime.array_files import read_array, read_arrays


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.array(3, np.uint8),
        np.array("text"),
        np.zeros((0, 3), np.float16),
    ],
)
def test_arrays_are_read_as_numpy_reads_them(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    np.savez_compressed(tmp_path / "a.npz", a=array, b=array)
    for read in (read_array(tmp_path / "a.npy"), *read_arrays(tmp_path / "a.npz").values()):
        np.testing.assert_array_equal(read, array)
        assert read.dtype == array.dtype
        assert read.flags.writeable
    assert list(read_arrays(tmp_path / "a.npz", ["b"])) == ["b"]


def with_head(head: str) -> bytes:
    text = head.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(64)


HEADS = {
    "huge": "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,)}",
    "negative": "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
    "objects": "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
    "unknown type": "{'descr': 'what', 'fortran_order': False, 'shape': (1,)}",
    "open bracket": "{'descr': '<f8', 'fortran_order': False, 'shape': (1,",
}


@pytest.mark.parametrize("name", HEADS)
def test_heads_that_lie_are_rejected_before_memory_is_reserved(tmp_path: Path, name: str) -> None:
    before = peak_memory_bytes()
    (tmp_path / "a.npy").write_bytes(with_head(HEADS[name]))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", with_head(HEADS[name]))
    with pytest.raises(ValueError, match="not an array of numbers"):
        read_array(tmp_path / "a.npy")
    with pytest.raises(ValueError, match="not an array of numbers"):
        read_arrays(tmp_path / "a.npz")
    assert peak_memory_bytes() - before < 64 << 20


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="not an array of numbers"):
        read_array(tmp_path / "a.npy")


@pytest.mark.parametrize("seed", range(20))
def test_damaged_archives_raise_one_kind_of_error(tmp_path: Path, seed: int) -> None:
    content = io.BytesIO()
    np.savez_compressed(content, a=np.arange(99))
    data, random = bytearray(content.getvalue()), np.random.default_rng(seed)
    for place in random.integers(0, len(data), 8):
        data[place] ^= 1 << int(random.integers(8))
    (tmp_path / "a.npz").write_bytes(data)
    try:
        read_arrays(tmp_path / "a.npz")
    except ValueError:
        return


def test_missing_arrays_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.zeros(1))
    with pytest.raises(ValueError, match="lacks the array 'b'"):
        read_arrays(tmp_path / "a.npz", ["b"])
    (tmp_path / "b.npz").write_bytes(pickle.dumps([1]))
    with pytest.raises(ValueError, match=r"not a \.npz archive"):
        read_arrays(tmp_path / "b.npz")
