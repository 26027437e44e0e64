"""Whole programs drawn at random: what a converted one prints is what it printed before, and a second run is quiet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.random_programs import compiles, printed, program

from nnconvert.api import convert_paths
from nnconvert.options import Options

RUNS: dict[str, tuple[dict[str, Any], int]] = {
    "to module": ({}, 15),
    "to module, with parameters and methods": ({"parameters": True, "methods": True, "share": True}, 15),
    "to functional": ({"direction": "to-functional"}, 4),
    "to functional, with parameters": ({"direction": "to-functional", "parameters": True}, 4),
}
"""What is asked for, and how many of the programs it changes at least."""


@pytest.mark.parametrize(("asked", "at_least"), RUNS.values(), ids=RUNS)
def test_programs_print_what_they_printed(tmp_path: Path, asked: dict[str, Any], at_least: int) -> None:
    options, changed = Options(**asked), 0
    for seed in range(40):
        files = program(seed)
        if not compiles(files):
            continue
        folder = tmp_path / str(seed)
        folder.mkdir()
        (folder / "pyproject.toml").touch()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        before = printed(folder, with_keys=not options.parameters)
        if "changed" not in [result.status for result in convert_paths([folder], options, write=True)]:
            continue
        changed += 1
        assert printed(folder, with_keys=not options.parameters) == before, f"program {seed}"
        assert all(result.status != "changed" for result in convert_paths([folder], options)), f"program {seed}"
    assert changed >= at_least
