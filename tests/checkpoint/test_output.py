"""Where the new checkpoint goes, and what is never written over."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from checkpoint.nets import load, write_map
from conftest import Run
from nnconvert.cli import main

MIGRATE = ("migrate", "old.pt", "--map", "m.json")


@pytest.fixture(autouse=True)
def old(project: Path) -> Path:
    write_map(project / "m.json", {"x": "y"})
    torch.save({"x": torch.ones(1)}, project / "old.pt")
    return project / "old.pt"


def one_line(ended: Run, code: int, words: str) -> None:
    assert ended.code == code, ended.err
    assert words in ended.err
    assert len(ended.err.splitlines()) == 1


SPELLINGS = {
    "the same": lambda _: "old.pt",
    "absolute": lambda p: p / "old.pt",
    "around": lambda p: f"../{p.name}/./old.pt",
    "symbolic link": lambda p: (p / "link.pt").symlink_to("old.pt") or "link.pt",
    "hard link": lambda p: os.link(p / "old.pt", p / "hard.pt") or "hard.pt",
    "the map": lambda _: "m.json",
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "force"])
def test_the_input_is_never_written_over(
    run: Callable[..., Run], project: Path, spell: Callable[[Path], object], force: list[str]
) -> None:
    before = (project / "old.pt").read_bytes(), (project / "m.json").read_bytes()
    one_line(run(*MIGRATE, "-o", spell(project), *force), 2, "which is never overwritten")
    assert ((project / "old.pt").read_bytes(), (project / "m.json").read_bytes()) == before


def test_nor_the_file_of_groups(run: Callable[..., Run], project: Path) -> None:
    (project / "g.json").write_text("[]")
    one_line(run(*MIGRATE, "-o", "g.json", "--groups", "g.json", "--force"), 2, "which is never overwritten")


def test_a_file_that_is_there_needs_force(run: Callable[..., Run], project: Path) -> None:
    (project / "new.pt").write_bytes(b"precious")
    (project / "new.pt").chmod(0o640)
    one_line(run(*MIGRATE, "-o", "new.pt"), 2, "new.pt: exists already; --force replaces it")
    assert (project / "new.pt").read_bytes() == b"precious"
    assert run(*MIGRATE, "-o", "new.pt", "--force").code == 0
    assert list(load(project / "new.pt")) == ["y"]
    assert (project / "new.pt").stat().st_mode & 0o777 == 0o640


def test_a_link_to_a_file_elsewhere_stays_one(run: Callable[..., Run], project: Path) -> None:
    (project / "folder").mkdir()
    (project / "new.pt").symlink_to("folder/real.pt")
    assert run(*MIGRATE, "-o", "new.pt").code == 0
    assert (project / "new.pt").is_symlink()
    assert list(load(project / "folder" / "real.pt")) == ["y"]
    assert [path.name for path in (project / "folder").iterdir()] == ["real.pt"]


def test_a_new_file_is_as_private_as_the_input(run: Callable[..., Run], project: Path, old: Path) -> None:
    old.chmod(0o600)
    assert run(*MIGRATE, "-o", "new.pt").code == 0
    assert (project / "new.pt").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("no/new.pt", "does not exist"),
        (".", "is not a regular file"),
        (os.devnull, "is not a regular file"),
        ("old.pt/new.pt", "does not exist"),
        ("circle", "cannot be written"),
        ("n" * 300, "cannot be written"),
    ],
)
def test_where_nothing_can_be_written(run: Callable[..., Run], project: Path, output: str, words: str) -> None:
    (project / "circle").symlink_to("circle")
    one_line(run(*MIGRATE, "-o", output, "--force"), 2, words)


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not read-only there")
def test_a_read_only_folder(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as name:  # not below tmp_path, which another user cannot enter
        folder = Path(name)
        for path in (project / "old.pt", project / "m.json"):
            (folder / path.name).write_bytes(path.read_bytes())
        folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # permissions do not bind root
        try:
            code = main(["migrate", f"{folder}/old.pt", "--map", f"{folder}/m.json", "-o", f"{folder}/new.pt"])
        finally:
            os.seteuid(user)
            folder.chmod(0o755)
        assert (code, capfd.readouterr().err) == (
            4,
            f"{folder}/old.pt: {folder}/new.pt cannot be written: Permission denied\n",
        )
        assert sorted(path.name for path in folder.iterdir()) == ["m.json", "old.pt"]


@pytest.mark.parametrize("moment", ["os.fsync", "os.chmod", "os.replace", "torch.save"])
def test_an_interrupt_leaves_nothing_behind(
    run: Callable[..., Run], project: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = sorted(project.iterdir())
    monkeypatch.setattr(moment, interrupt)
    assert run(*MIGRATE, "-o", "new.pt").code == 130
    assert sorted(project.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["migrate", "old.pt", "-o", "new.pt"], "--map"),
        (["migrate", "old.pt", "--map", "m.json"], "-o NEW"),
        (["migrate", "none.pt", "--map", "m.json", "--dry-run"], "none.pt"),
        (["migrate", ".", "--map", "m.json", "--dry-run"], "is a directory"),
        (["migrate", "old.pt", "--map", "none.json", "--dry-run"], "none.json"),
        ([*MIGRATE, "--dry-run", "--groups", "none.json"], "none.json"),
        ([*MIGRATE, "--dry-run", "--sideways"], "--sideways"),
    ],
)
def test_usage(run: Callable[..., Run], arguments: list[str], words: str) -> None:
    one_line(run(*arguments), 2, words)


def test_verbose_shows_the_table_and_tracebacks(run: Callable[..., Run]) -> None:
    assert run(*MIGRATE, "-o", "new.pt", "-v").err == "the state_dict (nets:Net): 1 key renamed\n  x  -> y\n"
    assert "Traceback" in run("migrate", "new.pt", "--map", "m.json", "-o", "again.pt", "-v").err


def test_without_torch(project: Path) -> None:
    (project / "x.safetensors").write_bytes(
        b'\x3b\0\0\0\0\0\0\0{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}      1234'[: 8 + 59 + 4]
    )
    blocked = "import sys; sys.modules['torch'] = None; from nnconvert.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", blocked, "migrate"]
    ended = subprocess.run([*command, "old.pt", "--map", "m.json", "-o", "new.pt"], capture_output=True, cwd=project)
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"nnconvert: migrate needs torch for a file of torch.save")
    assert len(ended.stderr.splitlines()) == 1
    without = [*command, "x.safetensors", "--map", "m.json", "-o", "y.safetensors"]
    assert subprocess.run(without, capture_output=True, cwd=project).returncode == 0
