"""The command line on files: what is written, what is said, and how it ends."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Run

Command = Callable[..., Run]
FAST = ("--to-module", "--no-verify")


def undone(new: bytes) -> bytes:
    """The converted model with its conversion taken back, as bytes."""
    return re.sub(rb"[ \t]*self\.relu = nn\.ReLU\(\)(\r\n|\n|\r)", b"", new).replace(b"self.relu(", b"F.relu(")


def test_a_file_is_converted_in_place(run: Command, project: Path, net: bytes) -> None:
    path = project / "net.py"
    path.write_bytes(net)
    path.chmod(0o755)
    ended = run(*FAST, "net.py")
    assert (ended.code, ended.out) == (0, b"")
    assert "net.py\n  Net.forward:12     F.relu       -> self.relu\n" in ended.err
    assert "Net.forward:13     F.softmax    left: " in ended.err
    assert ended.err.endswith("1 file changed, 1 call site converted, 1 left; nothing was verified (--no-verify)\n")
    new = path.read_bytes()
    assert b"        self.relu = nn.ReLU()\n" in new
    assert b"        x = self.relu(self.fc(x))  # keep me\n" in new
    assert undone(new) == net
    assert path.stat().st_mode & 0o777 == 0o755
    assert sorted(os.listdir(project)) == ["net.py", "pyproject.toml"]


VARIANTS: dict[str, Callable[[bytes], bytes]] = {
    "latin-1": lambda net: b"# coding: latin-1\n" + net.replace(b"keep me", b"caf\xe9"),
    "utf-8": lambda net: net.replace(b"keep me", "日本 é".encode()),
    "utf-8 before the call": lambda net: net.replace(b"x = F.relu", "é = F.relu".encode()),
    "bom": lambda net: b"\xef\xbb\xbf" + net,
    "crlf": lambda net: net.replace(b"\n", b"\r\n"),
    "cr": lambda net: net.replace(b"\n", b"\r"),
    "mixed": lambda net: net.replace(b"nn\n", b"nn\r\n").replace(b"F\n", b"F\r\n"),
    "tabs": lambda net: net.replace(b"    ", b"\t"),
    "no final newline": lambda net: net.rstrip(b"\n"),
    "form feed": lambda net: net.replace(b"\n\nclass", b"\n\x0c\nclass"),
    "trailing blanks": lambda net: net.replace(b"__init__()\n", b"__init__()   \n"),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_other_byte_stays(run: Command, project: Path, net: bytes, name: str) -> None:
    old = VARIANTS[name](net)
    (project / "net.py").write_bytes(old)
    assert run(*FAST, "net.py").code == 0
    new = (project / "net.py").read_bytes()
    assert new != old
    assert undone(new) == old
    if name in ("crlf", "cr"):
        assert not re.search({"crlf": rb"(?<!\r)\n|\r(?!\n)", "cr": rb"\n"}[name], new)


def test_a_second_run_touches_nothing(run: Command, project: Path, net: bytes) -> None:
    path = project / "net.py"
    path.write_bytes(net)
    run(*FAST, "net.py")
    os.utime(path, ns=(10**18, 10**18))
    ended = run(*FAST, "net.py")
    assert ended.code == 0
    assert ended.err.splitlines()[-1].startswith("0 files changed, 0 call sites converted")
    assert path.stat().st_mtime_ns == 10**18


def test_a_link_stays_a_link(run: Command, project: Path, net: bytes) -> None:
    (project / "real").mkdir()
    (project / "real" / "net.py").write_bytes(net)
    (project / "link.py").symlink_to("real/net.py")
    assert run(*FAST, "link.py").code == 0
    assert (project / "link.py").is_symlink()
    assert b"self.relu" in (project / "real" / "net.py").read_bytes()


def test_folders_named_like_subcommands_are_paths_after_a_direction(run: Command, project: Path, net: bytes) -> None:
    for name in ("list", "verify"):
        (project / name).mkdir()
        (project / name / "net.py").write_bytes(net)
    assert run("--to-module", "--no-verify", "list").code == 0
    assert run("verify", "--to-module", "--no-verify").code == 0
    assert all(b"self.relu" in (project / name / "net.py").read_bytes() for name in ("list", "verify"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give a direction"),
        (["net.py"], "give a direction"),
        (["--to-module"], "at least one PATH"),
        (["--to-module", "--to-functional", "net.py"], "exclude each other"),
        (["--to-functional", "--share", "net.py"], "--share goes with --to-module only"),
        (["--to-module", "missing.py"], "missing.py: no such file"),
        (["--to-module", "net.py", "-"], "stands alone"),
        (["--to-module", "--chekc", "net.py"], "--check"),
        (["--to-module", "--color", "pink", "net.py"], "pink"),
        (["--to-module", "--select", "relu,reluu", "net.py"], "'reluu'; did you mean 'relu'"),
        (["--to-module", "--ignore", "activations", "net.py"], "'activations'; did you mean 'activation'"),
        (
            ["--to-module", "--class", "Nett", "net.py"],
            "no class|none of the files has a class 'Nett'; did you mean 'Net'",
        ),
        (["--to-module", "--lines", "20-10", "net.py"], "'20-10' is no range of lines"),
        (["--to-module", "--lines", "ten", "net.py"], "'ten' is no range of lines"),
        (["--to-module", "--exclude", "(", "net.py"], "--exclude: not a regular expression"),
        (["--to-module", "--extend-exclude", "[", "net.py"], "--extend-exclude: not a regular expression"),
        (["--to-module", "--force-exclude", "*", "net.py"], "--force-exclude: not a regular expression"),
        (["--to-module", "--inputs", "torch.randn(", "net.py"], "--inputs: not a Python expression"),
        (["--to-module", "--python", "nowhere/python", "net.py"], "nowhere/python"),
        (
            ["--to-module", "--require-verified", "--no-verify", "net.py"],
            "--require-verified needs verification",
        ),
        (["explain", "reluu"], "did you mean relu"),
        (["explain"], "NAME"),
        (["verify", "net.py"], "NEW"),
        (["verify", "net.py", "missing.py"], "missing.py"),
    ],
)
def test_usage_errors_are_one_line_and_write_nothing(
    run: Command, project: Path, net: bytes, arguments: list[str], words: str
) -> None:
    (project / "net.py").write_bytes(net)
    ended = run(*arguments)
    assert ended.code == 2
    assert ended.out == b""
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("nnconvert: ")
    assert re.search(words, ended.err)
    assert (project / "net.py").read_bytes() == net


def test_a_broken_configuration_stops_everything(run: Command, project: Path, net: bytes) -> None:
    (project / "net.py").write_bytes(net)
    (project / "pyproject.toml").write_text("[tool.nnconvert]\nshare = maybe\n")
    ended = run(*FAST, "net.py")
    assert ended.code == 2
    assert re.fullmatch(r"nnconvert: \S*pyproject.toml: not valid TOML: .*line 2, column 9\)\n", ended.err)
    assert (project / "net.py").read_bytes() == net


FAILING: dict[str, tuple[bytes, str]] = {
    "syntax error": (b"import torch.nn as nn\nx = (1,\n  2]\n", r"bad\.py:3:4: "),
    "binary": (b"\x7fELF\x00\x00", r"bad\.py:1:5: not Python source: it holds NUL bytes"),
    "undecodable": (b"import torch.nn\nx = '\xff'\n", r"bad\.py:2:6: byte 0xff is not utf-8"),
    "unknown encoding": (b"# coding: klingon\nimport torch.nn\n", r"bad\.py:1:11: unknown encoding: klingon"),
    "deep nesting": (b"import torch.nn\nx = " + b"-" * 50_000 + b"1\n", r"bad\.py.*nested"),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_file_that_fails_is_named_with_its_place_and_the_others_go_on(
    run: Command, project: Path, net: bytes, name: str
) -> None:
    data, words = FAILING[name]
    (project / "bad.py").write_bytes(data)
    (project / "net.py").write_bytes(net)
    ended = run(*FAST, "bad.py", "net.py")
    assert ended.code == 4
    assert re.match(words, ended.err)
    assert "Traceback" not in ended.err
    assert "1 file failed" in ended.err.splitlines()[-1]
    assert (project / "bad.py").read_bytes() == data
    assert b"self.relu" in (project / "net.py").read_bytes()
    assert "Traceback" in run(*FAST, "-v", "bad.py").err


def test_a_read_only_file_is_left(run: Command, project: Path, net: bytes) -> None:
    (project / "net.py").write_bytes(net)
    (project / "net.py").chmod(0o444)
    ended = run(*FAST, "net.py")
    assert ended.code == 4
    assert ended.err.startswith("net.py: cannot be written: the file is read-only\n")
    assert (project / "net.py").read_bytes() == net
    assert run(*FAST, "--check", "net.py").code == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user")
def test_an_unreadable_file_fails(run: Command, project: Path, net: bytes) -> None:
    (project / "net.py").write_bytes(net)
    (project / "net.py").chmod(0)
    ended = run(*FAST, "net.py")
    assert (ended.code, ended.err.splitlines()[0]) == (4, "net.py: cannot be read: Permission denied")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user")
def test_an_unreadable_folder_fails_and_the_others_go_on(run: Command, project: Path, net: bytes) -> None:
    (project / "closed").mkdir()
    (project / "closed" / "net.py").write_bytes(net)
    (project / "net.py").write_bytes(net)
    (project / "closed").chmod(0)
    ended = run(*FAST, ".")
    (project / "closed").chmod(0o755)
    assert (ended.code, ended.err.splitlines()[0]) == (4, "closed: cannot be read: Permission denied")
    assert b"self.relu" in (project / "net.py").read_bytes()


def test_check_writes_nothing_and_tells_by_its_exit_code(run: Command, project: Path, net: bytes) -> None:
    (project / "net.py").write_bytes(net)
    (project / "plain.py").write_bytes(b"import os\n")
    ended = run(*FAST, "--check", ".")
    assert (ended.code, ended.out) == (1, b"")
    assert "1 file would change, 1 call site would be converted, 1 left" in ended.err
    assert (project / "net.py").read_bytes() == net
    assert run(*FAST, "--check", "plain.py").code == 0


def test_classes_lines_and_names_narrow_a_run(run: Command, project: Path, net: bytes) -> None:
    two = net + net[net.index(b"class Net") :].replace(b"Net", b"Other").replace(b"relu", b"elu")
    (project / "net.py").write_bytes(two)

    def converted(*arguments: str) -> set[str]:
        ended = run(*FAST, "--check", *arguments, "net.py")
        return set(re.findall(r"^  (\w+)\.forward.*->", ended.err, re.MULTILINE))

    assert converted() == {"Net", "Other"}
    assert converted("--class", "Other") == {"Other"}
    assert converted("--class", "Other", "--class", "Net") == {"Net", "Other"}
    assert converted("--lines", "1-12") == {"Net"}
    assert converted("--lines", "1-3", "--lines", "12-12") == {"Net"}
    assert converted("--select", "elu") == {"Other"}
    assert converted("--select", "relu,elu") == {"Net", "Other"}
    assert converted("--ignore", "elu") == {"Net"}
    assert converted("--ignore", "activation") == set()


def test_configuration_holds_and_the_command_line_wins(run: Command, project: Path, net: bytes) -> None:
    (project / "net.py").write_bytes(net)
    (project / "gen").mkdir()
    (project / "gen" / "net.py").write_bytes(net)
    (project / "pyproject.toml").write_text(
        "[tool.nnconvert]\nverify = false\nselect = ['dropout']\nextend-exclude = '^/gen/'\n"
    )
    assert run("--to-module", "--check", ".").code == 0
    ended = run("--to-module", "--check", "--select", "relu", ".")
    assert (ended.code, "1 file would change" in ended.err) == (1, True)
    assert "2 files" in run("--to-module", "--check", "--select", "relu", "--extend-exclude", "x", ".").err
    (project / "pyproject.toml").write_text("[tool.nnconvert]\nverify = false\nignore = ['reluu']")
    assert "tool.nnconvert.ignore: no functional" in run("--to-module", "--check", "net.py").err


def test_excludes_on_the_command_line(run: Command, project: Path, net: bytes) -> None:
    for name in ("net.py", "gen.py"):
        (project / name).write_bytes(net)
    (project / ".git").mkdir()
    (project / "sub").mkdir()
    (project / "sub" / ".gitignore").write_text("net.py")
    (project / "sub" / "net.py").write_bytes(net)

    def changed(*arguments: str) -> set[str]:
        return set(re.findall(r"^\S+\.py$", run(*FAST, "--check", *arguments).err, re.MULTILINE))

    assert changed(".") == {"net.py", "gen.py"}
    assert changed("--extend-exclude", "gen", ".", "gen.py") == {"net.py", "gen.py"}
    assert changed("--force-exclude", "gen", ".", "gen.py") == {"net.py"}
    assert changed("--exclude", "^/gen", ".") == {"net.py", "sub/net.py"}
    assert changed("sub/net.py") == {"sub/net.py"}
    assert run(*FAST, "sub").err.startswith("no Python file was found")


def test_colors_are_on_request_or_for_a_terminal(
    run: Command, project: Path, net: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "net.py").write_bytes(net)
    assert "\x1b" not in run(*FAST, "--check", "net.py").err
    colored = run(*FAST, "--diff", "--color", "always", "net.py")
    assert "\x1b[1mnet.py\x1b[0m" in colored.err
    assert b"\x1b[32m+        self.relu = nn.ReLU()\x1b[0m\n" in colored.out
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert "\x1b" in run(*FAST, "--check", "net.py").err
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run(*FAST, "--check", "net.py").err


def test_quiet_says_nothing_when_all_is_well(run: Command, project: Path, net: bytes) -> None:
    (project / "net.py").write_bytes(net)
    ended = run(*FAST, "-q", "net.py")
    assert (ended.code, ended.out, ended.err) == (0, b"", "")
    assert b"self.relu" in (project / "net.py").read_bytes()


def test_list_and_explain(run: Command) -> None:
    listed = run("list")
    assert (listed.code, listed.err) == (0, "")
    assert re.search(rb"^F\.relu +nn\.ReLU +activation$", listed.out, re.MULTILINE)
    by_functional = run("explain", "relu")
    assert b"torch.nn.functional.relu(input, inplace=False)" in by_functional.out
    assert by_functional == run("explain", "ReLU") == run("explain", "nn.relu") == run("explain", "F.RELU")
    assert run("explain", "one_hot").out.startswith(b"torch.nn.functional.one_hot does not convert: ")


def test_explain_knows_every_reason(run: Command) -> None:
    from nnconvert.decide.reasons import REASONS

    for code, reason in REASONS.items():
        ended = run("explain", code.lower())
        assert ended.code == 0
        assert ended.out.startswith(f"{code} {reason.name}: {reason.summary}\n".encode())


def test_help_says_that_code_is_executed_and_imports_little(command: Command) -> None:
    ended = command("--help")
    assert ended.code == 0
    assert b"EXECUTES the code" in ended.out
    assert re.fullmatch(rb"nnconvert \d+\.\d+\.\d+\n", command("--version").out)


def test_help_imports_neither_torch_nor_black_nor_pathspec(command: Command) -> None:
    imported = command("--help", PYTHONPROFILEIMPORTTIME="1").err
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in imported.splitlines()}
    assert "click" in names
    assert not names & {"torch", "black", "pathspec", "numpy"}


def test_the_package_can_be_used_as_a_library(net: bytes) -> None:
    import nnconvert

    result = nnconvert.convert_source(net, nnconvert.Options())
    assert result.status == "changed"
    assert undone(result.new) == net
    assert "torch" not in sys.modules or result.evidence == ()
