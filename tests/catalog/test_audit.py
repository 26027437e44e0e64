"""The rows agree with the installed torch, and leave none of its public names out."""

from __future__ import annotations

import ast
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from nnconvert.catalog import (
    Pair,
    Spelling,
    audit,
    by_functional,
    by_module,
    by_spelling,
    every_pair,
    families,
    weighted_by_module,
    without_pair,
)

from .cases import CASES
from .installed import is_installed
from .row import build


def test_the_rows_agree_with_the_installed_torch() -> None:
    assert list(audit.problems(torch)) == []


class _Altered:
    """The installed torch with other values under some names."""

    def __init__(self, path: str, value: Any) -> None:
        owner, _, name = path.rpartition(".")
        self.__version__ = torch.__version__
        self.nn = SimpleNamespace(**vars(torch.nn))
        self.nn.functional = SimpleNamespace(**vars(torch.nn.functional))
        setattr({"nn": self.nn, "nn.functional": self.nn.functional}[owner], name, value)

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


def _other_default(input: Any, inplace: bool = True) -> None: ...


def _other_name(x: Any, inplace: bool = False) -> None: ...


def _one_more(input: Any, inplace: bool = False, beta: float = 1.0) -> None: ...


def _keyword_only(input: Any, *, inplace: bool = False) -> None: ...


@pytest.mark.parametrize("value", [_other_default, _other_name, _one_more, _keyword_only, None])
def test_the_audit_finds_a_functional_that_changed(value: Any) -> None:
    (problem,) = audit.problems(_Altered("nn.functional.relu", value))
    assert problem.startswith("torch.nn.functional.relu: ")


def test_the_audit_finds_a_constructor_that_changed() -> None:
    class ReLU(torch.nn.ReLU):
        def __init__(self, inplace: bool = True) -> None:
            super().__init__(inplace)

    (problem,) = audit.problems(_Altered("nn.ReLU", ReLU))
    assert problem.startswith("torch.nn.ReLU: the row says (inplace=False)")


def test_the_audit_finds_a_forward_that_changed() -> None:
    class ReLU(torch.nn.ReLU):
        def forward(self, x: Any) -> None: ...

    (problem,) = audit.problems(_Altered("nn.ReLU", ReLU))
    assert problem == "torch.nn.ReLU: the row says forward(input), torch says ['x']"


def test_the_audit_finds_a_class_that_is_gone() -> None:
    assert list(audit.problems(_Altered("nn.ReLU", None))) == ["torch.nn.ReLU: torch has no such module class"]


def test_the_audit_finds_a_class_that_got_state() -> None:
    class ReLU(torch.nn.ReLU):
        def __init__(self, inplace: bool = False) -> None:
            super().__init__(inplace)
            self.register_buffer("seen", torch.zeros(1))

    (problem,) = audit.problems(_Altered("nn.ReLU", ReLU))
    assert problem == "torch.nn.ReLU: it has a row, and parameters or buffers"


def test_the_audit_finds_a_class_without_state_that_has_no_row() -> None:
    class SyncBatchNorm(torch.nn.ReLU): ...

    (problem,) = audit.problems(_Altered("nn.SyncBatchNorm", SyncBatchNorm))
    assert problem.startswith("torch.nn.SyncBatchNorm: it has neither parameters nor buffers, and no row but that it")


@pytest.mark.parametrize(
    ("module", "change", "expected"),
    [
        ("Linear", {"parameters": ("weight",)}, "it keeps ('weight',) and (), torch says (['weight', 'bias'], [])"),
        ("BatchNorm2d", {"counter": ""}, "it keeps ('weight', 'bias') and ('running_mean', 'running_var'), torch says"),
        ("GroupNorm", {"initial": {"weight": "zeros"}}, "weight does not start as zeros"),
    ],
)
def test_the_audit_finds_a_row_that_is_wrong_about_weights(module: str, change: dict[str, Any], expected: str) -> None:
    pair = weighted_by_module()[module]
    assert pair.weights is not None
    assert list(audit.weights_problems(torch, pair)) == []
    (problem,) = audit.weights_problems(torch, replace(pair, weights=replace(pair.weights, **change)))
    assert expected in problem


@pytest.mark.parametrize(
    ("module", "change", "expected"),
    [
        ("ReLU", {"forward": ("x",)}, "torch.nn.ReLU: the row says forward(x), torch says ['input']"),
        ("ReLU", {"back_given": {"beta": "1"}}, "torch.nn.ReLU: torch.nn.functional.relu has no beta"),
        ("ReLU", {"back": Spelling("torch.relu", "input, beta=1")}, "torch.relu: the row says (input, beta=1)"),
        ("ReLU", {"back": Spelling("torch.relu9", "input")}, "torch.relu9: torch has no such name"),
        ("ReLU", {"spread": {"size": 2}}, "torch.nn.ReLU: its constructor has no size"),
        ("ReLU", {"ignored": ("bias",)}, "torch.nn.ReLU: its constructor has no bias"),
        ("ZeroPad1d", {"renames": {}}, "torch.nn.ZeroPad1d: nothing feeds the pad of torch.nn.functional.pad"),
        (
            "Flatten",
            {"constructor": "start_dim=(lambda: 1)(), end_dim=-1"},
            "torch.nn.Flatten: the default (lambda: 1)() of start_dim cannot be written out",
        ),
    ],
)
def test_the_audit_finds_a_row_whose_way_back_is_wrong(module: str, change: dict[str, Any], expected: str) -> None:
    pair = by_module(module)
    assert pair is not None
    assert list(audit.pair_problems(torch, pair)) == []
    (problem,) = audit.pair_problems(torch, replace(pair, **change))
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("path", "value"), [("nn.functional.swishplus", _one_more), ("nn.SwishPlus", type("SwishPlus", (), {}))]
)
def test_the_audit_finds_a_new_name(path: str, value: Any) -> None:
    assert list(audit.problems(_Altered(path, value))) == [f"torch.{path}: no row speaks of it"]


def test_no_module_class_stands_in_two_rows() -> None:
    modules = [pair.module for pair in every_pair()]
    assert len(modules) == len(set(modules))


@pytest.mark.parametrize("pair", every_pair(), ids=lambda pair: pair.module)
def test_a_row_names_parameters_that_exist(pair: Pair) -> None:
    constructor = {parameter.name for parameter in pair.constructor_signature}
    functional = {parameter.name for spelling in pair.spellings for parameter in spelling.signature}
    fixed = {*pair.module_fixed, *(name for spelling in pair.spellings for name in spelling.fixed)}
    assert {*pair.renames.values(), *pair.checks, *pair.not_carried, *fixed} <= constructor
    assert {*pair.renames, *pair.state, *pair.not_carried} <= functional
    assert set(pair.inputs) <= functional
    assert (pair.training is not None) == bool({"training", "train", "use_input_stats"} & functional)
    if pair.weights is not None:
        weights = pair.weights
        assert set(weights.operands) == set(pair.state)
        assert {*weights.required, *weights.flags, *weights.initial, *sum(weights.together, ())} <= set(
            weights.operands
        )
        assert {*weights.sizes, *weights.flags.values()} <= constructor
        assert {size.times for size in weights.sizes.values()} <= {"", *constructor}


@pytest.mark.parametrize("pair", every_pair(), ids=lambda pair: pair.module)
def test_a_row_is_documented_with_a_call_that_binds(pair: Pair) -> None:
    assert pair.doc.endswith(".")
    call = ast.parse(pair.example, mode="eval").body
    assert isinstance(call, ast.Call)
    name = ast.unparse(call.func).replace("F.", "torch.nn.functional.", 1)
    (signature,) = [spelling.signature for spelling in pair.spellings if spelling.name == name]
    positional = [parameter.name for parameter in signature if not parameter.keyword_only]
    given = {*positional[: len(call.args)], *(keyword.arg for keyword in call.keywords)}
    assert len(call.args) <= len(positional)
    assert {p.name for p in signature if p.default is None} <= given <= {p.name for p in signature}


@pytest.mark.parametrize("name", sorted(by_spelling()))
def test_a_spelling_has_out_where_torch_takes_it(name: str) -> None:
    case = next(case for case in CASES if case.spelling == name)
    if not is_installed(build(case).pair.since):
        pytest.skip("this torch is too old for it")
    names: dict[str, Any] = {"torch": torch, "F": torch.nn.functional, "self": SimpleNamespace(training=True)}
    names |= {variable: eval(text, names) for variable, text in case.inputs.items()}
    with pytest.raises(TypeError) as refusal:
        eval(f"{case.call[:-1]}, out=7)".replace("(, ", "("), names)
    takes_out = "argument 'out' must be Tensor" in str(refusal.value)
    assert takes_out == any(spelling.signature.get("out") for _, spelling in by_spelling()[name])


def test_pairs_are_found_by_every_name() -> None:
    relu = by_module("ReLU")
    assert relu is not None
    assert by_module("torch.nn.ReLU") is relu
    assert by_functional("relu") == by_functional("torch.nn.functional.relu_") == (relu,)
    assert {pair.pad_length for pair in by_functional("pad")} == {2, 4, 6}
    assert by_module("Linear") is None
    assert by_functional("linear") == (weighted_by_module()["Linear"],)
    assert "pooling" in families()


def test_names_that_take_weights_say_so() -> None:
    rows = without_pair()
    for name in (
        "torch.nn.functional.multi_head_attention_forward",
        "torch.embedding",
        "torch.Tensor.prelu",
        "torch.nn.LSTM",
    ):
        assert rows[name].takes_weights
    assert not rows["torch.nn.functional.normalize"].takes_weights
