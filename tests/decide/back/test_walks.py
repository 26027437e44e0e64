"""Rules 5 and 27: a walk over children or modules that would notice that a submodule goes."""

# ruff: noqa: E501 (sources stand on one line)

from __future__ import annotations

import pytest
from tests.decide.back import check_runs, check_stays, converted, decided, source

ACT = "self.act = nn.ReLU()"
CALL = "return self.act(self.fc(x))"

NOTICED = {
    "run": "for child in self.children():\n    x = child(x)\nreturn self.act(x)",
    "run in reverse": "for child in reversed(self._modules.values()):\n    x = child(x)\nreturn self.act(x)",
    "counted": "return self.act(x) * len(list(self.children()))",
    "sliced": "return nn.Sequential(*list(self.children())[:-1])(self.act(x))",
    "numbered": "for i, m in enumerate(self.modules()):\n    if isinstance(m, nn.Linear):\n        x = x + i\nreturn self.act(x)",
    "by its class": "for m in self.modules():\n    if isinstance(m, nn.ReLU):\n        m.inplace = True\nreturn self.act(x)",
    "by the name of its class": (
        "for m in self.modules():\n    if type(m).__name__ == 'ReLU':\n        m.n = 1\nreturn self.act(x)"
    ),
    "by an attribute": "for m in self.modules():\n    if hasattr(m, 'inplace'):\n        m.inplace = True\nreturn self.act(x)",
    "by its name": "for n, m in self.named_children():\n    if n == 'act':\n        x = m(x)\nreturn self.act(x)",
    "applied to all": "self.apply(print)\nreturn self.act(x)",
    "hooks on all": "for m in self.modules():\n    m.register_forward_hook(print)\nreturn self.act(x)",
    "their modes": "for m in self.children():\n    m.eval()\nreturn self.act(x)",
}


@pytest.mark.parametrize("forward", NOTICED.values(), ids=NOTICED)
def test_a_walk_that_would_notice(forward: str) -> None:
    check_stays(ACT, forward, "NNC302")


HARMLESS = {
    "of other classes": "for m in self.modules():\n    if isinstance(m, nn.Linear):\n        nn.init.ones_(m.weight)",
    "of what has weights": "for m in self.modules():\n    if hasattr(m, 'weight'):\n        nn.init.ones_(m.weight)",
    "by another name of a class": (
        "for m in self.modules():\n    if type(m).__name__.find('Linear') != -1:\n        nn.init.ones_(m.weight)"
    ),
    "of parameters": "for m in self.children():\n    for p in m.parameters():\n        p.data.fill_(1)",
    "applied with a test": "self.apply(lambda m: nn.init.ones_(m.weight) if isinstance(m, nn.Linear) else None)",
    "of another module": "for m in self.fc.children():\n    print(m)",
}


@pytest.mark.parametrize("walk", HARMLESS.values(), ids=HARMLESS)
def test_a_walk_that_does_not_notice(walk: str) -> None:
    text = check_runs(f"{ACT}\n{walk}", CALL)
    assert ACT not in text


def test_what_a_walk_notices_depends_on_the_class() -> None:
    init = "self.act = nn.ReLU()\nself.drop = nn.Dropout(0.5)"
    body = "def freeze(self):\n    for m in self.modules():\n        if isinstance(m, {}):\n            m.n = 1"
    found = {
        kept: decided(source(init, "return self.drop(self.act(x))", body=body.format(kept)))
        for kept in ("nn.ReLU", "nn.Dropout", "nn.modules.dropout._DropoutNd", "nn.Linear", "nn.Module")
    }
    assert found == {
        "nn.ReLU": "drop NNC302",
        "nn.Dropout": "NNC302 act",
        "nn.modules.dropout._DropoutNd": "NNC302 act",
        "nn.Linear": "drop act",
        "nn.Module": "NNC302 NNC302",
    }


ELSEWHERE = [
    ("body = nn.Sequential(*list(Net().children())[:-1])", "NNC302"),
    ("def cut(model):\n    return nn.Sequential(*list(model.children())[:-1])", "NNC302"),
    (
        "def drop(model):\n    for m in model.modules():\n        if m.__class__.__name__.startswith('Drop'):\n            m.train()",
        "NNC302",
    ),
    ("def init(m):\n    m.n = 1\nNet().apply(init)", "NNC302"),
    ("def init(m):\n    if isinstance(m, nn.Linear):\n        m.n = 1\nNet().apply(init)", "act"),
    ("class Top(nn.Module):\n    def f(self):\n        return list(self.modules())", "NNC302"),
    ("class Top(nn.Module):\n    def f(self):\n        return list(self.children())", "act"),
    ("class Sub(Net):\n    def f(self):\n        return list(self.children())", "NNC302"),
    ("from torchvision.models import resnet18\nbody = list(resnet18().children())[:-1]", "act"),
    ("def f(model):\n    return vars(model)['_modules']", "NNC302"),
]


@pytest.mark.parametrize(("after", "expected"), ELSEWHERE)
def test_walks_outside_of_the_class(after: str, expected: str) -> None:
    assert decided(source(ACT, CALL, after=after)) == expected


def test_a_walk_over_a_container_that_is_no_part_of_this() -> None:
    init = f"self.layers = nn.ModuleList([nn.Linear(4, 4)])\n{ACT}"
    forward = "for layer in self.layers:\n    x = self.act(layer(x))\nreturn x"
    assert "x = F.relu(layer(x))" in check_runs(init, forward)


def test_an_entry_of_a_sequential_stays_and_what_stands_beside_it_goes() -> None:
    init = f"self.seq = nn.Sequential(nn.Linear(4, 4), nn.ReLU())\n{ACT}"
    text = converted(source(init, "return self.act(self.seq(x))"))
    assert "self.seq = nn.Sequential(nn.Linear(4, 4), nn.ReLU())\n" in text
    assert "return F.relu(self.seq(x))" in text
