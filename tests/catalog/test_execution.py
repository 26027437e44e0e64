"""Every spelling of every row runs as the module class that its row names: the same bits, in both modes."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from nnconvert.catalog import Pair, Spelling, by_spelling, pairs

from .back_case import BackCase
from .back_cases import BACK_CASES
from .case import Case
from .cases import CASES
from .installed import is_installed
from .row import Built, build

pytestmark = pytest.mark.filterwarnings("ignore")

_RUNNABLE = [case for case in CASES if is_installed(build(case).pair.since)]


@dataclass(frozen=True)
class Seen:
    """What one call shows: bits of outputs, gradients and inputs afterwards, and the generator's state."""

    outputs: tuple[object, ...]
    gradients: tuple[object, ...]
    inputs: tuple[object, ...]
    aliases: tuple[bool, ...]
    generator: bytes


def _bits(value: object) -> object:
    if isinstance(value, torch.Tensor):
        flat = value.detach().contiguous()
        return value.dtype, tuple(value.shape), value.stride(), flat.numpy().tobytes()
    return value


def _run(case: Case | BackCase, built: Built | None, *, training: bool) -> Seen:
    """The module call of ``built``, or the functional call of the case."""
    torch.manual_seed(20)
    names: dict[str, object] = {"torch": torch, "nn": nn, "F": nn.functional}
    leaves = {name: eval(text, names) for name, text in case.inputs.items()}
    differentiable = [leaves[n] for n in "xyz" if n in leaves and leaves[n].is_floating_point()]
    for leaf in differentiable:
        leaf.requires_grad_()
    inputs = {name: leaf.clone() for name, leaf in leaves.items()}
    names |= inputs | {"self": SimpleNamespace(training=training)}
    if built is None:
        assert isinstance(case, Case)
        returned = eval(case.call, names)
    else:
        settings = {name: eval(text, names) for name, text in built.settings.items()}
        module = getattr(nn, built.pair.module)(**settings).train(training)
        assert not module.state_dict()
        returned = module(*(eval(text, names) for text in built.inputs))
    outputs = returned if isinstance(returned, tuple) else (returned,)
    gradients: tuple[object, ...] = ()
    if differentiable:
        total = sum((out * torch.randn_like(out)).sum() for out in outputs if out.requires_grad)
        gradients = torch.autograd.grad(total, differentiable, allow_unused=True)
    return Seen(
        tuple(_bits(out) for out in outputs),
        tuple(_bits(gradient) for gradient in gradients),
        tuple(_bits(value) for value in inputs.values()),
        tuple(out.data_ptr() == value.data_ptr() for out in outputs for value in inputs.values()),
        torch.get_rng_state().numpy().tobytes(),
    )


@pytest.mark.parametrize("case", _RUNNABLE, ids=lambda case: case.call)
def test_the_module_class_does_what_the_functional_does(case: Case) -> None:
    built = build(case)
    for training in (True, False):
        assert _run(case, built, training=training) == _run(case, None, training=training)


def test_every_spelling_has_cases() -> None:
    used = {case.spelling for case in CASES}
    assert used == set(by_spelling())


def test_every_pair_has_cases() -> None:
    used = {build(case).pair.module for case in CASES}
    assert used == {pair.module for pair in pairs() if not pair.back_only}


def test_every_pair_has_cases_of_the_way_back() -> None:
    assert {case.module for case in BACK_CASES if not case.left} == {pair.module for pair in pairs()}


def _moving(pair: Pair, spellings: tuple[Spelling, ...]) -> set[str]:
    """Settings of the constructor that some spelling has."""
    functional = {pair.renames.get(p.name, p.name) for s in spellings for p in s.signature}
    kept = {*pair.state, *pair.not_carried, *pair.inputs, *pair.module_fixed}
    return {p.name for p in pair.constructor_signature if p.name in functional} - kept


@pytest.mark.parametrize("pair", [p for p in pairs() if is_installed(p.since)], ids=lambda pair: pair.module)
def test_a_lost_setting_is_seen(pair: Pair) -> None:
    """For each setting some case tells a module that has it from one that lacks it."""
    unseen = _moving(pair, pair.spellings)
    for case in _RUNNABLE:
        built = build(case)
        if built.pair is pair:
            unseen -= {name for name in built.settings.keys() & unseen if _matters(case, built, name)}
    assert not unseen


@pytest.mark.parametrize("pair", [p for p in pairs() if is_installed(p.since)], ids=lambda pair: pair.module)
def test_a_setting_lost_on_the_way_back_is_seen(pair: Pair) -> None:
    unseen = _moving(pair, (pair.way_back,))
    for case in (case for case in BACK_CASES if case.pair is pair and not case.left):
        built = Built(pair, case.given, tuple(case.inputs))
        unseen -= {name for name in built.settings.keys() & unseen if _matters(case, built, name)}
    assert not unseen


def _matters(case: Case | BackCase, built: Built, name: str) -> bool:
    settings = {key: text for key, text in built.settings.items() if key != name}
    try:
        lost = _run(case, Built(built.pair, settings, built.inputs), training=True)
    except (RuntimeError, TypeError, ValueError):
        return True
    return lost != _run(case, built, training=True)
