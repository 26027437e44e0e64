"""What an earlier run has decided is found again, as long as nothing changed that it may rest on; and never written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Run

from nnconvert import Cache, Index, Options, Result, convert_paths

HEAD = "import torch.nn as nn\nimport torch.nn.functional as F\n"
NET = HEAD + "\n\nclass Net(nn.Module):\n    def forward(self, x):\n        return F.relu(x)\n"
LEFT = HEAD + "\n\ndef free(x):\n    return F.relu(x)\n"
SUB = HEAD + "from {home} import Base\n\n\nclass Sub(Base):\n    def forward(self, x):\n        return F.relu(x)\n"
BASE = "import torch.nn as nn\n\n\nclass Base(nn.Module):\n    pass\n"


@pytest.fixture
def tree(project: Path) -> Path:
    (project / "net.py").write_text(NET)
    (project / "left.py").write_text(LEFT)
    (project / "sub.py").write_text(SUB.format(home="base"))
    (project / "base.py").write_text(BASE)
    return project


def cache(project: Path, options: Options | None = None, search_path: tuple[Path, ...] = (), *, shows: bool) -> Cache:
    return Cache(options or Options(), index(project, search_path), shows=shows)


def index(project: Path, search_path: tuple[Path, ...]) -> Index:
    return Index(search_path, folder=Path(os.environ["NNCONVERT_CACHE_DIR"]) / project.name)


def decide(project: Path, *, write: bool = False, search_path: tuple[Path, ...] = ()) -> list[Result]:
    return list(_decide(project, write, search_path))


def _decide(project: Path, write: bool, search_path: tuple[Path, ...] = ()) -> Iterator[Result]:
    own = index(project, search_path)
    return convert_paths([project], write=write, index=own, cache=Cache(Options(), own, shows=not write))


def known(
    project: Path, name: str, options: Options | None = None, search_path: tuple[Path, ...] = (), *, shows: bool = True
) -> Result | None:
    path = project / name
    return cache(project, options, search_path, shows=shows).find(path, path.read_bytes())


def test_what_was_shown_is_found_as_it_was(tree: Path) -> None:
    for result in decide(tree):
        if result.plan is not None:
            assert known(tree, result.path.name) == replace(result, after=None)
    assert known(tree, "left.py", shows=False) is not None


def test_a_conversion_that_was_shown_is_not_written_from_there(tree: Path) -> None:
    decide(tree)
    assert known(tree, "net.py", shows=False) is None


def test_after_writing_nothing_is_left_to_decide(tree: Path) -> None:
    written = [result.path.name for result in decide(tree, write=True) if result.status == "changed"]
    assert written == ["net.py", "sub.py"]
    found = [known(tree, name, shows=False) for name in ("net.py", "sub.py", "left.py")]
    assert [result is not None and result.status for result in found] == ["unchanged"] * 3
    fresh = {result.path.name: result.plan for result in convert_paths([tree])}
    assert [result is not None and result.plan for result in found] == [
        fresh[n] for n in ("net.py", "sub.py", "left.py")
    ]


def _edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: _edit(tree / "sub.py", "F.relu(x)", "F.elu(x)"),
        lambda tree: _edit(tree / "base.py", "nn.Module", "object"),
        lambda tree: (tree / "user.py").write_text("from sub import Sub\nSub().relu = 1\n"),
        lambda tree: (tree / "left.py").unlink(),
        lambda tree: (tree / "left.py").rename(tree / "right.py"),
    ],
    ids=["itself", "its base", "a new file", "a file less", "a file of another name"],
)
def test_a_change_in_the_project_makes_it_be_decided_again(tree: Path, change: Callable[[Path], object]) -> None:
    decide(tree)
    assert known(tree, "sub.py") is not None
    change(tree)
    assert known(tree, "sub.py") is None


def test_a_change_of_the_same_size_at_the_same_time_is_seen(tree: Path) -> None:
    decide(tree)
    before = (tree / "base.py").stat()
    _edit(tree / "base.py", "nn.Module", "nn.Linear")
    os.utime(tree / "base.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (tree / "base.py").stat().st_size == before.st_size
    assert known(tree, "sub.py") is None


def test_other_options_are_decided_on_their_own(tree: Path) -> None:
    decide(tree)
    assert known(tree, "net.py", Options(select=frozenset({"elu"}))) is None


def test_installed_packages_count_by_what_was_read_of_them(
    tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    site = tmp_path_factory.mktemp("lib") / "site-packages"
    (site / "pack").mkdir(parents=True)
    (site / "pack" / "__init__.py").write_text(BASE)
    (site / "pack" / "other.py").write_text("")
    (tree / "sub.py").write_text(SUB.format(home="pack"))
    decide(tree, search_path=(site,))
    assert known(tree, "sub.py", search_path=(site,)) is not None
    (site / "pack" / "other.py").write_text("x = 1\n")
    assert known(tree, "sub.py", search_path=(site,)) is not None
    _edit(site / "pack" / "__init__.py", "nn.Module", "object")
    assert known(tree, "sub.py", search_path=(site,)) is None
    decide(tree, search_path=(site,))
    (site / "another").mkdir()
    assert known(tree, "sub.py", search_path=(site,)) is None


def test_a_file_that_changes_during_the_run_leaves_nothing_behind(tree: Path) -> None:
    results = _decide(tree, write=False)
    next(results)
    (tree / "base.py").write_text(BASE + "\n\nclass Further:\n    pass\n")
    list(results)
    assert known(tree, "left.py") is None


@pytest.mark.parametrize("damage", [b"", b"x" * 100, None], ids=["empty", "foreign", "cut off"])
def test_a_damaged_cache_is_as_good_as_none(tree: Path, run: Callable[..., Run], damage: bytes | None) -> None:
    arguments = ("--to-module", "--check", "--no-verify", "-v", tree)
    first = run(*arguments)
    for file in Path(os.environ["NNCONVERT_CACHE_DIR"]).iterdir():
        if file.is_file():
            file.write_bytes(file.read_bytes()[:-1] if damage is None else damage)
    again = run(*arguments)
    assert (again.code, again.out, again.err) == (first.code, first.out, first.err)
    assert first.code == 1


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(
    tree: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NNCONVERT_CACHE_DIR", str(tree / "base.py" / "inside"))
    assert run("--to-module", "--no-verify", tree).code == 0
    assert "self.relu = nn.ReLU()" in (tree / "net.py").read_text()


@pytest.mark.parametrize("form", [("-v",), ("--diff",), ("--output-format", "json"), ("--output-format", "sarif")])
def test_a_second_look_prints_the_same(tree: Path, run: Callable[..., Run], form: tuple[str, ...]) -> None:
    arguments = ("--to-module", "--check", "--no-verify", *form, tree)
    first, second, anew = run(*arguments), run(*arguments), run(*arguments, "--no-cache")
    assert first == second == anew
    assert first.code == 1


def test_no_cache_leaves_no_trace(tree: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tree / "kept"
    monkeypatch.setenv("NNCONVERT_CACHE_DIR", str(folder))
    run("--to-module", "--check", "--no-verify", "--no-cache", tree)
    assert not folder.exists()
    run("--to-module", "--check", "--no-verify", tree)
    assert list(folder.iterdir())
    shutil.rmtree(folder)
    run("--to-module", "--check", "--no-verify", "--no-cache", tree / "net.py")
    assert not folder.exists()
