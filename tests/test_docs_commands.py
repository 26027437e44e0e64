"""The commands in the docs do what the docs say: each is run as it stands there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import yaml

from conftest import Run
from nnconvert import cli
from nnconvert.api import Result

Command = Callable[..., Run]
ROOT = Path(__file__).resolve().parents[1]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def models(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two models, committed; verification runs on the Python of the tests."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    for name in ("lenet.py", "resnet.py"):
        shutil.copy(ROOT / "examples" / name, project)
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        git(project, *arguments)
    return project


def git(folder: Path, *arguments: str) -> None:
    names = {f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, env={**os.environ, **names})


@pytest.mark.parametrize("name", ["tutorial.md", "migrating.md", "verification.md"])
def test_the_commands_of_a_page_run_one_after_the_other(run: Command, models: Path, name: str) -> None:
    lines = re.findall(r"^ +\$ (.+)$", page(name), re.MULTILINE)
    assert len(lines) > 1
    for line in lines:
        program, *arguments = shlex.split(line)
        if program == "git":
            git(models, *arguments)
            continue
        assert program == "nnconvert"
        ended = run(*arguments)
        would_change = ended.code == 1 and "--check" in arguments and " would change" in ended.err
        assert ended.code == 0 or would_change, (line, ended.err)
    if name == "tutorial.md":  # there and back
        text = (models / "lenet.py").read_text()
        assert (text.count("F.relu("), text.count("nn.ReLU")) == (3, 0)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_programs_of_the_api_page_run(models: Path, number: int) -> None:
    (models / "src").mkdir()
    shutil.move(models / "lenet.py", models / "src")
    (models / "program.py").write_text(blocks(page("api.md"), "python")[number])
    done = subprocess.run([sys.executable, "program.py"], cwd=models, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "src/lenet.py changed" in done.stdout if number else "F.relu" in done.stdout


# -- libcst's runner -----------------------------------------------------------------------------------------


def test_the_codemod_commands_run_there_and_back(models: Path) -> None:
    (models / "src").mkdir()
    shutil.move(models / "lenet.py", models / "src")
    commands = re.findall(r"^    python (-m libcst.tool .+)$", page("api.md"), re.MULTILINE)
    assert len(commands) == 2
    for command, count in zip(commands, (0, 3), strict=True):
        done = subprocess.run([sys.executable, *shlex.split(command)], cwd=models, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert (models / "src" / "lenet.py").read_text().count("F.relu(") == count


def test_a_codemod_command_writes_what_nnconvert_writes(
    run: Command, project: Path, net: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    libcst = pytest.importorskip("libcst")
    from libcst.codemod import CodemodContext, SkipFile

    from nnconvert.codemod import ToModule

    (project / "pyproject.toml").write_text("[tool.nnconvert]\nignore = ['softmax']\n")
    (project / "net.py").write_bytes(net)
    run("--to-module", "--no-verify", "net.py")
    command = ToModule(CodemodContext(filename=str(project / "other.py")))
    assert command.transform_module(libcst.parse_module(net)).bytes == (project / "net.py").read_bytes()
    assert command.transform_module(libcst.parse_module(b"x = 1\n")).bytes == b"x = 1\n"
    failed = Result(Path("net.py"), "failed", b"", b"", error="net.py:1:1: no")
    monkeypatch.setattr("nnconvert.codemod.convert_source", lambda *_, **__: failed)
    with pytest.raises(SkipFile, match=r"net\.py:1:1: no"):
        command.transform_module(libcst.parse_module(net))


# -- editors and hooks ---------------------------------------------------------------------------------------


def editor_commands() -> Iterator[str]:
    """Every command line of editors.md, with FILE where the editor puts the name of the file."""
    text = page("editors.md")
    for arguments in re.findall(r"^    Program: nnconvert\n    Arguments: (.+)$", text, re.MULTILINE):
        yield "nnconvert " + arguments.replace("$FilePath$", "FILE")
    for block in blocks(text, "json"):
        for task in json.loads(block)["tasks"]:
            assert task["type"] == "process"
            yield shlex.join([task["command"], *(a.replace("${file}", "FILE") for a in task["args"])])
    for line in re.findall(r"^    command! \w+ %!(.+)$", text, re.MULTILINE):
        yield line.replace("%:p:S", "FILE")
    for block in blocks(text, "elisp"):
        yield from (line.replace("%s", "FILE") for line in re.findall(r'"(nnconvert .+?)"', block))


def test_every_editor_has_its_commands() -> None:
    assert len(list(editor_commands())) == 2 + 2 + 2 + 1


@pytest.mark.parametrize("line", list(editor_commands()))
def test_an_editor_command_converts_the_file(run: Command, project: Path, net: bytes, line: str) -> None:
    path = project / "my net.py"
    back = run("--to-module", "--no-verify", "-", stdin=net).out
    source = back if "--to-functional" in line else net
    path.write_bytes(source)
    program, *arguments = [str(path) if word == "FILE" else word for word in shlex.split(line)]
    ended = run(*arguments, stdin=source if "-" in arguments else b"")
    assert (program, ended.code) == ("nnconvert", 0)
    new = ended.out if "-" in arguments else path.read_bytes()
    if "--diff" in arguments:
        assert ended.out.startswith(b"--- a/my net.py")
        assert new == source
    else:
        assert (b"self.relu(" in new) == (source == net)
        assert new != source
    if "--quiet" in arguments:
        assert ended.err == ""


def test_the_hooks_check_and_fix(run: Command, project: Path, net: bytes) -> None:
    hooks = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert set(hooks) == {"nnconvert-check", "nnconvert-fix"}
    assert all(hook["require_serial"] and hook["types"] == ["python"] for hook in hooks.values())
    (configured,) = yaml.safe_load(blocks(page("editors.md"), "yaml")[0])["repos"]
    assert {hook["id"] for hook in configured["hooks"]} <= set(hooks)
    path = project / "net.py"
    path.write_bytes(net)
    for name, code in (("nnconvert-check", 1), ("nnconvert-fix", 0), ("nnconvert-check", 0)):
        program, *arguments = shlex.split(hooks[name]["entry"])
        assert (program, run(*arguments, "net.py").code) == ("nnconvert", code)
    assert b"self.relu(" in path.read_bytes()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("nnconvert --to-m", "--to-module"),
        ("nnconvert --output-format s", "sarif"),
        ("nnconvert migrate --dry", "--dry-run"),
    ],
)
def test_the_shell_completes_options_and_values(project: Path, words: str, expected: str) -> None:
    shell = {"_NNCONVERT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    program = "import sys; sys.argv = ['nnconvert']; from nnconvert.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project, capture_output=True, text=True, env={**os.environ, **shell}
    )
    assert f"plain,{expected}" in done.stdout.splitlines()


def test_every_option_stands_in_usage() -> None:
    text = page("usage.md")
    parameters = [p for p in cli._convert.params if isinstance(p, click.Option)]
    options = [p for p in parameters if p.name not in ("help", "version")]
    missing = [p.opts for p in options if not any(re.search(rf"(?<![\w-]){name}(?![\w-])", text) for name in p.opts)]
    assert missing == []
