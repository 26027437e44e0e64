"""Every row with parameters, from source to trained module: initial values, outputs, gradients, buffers, all bits."""

from __future__ import annotations

import pytest
from tests.helpers import net
from tests.weights.both import build, train_alike

from nnconvert.catalog import every_pair

_X = {1: "torch.randn(2, 4, 9)", 2: "torch.randn(2, 4, 7, 6)", 3: "torch.randn(2, 4, 5, 4, 6)"}
_AFFINE = "self.weight = nn.Parameter(torch.rand({n}))\nself.bias = nn.Parameter(torch.randn({n}))"
_STATISTICS = "self.register_buffer('mean', torch.zeros({n}))\nself.register_buffer('var', torch.ones({n}))"


def _weight(shape: str, bias: str = "") -> str:
    lines = f"self.weight = nn.Parameter(torch.empty({shape}))\nnn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))"
    return lines + (f"\nself.bias = nn.Parameter(torch.randn({bias}) * 0.1)" if bias else "")


def _convolutions() -> list[tuple[str, str, str, str]]:
    found = []
    for n, x in _X.items():
        ones = ", ".join(["3"] * n)
        kernel = {1: "3", 2: "(3, 2)", 3: "(3, 2, 1)"}[n]
        sizes = {1: "3", 2: "3, 2", 3: "3, 2, 1"}[n]
        found += [
            (_weight(f"6, 4, {ones}", "6"), f"F.conv{n}d(x, self.weight, self.bias, padding=1)", x,
             f"nn.Conv{n}d(4, 6, 3, padding=1, device=\"meta\")"),
            (_weight(f"6, 2, {sizes}"), f"F.conv{n}d(x, self.weight, None, 2, groups=2)", x,
             f"nn.Conv{n}d(4, 6, {kernel}, 2, groups=2, bias=False, device=\"meta\")"),
            (_weight(f"4, 1, {ones}", "4"), f"torch.conv{n}d(x, self.weight, self.bias, 1, 'same', 2, 4)", x,
             f"nn.Conv{n}d(4, 4, 3, 1, 'same', 2, 4, device=\"meta\")"),
            (_weight(f"4, 3, {sizes}", "6"), f"F.conv_transpose{n}d(x, self.weight, self.bias, 2, groups=2)", x,
             f"nn.ConvTranspose{n}d(4, 6, {kernel}, 2, groups=2, device=\"meta\")"),
            (_weight(f"4, 5, {ones}"), f"F.conv_transpose{n}d(x, self.weight, None, 2, 1, 1, dilation=2)", x,
             f"nn.ConvTranspose{n}d(4, 5, 3, 2, 1, 1, bias=False, dilation=2, device=\"meta\")"),
        ]  # fmt: skip
    return found


def _norms() -> list[tuple[str, str, str, str]]:
    found = []
    for n, x in _X.items():
        conv = f"self.conv = nn.Conv{n}d(4, 6, 2)"
        start = "x = F.relu(self.conv(x))\nreturn "
        all_of = f"{conv}\n{_STATISTICS.format(n=6)}\n{_AFFINE.format(n=6)}"
        found += [
            (all_of, f"{start}F.batch_norm(x, self.mean, self.var, self.weight, self.bias, self.training, 0.2)", x,
             f"nn.BatchNorm{n}d(6, momentum=0.2)"),
            (f"{conv}\n{_STATISTICS.format(n=6)}",
             f"{start}F.batch_norm(x, self.mean, self.var, training=self.training, eps=0.01)", x,
             f"nn.BatchNorm{n}d(6, eps=0.01, affine=False)"),
            (f"{conv}\n{_AFFINE.format(n=6)}",
             f"{start}F.batch_norm(x, None, None, self.weight, self.bias, True)", x,
             f"nn.BatchNorm{n}d(6, track_running_stats=False)"),
            (f"{conv}\n{_AFFINE.format(n=6)}",
             f"{start}F.instance_norm(x, weight=self.weight, bias=self.bias, eps=0.01)", x,
             f"nn.InstanceNorm{n}d(6, eps=0.01, affine=True)"),
            (all_of, f"{start}F.instance_norm(x, self.mean, self.var, self.weight, self.bias, self.training)", x,
             f"nn.InstanceNorm{n}d(6, affine=True, track_running_stats=True)"),
        ]  # fmt: skip
    return found


CASES = [
    (_weight("5, 4", "5"), "F.linear(x, self.weight, self.bias)", "torch.randn(3, 4)",
     "nn.Linear(4, 5, device=\"meta\")"),
    (_weight("5, 4"), "F.linear(x, self.weight)", "torch.randn(3, 4)", "nn.Linear(4, 5, bias=False, device=\"meta\")"),
    (_weight("5, 4, 3", "5"), "F.bilinear(x, y, self.weight, self.bias)", "torch.randn(2, 4), torch.randn(2, 3)",
     "nn.Bilinear(4, 3, 5, device=\"meta\")"),
    *_convolutions(),
    *_norms(),
    (_AFFINE.format(n=5), "F.layer_norm(x, (5,), self.weight, self.bias)", "torch.randn(2, 5)", "nn.LayerNorm((5,))"),
    (_AFFINE.format(n="4, 5"), "F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-6)",
     "torch.randn(2, 4, 5)", "nn.LayerNorm((4, 5), 1e-6)"),
    ("self.weight = nn.Parameter(torch.rand(5))", "F.layer_norm(x, self.weight.size(), self.weight)",
     "torch.randn(2, 5)", "nn.LayerNorm(5, bias=False)"),
    ("self.weight = nn.Parameter(torch.rand(5))", "F.rms_norm(x, (5,), self.weight, eps=1e-6)", "torch.randn(2, 5)",
     "nn.RMSNorm((5,), eps=1e-6)"),
    (_AFFINE.format(n=6), "F.group_norm(x, 3, self.weight, self.bias, eps=0.01)", "torch.randn(2, 6, 5)",
     "nn.GroupNorm(3, 6, eps=0.01)"),
    ("self.weight = nn.Parameter(torch.randn(9, 4))", "F.embedding(x, self.weight, padding_idx=2)",
     "torch.tensor([[1, 2], [8, 0]])", "nn.Embedding(9, 4, padding_idx=2, device=\"meta\")"),
    ("self.weight = nn.Parameter(torch.randn(9, 4))", "F.embedding(x, self.weight, None, 0.5, 1.0, True)",
     "torch.tensor([[1, 2], [8, 1]])", "nn.Embedding(9, 4, None, 0.5, 1.0, True, device=\"meta\")"),
    ("self.weight = nn.Parameter(torch.randn(9, 4))", "F.embedding(x, self.weight, sparse=True)",
     "torch.tensor([[1, 2], [8, 0]])", "nn.Embedding(9, 4, sparse=True)"),
    ("self.weight = nn.Parameter(torch.randn(9, 4))", "F.embedding_bag(x, self.weight, y, mode='sum')",
     "torch.tensor([1, 2, 8, 0]), torch.tensor([0, 2])", "nn.EmbeddingBag(9, 4, mode='sum')"),
    ("self.weight = nn.Parameter(torch.randn(9, 4))", "F.embedding_bag(x, self.weight, padding_idx=1)",
     "torch.tensor([[1, 2], [8, 0]])", "nn.EmbeddingBag(9, 4, padding_idx=1, device=\"meta\")"),
    ("self.weight = nn.Parameter(torch.full((4,), 0.3))", "F.prelu(x, self.weight)", "torch.randn(2, 4, 3)",
     "nn.PReLU(4)"),
    ("self.weight = nn.Parameter(torch.tensor([0.1]))", "torch.prelu(x, self.weight)", "torch.randn(2, 4, 3)",
     "nn.PReLU(1)"),
    ("self.register_buffer('weight', torch.tensor([1.0, 2.0, 0.5]))",
     "F.cross_entropy(x, y, weight=self.weight, ignore_index=1)", "torch.randn(4, 3), torch.tensor([0, 1, 2, 2])",
     "nn.CrossEntropyLoss(ignore_index=1)"),
    ("self.register_buffer('weight', torch.rand(3))", "F.nll_loss(x, y, self.weight)",
     "torch.randn(4, 3), torch.tensor([0, 1, 2, 2])", "nn.NLLLoss()"),
    ("self.register_buffer('weight', torch.rand(3))", "F.multi_margin_loss(x, y, weight=self.weight)",
     "torch.randn(4, 3), torch.tensor([0, 1, 2, 2])", "nn.MultiMarginLoss()"),
    ("self.register_buffer('weight', torch.rand(3))", "F.multilabel_soft_margin_loss(x, y, self.weight)",
     "torch.randn(4, 3), torch.ones(4, 3).bernoulli(0.5)", "nn.MultiLabelSoftMarginLoss()"),
    ("self.register_buffer('weight', torch.rand(3))", "F.binary_cross_entropy(x.sigmoid(), y.sigmoid(), self.weight)",
     "torch.randn(4, 3), torch.randn(4, 3)", "nn.BCELoss()"),
    ("self.register_buffer('w', torch.rand(3))\nself.register_buffer('pos', torch.full([3], 2.0))",
     "F.binary_cross_entropy_with_logits(x, y.sigmoid(), self.w, pos_weight=self.pos, reduction='sum')",
     "torch.randn(4, 3), torch.randn(4, 3)", "nn.BCEWithLogitsLoss(reduction='sum')"),
]  # fmt: skip


@pytest.mark.parametrize(("init", "call", "inputs", "constructor"), CASES, ids=[case[3] for case in CASES])
def test_the_module_starts_and_trains_as_the_parameters_did(
    init: str, call: str, inputs: str, constructor: str
) -> None:
    names = "x, y" if ", torch." in inputs else "x"
    forward = call if "return" in call else f"return {call}"
    both = build(net(forward, init=init, inputs=names))
    [registered] = [r.constructor for plan in both.plan.classes for r in plan.registrations if r.module != "ReLU"]
    assert registered.replace("'", '"') == constructor.replace("'", '"')
    train_alike(both, inputs)


def test_every_row_with_parameters_has_a_case() -> None:
    used = {case[3].partition("(")[0].removeprefix("nn.") for case in CASES}
    assert used == {pair.module for pair in every_pair() if pair.weights is not None}
