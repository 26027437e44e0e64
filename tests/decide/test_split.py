"""Rule 26: --split-shared gives each call site its own submodule, and never copies state."""

from __future__ import annotations

import pytest
import torch
from tests.helpers import check_left, convert, executes_the_same, load, net, registrations

TWICE = "return self.a(self.a(x) * 1)"


@pytest.mark.parametrize(
    ("init", "copies"),
    [
        ("self.a = nn.ReLU(inplace=True)", ["a1 = nn.ReLU(inplace=True)"]),
        ("self.a = nn.Dropout(p)", ["a1 = nn.Dropout(p)"]),
        ("self.p = p\nself.a = nn.Dropout(self.p)", ["a1 = nn.Dropout(self.p)"]),
        ("self.a: nn.Module = nn.ReLU()", ["a1 = nn.ReLU()"]),
        ("self.a, self.b = nn.ReLU(), nn.Linear(3, 3)", ["a1 = nn.ReLU()"]),
        ("self.a = nn.Identity()", ["a1 = nn.Identity()"]),
        ("self.a = nn.Softmax(\n    dim=1,\n)", ["a1 = nn.Softmax(dim=1)"]),
        ("self.a1 = 3\nself.a = nn.ReLU()", ["a2 = nn.ReLU()"]),
        ("self.a = nn.Dropout(p)\np = 0.9", ["a1 = nn.Dropout(p)"]),
        ("self.a = nn.Dropout(0.5)\nself.eval()", ["a1 = nn.Dropout(0.5)"]),
    ],
)
def test_what_has_no_state_is_split(init: str, copies: list[str]) -> None:
    source = net(f"x = x + 1\n{TWICE}", init=init, args="p=0.2")
    assert registrations(source, split_shared=True) == copies
    executes_the_same(source, "Net", inputs="torch.randn(2, 3)", split_shared=True)


def test_three_sites_in_two_methods() -> None:
    source = net(
        "return self.a(self.more(self.a(x)))",
        init="self.a = nn.ReLU()",
        body="def more(self, x):\n    return self.a(x)",
    )
    text, _ = convert(source, split_shared=True)
    assert "return self.a(x)" in text
    assert "return self.a1(self.more(self.a2(x)))" in text


def test_off_by_default() -> None:
    _, plan = convert(net(TWICE, init="self.a = nn.ReLU()"))
    assert not plan.decisions


@pytest.mark.parametrize(
    "source",
    [
        net(TWICE, init="self.a = nn.Linear(3, 3)"),
        net(TWICE, init="self.a = nn.BatchNorm1d(3)"),
        net(TWICE, init="self.a = nn.PReLU()"),
        net(TWICE, init="self.a = nn.LayerNorm(3)\nself.a = nn.ReLU()"),
        net(TWICE, init="self.a = nn.CrossEntropyLoss(weight=w)", args="w"),
        net(TWICE, init="self.a = nn.Dropout(make())"),
        net(TWICE, init="self.a = make()"),
        net(TWICE, init="if p:\n    self.a = nn.ReLU()", args="p"),
        net(TWICE, init="self.a = self.b = nn.ReLU()"),
        net(TWICE, init="self.a = nn.Dropout(p); p = 3", args="p"),
        net(TWICE, init="self.a = nn.ReLU()\nself.s = nn.Sequential(self.a)"),
        net(TWICE, init="self.a = nn.ReLU()\nself.a.register_forward_hook(print)"),
        net(TWICE, init="self.a = nn.ReLU()", after="net = Net()\nnet.a.inplace = True"),
        net(TWICE, init="self.a = nn.ReLU()", after="net = Net()\nnet.a = None"),
        net(TWICE, init="self.a = nn.ReLU()", after="a = getattr(Net(), 'a')"),
        net("return self.a(x)", init="self.a = nn.ReLU()"),
    ],
)
def test_what_may_have_state_or_other_uses_is_not_split(source: str) -> None:
    _, plan = convert(source, split_shared=True)
    assert not plan.decisions


@pytest.mark.parametrize(
    "forward",
    [
        "for v in x:\n    x = self.a(v)\nreturn x",
        "for i in range(2):\n    pass\nelse:\n    x = [self.a(v) for v in x]\nreturn x",
        "for i in range(len(x)):\n    x = self.a(x)\nreturn x",
        "for i in range(1):\n    x = self.a(x)\nreturn x",
        "for i in range(99):\n    x = self.a(x)\nreturn x",
        "for i in range(3):\n    i = 0\n    x = self.a(x)\nreturn x",
        "for i in range(3):\n    for j in range(2):\n        x = self.a(x)\nreturn x",
        "for i in range(3):\n    x = sum([self.a(x) for _ in range(2)])\nreturn x",
        "while x.sum() > 1:\n    x = self.a(x) / 2\nreturn x",
        "return [self.a(v) for v in x]",
    ],
)
def test_one_site_in_a_loop_is_listed(forward: str) -> None:
    check_left(net(forward, init="self.a = nn.ReLU()"), "NNC306", split_shared=True)


def test_a_literal_loop_takes_another_copy_at_every_turn() -> None:
    forward = "for i in range(3):\n    x = self.a(x)\nfor i in range(2):\n    x = self.a(x)\nreturn self.a(x)"
    source = net(forward, init="self.a = nn.Dropout(p)", args="p=0.5")
    text = executes_the_same(source, "Net", inputs="torch.randn(4, 5)", split_shared=True)
    assert "x = (self.a, self.a1, self.a2)[i](x)" in text
    assert "x = (self.a3, self.a4)[i](x)" in text
    assert "return self.a5(x)" in text
    model = load(text)["Net"]()
    ran: list[object] = []
    for module in model.children():
        module.register_forward_hook(lambda hooked, *_: ran.append(hooked))
    model(torch.ones(2))
    assert ran == list(model.children())
    assert len(ran) == 6


def test_no_submodule_is_chosen_by_a_variable_where_torchscript_compiles() -> None:
    forward = "for i in range(3):\n    x = self.a(x)\nreturn x"
    source = net(forward, init="self.a = nn.ReLU()", after="net = torch.jit.script(Net())")
    check_left(source, "NNC306", split_shared=True)


def test_a_held_functional_with_several_call_sites_takes_two_runs() -> None:
    source = net("return self.act(self.act(x))", init="self.act = F.relu")
    check_left(source, "NNC109", split_shared=True)
    once, _ = convert(source)
    assert registrations(once, split_shared=True) == ["act1 = nn.ReLU()"]


def test_functionals_are_given_their_own_at_the_same_time() -> None:
    source = net("return self.relu(F.relu(self.relu(x)))", init="self.relu = nn.ReLU()")
    text, _ = convert(source, split_shared=True)
    assert "return self.relu(self.relu1(self.relu2(x)))" in text


def test_functionals_in_a_literal_loop_get_one_for_each_turn() -> None:
    forward = "for i in range(2):\n    x = F.dropout(nn.ReLU()(x), 0.5, self.training)\nreturn x"
    text = executes_the_same(net(forward), "Net", inputs="torch.randn(4, 5)", split_shared=True)
    assert "x = (self.dropout1, self.dropout2)[i]((self.relu1, self.relu2)[i](x))" in text
    once, _ = convert(net(forward))
    assert "x = self.dropout(self.relu(x))" in once


def test_a_later_site_in_any_loop_gets_its_own() -> None:
    source = net("x = self.a(x)\nfor v in (1, 2):\n    x = self.a(x * v)\nreturn x", init="self.a = nn.ReLU()")
    text = executes_the_same(source, "Net", inputs="torch.randn(4, 5)", split_shared=True)
    assert "x = self.a1(x * v)" in text


def test_a_functional_on_self_that_a_literal_loop_calls_becomes_a_module_first() -> None:
    source = net("for _ in range(2):\n    x = self.act(x)\nreturn x", init="self.act = torch.tanh")
    check_left(source, "NNC109", split_shared=True)
    text, _ = convert(source)
    assert registrations(text, split_shared=True) == ["act1 = nn.Tanh()"]
