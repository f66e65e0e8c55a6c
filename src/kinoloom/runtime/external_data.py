"""Checks where an ONNX file keeps its external data, before a runtime opens it.

Large ONNX models store tensors in other files, whose paths are in the model. A model from
elsewhere could name any file of the user, by an absolute path, by `..` or through a symbolic link:
onnxruntime 1.32 rejects these, but 1.20 opens them.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from kinoloom.errors import WeightsError
from kinoloom.runtime.onnx_messages import find_messages, map_onnx, read_texts


def check_external_data(file: Path) -> None:
    """Check that the external data of an ONNX file is in the file's own folder or below.

    Args:
        file: an .onnx file.

    Raises:
        WeightsError: a path is absolute, leads out of the folder (also through a symbolic link),
            or names no regular file; or the file is not ONNX.
    """
    folder = file.parent.resolve()
    for location in external_locations(file):
        if not _is_inside(location, folder):
            raise WeightsError(
                f"{file} names external data outside its folder, or a file that is missing: "
                f"'{location}'.",
                hint="Use a model whose data files are in the same folder as the model.",
            )


def external_locations(file: Path) -> list[str]:
    """List the paths of external data in an ONNX file, as they are stored.

    Args:
        file: an .onnx file.

    Returns:
        Each path once, in the order of the file.

    Raises:
        WeightsError: the file cannot be read as ONNX.
    """
    with map_onnx(file) as data:
        entries = (read_texts(data, entry) for entry in find_messages(data, "Entry"))
        return list(dict.fromkeys(text.decode() for key, text in entries if key == b"location"))


def _is_inside(location: str, folder: Path) -> bool:
    posix, windows = PurePosixPath(location), PureWindowsPath(location)
    if posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        return False
    path = (folder / location).resolve()
    return path.is_relative_to(folder) and path.is_file()
