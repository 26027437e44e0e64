"""Whole files: options, input and expected output in one text, for people to read.

The first line may hold options, ``# share=True``; a line ``# output`` stands between input and output.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from tests.helpers import check_converted

_FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.txt"))


def _options(line: str) -> dict[str, Any]:
    call = ast.parse(f"f({line.removeprefix('#')})", mode="eval").body
    assert isinstance(call, ast.Call)
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}


@pytest.mark.parametrize("path", _FIXTURES, ids=lambda path: path.stem)
def test_fixture(path: Path) -> None:
    first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    source, _, expected = rest.partition("\n# output\n")
    check_converted(source + "\n", expected, **_options(first))
