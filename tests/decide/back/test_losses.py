"""Losses: their settings go to the call, and what they keep as a buffer keeps them."""

from __future__ import annotations

import pytest
from tests.decide.back import check, check_runs, check_stays

TWO = "torch.randn(3, 4), torch.randn(3, 4).softmax(1)"
FORMS = {
    "nn.MSELoss(reduction='sum')": "F.mse_loss(x, y, reduction='sum')",
    "nn.MSELoss(size_average=False)": "F.mse_loss(x, y, size_average=False)",
    "nn.CrossEntropyLoss(weight=None)": "F.cross_entropy(x, y)",
    "nn.CrossEntropyLoss(None, None, -1)": "F.cross_entropy(x, y, ignore_index=-1)",
    "nn.HuberLoss('sum', 0.5)": "F.huber_loss(x, y, 'sum', 0.5)",
    "nn.PoissonNLLLoss(log_input=False)": "F.poisson_nll_loss(x, y, log_input=False)",
}


@pytest.mark.filterwarnings("ignore:size_average and reduce args")
@pytest.mark.parametrize(("constructor", "call"), FORMS.items(), ids=FORMS)
def test_the_functional_form(constructor: str, call: str) -> None:
    init = f"self.loss = {constructor}"
    check(init, "return self.loss(x, y)", "", f"return {call}", inputs="x, y")
    check_runs(init, "return self.loss(x, y)", tensors=TWO, inputs="x, y")


CALLS = {
    "self.loss(target=y, input=x)": "F.mse_loss(target=y, input=x, reduction='sum')",
    "self.loss(x,\n    y)": "F.mse_loss(x,\n    y, reduction='sum')",
    "self.loss(\n    x,\n    y,\n)": "F.mse_loss(\n    x,\n    y,\n    reduction='sum',\n)",
    "0.5 * self.loss(x, y) + self.loss(y, x)": (
        "0.5 * F.mse_loss(x, y, reduction='sum') + F.mse_loss(y, x, reduction='sum')"
    ),
}


@pytest.mark.parametrize(("call", "expected"), CALLS.items(), ids=CALLS)
def test_the_inputs_stay_as_they_are_given(call: str, expected: str) -> None:
    init = "self.loss = nn.MSELoss(reduction='sum')"
    check(init, f"return {call}", "", f"return {expected}", inputs="x, y")
    check_runs(init, f"return {call}", tensors=TWO, inputs="x, y")


def test_an_input_that_forward_names_otherwise() -> None:
    check(
        "self.loss = nn.PoissonNLLLoss()",
        "return self.loss(log_input=x, target=y)",
        "",
        "return F.poisson_nll_loss(input=x, target=y)",
        inputs="x, y",
    )


@pytest.mark.parametrize(
    ("constructor", "values", "args"),
    [
        ("nn.CrossEntropyLoss(ignore_index=ignore, label_smoothing=smoothing)", "-1, 0.1", "ignore, smoothing"),
        ("nn.HuberLoss(delta=delta)", "0.5", "delta: float = 1.0"),
        ("nn.MSELoss(reduction=reduction)", "'none'", "reduction"),
    ],
)
def test_settings_from_init(constructor: str, values: str, args: str) -> None:
    init = f"self.loss = {constructor}"
    text = check_runs(init, "return self.loss(x, y)", values, TWO, args=args, inputs="x, y")
    assert "self.loss_" in text


THREE = "torch.randn(3, 4), torch.randn(3, 4), torch.randn(3, 4)"


@pytest.mark.parametrize(
    ("constructor", "call"),
    [
        ("nn.TripletMarginLoss(2.0, p=1)", "F.triplet_margin_loss(x, y, z, 2.0, p=1)"),
        ("nn.TripletMarginWithDistanceLoss(margin=0.5)", "F.triplet_margin_with_distance_loss(x, y, z, margin=0.5)"),
    ],
)
def test_losses_of_three(constructor: str, call: str) -> None:
    check(f"self.loss = {constructor}", "return self.loss(x, y, z)", "", f"return {call}", inputs="x, y, z")
    check_runs(f"self.loss = {constructor}", "return self.loss(x, y, z)", tensors=THREE, inputs="x, y, z")


@pytest.mark.parametrize(
    ("constructor", "code"),
    [
        ("nn.CrossEntropyLoss(w)", "NNC406"),
        ("nn.CrossEntropyLoss(weight=torch.ones(3))", "NNC406"),
        ("nn.BCEWithLogitsLoss(pos_weight=w)", "NNC406"),
        ("nn.TripletMarginWithDistanceLoss(distance_function=w)", "NNC406"),
        ("nn.KLDivLoss(size_average=False)", "NNC202"),
    ],
)
def test_what_is_kept_as_state_or_taken_otherwise(constructor: str, code: str) -> None:
    check_stays(f"self.loss = {constructor}", "return self.loss(x, y)", code, args="w", inputs="x, y")


@pytest.mark.parametrize(
    "call", ["self.loss(x)", "self.loss(x, y, y)", "self.loss(x, y, reduction='sum')", "self.loss(x, label=y)"]
)
def test_calls_that_do_not_fit(call: str) -> None:
    check_stays("self.loss = nn.MSELoss()", f"return {call}", "NNC213", inputs="x, y")
