"""The examples convert and verify, and the README shows what really comes out."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent


def shown(text: str) -> str:
    return textwrap.indent("".join(line.rstrip() + "\n" for line in text.splitlines()), "    ")


def test_the_examples_are_verified_and_the_readme_is_true() -> None:
    command = [
        sys.executable,
        "-m",
        "nnconvert",
        "--to-module",
        "--diff",
        "--python",
        sys.executable,
        "examples",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "6 classes" in done.stderr.splitlines()[-1]
    assert "verified" not in done.stderr
    assert "F.avg_pool2d    left: " in done.stderr
    readme = (ROOT / "README.md").read_text()
    assert shown(done.stdout.partition("--- a/examples/resnet.py")[0]) in readme
    assert shown(done.stderr.partition("examples/resnet.py")[0]) in readme


def test_the_way_back_is_verified_and_the_readme_is_true() -> None:
    command = [sys.executable, "-m", "nnconvert", "--to-functional", "--diff", "--python", sys.executable]
    done = subprocess.run([*command, "examples/mixer.py"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].endswith("4 call sites would be converted, 0 left; 2 classes proved")
    assert shown(done.stdout) in (ROOT / "README.md").read_text()
