"""docs/pairs.md is what the catalog says."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_pairs_is_up_to_date() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "generate_docs.py"))["pairs_page"]()
    assert (ROOT / "docs" / "pairs.md").read_text(encoding="utf-8") == page
