"""Hostile torch.export archives: none of their code runs."""

import io
import json
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kinoloom.errors import UnreadableMediaError
from kinoloom.tiny.front.read import read_archive

Members = dict[str, bytes]


class Touch:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.fixture(scope="module")
def members() -> Members:
    """The members of a valid archive, without the folder's name."""
    content = io.BytesIO()
    example = (torch.zeros(1, 3),)
    torch.export.save(torch.export.export(torch.nn.Linear(3, 2).eval(), example), content)
    with zipfile.ZipFile(content) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def save(path: Path, members: Members) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"model/{name}", content)
    return path


def edit_graph(edit: Callable[[Any], None]) -> Callable[[Members, Path], None]:
    def change(members: Members, _: Path) -> None:
        model = json.loads(members["models/model.json"])
        edit(model["graph_module"])
        members["models/model.json"] = json.dumps(model).encode()

    return change


def call_a_function(graph_module: Any) -> None:
    graph_module["graph"]["nodes"][0]["target"] = "torch.os.system"


def use_an_expression(graph_module: Any) -> None:
    size = {"as_expr": {"expr_str": "__import__('os').system('true')", "hint": None}}
    graph_module["graph"]["tensor_values"]["input"]["sizes"][0] = size


def import_a_module(graph_module: Any) -> None:
    call = graph_module["module_call_graph"][0]["signature"]
    call["in_spec"] = json.dumps([1, {"context": '{"__enum__": true, "fqn": "antigravity:a"}'}])


def add_an_object(members: Members, touched: Path) -> None:
    content = io.BytesIO()
    torch.save(((Touch(touched),), {}), content, pickle_module=pickle)
    members["data/sample_inputs/model.pt"] = content.getvalue()


def add_a_pickled_weight(members: Members, touched: Path) -> None:
    name = "data/weights/model_weights_config.json"
    config = json.loads(members[name])
    config["config"]["weight"]["use_pickle"] = True
    members[name] = json.dumps(config).encode()
    content = io.BytesIO()
    torch.save(Touch(touched), content, pickle_module=pickle)
    members["data/weights/weight_0"] = content.getvalue()


def add_an_opaque_constant(members: Members, touched: Path) -> None:
    entry = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True}
    config = json.dumps({"config": {"a": {**entry, "tensor_meta": None}}})
    members["data/constants/model_constants_config.json"] = config.encode()
    members["data/constants/tensor_0"] = pickle.dumps(Touch(touched))


def add_a_library(members: Members, _: Path) -> None:
    members["data/aotinductor/model/model.so"] = b"\x7fELF"


HOSTILE: dict[str, tuple[Callable[[Members, Path], None], str]] = {
    "function": (edit_graph(call_a_function), r"the function 'torch\.os\.system'"),
    "expression": (edit_graph(use_an_expression), "a symbolic shape"),
    "module": (edit_graph(import_a_module), "a container of another type"),
    "object": (add_an_object, r"is not a torch\.export archive"),
    "weight": (add_a_pickled_weight, r"is not a torch\.export archive"),
    "constant": (add_an_opaque_constant, "a custom object"),
    "library": (add_a_library, r"'data/aotinductor/model/model\.so'"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_code_of_an_archive_never_runs(name: str, members: Members, tmp_path: Path) -> None:
    change, message = HOSTILE[name]
    touched, hostile = tmp_path / "touched", dict(members)
    change(hostile, touched)
    path = save(tmp_path / "hostile.pt2", hostile)
    with pytest.raises(UnreadableMediaError, match=message):
        read_archive(path, [np.zeros((1, 3), np.float32)])
    assert not touched.exists()


def test_repeated_members_are_rejected(members: Members, tmp_path: Path) -> None:
    """Readers disagree about which of the two they read."""
    path = save(tmp_path / "a.pt2", members)
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("model/models/model.json", members["models/model.json"])
    with pytest.raises(UnreadableMediaError, match="two members of one name"):
        read_archive(path, [np.zeros((1, 3), np.float32)])


def test_the_valid_archive_is_read(members: Members, tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt2", members)
    assert read_archive(path, [np.zeros((1, 3), np.float32)]).output
