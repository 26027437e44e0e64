"""Rule 32: every class with parameters, built, trained and compared under the new names of its parameters, all bits."""

from __future__ import annotations

import ast

import pytest
import torch
from tests.catalog.installed import is_installed
from tests.decide.back import BACK
from tests.helpers import net
from tests.weights.both import build, train_alike

from nnconvert.catalog import every_pair, weighted_by_module

_X = {1: "torch.randn(2, 4, 9)", 2: "torch.randn(2, 4, 7, 6)", 3: "torch.randn(2, 4, 5, 4, 6)"}
_IDS = "torch.tensor([1, 2, 8, 0])"
_TABLE = "torch.tensor([[1, 2], [8, 0]])"
_LOGITS = "torch.randn(4, 3), torch.tensor([0, 1, 2, 2])"
_PAIRS = "torch.randn(4, 3), torch.rand(4, 3)"
_W = "torch.tensor([1.0, 2.0, 0.5])"


def _convolutions() -> list[tuple[str, str, str]]:
    found = []
    for n, x in _X.items():
        ones = ", ".join("1" * n)
        found += [
            (f"nn.Conv{n}d(4, 6, 3, padding=1)", x, f"F.conv{n}d(x, self.m_weight, self.m_bias, padding=1)"),
            (f"nn.Conv{n}d(4, 6, 2, 2, groups=2, bias=False)", x, f"F.conv{n}d(x, self.m_weight, stride=2, groups=2)"),
            (f"nn.Conv{n}d(4, 4, 3, 1, 'same', 2, 4)", x,
             f"F.conv{n}d(x, self.m_weight, self.m_bias, 1, 'same', 2, 4)"),
            (f"nn.Conv{n}d(4, 5, 3, padding=1, padding_mode='circular')", x,
             f"F.conv{n}d(F.pad(x, ({', '.join('1' * 2 * n)}), mode='circular'), self.m_weight, self.m_bias)"),
            (f"nn.Conv{n}d(4, 5, 3, 2, ({ones},), padding_mode='replicate', bias=False)", x,
             f"F.conv{n}d(F.pad(x, ({', '.join('1' * 2 * n)}), mode='replicate'), self.m_weight, stride=2)"),
            (f"nn.ConvTranspose{n}d(4, 6, 3, 2, 1, 1, groups=2)", x,
             f"F.conv_transpose{n}d(x, self.m_weight, self.m_bias, 2, 1, 1, groups=2)"),
            (f"nn.ConvTranspose{n}d(4, 6, 3, dilation=2, bias=False)", x,
             f"F.conv_transpose{n}d(x, self.m_weight, dilation=2)"),
        ]  # fmt: skip
    found.append(
        ("nn.Conv2d(4, 5, (3, 5), padding=(1, 2), padding_mode='reflect')", _X[2],
         "F.conv2d(F.pad(x, (2, 2, 1, 1), mode='reflect'), self.m_weight, self.m_bias)")
    )  # fmt: skip
    return found


def _norms() -> list[tuple[str, str, str]]:
    statistics, affine = "self.m_running_mean, self.m_running_var", "self.m_weight, self.m_bias"
    found = []
    for n, x in _X.items():
        found += [
            (f"nn.BatchNorm{n}d(4, 1e-3, 0.2)", x,
             f"F.batch_norm(x, {statistics}, {affine}, training=self.training, momentum=0.2, eps=1e-3)"),
            (f"nn.BatchNorm{n}d(4, affine=False)", x, f"F.batch_norm(x, {statistics}, training=self.training)"),
            (f"nn.BatchNorm{n}d(4, track_running_stats=False)", x,
             f"F.batch_norm(x, None, None, {affine}, training=True)"),
        ]  # fmt: skip
    return found


CASES = [
    ("nn.Linear(4, 5)", "torch.randn(3, 4)", "F.linear(x, self.m_weight, self.m_bias)"),
    ("nn.Linear(4, 5, bias=False, dtype=torch.float64)", "torch.randn(3, 4, dtype=torch.float64)",
     "F.linear(x, self.m_weight)"),
    ("nn.Linear(4, 5, device='cpu', bias=1)", "torch.randn(3, 4)", "F.linear(x, self.m_weight, self.m_bias)"),
    ("nn.Bilinear(4, 3, 5)", "torch.randn(2, 4), torch.randn(2, 3)", "F.bilinear(x, y, self.m_weight, self.m_bias)"),
    *_convolutions(),
    *_norms(),
    ("nn.LayerNorm(6)", "torch.randn(2, 6)", "F.layer_norm(x, (6,), self.m_weight, self.m_bias)"),
    ("nn.LayerNorm((4, 6), 1e-6, bias=False)", "torch.randn(2, 4, 6)",
     "F.layer_norm(x, (4, 6), self.m_weight, eps=1e-6)"),
    ("nn.RMSNorm(6, eps=1e-6)", "torch.randn(2, 6)", "F.rms_norm(x, (6,), self.m_weight, eps=1e-6)"),
    ("nn.RMSNorm([4, 6])", "torch.randn(2, 4, 6)", "F.rms_norm(x, [4, 6], self.m_weight)"),
    ("nn.GroupNorm(2, 4, 1e-3)", _X[2], "F.group_norm(x, 2, self.m_weight, self.m_bias, 1e-3)"),
    ("nn.Embedding(9, 4)", _TABLE, "F.embedding(x, self.m_weight)"),
    ("nn.Embedding(9, 4, 2)", _TABLE, "F.embedding(x, self.m_weight, 2)"),
    ("nn.Embedding(9, 4, padding_idx=-1)", _TABLE, "F.embedding(x, self.m_weight, padding_idx=-1)"),
    ("nn.Embedding(9, 4, None, 0.5, 1.0, True)", _TABLE,
     "F.embedding(x, self.m_weight, max_norm=0.5, norm_type=1.0, scale_grad_by_freq=True)"),
    ("nn.Embedding(9, 4, sparse=True, _weight=torch.ones(9, 4))", _TABLE, "F.embedding(x, self.m_weight, sparse=True)"),
    ("nn.EmbeddingBag(9, 4, mode='sum')", f"{_IDS}, torch.tensor([0, 2])",
     "F.embedding_bag(x, offsets=y, weight=self.m_weight, mode='sum')"),
    ("nn.EmbeddingBag(9, 4, 0.5, padding_idx=-8)", _TABLE,
     "F.embedding_bag(x, self.m_weight, max_norm=0.5, padding_idx=-8)"),
    ("nn.PReLU()", _X[1], "F.prelu(x, self.m_weight)"),
    ("nn.PReLU(4, init=0.5)", _X[1], "F.prelu(x, self.m_weight)"),
    (f"nn.CrossEntropyLoss({_W}, ignore_index=1)", _LOGITS,
     "F.cross_entropy(x, y, weight=self.m_weight, ignore_index=1)"),
    (f"nn.NLLLoss(weight={_W}, reduction='sum')", _LOGITS, "F.nll_loss(x, y, weight=self.m_weight, reduction='sum')"),
    (f"nn.MultiMarginLoss(2, weight={_W})", _LOGITS, "F.multi_margin_loss(x, y, 2, weight=self.m_weight)"),
    (f"nn.MultiLabelSoftMarginLoss({_W})", _PAIRS, "F.multilabel_soft_margin_loss(x, y, weight=self.m_weight)"),
    (f"nn.BCEWithLogitsLoss({_W}, pos_weight=torch.full([3], 2.0))", _PAIRS,
     "F.binary_cross_entropy_with_logits(x, y, weight=self.m_weight, pos_weight=self.m_pos_weight)"),
    (f"nn.BCEWithLogitsLoss(pos_weight={_W})", _PAIRS,
     "F.binary_cross_entropy_with_logits(x, y, pos_weight=self.m_pos_weight)"),
]  # fmt: skip


@pytest.mark.parametrize(("constructor", "inputs", "call"), CASES, ids=[case[0] for case in CASES])
def test_it_starts_and_trains_as_the_module_did(constructor: str, inputs: str, call: str) -> None:
    module = constructor.removeprefix("nn.").partition("(")[0]
    if not is_installed(weighted_by_module()[module].since):
        pytest.skip("not in this torch")
    names = "x, y" if ", torch." in inputs else "x"
    both = build(
        net(f"return self.m({names})", init=f"self.m = {constructor}", inputs=names), direction=BACK, parameters=True
    )
    assert f"        m = {constructor}\n" in both.text
    assert f"return {call}" in both.text.replace('"', "'")
    assert not list(both.new.children())
    assert len(both.keys) == len(both.old.state_dict())
    train_alike(both, inputs)


def test_a_loss_inside_of_a_model() -> None:
    source = net("return self.m(x.sigmoid(), y)", init=f"self.m = nn.BCELoss({_W})", inputs="x, y")
    both = build(source, direction=BACK)
    assert "F.binary_cross_entropy(x.sigmoid(), y, weight=self.m_weight)" in both.text
    train_alike(both, _PAIRS)


def test_every_class_with_parameters_has_a_case() -> None:
    used = {case[0].partition("(")[0].removeprefix("nn.") for case in CASES} | {"BCELoss"}
    wanted = {pair.module for pair in every_pair() if pair.weights is not None}
    assert used == {module for module in wanted if not module.startswith("InstanceNorm")}  # their rank is not known


@pytest.mark.parametrize("module", sorted(weighted_by_module()))
def test_the_module_has_each_setting_under_the_name_of_the_constructor(module: str) -> None:
    """What only ``__init__`` knows is read from the module: ``self.conv_stride = conv.stride``."""
    pair = weighted_by_module()[module]
    required = {"in_channels", "num_features", "in_features", "in1_features", "num_embeddings", "num_channels"}
    given = {p.name: "4" for p in pair.constructor_signature if p.default is None or p.name in required}
    built = eval(f"torch.nn.{module}({', '.join(f'{name}={value}' for name, value in given.items())})")
    moved = {p.name for p in pair.way_back.signature} & {p.name for p in pair.constructor_signature}
    for name in moved - {*pair.state, "size_average", "reduce"}:
        assert hasattr(built, name), name


# -- settings that only __init__ knows -------------------------------------------------------------------------

FROM_INIT = {
    "nn.Conv2d(4, 6, k, s, p, d, g)": ("3, 2, 1, 2, 2", _X[2]),
    "nn.Conv2d(4, 4, k, stride=s, padding=p)": ("(3, 3), 1, 'same'", _X[2]),
    "nn.ConvTranspose2d(4, 6, k, s, output_padding=p)": ("(3, 2), 2, 1", _X[2]),
    "nn.Conv1d(4, 6, 3, bias=k)": ("False", _X[1]),
    "nn.Linear(k, 5, s)": ("4, True", "torch.randn(3, 4)"),
    "nn.LayerNorm(k, eps=s)": ("6, 1e-3", "torch.randn(2, 6)"),
    "nn.LayerNorm(s, bias=k)": ("False, [4, 6]", "torch.randn(2, 4, 6)"),
    "nn.RMSNorm(k, s)": ("6, None", "torch.randn(2, 6)"),
    "nn.GroupNorm(k, 4, s)": ("2, 1e-3", _X[2]),
    "nn.Embedding(9, 4, k, s, p)": ("-1, 0.5, 1.0", _TABLE),
    "nn.EmbeddingBag(9, 4, mode=k, padding_idx=s)": ("'sum', -1", _TABLE),
    "nn.BatchNorm2d(4, k, float(s))": ("1e-3, 0.25", _X[2]),
}


@pytest.mark.parametrize(("constructor", "values"), FROM_INIT.items(), ids=FROM_INIT)
def test_a_setting_that_only_init_knows_is_read_from_the_module(constructor: str, values: tuple[str, str]) -> None:
    args, inputs = values
    names = sorted(
        {node.id for node in ast.walk(ast.parse(constructor)) if isinstance(node, ast.Name)} - {"nn", "float"}
    )
    names = [name for name in "kspdg" if name in names]
    both = build(net("return self.m(x)", init=f"self.m = {constructor}", args=", ".join(names)), args, direction=BACK)
    assert not list(both.new.children())
    train_alike(both, inputs)


def test_two_seeds_draw_what_they_drew() -> None:
    """What is built in between draws its random numbers in its turn."""
    init = "self.a = nn.Linear(4, 4)\nself.rnn = nn.GRUCell(4, 4)\nself.b = nn.Linear(4, 4)\nself.noise = torch.rand(3)"
    both = build(net("return self.b(self.rnn(self.a(x)))", init=init), direction=BACK)
    assert [name for name, _ in both.new.named_parameters()][:4] == ["a_weight", "a_bias", "b_weight", "b_bias"]
    assert torch.equal(both.old.noise, both.new.noise)  # type: ignore[arg-type]
    train_alike(both, "torch.randn(2, 4)")
