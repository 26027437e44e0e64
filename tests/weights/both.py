"""A model whose parameters move, before and after: one seed, trained, compared bit for bit by mapped name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent
from typing import Any

import torch
from tests.helpers import bits, convert, load

from nnconvert.plan import Plan


@dataclass
class Both:
    old: torch.nn.Module
    new: torch.nn.Module
    keys: Mapping[str, str]
    """Old key -> new key, whole."""
    added: frozenset[str]
    text: str
    plan: Plan

    def new_name(self, old: str) -> str:
        return self.keys.get(old, old)


def build(source: str, args: str = "", class_name: str = "Net", **options: Any) -> Both:
    """Convert with --parameters (which must change something) and build both under one seed.

    Initial values, random numbers drawn and state_dict keys are compared at once.
    """
    options = {"parameters": True, **options}
    text, plan = convert(dedent(source), **options)
    assert plan.converted, [d.outcome for d in plan.left]
    models = []
    for version in (dedent(source), text):
        torch.manual_seed(7)
        models.append((eval(f"{class_name}({args})", load(version)), bits(torch.get_rng_state())))
    (old, drawn), (new, drawn_too) = models
    assert drawn == drawn_too
    keys, added = whole_keys(old, new, plan)
    both = Both(old, new, keys, added, text, plan)
    before, after = old.state_dict(), new.state_dict()
    assert {both.new_name(name) for name in before} | added == set(after)
    for name, value in before.items():
        assert bits(value) == bits(after[both.new_name(name)]), name
    return both


def whole_keys(old: torch.nn.Module, new: torch.nn.Module, plan: Plan) -> tuple[dict[str, str], frozenset[str]]:
    """The plan's keys of each class, with the prefixes of its instances."""
    keys: dict[str, str] = {}
    added: set[str] = set()
    changes = {change.class_name: change for change in plan.state}
    for prefix, module in old.named_modules():
        start = f"{prefix}." if prefix else ""
        for base in type(module).__mro__:
            change = changes.get(base.__qualname__)
            if change is not None:
                keys.update((start + before, start + after) for before, after in change.keys)
                added.update(start + name for name in change.added)
    assert {name for name, _ in new.named_modules()} >= {name for name, _ in old.named_modules()}
    return keys, frozenset(added)


def train_alike(both: Both, inputs: str, steps: int = 2) -> None:
    """Train both for some steps, and run them in eval mode before and after: the same bits under the mapped names."""
    for training in (False, *[True] * steps, False):
        seen = [_step(model, inputs, training) for model in (both.old, both.new)]
        (output, gradients, state), (output_too, gradients_too, state_too) = seen
        assert output == output_too
        assert {both.new_name(name): value for name, value in gradients.items()} == gradients_too
        assert {both.new_name(name): value for name, value in state.items()} == {
            name: value for name, value in state_too.items() if name not in both.added
        }


def _step(model: torch.nn.Module, inputs: str, training: bool) -> tuple[Any, Any, Any]:
    model.train(training)
    torch.manual_seed(5)
    model.zero_grad()
    given = eval(f"({inputs},)", {"torch": torch, "F": torch.nn.functional})
    for tensor in given:
        if isinstance(tensor, torch.Tensor) and tensor.is_floating_point():
            tensor.requires_grad_()
    output = model(*given)
    weights = torch.randn(output.shape)
    (output * weights).sum().backward()
    gradients = {name: bits(p.grad.to_dense() if p.grad is not None and p.grad.is_sparse else p.grad)
                 for name, p in model.named_parameters()}  # fmt: skip
    fed = [bits(t.grad) for t in given if isinstance(t, torch.Tensor)]
    if training:
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter.sub_(0.1 * parameter.grad)
    state = {name: bits(value) for name, value in model.state_dict().items()}
    return (bits(output), fed, bits(torch.get_rng_state())), gradients, state
