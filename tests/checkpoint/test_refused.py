"""Files that torch.load(weights_only=True) does not read: what is said, and what --allow-global admits."""

from __future__ import annotations

import argparse
import os
import pathlib
import pickle
import sys
import zipfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import serialization

from checkpoint.conftest import Migrate
from checkpoint.nets import write_map
from conftest import Run

Refused = Callable[..., str]

admits = pytest.mark.skipif(
    not hasattr(serialization, "add_safe_globals"), reason="this torch admits no globals beyond its own"
)
lists = pytest.mark.skipif(
    not hasattr(serialization, "get_unsafe_globals_in_checkpoint"), reason="this torch names the first global alone"
)
NUMPY_SCALAR = f"{np.float64(1).__reduce__()[0].__module__}.scalar"


class Hostile:
    """A pickle that would run code."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> Any:
        return self.reduced


ASKING: dict[str, tuple[Any, list[str]]] = {
    "namespace": (argparse.Namespace(lr=0.1, tensor=torch.ones(2)), ["argparse.Namespace"]),
    "defaultdict": (defaultdict(list, {"a": [1], "b": []}), ["builtins.list", "collections.defaultdict"]),
    "no factory": (defaultdict(None, {1: 2}), ["collections.defaultdict"]),
    "nested": (
        defaultdict(list, {"a": defaultdict(int, b=1)}),
        ["builtins.int", "builtins.list", "collections.defaultdict"],
    ),
    "numpy float": (np.float64(0.1), [NUMPY_SCALAR, "numpy.dtype"]),
    "numpy others": ([np.int32(7), np.bool_(True), np.float16(2)], [NUMPY_SCALAR, "numpy.dtype"]),
    "numpy array": (
        np.arange(6.0).reshape(2, 3),
        [NUMPY_SCALAR.replace("scalar", "_reconstruct"), "numpy.dtype", "numpy.ndarray"],
    ),
    "path": (pathlib.PurePosixPath("a/b"), ["pathlib.PurePosixPath"]),
}


@pytest.fixture(autouse=True)
def state_map(project: Path) -> Path:
    return write_map(project / "m.json", {"x": "y"})


@admits
@lists
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize(("value", "asked"), ASKING.values(), ids=ASKING)
def test_what_a_pickle_asks_for_is_named_and_admitted(
    migrate: Migrate, refused: Refused, value: Any, asked: list[str], legacy: bool
) -> None:
    checkpoint = {"model": {"x": torch.ones(1)}, "value": value, "again": value}
    save = {"_use_new_zipfile_serialization": not legacy}
    options = [word for name in asked for word in ("--allow-global", name)]
    line = refused(checkpoint, save=save)
    assert line.startswith(f"old.pt: its pickle asks for {', '.join(asked)}, which ")
    assert line.endswith(f"; where you trust the file: {' '.join(options)}\n")
    # One that is admitted is not named again.
    for left in range(1, len(asked)):
        assert f" asks for {', '.join(asked[left:])}, which" in refused(checkpoint, *options[: 2 * left], save=save)
    new = migrate(checkpoint, *options, save=save, weights_only=False)
    assert list(new["model"]) == ["y"]
    assert new["again"] is new["value"]
    assert (type(new["value"]), repr(new["value"])) == (type(value), repr(value))


@pytest.mark.skipif(hasattr(serialization, "add_safe_globals"), reason="this torch does")
def test_a_torch_that_admits_nothing_more(refused: Refused) -> None:
    checkpoint = {"x": torch.ones(1), "args": argparse.Namespace()}
    assert "torch 2.4 or later can admit more" in refused(checkpoint)
    line = refused(checkpoint, "--allow-global", "argparse.Namespace", code=2)
    assert line.startswith("nnconvert: --allow-global needs torch 2.4 or later, and this is torch ")


@admits
def test_what_was_admitted_once_is_not_admitted_for_good(migrate: Migrate, refused: Refused) -> None:
    checkpoint = {"x": torch.ones(1), "args": argparse.Namespace()}
    before = set(serialization.get_safe_globals())
    migrate(checkpoint, "--allow-global", "argparse.Namespace", weights_only=False)
    assert set(serialization.get_safe_globals()) == before
    assert "its pickle asks for argparse.Namespace" in refused(checkpoint)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize(
    ("function", "name"),
    [(os.system, f"{os.name}.system" if os.name == "nt" else "posix.system"), (eval, "builtins.eval")],
)
def test_a_pickle_that_runs_code_runs_none(
    refused: Refused, project: Path, function: Any, name: str, legacy: bool
) -> None:
    code = f"open({str(project / 'ran')!r}, 'w')" if function is eval else f"touch {project / 'ran'}"
    checkpoint = {"x": torch.ones(1), "y": Hostile(function, code)}
    save = {"_use_new_zipfile_serialization": not legacy}
    assert f".{function.__name__}, which torch.load(weights_only=True) does not" in refused(checkpoint, save=save)
    assert "it cannot be migrated, --allow-global" in refused(checkpoint, save=save)
    refused(checkpoint, "--allow-global", name, code=2, save=save)
    assert not (project / "ran").exists()


@admits
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Namespace", "give the name with its module"),
        ("argparse.Nothing", "cannot be imported here"),
        ("no_such_module.Config", "cannot be imported here"),
        ("argparse..Namespace", "cannot be imported here"),
        ("__main__.Config", "it was defined in the script that saved the checkpoint"),
        ("os.getcwd", "admits nothing of this module"),
        ("builtins.getattr", "a pickle that asks for it runs code of its own"),
    ],
)
def test_names_that_cannot_be_admitted(refused: Refused, name: str, words: str) -> None:
    line = refused({"x": torch.ones(1)}, "--allow-global", name, code=2)
    assert line.startswith(f"nnconvert: --allow-global {name}: ")
    assert words in line


def test_the_class_of_a_script_cannot_be_admitted(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    made = type("Config", (), {"__module__": "__main__"})
    monkeypatch.setattr(sys.modules["__main__"], "Config", made, raising=False)
    line = refused({"x": torch.ones(1), "config": made()})
    assert "its pickle asks for __main__.Config, which" in line
    assert "it was defined in the script that saved the checkpoint" in line


@pytest.mark.skipif(tuple(map(int, torch.__version__.split(".")[:2])) < (2, 13), reason="an older torch fills any dict")
def test_a_class_that_torch_cannot_fill(refused: Refused) -> None:
    line = refused({"x": torch.ones(1), "tree": Tree(a=1)}, "--allow-global", f"{__name__}.Tree")
    assert f"its pickle fills a {__name__}.Tree, which torch.load(weights_only=True) refuses " in line


class Tree(dict):  # type: ignore[type-arg]
    """As many configurations are: a dict with more."""


def test_another_protocol(refused: Refused) -> None:
    line = refused({"x": torch.ones(1)}, save={"pickle_protocol": 4})
    assert "it was saved with pickle_protocol=4, which torch.load(weights_only=True) does not read" in line


def test_a_whole_model(refused: Refused) -> None:
    assert "torch.nn.modules.linear.Linear" in refused(torch.nn.Linear(1, 1))


# -- files that are none, or not whole -------------------------------------------------------------------


def saved(project: Path, *, legacy: bool = False) -> bytes:
    torch.save({"x": torch.arange(1000.0)}, project / "good.pt", _use_new_zipfile_serialization=not legacy)
    return (project / "good.pt").read_bytes()


def script(project: Path) -> bytes:
    torch.jit.script(torch.nn.Linear(1, 1)).save(str(project / "script.pt"))
    return (project / "script.pt").read_bytes()


def zipped(project: Path, compression: int, name: str = "good/data.pkl") -> bytes:
    saved(project)
    with zipfile.ZipFile(project / "good.pt") as old, zipfile.ZipFile(project / "z", "w", compression) as new:
        for info in old.infolist():
            new.writestr(info.filename.replace("good/data.pkl", name), old.read(info))
    return (project / "z").read_bytes()


def damaged(data: bytes, start: bytes) -> bytes:
    return flipped(data, data.index(start))


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


BROKEN: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda _: b"", "it is empty"),
    "text": (lambda _: b"not a checkpoint at all", "it is no checkpoint"),
    "zeros": (lambda _: bytes(1000), "it is no checkpoint"),
    "pickle": (lambda _: pickle.dumps({"x": 1}), "it is a pickle, but not one that torch.save writes"),
    "short": (lambda _: b"P", "it is no checkpoint"),
    "zip": (lambda p: zipped(p, zipfile.ZIP_STORED, "good/other"), "a zip archive, but not one that torch.save wrote"),
    "compressed": (lambda p: zipped(p, zipfile.ZIP_DEFLATED), "is compressed, which torch.save never does"),
    "script": (script, "it is a TorchScript program"),
    "half": (lambda p: saved(p)[:2500], "it is truncated or damaged"),
    "almost": (lambda p: saved(p)[:-1], "it is truncated or damaged"),
    "flipped tensor": (lambda p: flipped(saved(p), 2500), "it is truncated or damaged: Bad CRC-32"),
    "flipped pickle": (lambda p: flipped(saved(p), 100), "it is truncated or damaged"),
    "legacy half": (lambda p: saved(p, legacy=True)[:2500], "torch cannot read it, it may be damaged"),
    "legacy start": (lambda p: saved(p, legacy=True)[:40], "torch cannot read it, it may be damaged"),
    "legacy flipped": (
        lambda p: damaged(saved(p, legacy=True), b"ctorch._utils"),
        "torch cannot read it, it may be damaged",
    ),
}


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize(("make", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file(run: Callable[..., Run], project: Path, make: Callable[[Path], bytes], words: str) -> None:
    (project / "old.pt").write_bytes(make(project))
    ended = run("migrate", "old.pt", "--map", "m.json", "-o", "new.pt")
    assert ended.code == 4, ended.err
    assert ended.err.startswith("old.pt: ")
    assert words in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not (project / "new.pt").exists()


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_cut_anywhere_it_is_an_error_or_whole(run: Callable[..., Run], project: Path, legacy: bool) -> None:
    data = saved(project, legacy=legacy)
    for length in range(1, len(data), 397):
        (project / "old.pt").write_bytes(data[:length])
        ended = run("migrate", "old.pt", "--map", "m.json", "-o", "new.pt")
        assert ended.code == 4, length
        assert len(ended.err.splitlines()) == 1
    assert not (project / "new.pt").exists()
