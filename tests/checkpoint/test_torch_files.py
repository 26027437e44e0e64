"""Files of torch.save: nothing but keys changes, in whatever is stored and however."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn as nn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkpoint.conftest import Migrate
from checkpoint.nets import described, load, old_net, write_map
from conftest import Run
from nnconvert.cli import main

FORMATS = {"zip": {}, "legacy": {"_use_new_zipfile_serialization": False}}
in_both_formats = pytest.mark.parametrize("save", FORMATS.values(), ids=FORMATS)

base = torch.arange(24, dtype=torch.float32)

TENSORS: dict[str, list[Any]] = {
    "float32": [torch.randn(3, 2)],
    "float64": [torch.randn(2, dtype=torch.float64)],
    "bfloat16": [torch.randn(5).bfloat16()],
    "float8": [torch.randn(5).to(torch.float8_e4m3fn), torch.randn(5).to(torch.float8_e5m2)],
    "bool": [torch.tensor([True, False, True])],
    "integers": [torch.tensor([-1, 2], dtype=kind) for kind in (torch.int8, torch.int16, torch.int32, torch.int64)],
    "complex": [torch.randn(3, dtype=torch.complex64), torch.randn(3, dtype=torch.complex64).conj()],
    "empty": [torch.empty(0), torch.empty(3, 0, dtype=torch.bool), torch.empty(0, dtype=torch.int64)],
    "number": [torch.tensor(5), torch.tensor(float("nan")), torch.tensor(-0.0)],
    "tied": [weight := torch.randn(3, 3), weight, weight.view(9), weight.t()],
    "views": [base[2:5], base[20:], base.view(4, 6).t(), base[::2], base.view(2, 3, 4)[:, 1]],
    "expanded": [torch.ones(1).expand(4), torch.ones(2, 1).expand(2, 5)],
    "strides": [torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)],
    "parameters": [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2), requires_grad=False)],
    "grad": [torch.ones(2, requires_grad=True)],
    "sparse": [torch.eye(3).to_sparse()],
}


@pytest.fixture(autouse=True)
def state_map(project: Path) -> Path:
    return write_map(project / "m.json", {"x": "m.x"})


@in_both_formats
@pytest.mark.parametrize("values", TENSORS.values(), ids=TENSORS)
def test_tensors_stay_bit_for_bit(migrate: Migrate, project: Path, values: list[Any], save: dict[str, Any]) -> None:
    if save and values is TENSORS["float8"]:
        pytest.skip("torch.load does not read these in the legacy format")
    state = OrderedDict(zip("abcdefg", values, strict=False), x=values[0])
    migrated = migrate({"model": state}, save=save)
    assert list(migrated["model"])[-1] == "m.x"
    back = migrate(migrated, "--reverse", save=save)
    torch.save({"model": state}, project / "same.pt", **save)
    assert described(back) == described(load(project / "same.pt"))
    assert described(list(migrated["model"].values())) == described(list(back["model"].values()))


@in_both_formats
def test_the_format_stays(migrate: Migrate, project: Path, save: dict[str, Any]) -> None:
    migrate({"x": torch.ones(2)}, save=save)
    assert zipfile.is_zipfile(project / "new.pt") == (not save)


@in_both_formats
def test_the_device_that_a_tensor_was_saved_from_stays(
    run: Callable[..., Run], project: Path, save: dict[str, Any]
) -> None:
    torch.save({"x": torch.arange(3.0), "y": torch.ones(2)}, project / "cpu.pt", **save)
    for_cuda(project / "cpu.pt", project / "old.pt")
    ended = run("migrate", "old.pt", "--map", "m.json", "-o", "new.pt")
    assert ended.code == 0, ended.err
    tags: list[str] = []

    def stay(storage: Any, tag: str) -> Any:
        tags.append(tag)
        return storage

    assert torch.load(project / "new.pt", map_location=stay, weights_only=True)["m.x"].tolist() == [0, 1, 2]
    assert tags == ["cuda:0", "cuda:0"]


def for_cuda(path: Path, output: Path) -> None:
    """The same checkpoint as a machine with a GPU would have saved it."""

    def tagged(data: bytes) -> bytes:
        return data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")

    if not zipfile.is_zipfile(path):
        output.write_bytes(tagged(path.read_bytes()))
        return
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(output, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info.filename, tagged(data) if info.filename.endswith("data.pkl") else data)


def test_a_checkpoint_whose_checksums_were_left_out(run: Callable[..., Run], project: Path) -> None:
    torch.save({"x": torch.ones(50)}, project / "old.pt")
    data = bytearray((project / "old.pt").read_bytes())
    with zipfile.ZipFile(project / "old.pt") as archive:
        sums = [info.CRC.to_bytes(4, "little") for info in archive.infolist() if info.CRC]
    for checksum in sums:
        data = data.replace(checksum, bytes(4))
    (project / "old.pt").write_bytes(data)
    assert run("migrate", "old.pt", "--map", "m.json", "-o", "new.pt").code == 0
    assert load(project / "new.pt")["m.x"].tolist() == [1] * 50


def test_two_runs_write_the_same_bytes(run: Callable[..., Run], project: Path) -> None:
    torch.save(old_net().state_dict() | {"x": torch.ones(1)}, project / "old.pt")
    for folder in ("a", "b"):
        (project / folder).mkdir()
        run("migrate", "old.pt", "--map", "m.json", "-o", f"{folder}/new.pt")
    assert (project / "a/new.pt").read_bytes() == (project / "b/new.pt").read_bytes()
    with zipfile.ZipFile(project / "a/new.pt") as archive:
        assert "new/data.pkl" in archive.namelist()


names = st.from_regex(r"[a-c]{1,2}(\.[a-c0-2]){0,3}", fullmatch=True)


@st.composite
def maps(draw: st.DrawFn) -> tuple[list[str], dict[str, str], list[str], list[str]]:
    """All keys of a state_dict, which of them move and where, and both orders of parameters."""
    keys = draw(st.lists(names, min_size=1, max_size=8, unique=True))
    moving = draw(st.lists(st.sampled_from(keys), min_size=1, unique=True))
    staying = set(keys) - set(moving)
    targets = draw(st.lists(names.filter(lambda name: name not in staying), unique=True, **_length(len(moving))))
    moved = dict(zip(moving, targets, strict=True))
    parameters = draw(st.permutations(keys))
    return keys, moved, parameters, draw(st.permutations([moved.get(key, key) for key in parameters]))


def _length(count: int) -> dict[str, int]:
    return {"min_size": count, "max_size": count}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(maps(), st.sampled_from(["", "module."]), st.booleans())
def test_any_map_and_back(project: Path, drawn: Any, prefix: str, shared: bool) -> None:
    keys, moved, old_order, new_order = drawn
    write_map(project / "m.json", moved, [old_order, new_order])
    state = OrderedDict((prefix + key, base[index : index + 3]) for index, key in enumerate(keys))
    paths = {prefix + key[:end] for key in keys for end, letter in enumerate(key) if letter == "."}
    state._metadata = OrderedDict((path, {"version": number}) for number, path in enumerate(["", *sorted(paths)]))
    indices = list(range(len(old_order)))
    optimizer = {
        "state": {i: {"exp": state[prefix + old_order[i]]} for i in indices},
        "param_groups": [{"params": indices}],
    }
    torch.save({"model": state, "again": [state] if shared else [], "optimizer": optimizer}, project / "old.pt")
    for source, target, options in (("old.pt", "new.pt", []), ("new.pt", "back.pt", ["--reverse"])):
        files = [project / source, "--map", project / "m.json", "-o", project / target]
        assert main(["migrate", *map(str, files), "--force", "-q", *options]) == 0
    new = load(project / "new.pt")
    assert list(new["model"]) == [prefix + moved.get(key, key) for key in keys]
    for index, name in enumerate(new_order):
        assert new["optimizer"]["state"][index]["exp"].data_ptr() == new["model"][prefix + name].data_ptr()
    assert described(load(project / "back.pt")) == described(load(project / "old.pt"))


MEASURED = """
import resource, sys, torch
from nnconvert.cli import main
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert main(["migrate", "old.pt", "--map", "m.json", "-o", "new.pt"]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
def test_memory_is_bounded_by_the_size_of_the_file(project: Path) -> None:
    size = 64 << 20
    torch.save({"x": torch.zeros(size // 8), "y": torch.zeros(size // 8)}, project / "old.pt")
    done = subprocess.run([sys.executable, "-c", MEASURED], cwd=project, capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 2 * size
    assert (project / "new.pt").stat().st_size >= size
