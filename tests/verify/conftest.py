"""One server for all verification tests of a process: starting torch costs more than most tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nnconvert.verification import Server

from .checking import Check


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server(Path(sys.executable)) as started:
        yield started


@pytest.fixture
def check(server: Server, tmp_path: Path) -> Check:
    return Check(server, tmp_path)
