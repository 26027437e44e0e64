"""Rule 24: --share gives equal constructor calls one submodule, and never unequal ones."""

from __future__ import annotations

import pytest
from tests.helpers import executes_the_same, net, registrations


@pytest.mark.parametrize(
    ("forward", "shared"),
    [
        ("return F.relu(F.relu(x))", ["relu = nn.ReLU()"]),
        ("return F.relu(torch.relu(nn.ReLU()(x)))", ["relu = nn.ReLU()"]),
        ("return F.relu(F.relu_(x + 1))", ["relu1 = nn.ReLU()", "relu2 = nn.ReLU(inplace=True)"]),
        (
            "x = F.dropout(x, 0.2, self.training)\nx = F.dropout(x, 0.3, self.training)\n"
            "return F.dropout(x, 0.2, self.training)",
            ["dropout1 = nn.Dropout(0.2)", "dropout2 = nn.Dropout(0.3)"],
        ),
    ],
)
def test_equal_constructor_calls_are_one(forward: str, shared: list[str]) -> None:
    source = net(forward)
    assert registrations(source, share=True) == shared
    assert len(registrations(source)) == sum(forward.count(name) for name in ("elu(", "elu_(", "ReLU()(", "dropout("))
    executes_the_same(source, "Net", inputs="torch.randn(2, 3)", share=True)


def test_one_name_for_different_classes_is_not_shared() -> None:
    source = net("return F.pad(F.pad(x, (1, 1)), (1, 1), mode='reflect')")
    assert len(registrations(source, share=True)) == 2


def test_a_functional_held_on_self_keeps_its_own() -> None:
    source = net("return F.relu(self.act(x))", init="self.act = F.relu")
    assert registrations(source, share=True) == ["relu = nn.ReLU()"]


def test_share_and_split_shared_exclude_each_other(run, project) -> None:  # type: ignore[no-untyped-def]
    (project / "a.py").write_text("")
    done = run("--to-module", "--share", "--split-shared", "a.py")
    assert done.code == 2
    assert "exclude each other" in done.err
