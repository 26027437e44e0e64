"""The pages of docs/ that come from data are up to date."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", ["pairs", "reasons"])
def test_the_page_is_up_to_date(name: str) -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "generate_docs.py"))[f"{name}_page"]()
    assert (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") == page
