"""Bytes to text and back, the bytes test, and the write that is all or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nnconvert import files
from nnconvert.errors import SourceError
from nnconvert.options import Options

EXACT = {
    "plain": (b"x = 1\n", "utf-8", "\n"),
    "empty": (b"", "utf-8", "\n"),
    "no final newline": (b"x = 1", "utf-8", "\n"),
    "utf-8": ("é = 'ü'\n".encode(), "utf-8", "\n"),
    "bom": (b"\xef\xbb\xbfx = 1\n", "utf-8", "\n"),
    "bom and cookie": (b"\xef\xbb\xbf# coding: utf-8\nx = 1\n", "utf-8", "\n"),
    "latin-1": (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", "iso8859-1", "\n"),
    "cookie in line two": (
        b"#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\nx = '\x80'\n",
        "cp1252",
        "\n",
    ),
    "cookie after a code line is none": (b"x = 1\n# coding: latin-1\n", "utf-8", "\n"),
    "cookie in line two of a file that ends its lines with CR": (
        b"#\r# coding: cp1252\rx = '\x80'\r",
        "cp1252",
        "\r",
    ),
    "no cookie in line three of a CR file": (b"#\r#\r# coding: cp1252\r", "utf-8", "\r"),
    "crlf": (b"x = 1\r\ny = 2\r\n", "utf-8", "\r\n"),
    "cr": (b"x = 1\ry = 2\r", "utf-8", "\r"),
    "mostly crlf": (b"x = 1\r\ny = 2\nz = 3\r\n", "utf-8", "\r\n"),
    "form feed": (b"x = 1\n\x0cy = 2\n", "utf-8", "\n"),
    "shift-jis": ("# coding: shift_jis\nx = '日本'\n".encode("shift_jis"), "shift_jis", "\n"),
}


@pytest.mark.parametrize("name", EXACT)
def test_decoding_loses_nothing(name: str) -> None:
    data, encoding, newline = EXACT[name]
    decoded = files.decode(data)
    assert (decoded.encoding, decoded.newline) == (encoding, newline)
    assert "\ufeff" not in decoded.text
    assert files.encode(decoded.text, decoded) == data
    compile(data, "source.py", "exec")  # Python reads these bytes too


UNREADABLE = {
    "undecodable": (b"x = 1\ny = '\xe9'\n", "byte 0xe9 is not utf-8", 2, 6),
    "undecodable after characters of two bytes": (
        "é = 'ä".encode() + b"\xff'",
        "byte 0xff is not utf-8",
        1,
        7,
    ),
    "undecodable in the declared encoding": (
        b"# coding: ascii\nx = '\xe9'\n",
        "byte 0xe9 is not ascii",
        2,
        6,
    ),
    "unknown encoding": (b"# coding: klingon\n", "unknown encoding: klingon", 1, 11),
    "not a text encoding": (b"#\n# coding: hex\n", "unknown encoding: hex", 2, 11),
    "bom and another cookie": (b"\xef\xbb\xbf# coding: latin-1\n", "byte order mark", 1, 11),
    "NUL bytes": (b"x = 1\ny = \0\n", "not Python source: it holds NUL bytes", 2, 5),
    "UTF-16": ("x = 1\n".encode("utf-16"), "not Python source: it is UTF-16", 1, 1),
    "an encoding that changes bytes": (
        b"# coding: utf-7\nx = 'a+AGI-'\n",
        "would not give the same bytes",
        1,
        1,
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_named_with_its_place(name: str) -> None:
    data, words, line, column = UNREADABLE[name]
    with pytest.raises(SourceError, match=words) as caught:
        files.decode(data)
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    "source",
    [
        "import torch.nn as nn",
        "from torch.nn import Module, functional",
        "from torch.nn.functional import relu",
        "from torch import nn",
        "import torch as th\nfrom base import Base\nclass Net(Base):\n  def forward(s, x): return th.relu(x)",
        "from torch import softmax as soft",
    ],
)
def test_the_bytes_test_keeps_what_may_convert(source: str) -> None:
    assert files.may_convert(source.encode(), Options())


@pytest.mark.parametrize("source", ["", "import os\n", "import torch\nprint(torch.__version__)", "x.relu()"])
def test_the_bytes_test_drops_the_rest(source: str) -> None:
    assert not files.may_convert(source.encode(), Options())


def test_the_bytes_test_keeps_tensor_methods_where_they_are_asked_for() -> None:
    assert files.may_convert(b"from base import Base\ny = x.relu()\n", Options(methods=True))


def test_write_keeps_mode_and_link(tmp_path: Path) -> None:
    target, link = tmp_path / "deep" / "net.py", tmp_path / "link.py"
    target.parent.mkdir()
    target.write_bytes(b"old")
    target.chmod(0o755)
    link.symlink_to(Path("deep") / "net.py")
    files.write(link, b"old", b"new")
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o7777 == 0o755
    assert link.is_symlink()
    assert os.listdir(target.parent) == ["net.py"]


def test_write_leaves_a_file_that_changed_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_bytes(b"newer")
    with pytest.raises(OSError, match="another program"):
        files.write(path, b"old", b"new")
    assert path.read_bytes() == b"newer"


def test_write_refuses_a_file_without_write_permission(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="read-only"):
        files.write(path, b"old", b"new")
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user")
def test_write_refuses_a_folder_without_write_permission(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_bytes(b"old")
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError):
        files.write(path, b"old", b"new")
    tmp_path.chmod(0o755)
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_bytes(b"old")
    program = (
        "import resource, pathlib, sys; from nnconvert import files\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "files.write(pathlib.Path(sys.argv[1]), b'old', b'new' * 1000)"
    )
    done = subprocess.run([sys.executable, "-B", "-c", program, path], capture_output=True, text=True)
    assert "OSError: [Errno 27]" in done.stderr
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["net.py"]


@pytest.mark.parametrize("moment", ["fsync", "chmod", "replace"])
def test_an_interrupt_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "net.py"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, moment, interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write(path, b"old", b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["net.py"]
