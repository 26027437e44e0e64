"""[tool.nnconvert] of pyproject.toml, and the line length."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnconvert.config import load
from nnconvert.errors import UsageError


def configured(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_every_key_is_read_from_the_nearest_pyproject(tmp_path: Path) -> None:
    configured(
        tmp_path,
        """
[tool.nnconvert]
share = true
split-shared = true
methods = true
unsafe = true
select = ["relu", "dropout"]
ignore = ["pooling"]
exclude = "/a/"
extend-exclude = "/b/"
force-exclude = "/c/"
verify = false
python = "env/python"
module-bases = ["lightning.LightningModule"]
line-length = 79
[tool.nnconvert.models."package.net:Net"]
args = "3, width=8"
inputs = "torch.randn(2, 3)"
""",
    )
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "python").touch()
    (tmp_path / "src" / "package").mkdir(parents=True)
    config = load(tmp_path / "src" / "package" / "net.py")
    assert config.root == tmp_path
    assert (config.share, config.split_shared, config.methods, config.unsafe) == (True, True, True, True)
    assert (config.select, config.ignore) == (("relu", "dropout"), ("pooling",))
    assert (config.exclude, config.extend_exclude, config.force_exclude) == ("/a/", "/b/", "/c/")
    assert config.verify is False
    assert config.python == tmp_path / "env" / "python"
    assert config.module_bases == ("lightning.LightningModule",)
    assert config.line_length == 79
    assert config.models == {"package.net:Net": {"args": "3, width=8", "inputs": "torch.randn(2, 3)"}}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("shares = true", "no key 'shares'; did you mean 'share'"),
        ("frobnicate = 1", "no key 'frobnicate'"),
        ("share = 'yes'", "tool.nnconvert.share must be true or false, not 'yes'"),
        ("line-length = true", "line-length must be a number of characters"),
        ("verify-time-limit = 0", "verify-time-limit must be a number of seconds above 0, not 0"),
        ('verify-time-limit = "1m"', "verify-time-limit must be a number of seconds above 0, not '1m'"),
        ("line-length = 0", "line-length must be a number of characters"),
        ("select = 'relu'", "select must be a list of strings"),
        ("select = [1]", "select must be a list of strings"),
        ("exclude = '('", "exclude: not a regular expression"),
        ("exclude = 1", "exclude must be a string"),
        ("python = 'nowhere'", "python: no such file"),
        ("models = 1", "models must be a table"),
        ("models.Net = {}", 'a model is named "package.module:Class"'),
        ("models.'a:B' = {input = '1'}", "no key 'input'; did you mean 'inputs'"),
        ("models.'a:B' = {args = '1 +'}", "not a Python expression"),
        ("models.'a:B' = {args = 1}", "must be a string"),
        ("share = ", "not valid TOML: .*line 2, column 9"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_key(tmp_path: Path, line: str, words: str) -> None:
    configured(tmp_path, f"[tool.nnconvert]\n{line}\n")
    with pytest.raises(UsageError, match=words) as caught:
        load(tmp_path)
    assert str(tmp_path / "pyproject.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pyproject_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"# \xff\n")
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("files", "length"),
    [
        ({}, 88),
        ({"pyproject.toml": "[tool.black]\nline-length = 100"}, 100),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 101"}, 101),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 101\n[tool.black]\nline-length = 100"}, 100),
        ({"pyproject.toml": "[tool.black]\nline-length = 100\n[tool.nnconvert]\nline-length = 70"}, 70),
        ({"pyproject.toml": "", "ruff.toml": "line-length = 102"}, 102),
        ({"setup.py": "", ".ruff.toml": "line-length = 103"}, 103),
        ({"pyproject.toml": "[tool.nnconvert]\nshare = true"}, 88),
    ],
)
def test_line_length_is_the_projects(tmp_path: Path, files: dict[str, str], length: int) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert load(tmp_path).line_length == length


def test_the_root_is_the_nearest_marked_folder(tmp_path: Path) -> None:
    inner = tmp_path / "inner" / "package"
    inner.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    assert load(inner).root == tmp_path
    (tmp_path / "inner" / "setup.py").touch()
    assert load(inner / "net.py").root == tmp_path / "inner"
