"""Which files of a folder a run is about."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from nnconvert.api import convert_paths
from nnconvert.discovery import Excludes, discover, require_paths
from nnconvert.errors import UsageError


def tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def found(root: Path, *paths: str, **patterns: str) -> list[str]:
    excludes = Excludes(root, **{key: re.compile(text) for key, text in patterns.items()})
    given = [root / path for path in paths or ("",)]
    return [path.relative_to(root).as_posix() for path in discover(given, excludes)]


def test_folders_are_walked_in_order_for_python_files(tmp_path: Path) -> None:
    tree(tmp_path, "b.py", "a/z.py", "a/b/c.py", "a/notes.txt", "a/stub.pyi", "c/d.py")
    assert found(tmp_path) == ["a/b/c.py", "a/z.py", "b.py", "c/d.py"]


def test_a_file_is_taken_whatever_its_name_and_only_once(tmp_path: Path) -> None:
    tree(tmp_path, "script", "a/net.py")
    (tmp_path / "a" / "same.py").symlink_to("net.py")
    assert found(tmp_path, "script", "a/net.py", "a", "script") == ["script", "a/net.py"]


def test_the_default_exclude_passes_over_build_folders(tmp_path: Path) -> None:
    tree(tmp_path, "net.py", ".venv/lib/x.py", "build/y.py", "src/.git/z.py", "src/builder/w.py", "venv/v.py")
    assert found(tmp_path) == ["net.py", "src/builder/w.py"]


def test_excludes_three_ways(tmp_path: Path) -> None:
    tree(tmp_path, "net.py", "gen/net.py", "build/net.py")
    assert found(tmp_path, exclude="^/gen/") == ["build/net.py", "net.py"]
    assert found(tmp_path, extend="^/gen/") == ["net.py"]
    assert found(tmp_path, "gen/net.py", "net.py", extend="^/gen/") == ["gen/net.py", "net.py"]
    assert found(tmp_path, "gen/net.py", "net.py", force="^/gen/") == ["net.py"]
    assert found(tmp_path, force="/gen/net\\.py$") == ["net.py"]


def test_an_empty_exclude_excludes_nothing(tmp_path: Path) -> None:
    tree(tmp_path, "build/net.py")
    assert found(tmp_path, exclude="") == ["build/net.py"]


def test_a_folder_outside_the_project_is_matched_from_itself(tmp_path: Path) -> None:
    tree(tmp_path, "build/other/net.py", "project/net.py")
    excludes = Excludes(tmp_path / "project")
    assert list(discover([tmp_path / "build" / "other"], excludes)) == [tmp_path / "build" / "other" / "net.py"]


def test_gitignore_is_honoured_also_nested_and_above(tmp_path: Path) -> None:
    tree(
        tmp_path,
        ".git/HEAD",
        "a.py",
        "b_gen.py",
        "src/a.py",
        "src/b_gen.py",
        "src/keep_gen.py",
        "src/old/x.py",
    )
    tree(tmp_path, "src/deep/local.py", "src/deep/old/y.py", "local.py")
    (tmp_path / ".gitignore").write_text("*_gen.py\n/src/old/\n")
    (tmp_path / "src" / ".gitignore").write_text("!keep_gen.py\n/deep/local.py\n")
    assert found(tmp_path) == ["a.py", "local.py", "src/a.py", "src/deep/old/y.py", "src/keep_gen.py"]
    assert found(tmp_path, "src") == ["src/a.py", "src/deep/old/y.py", "src/keep_gen.py"]
    assert found(tmp_path, "b_gen.py") == ["b_gen.py"]


def test_an_explicit_exclude_turns_gitignore_off_as_in_black(tmp_path: Path) -> None:
    tree(tmp_path, "a.py")
    (tmp_path / ".gitignore").write_text("a.py\n")
    assert found(tmp_path) == []
    assert found(tmp_path, exclude="^/none/") == ["a.py"]


def test_links_neither_loop_nor_leave_the_project(tmp_path: Path) -> None:
    tree(tmp_path, "project/src/net.py", "elsewhere/x.py", "y.py")
    (tmp_path / "project" / "src" / "again").symlink_to(tmp_path / "project")
    (tmp_path / "project" / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "project" / "y.py").symlink_to(tmp_path / "y.py")
    (tmp_path / "project" / "broken.py").symlink_to("nothing.py")
    assert [path.name for path in discover([tmp_path / "project"], Excludes(tmp_path / "project"))] == ["net.py"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.py", "no such file"),
        ("broken.py", "link to nothing"),
        ("pipe.py", "neither a file nor a folder"),
    ],
)
def test_paths_must_be_files_or_folders(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "broken.py").symlink_to("nothing.py")
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(UsageError, match=words):
        require_paths([tmp_path / name])
    require_paths([tmp_path])


def test_a_named_file_is_parsed_and_one_of_a_folder_only_if_it_may_convert(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("x = (\n")
    named = list(convert_paths([tmp_path / "broken.py"]))
    found = list(convert_paths([tmp_path]))
    assert [result.status for result in named] == ["failed"]
    assert named[0].error.startswith(f"{tmp_path / 'broken.py'}:1:5: ")
    assert [result.status for result in found] == ["unchanged"]
