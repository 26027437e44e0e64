"""Every row of the catalog, from end to end: calls are converted, and both versions run the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest
import torch
from tests.catalog.cases import CASES
from tests.catalog.installed import is_installed
from tests.catalog.row import build
from tests.helpers import convert, load, run

from nnconvert.plan import Conversion, Leave, Plan

pytestmark = pytest.mark.filterwarnings("ignore")

_HEADER = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\nclass Net(nn.Module):\n"
_RUNNABLE = tuple(case for case in CASES if is_installed(build(case).pair.since))
_CHUNK = 50
_LEFT: dict[str, str] = {}
"""Calls that do not convert -> the reason code. None at present."""


@dataclass(frozen=True)
class Both:
    """A model whose methods make the calls of one chunk of cases, before and after conversion."""

    old: torch.nn.Module
    new: torch.nn.Module
    plan: Plan


@cache
def _both(chunk: int) -> Both:
    cases = _RUNNABLE[chunk * _CHUNK : (chunk + 1) * _CHUNK]
    methods = (
        f"    def call{index}(self, {', '.join(case.inputs)}):\n        return {case.call}\n"
        for index, case in enumerate(cases)
    )
    source = _HEADER + "\n".join(methods)
    result, plan = convert(source, methods=True)
    both = Both(load(source)["Net"](), load(result)["Net"](), plan)
    assert list(both.old.state_dict()) == list(both.new.state_dict())
    return both


@pytest.mark.parametrize("number", range(len(_RUNNABLE)), ids=lambda number: _RUNNABLE[number].call)
def test_the_converted_call_runs_the_same(number: int) -> None:
    case = _RUNNABLE[number]
    chunk, index = divmod(number, _CHUNK)
    both, method = _both(chunk), f"call{index}"
    [outcome] = [d.outcome for d in both.plan.decisions if d.site.method == method]
    if case.call in _LEFT:
        assert isinstance(outcome, Leave)
        assert outcome.code == _LEFT[case.call]
        return
    assert isinstance(outcome, Conversion), outcome
    inputs = ", ".join(case.inputs.values())
    constant = [place for place, name in enumerate(case.inputs) if name not in ("x", "y", "z")]
    for training in (True, False):
        before, after = (
            run(model, inputs, training=training, method=method, constant=constant) for model in (both.old, both.new)
        )
        assert after == before
