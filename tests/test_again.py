"""The command that is told converts the same way again."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnconvert import Options
from nnconvert.again import again


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(direction="to-functional", parameters=True, load_old=True), "--to-functional --parameters --load-old"),
        (Options(split_shared=True, methods=True, unsafe=True), "--to-module --split-shared --methods --unsafe"),
        (Options(share=True, ignore=frozenset({"relu", "dropout"})), "--to-module --share --ignore dropout,relu"),
        (Options(classes=frozenset({"B", "A"}), lines=((3, 9),)), "--to-module --class A --class B --lines 3-9"),
    ],
)
def test_every_option_that_decisions_depend_on_is_said(tmp_path: Path, options: Options, words: str) -> None:
    path = tmp_path / "net.py"
    path.write_bytes(b"x = 1\n")
    assert " ".join(again(options, path, b"x = 1\n")) == f"nnconvert {words} --check --no-salvage {path}"


def test_a_source_that_does_not_stand_there_comes_from_stdin(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    assert again(Options(), Path("<stdin>"), b"x = 1\n")[2:] == ("--check", "--no-salvage", "-")
    path.write_bytes(b"x = 2\n")
    assert again(Options(), path, b"x = 1\n")[4:] == ("--stdin-filename", str(path), "-")
