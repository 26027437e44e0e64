"""Some of what scripts/fuzz.py does with many more sources."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scripts import fuzz

from nnconvert.options import Options


def test_five_hundred_drawn_and_mutated_sources_do_no_harm() -> None:
    assert fuzz.run(500, seed=11) == []


def test_the_sources_are_worth_it() -> None:
    found = [fuzz.problem(*case)[0] for case in fuzz.cases(60, seed=5)]
    assert found.count("changed") > 10
    assert len(set(found)) == 3


def test_a_second_run_that_changes_something_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    source = fuzz.seeds()[0].encode()
    assert fuzz.problem(source, Options()) == ("changed", "")
    real = fuzz.convert_source

    def never_done(source: bytes, options: Options) -> object:
        return replace(real(source, options), status="changed")

    monkeypatch.setattr(fuzz, "convert_source", never_done)
    assert fuzz.problem(source, Options())[1].startswith("a second run: changed")
