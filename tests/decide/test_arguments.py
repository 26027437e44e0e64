"""Rules 11, 12, 16 and 19: arguments without counterpart, keyword inputs, order, in-place, loops."""

from __future__ import annotations

import pytest
from tests.helpers import check_left, convert, executes_the_same, net, registrations


def _call(source: str) -> str:
    """The converted text of the return statement."""
    text, plan = convert(source)
    assert plan.converted, plan.left
    [line] = [line.strip() for line in text.splitlines() if "return" in line]
    return line.removeprefix("return ")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("F.softmax(x, dim=-1, dtype=torch.float64)", "NNC202"),
        ("F.interpolate(x, scale_factor=2, mode='bicubic', antialias=True)", "NNC202"),
        ("F.softmax(x, dim=-1, _stacklevel=5)", "NNC202"),
        ("torch.sigmoid(x, out=y)", "NNC202"),
        ("F.alpha_dropout(x, 0.5, self.training, True)", "NNC202"),
        ("F.max_pool2d(x, *y)", "NNC201"),
        ("F.max_pool2d(x, **y)", "NNC201"),
        ("F.relu(*x)", "NNC201"),
        ("F.relu()", "NNC213"),
        ("F.relu(x, False, True)", "NNC213"),
        ("F.relu(x, slope=1)", "NNC213"),
        ("F.relu(x, input=y)", "NNC213"),
        ("F.max_pool2d(x)", "NNC213"),
        ("F.mse_loss(target=y.f(), input=x.g())", "NNC210"),
        ("F.mse_loss(target=(x := y), input=x)", "NNC210"),
        ("F.cross_entropy(x, y, self.weight)", "NNC406"),
        ("F.layer_norm(x, (3,), self.weight)", "NNC406"),
        ("F.linear(x, self.weight)", "NNC406"),
    ],
)
def test_arguments_without_a_counterpart_are_left(call: str, code: str) -> None:
    check_left(net(f"return {call}", inputs="x, y=None"), code)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("F.softmax(x, dim=-1, dtype=None)", "self.softmax(x)"),
        ("F.softmax(x, dim=-1, _stacklevel=3)", "self.softmax(x)"),
        ("torch.sigmoid(x, out=None)", "self.sigmoid(x)"),
        ("F.cross_entropy(x, y, None, reduction='sum')", "self.cross_entropy(x, y)"),
        ("F.relu(input=x)", "self.relu(x)"),
        ("F.relu(inplace=True, input=x)", "self.relu(x)"),
        ("F.max_pool2d(kernel_size=2, input=x.f())", "self.max_pool2d(x.f())"),
        ("F.mse_loss(target=y, input=x)", "self.mse_loss(x, y)"),
        ("F.mse_loss(reduction='sum', target=y.z, input=x)", "self.mse_loss(x, y.z)"),
        ("F.mse_loss(x.f(), target=y.g())", "self.mse_loss(x.f(), y.g())"),
        ("F.relu((yield x))", "self.relu((yield x))"),
        ("F.relu(y := x)", "self.relu(y := x)"),
        ("F.relu(input=(y := x))", "self.relu((y := x))"),
        ("F.relu(x[0], True)", "self.relu(x[0])"),
        ("F.relu(lambda a, b: a)", "self.relu(lambda a, b: a)"),
        ("F.relu(F.max_pool2d(F.relu(x), 2))", "self.relu1(self.max_pool2d(self.relu2(x)))"),
        ("F.relu(x).sum() + F.relu(y)[0]", "self.relu1(x).sum() + self.relu2(y)[0]"),
    ],
)
def test_only_inputs_stay_at_the_call(call: str, expected: str) -> None:
    assert _call(net(f"return {call}", inputs="x, y=None")) == expected


@pytest.mark.parametrize(
    ("statement", "constructor"),
    [
        ("F.relu_(x)", "relu = nn.ReLU(inplace=True)"),
        ("torch.relu_(x)", "relu = nn.ReLU(inplace=True)"),
        ("F.relu(x, True)", "relu = nn.ReLU(True)"),
        ("F.leaky_relu(x, inplace=True)", "leaky_relu = nn.LeakyReLU(inplace=True)"),
        ("x = F.elu_(x, 0.3)", "elu = nn.ELU(0.3, inplace=True)"),
        ("F.dropout(x, 0.3, self.training)", "dropout = nn.Dropout(0.3)"),
        ("F.dropout(x, 0.3, self.training, True)", "dropout = nn.Dropout(0.3, True)"),
    ],
)
def test_statements_and_in_place_calls(statement: str, constructor: str) -> None:
    source = net(f"x = x + 1\n{statement}\nreturn x")
    assert registrations(source) == [constructor]
    executes_the_same(source, "Net", inputs="torch.randn(2, 3)")


@pytest.mark.parametrize(
    "forward",
    [
        "for _ in range(3):\n    x = F.dropout(x, 0.4, self.training)\nreturn x",
        "return [F.relu(v) for v in x]",
        "f = lambda v: F.relu(v)\nreturn f(x)",
        "def inner(v, w=F.relu(x)):\n    return F.dropout(v, 0.5, self.training) + w\nreturn inner(x)",
        "x = F.dropout(F.relu(F.dropout(x, 0.2, self.training)), training=self.training)\nreturn F.gelu(x)",
        "return F.max_pool2d(F.pad(x.unsqueeze(1), (1, 1)), kernel_size=(1, 2), return_indices=True)",
        "return F.mse_loss(target=x * 2, input=x, reduction='none') if True else F.relu(x)",
    ],
)
def test_old_and_new_run_the_same(forward: str) -> None:
    if "target=x * 2" in forward:
        forward = "y = x * 2\n" + forward.replace("x * 2", "y")
    executes_the_same(net(forward), "Net", inputs="torch.randn(4, 6)")
