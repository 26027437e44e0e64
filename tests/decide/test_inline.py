"""Rule 25: a module built on the spot moves to __init__ where it has no state and its settings may move."""

from __future__ import annotations

import pytest
from tests.helpers import check_left, executes_the_same, net, registrations


@pytest.mark.parametrize(
    ("call", "constructor"),
    [
        ("nn.ReLU()(x)", "relu = nn.ReLU()"),
        ("nn.ReLU(inplace=True)(x + 1)", "relu = nn.ReLU(inplace=True)"),
        ("torch.nn.MaxPool2d(2, stride=1)(x)", "max_pool2d = nn.MaxPool2d(2, stride=1)"),
        ("nn.Softmax(dim=self.d)(x)", "softmax = nn.Softmax(dim=self.d)"),
        (
            "nn.LayerNorm(4, elementwise_affine=False)(x)",
            "layer_norm = nn.LayerNorm(4, elementwise_affine=False)",
        ),
        ("nn.MSELoss()(x, x * 2)", "mse_loss = nn.MSELoss()"),
        ("nn.ZeroPad2d((1, 1, 1, 1))(x)", "pad = nn.ZeroPad2d((1, 1, 1, 1))"),
        ("nn.Identity()(x)", "identity = nn.Identity()"),
        ("nn.ReLU()(nn.ReLU()(x))", "relu1 = nn.ReLU()\nrelu2 = nn.ReLU()"),
        ("nn.ReLU()(F.relu(x))", "relu1 = nn.ReLU()\nrelu2 = nn.ReLU()"),
        ("nn.ReLU()(input=x)", "relu = nn.ReLU()"),
        ("(nn.ReLU())(x)", "relu = nn.ReLU()"),
    ],
)
def test_a_module_without_state_moves(call: str, constructor: str) -> None:
    source = net(f"return {call}", init="self.d = 1")
    assert registrations(source) == constructor.splitlines()
    executes_the_same(source, "Net", inputs="torch.randn(2, 3, 4, 4)")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("nn.Linear(8, 8)(x)", "NNC407"),
        ("nn.LayerNorm(8)(x)", "NNC407"),
        ("nn.LayerNorm(8, elementwise_affine=self.affine)(x)", "NNC407"),
        ("nn.BatchNorm2d(3)(x)", "NNC407"),
        ("nn.PReLU()(x)", "NNC407"),
        ("nn.Upsample(size=x.shape[2:])(x)", "NNC204"),
        ("nn.Upsample(scale_factor=s)(x)", "NNC204"),
        ("nn.CrossEntropyLoss(weight=self.w)(x, s)", "NNC206"),
        ("nn.CrossEntropyLoss(self.v)(x, s)", "NNC406"),
        ("nn.MaxPool2d(*s)(x)", "NNC201"),
        ("nn.Dropout(0.5)(x)", "NNC401"),
    ],
)
def test_state_and_settings_from_the_input_are_left(call: str, code: str) -> None:
    init = "self.affine = False\nself.w = torch.ones(3)\nself.v = v"
    check_left(net(f"return {call}", init=init, args="v", inputs="x, s=None"), code)


def test_a_constructor_that_checks_runs_no_earlier_than_before() -> None:
    guarded = net("if self.hi:\n    x = nn.Hardtanh(0, self.hi)(x)\nreturn x", init="self.hi = hi", args="hi")
    check_left(guarded, "NNC208")
    always = net("return nn.Hardtanh(0, self.hi)(x)", init="self.hi = hi", args="hi")
    assert registrations(always) == ["hardtanh = nn.Hardtanh(0, self.hi)"]
