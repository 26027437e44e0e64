"""Files of safetensors, written and read by the library itself."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn as nn
from safetensors import safe_open
from safetensors.torch import load_file, load_model, save_file, save_model

from checkpoint.nets import net_keys, new_net, old_net, write_map
from conftest import Run

Rename = Callable[..., Path]


@pytest.fixture
def rename(run: Callable[..., Run], project: Path) -> Rename:
    """Migrate old.safetensors by m.json."""

    def rename(*options: str, given: str = "old.safetensors", output: str = "new.safetensors") -> Path:
        ended = run("migrate", given, "--map", "m.json", "-o", output, "--force", *options)
        assert ended.code == 0, ended.err
        return project / output

    return rename


def raw(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def test_a_model(rename: Rename, project: Path) -> None:
    write_map(project / "m.json")
    old = old_net().state_dict()
    save_file(old, project / "old.safetensors", {"format": "pt", "step": "3"})
    path = rename()
    found = load_file(path)
    assert {key: value.tolist() for key, value in found.items()} == {
        net_keys().get(key, key): value.tolist() for key, value in old.items()
    }
    new_net().load_state_dict(found)
    with safe_open(path, "pt") as opened:
        assert opened.metadata() == {"format": "pt", "step": "3"}
    back = rename("--reverse", given="new.safetensors", output="back.safetensors")
    assert back.read_bytes() == (project / "old.safetensors").read_bytes()


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(3, 2),
        torch.randn(3).bfloat16(),
        torch.randn(3).to(torch.float8_e4m3fn),
        torch.tensor([True, False, True]),
        torch.tensor([-1, 5], dtype=torch.int8),
        torch.randn(2, dtype=torch.complex64),
        torch.empty(0, 3),
        torch.tensor(5.0),
    ],
    ids=lambda tensor: str(tensor.dtype).removeprefix("torch."),
)
def test_every_type_of_tensor(rename: Rename, project: Path, tensor: torch.Tensor) -> None:
    write_map(project / "m.json", {"x": "a.very.much.longer.name", "b": "y"})
    save_file({"x": tensor, "b": torch.arange(3), "c": torch.ones(2)}, project / "old.safetensors")
    found = load_file(rename())
    assert found.keys() == {"a.very.much.longer.name", "y", "c"}
    new = found["a.very.much.longer.name"]
    assert (new.dtype, new.shape) == (tensor.dtype, tensor.shape)
    assert bytes(new.untyped_storage()) == bytes(tensor.untyped_storage())


def test_a_type_that_no_library_knows(rename: Rename, project: Path) -> None:
    write_map(project / "m.json", {"x": "y"})
    entry = {"dtype": "F3_E1M1", "shape": [4, 4], "data_offsets": [0, 6], "later": None}
    (project / "old.safetensors").write_bytes(raw({"x": entry}, b"\x00\xff..\r\n"))
    data = rename().read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    assert json.loads(data[8 : 8 + length]) == {"y": entry}
    assert data[8 + length :] == b"\x00\xff..\r\n"
    assert length % 8 == 0


def test_tied_weights_that_are_stored_once(rename: Rename, project: Path) -> None:
    class Tied(nn.Module):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.first = nn.Linear(3, 3, bias=False)
            inner = nn.Module()
            inner.register_parameter(name, self.first.weight)
            self.last = inner

    old = Tied("weight")
    write_map(project / "m.json", {"last.weight": "last.w"}, [["first.weight"], ["first.weight"]])
    save_model(old, project / "old.safetensors", {"note": "last.weight"})
    new = Tied("w")
    load_model(new, rename())
    assert torch.equal(new.last.w, old.first.weight)
    assert new.last.w is new.first.weight
    with safe_open(project / "new.safetensors", "pt") as opened:
        assert opened.metadata()["note"] == "last.weight"
        (stored,) = opened.keys()
        left_out = {"first.weight", "last.w"} - {stored}
        assert opened.metadata()[left_out.pop()] == stored


def test_wrappers(rename: Rename, project: Path) -> None:
    write_map(project / "m.json", {"x": "y"})
    save_file({"module.x": torch.ones(1)}, project / "old.safetensors")
    assert list(load_file(rename())) == ["module.y"]


def test_a_key_that_the_old_version_has_no_place_for(rename: Rename, project: Path) -> None:
    write_map(project / "m.json", {"mean": "norm.mean"}, added=["norm.count"])
    tensors = {"a": torch.arange(5), "norm.count": torch.tensor(3), "norm.mean": torch.randn(7)}
    save_file(tensors, project / "old.safetensors")
    found = load_file(rename("--reverse"))
    assert found.keys() == {"a", "mean"}
    assert torch.equal(found["mean"], tensors["norm.mean"])
    assert torch.equal(found["a"], tensors["a"])


ENTRY = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
DAMAGED: dict[str, tuple[Any, bytes, str]] = {
    "short": ({"x": ENTRY}, b"123", "it has 3 bytes of tensors where 4 are listed"),
    "long": ({"x": ENTRY}, b"12345", "it has 5 bytes of tensors where 4 are listed"),
    "hole": ({"x": {**ENTRY, "data_offsets": [1, 4]}}, b"1234", "x does not begin where the tensor before it ends"),
    "overlap": ({"x": ENTRY, "y": ENTRY}, b"1234", "y does not begin where the tensor before it ends"),
    "backwards": ({"x": {**ENTRY, "data_offsets": [0, -4]}}, b"", "x does not begin where"),
    "no offsets": ({"x": {"dtype": "F32"}}, b"", "does not say where x lies"),
    "no entry": ({"x": 5}, b"", "does not say where x lies"),
    "metadata": ({"__metadata__": {"a": 1}, "x": ENTRY}, b"1234", "__metadata__ is not an object of strings"),
    "no JSON": (b"{nothing", b"", "the header is not JSON"),
    "twice": (b'{"x": 1, "x": 1}', b"", "an object names twice: x"),
    "surrogate": (b'{"x":{"data_offsets":[0,0]},"\\ud800":{"data_offsets":[0,0]}}', b"", "or a new one, is no text"),
    "not UTF-8": (b'{"\xff": 1}', b"", "the header is not JSON: it is no text"),
}


@pytest.mark.parametrize(("header", "data", "words"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file(run: Callable[..., Run], project: Path, header: Any, data: bytes, words: str) -> None:
    write_map(project / "m.json", {"x": "y"})
    (project / "old.safetensors").write_bytes(raw(header, data))
    ended = run("migrate", "old.safetensors", "--map", "m.json", "-o", "new.safetensors")
    assert ended.code == 4
    assert words in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not (project / "new.safetensors").exists()


def test_keys_that_do_not_fit(run: Callable[..., Run], project: Path) -> None:
    write_map(project / "m.json", {"x": "m.x", "z": "m.z"})
    for names, words in ((["x"], "are missing: z"), (["a"], "moves: x, z"), (["x", "z", "m.x"], "there already: m.x")):
        save_file({name: torch.ones(1) for name in names}, project / "old.safetensors")
        ended = run("migrate", "old.safetensors", "--map", "m.json", "-o", "new.safetensors")
        assert ended.code == 4
        assert words in ended.err


def test_what_makes_no_sense_here(run: Callable[..., Run], project: Path) -> None:
    write_map(project / "m.json", {"x": "y"})
    save_file({"x": torch.ones(1)}, project / "old.safetensors")
    command = ("migrate", "old.safetensors", "--map", "m.json")
    torch.save({"x": torch.ones(1)}, project / "old.pt")
    for arguments, words in (
        ([*command, "-o", "new.pt"], "new.pt: the checkpoint is a safetensors file, and stays one"),
        ([*command, "--dry-run", "--skip", "x"], "--skip and --allow-global are for torch.save"),
        (["migrate", "old.pt", "--map", "m.json", "-o", "new.safetensors"], "the checkpoint is a file of torch.save"),
    ):
        ended = run(*arguments)
        assert ended.code == 2
        assert words in ended.err
    assert not (project / "new.safetensors").exists()
