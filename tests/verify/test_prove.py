"""Comparing what two children traced, where sizes were left open by one and not by the other."""

from __future__ import annotations

from typing import Any

import pytest

from nnconvert.verification.proof import TOO_LONG, Proof, prove

STEPS = [["aten.relu.default", {"self": ["input", "input 0"]}], ["output", [["step", 0]]]]
GRAPH = {"inputs": [["input 0", "torch.float32", ["2"], ["1"]]], "shown": [], "steps": STEPS}
ADDED = {**GRAPH, "steps": [["aten.add.Tensor", {}], *STEPS[1:]]}


def traced(level: str, words: str, graph: dict[str, Any] = GRAPH, guards: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "level": level,
        "words": words,
        "graphs": {"train": GRAPH, "eval": graph},
        "guards": {"train": [], "eval": list(guards)},
        "conditions": list(guards),
    }


def outcome(opened: dict[str, Any] | None, why: str = "", graph: dict[str, Any] = GRAPH) -> dict[str, Any]:
    return {"fixed": traced("these sizes", "these sizes only", graph), "open": opened, "why_fixed": why}


BATCH = traced("any batch size", "any batch size from 2 on")
GUARDED = traced("any batch size", "any batch size from 2 on", guards=("batch <= 3",))
SPATIAL = traced("any batch size, any spatial size", "any batch size from 2 on, any size of dimension 2")


@pytest.mark.parametrize(
    ("old", "new", "proof"),
    [
        (outcome(BATCH), outcome(BATCH), Proof(True, "any batch size from 2 on")),
        (outcome(GUARDED), outcome(GUARDED),
         Proof(True, "any batch size from 2 on, under 1 condition", ("batch <= 3",))),
        (outcome(None, "no"), outcome(None, "no"), Proof(True, "these sizes only", why_fixed="no")),
        (outcome(BATCH, TOO_LONG), outcome(SPATIAL), Proof(True, "these sizes only", why_fixed=TOO_LONG)),
        (outcome(SPATIAL), outcome(None, TOO_LONG), Proof(True, "these sizes only", why_fixed=TOO_LONG)),
        (outcome(BATCH, TOO_LONG), outcome(GUARDED, TOO_LONG),
         Proof(False, "the graphs hold for other sizes (eval): batch <= 3 is asked by the new version only")),
        (outcome(BATCH), outcome(SPATIAL), Proof(
            False, "the old version is traced for any batch size, the new one for any batch size, any spatial size")),
        (outcome(BATCH), outcome(BATCH, graph=ADDED),
         Proof(False, "the graphs differ (eval): operator 1, aten.relu.default, became aten.add.Tensor")),
        ({"not_proved": "it counts"}, outcome(BATCH), Proof(False, "it counts")),
        (outcome(BATCH), {"not_proved": "it counts"}, Proof(False, "the new version: it counts")),
    ],
)  # fmt: skip
def test_prove(old: dict[str, Any], new: dict[str, Any], proof: Proof) -> None:
    assert prove(old, new) == proof
