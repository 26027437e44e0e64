"""Every row of the catalog on the way back, from end to end: submodules become functionals, and the same runs."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache

import pytest
import torch
from tests.catalog.back_case import NO_SITE, BackCase
from tests.catalog.back_cases import BACK_CASES
from tests.catalog.case import Case
from tests.catalog.cases import CASES
from tests.catalog.installed import is_installed
from tests.catalog.row import build
from tests.helpers import check_left, convert, load, net, run

from nnconvert.catalog import Spelling
from nnconvert.decide.arguments import bind
from nnconvert.plan import Conversion, Leave, Plan

pytestmark = pytest.mark.filterwarnings("ignore")

_HEADER = "import torch\nimport torch.nn as nn\n\n\nclass Net(nn.Module):\n"
_CHUNK = 25
_BACK = tuple(case for case in BACK_CASES if is_installed(case.pair.since))
_CONVERTED = [number for number, case in enumerate(_BACK) if not case.left]
_THERE = tuple(
    case
    for case in CASES
    for pair in (build(case).pair,)
    if is_installed(pair.since) and case.spelling == pair.way_back.name
)
"""Calls of the functional that the way back ends in."""

_OTHER_CLASS = {
    "Softmax2d": "Softmax",
    "UpsamplingNearest2d": "Upsample",
    "UpsamplingBilinear2d": "Upsample",
}
"""Classes whose functional is another class's, too, and becomes that one."""


@dataclass(frozen=True)
class Versions:
    """A model as it was written, and converted once, twice and three times."""

    texts: tuple[str, ...]
    models: tuple[torch.nn.Module, ...]
    plans: tuple[Plan, ...]


def _versions(source: str, values: str, *directions: str) -> Versions:
    texts, plans = [source], []
    for direction in directions:
        text, plan = convert(texts[-1], direction=direction)
        texts.append(text)
        plans.append(plan)
    models = tuple(_built(text, values) for text in texts)
    return Versions(tuple(texts), models, tuple(plans))


def _built(text: str, values: str) -> torch.nn.Module:
    torch.manual_seed(3)  # for the weights of losses
    model = eval(f"Net({values})", load(text))
    assert isinstance(model, torch.nn.Module)
    return model


@cache
def _back(chunk: int) -> Versions:
    """A model with a submodule and a method for each case of the chunk."""
    init, methods, values = [], [], {}
    for index, case in enumerate(_BACK[chunk * _CHUNK : (chunk + 1) * _CHUNK]):
        constructor, parameters = case.construction(index)
        values |= parameters
        init.append(f"        self.m{index} = {constructor}\n")
        methods.append(
            f"\n    def call{index}(self, {', '.join(case.inputs)}):\n        return self.m{index}({case.arguments})\n"
        )
    head = f"    def __init__({', '.join(('self', *values))}):\n        super().__init__()\n"
    given = ", ".join(f"{name}={text}" for name, text in values.items())
    source = _HEADER + head + "".join((*init, *methods))
    return _versions(source, given, "to-functional", "to-module", "to-functional")


def _outcome(plan: Plan, method: str) -> Conversion | Leave | None:
    found = [d.outcome for d in plan.decisions if d.site.method == method]
    assert len(found) <= 1
    return found[0] if found else None


def _run_the_same(models: tuple[torch.nn.Module, ...], method: str, case: Case | BackCase) -> None:
    inputs = ", ".join(case.inputs.values())
    constant = [place for place, name in enumerate(case.inputs) if name not in ("x", "y", "z")]
    for training in (True, False):
        first, second = (run(m, inputs, training=training, method=method, constant=constant) for m in models)
        assert [field for field in vars(first) if getattr(first, field) != getattr(second, field)] == []


def _case(number: int) -> str:
    return str(_BACK[number])


@pytest.mark.parametrize("number", range(len(_BACK)), ids=_case)
def test_the_submodule_becomes_its_functional(number: int) -> None:
    case = _BACK[number]
    chunk, index = divmod(number, _CHUNK)
    versions = _back(chunk)
    outcome = _outcome(versions.plans[0], f"call{index}")
    if case.left == NO_SITE:
        assert outcome is None
    elif case.left:
        assert isinstance(outcome, Leave)
        assert outcome.code == case.left
    else:
        assert isinstance(outcome, Conversion), outcome
    assert (f"m{index}" in dict(versions.models[1].named_modules())) == bool(case.left)
    _run_the_same(versions.models[:2], f"call{index}", case)


@pytest.mark.parametrize("number", _CONVERTED, ids=_case)
def test_the_functional_becomes_a_submodule_and_comes_back(number: int) -> None:
    case = _BACK[number]
    chunk, index = divmod(number, _CHUNK)
    versions, method = _back(chunk), f"call{index}"
    outcome, code = _outcome(versions.plans[1], method), _stays(case)
    if code:
        assert isinstance(outcome, Leave)
        assert outcome.code == code
    else:
        assert isinstance(outcome, Conversion), outcome
        assert outcome.module == _OTHER_CLASS.get(case.module, case.module)
    _run_the_same((versions.models[0], versions.models[2]), method, case)
    _, first, _, again = versions.texts
    if "=" in case.arguments and not code:  # inputs by keyword became positional
        assert _given(again, method, case.pair.way_back) == _given(first, method, case.pair.way_back)
    else:
        assert ast.unparse(_call(again, method)) == ast.unparse(_call(first, method))


def _stays(case: BackCase) -> str:
    """Why a functional does not convert: what comes from ``__init__`` is not known here."""
    if case.pair.pad_mode is not None and "padding" in case.from_init:
        return "NNC211"
    return "NNC208" if case.pair.checks.keys() & set(case.from_init) else ""


@pytest.mark.parametrize("chunk", range((len(_BACK) + _CHUNK - 1) // _CHUNK))
def test_what_surrounds_the_functionals_comes_back_as_it_was(chunk: int) -> None:
    _, first, _, again = _back(chunk).texts
    assert ast.unparse(_without_methods(again)) == ast.unparse(_without_methods(first))


def _without_methods(text: str) -> ast.Module:
    tree = ast.parse(text)
    [node] = [s for s in tree.body if isinstance(s, ast.ClassDef)]
    node.body = [s for s in node.body if not (isinstance(s, ast.FunctionDef) and s.name.startswith("call"))]
    return tree


def _call(text: str, method: str) -> ast.Call:
    """What the method returns."""
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
    [returned] = [f.body[-1] for f in functions if f.name == method]
    assert isinstance(returned, ast.Return)
    assert isinstance(returned.value, ast.Call)
    return returned.value


def _given(text: str, method: str, spelling: Spelling) -> dict[str, str]:
    """What the method's call gives its functional, without what is the default anyway."""
    call = _call(text, method)
    assert ast.unparse(call.func) == spelling.name.replace("torch.nn.functional", "F")
    given = {name: ast.unparse(argument.value) for name, argument in bind(call, spelling).items()}
    defaults = {parameter.name: parameter.default for parameter in spelling.signature}
    return {name: text for name, text in given.items() if text != defaults[name]}


# -- the other start: a functional, its module class, a functional again ----------------------------------


@cache
def _there(chunk: int) -> Versions:
    """A model with a method for each call of the chunk."""
    methods = (
        f"    def call{index}(self, {', '.join(case.inputs)}):\n        return {case.call}\n"
        for index, case in enumerate(_THERE[chunk * _CHUNK : (chunk + 1) * _CHUNK])
    )
    header = _HEADER.replace("as nn\n", "as nn\nimport torch.nn.functional as F\n")
    return _versions(header + "\n".join(methods), "", "to-module", "to-functional")


@pytest.mark.parametrize("number", range(len(_THERE)), ids=lambda number: _THERE[number].call)
def test_a_functional_comes_back_as_the_same_call(number: int) -> None:
    case = _THERE[number]
    chunk, index = divmod(number, _CHUNK)
    versions, method = _there(chunk), f"call{index}"
    assert all(isinstance(_outcome(plan, method), Conversion) for plan in versions.plans)
    spelling = build(case).pair.way_back
    assert _given(versions.texts[2], method, spelling) == _given(versions.texts[0], method, spelling)
    _run_the_same((versions.models[0], versions.models[2]), method, case)


# -- nn.Identity ------------------------------------------------------------------------------------------

_IDENTITIES = (
    "self.m(x)",
    "self.m((x))",
    "self.m(x,)",
    "self.m(input=x)",
    "self.m(x + 1) * 2",
    "self.m((x + 1)) * 2",
    "self.m(input=x + 1) * 2",
    "self.m(x * 2 if True else x)",
    "self.m(x if self.training else -x).sum()",
    "self.m(x[0])",
    "self.m(x.t())",
    "self.m(x).t()",
    "-self.m(x - 1)",
    "self.m(-x) ** 2",
    "2 ** self.m(-x)",
    "self.m((x, -x))[1]",
    "self.m(2).bit_length() * x",
    "self.m(not self.training) + x",
    "self.m(y := x + 1) * y",
    "self.m(lambda v: v + 1)(x)",
    "(lambda v: self.m(v + 1) * 2)(x)",
    "[self.m(v)for v in self.m(x)]",
    "self.m(x)if self.m(self.training)else -x",
    "self.m(self.m(x + 1) * 2) - 1",
    "self.m(\n    x\n    + 1\n)",
    "self.m(\n    x  # kept\n) * 2",
)


@pytest.mark.parametrize(
    ("settings", "call"),
    [*(("", call) for call in _IDENTITIES), ("54, unused=1", "self.m(x)"), ("a, b=a", "self.m(x)")],
)
def test_an_identity_becomes_its_argument(settings: str, call: str) -> None:
    source = net(f"return {call}", init=f"self.m = nn.Identity({settings})", args="a")
    versions = _versions(source, "a=3", "to-functional")
    expected = ast.unparse(_WithoutIdentities().visit(ast.parse(source)))
    assert ast.unparse(ast.parse(versions.texts[1])) == expected
    _run_the_same(versions.models, "forward", BackCase("Identity", "", "", {"x": "torch.randn(2, 3)"}))


class _WithoutIdentities(ast.NodeTransformer):
    """The calls of ``self.m`` become their argument, and its assignment goes."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        return [*node.args, *(k.value for k in node.keywords)][0] if ast.unparse(node.func) == "self.m" else node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        return None if ast.unparse(node.targets[0]) == "self.m" else self.generic_visit(node)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("self.m(*x)", "NNC201"),
        ("self.m(x, x)", "NNC213"),
        ("self.m()", "NNC213"),
        ("list(self.m(v for v in x))", "NNC213"),
    ],
)
def test_a_call_that_gives_an_identity_no_one_argument_stays(call: str, code: str) -> None:
    check_left(net(f"return {call}", init="self.m = nn.Identity()"), code, direction="to-functional")
