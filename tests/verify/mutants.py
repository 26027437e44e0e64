"""Pairs of a functional and its module class, and wrong conversions made of them by changing one thing at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nnconvert.verification import Expected

from .checking import HEAD, calls_of

IMAGE = "2, 4, 6, 6"
LINE = "2, 4, 8"
FLAT = "3, 8"
VOLUME = "2, 2, 4, 4, 4"


@dataclass(frozen=True)
class Pair:
    """The functional's call of ``x``, the constructor that does the same, and others that do not."""

    functional: str
    built: str
    wrong: tuple[str, ...]
    shape: str = FLAT
    inputs: str = "x"
    """What the submodule is called with."""

    @property
    def name(self) -> str:
        return self.functional.partition("(")[0]


def _loss(name: str, kind: str, target: str, *wrong: str, setting: str = "reduction='sum'", x: str = "x") -> Pair:
    """A loss with a setting that is not its default, which the first wrong one forgets."""
    inputs = f"{x}, {target}"
    lost = tuple(f"nn.{kind}({text})" for text in ("", *wrong))
    return Pair(f"F.{name}({inputs}, {setting})", f"nn.{kind}({setting})", lost, inputs=inputs)


PAIRS = (
    Pair("F.relu(x)", "nn.ReLU()", ("nn.ReLU6()", "nn.ReLU(inplace=True)")),
    Pair("F.relu(x, inplace=True)", "nn.ReLU(inplace=True)", ("nn.ReLU()", "nn.ELU(inplace=True)")),
    Pair("F.relu6(x)", "nn.ReLU6()", ("nn.ReLU()", "nn.Hardtanh(0.0, 5.0)")),
    Pair("F.elu(x, 0.5)", "nn.ELU(0.5)", ("nn.ELU()", "nn.CELU(0.5)")),
    Pair("F.selu(x)", "nn.SELU()", ("nn.ELU()", "nn.SELU(True)")),
    Pair("F.celu(x, 2.0)", "nn.CELU(2.0)", ("nn.CELU()", "nn.ELU(2.0)")),
    Pair("F.gelu(x)", "nn.GELU()", ("nn.GELU('tanh')", "nn.SiLU()")),
    Pair("F.gelu(x, approximate='tanh')", "nn.GELU('tanh')", ("nn.GELU()",)),
    Pair("F.silu(x)", "nn.SiLU()", ("nn.Mish()", "nn.Hardswish()")),
    Pair("F.mish(x)", "nn.Mish()", ("nn.SiLU()",)),
    Pair("F.leaky_relu(x, 0.2)", "nn.LeakyReLU(0.2)", ("nn.LeakyReLU()", "nn.LeakyReLU(0.02)")),
    Pair("F.leaky_relu(x)", "nn.LeakyReLU()", ("nn.LeakyReLU(0.010001)",)),
    Pair("F.rrelu(x, 0.1, 0.4, self.training)", "nn.RReLU(0.1, 0.4)", ("nn.RReLU()", "nn.LeakyReLU(0.25)")),
    Pair("F.hardtanh(x, -2.0, 0.5)", "nn.Hardtanh(-2.0, 0.5)", ("nn.Hardtanh()", "nn.Hardtanh(-0.5, 2.0)")),
    Pair("F.hardswish(x)", "nn.Hardswish()", ("nn.SiLU()",)),
    Pair("F.hardsigmoid(x)", "nn.Hardsigmoid()", ("nn.Sigmoid()",)),
    Pair("F.hardshrink(x, 0.7)", "nn.Hardshrink(0.7)", ("nn.Hardshrink()", "nn.Softshrink(0.7)")),
    Pair("F.softshrink(x, 0.7)", "nn.Softshrink(0.7)", ("nn.Softshrink()",)),
    Pair("F.tanhshrink(x)", "nn.Tanhshrink()", ("nn.Tanh()",)),
    Pair("F.softplus(x, 2.0, 9.0)", "nn.Softplus(2.0, 9.0)", ("nn.Softplus(2.0)", "nn.Softplus()")),
    Pair("F.softsign(x)", "nn.Softsign()", ("nn.Tanh()",)),
    Pair("F.logsigmoid(x)", "nn.LogSigmoid()", ("nn.Sigmoid()",)),
    Pair("F.threshold(x, 0.1, 20.0)", "nn.Threshold(0.1, 20.0)",
         ("nn.Threshold(0.1, 2.0)", "nn.Threshold(0.5, 20.0)")),
    Pair("F.glu(x, 1)", "nn.GLU(1)", ("nn.GLU(0)",), "4, 8"),
    Pair("torch.sigmoid(x)", "nn.Sigmoid()", ("nn.Tanh()",)),
    Pair("torch.tanh(x)", "nn.Tanh()", ("nn.Sigmoid()", "nn.Hardtanh()")),
    Pair("F.softmax(x, dim=0)", "nn.Softmax(dim=0)", ("nn.Softmax(dim=1)", "nn.LogSoftmax(dim=0)")),
    Pair("F.log_softmax(x, -1)", "nn.LogSoftmax(-1)", ("nn.LogSoftmax(0)",)),
    Pair("F.softmin(x, dim=1)", "nn.Softmin(dim=1)", ("nn.Softmin(dim=0)", "nn.Softmax(dim=1)")),
    Pair("F.dropout(x, 0.3, self.training)", "nn.Dropout(0.3)", ("nn.Dropout()", "nn.Dropout(0.3, True)")),
    Pair("F.dropout(x, training=self.training)", "nn.Dropout()", ("nn.Dropout(0.4)", "nn.AlphaDropout()")),
    Pair("F.dropout1d(x, 0.4, self.training)", "nn.Dropout1d(0.4)", ("nn.Dropout(0.4)", "nn.Dropout1d(0.1)"), LINE),
    Pair("F.dropout2d(x, 0.4, self.training)", "nn.Dropout2d(0.4)", ("nn.Dropout(0.4)", "nn.Dropout2d()"), IMAGE),
    Pair("F.dropout3d(x, 0.4, self.training)", "nn.Dropout3d(0.4)", ("nn.Dropout(0.4)",), VOLUME),
    Pair("F.alpha_dropout(x, 0.4, self.training)", "nn.AlphaDropout(0.4)", ("nn.Dropout(0.4)", "nn.AlphaDropout()")),
    Pair("F.feature_alpha_dropout(x, 0.4, self.training)", "nn.FeatureAlphaDropout(0.4)", ("nn.AlphaDropout(0.4)",),
         IMAGE),
    Pair("F.max_pool1d(x, 2)", "nn.MaxPool1d(2)", ("nn.MaxPool1d(3, 2)", "nn.AvgPool1d(2)"), LINE),
    Pair("F.max_pool2d(x, 2)", "nn.MaxPool2d(2)", ("nn.MaxPool2d(3, 2)", "nn.MaxPool2d(2, 1)"), IMAGE),
    Pair("F.max_pool2d(x, 3, 2, 1)", "nn.MaxPool2d(3, 2, 1)",
         ("nn.MaxPool2d(3, 2)", "nn.MaxPool2d(3, 2, 1, 2)"), IMAGE),
    Pair("F.max_pool3d(x, 2)", "nn.MaxPool3d(2)", ("nn.MaxPool3d(2, 1)",), VOLUME),
    Pair("F.avg_pool1d(x, 2, 1)", "nn.AvgPool1d(2, 1)", ("nn.AvgPool1d(2)",), LINE),
    Pair("F.avg_pool2d(x, 3, padding=1, count_include_pad=False)",
         "nn.AvgPool2d(3, padding=1, count_include_pad=False)",
         ("nn.AvgPool2d(3, padding=1)", "nn.AvgPool2d(3, padding=1, divisor_override=5)"), IMAGE),
    Pair("F.avg_pool3d(x, 2)", "nn.AvgPool3d(2)", ("nn.AvgPool3d(2, 1)",), VOLUME),
    Pair("F.lp_pool2d(x, 2, 2)", "nn.LPPool2d(2, 2)", ("nn.LPPool2d(1, 2)", "nn.LPPool2d(2, 3)"), IMAGE),
    Pair("F.adaptive_avg_pool1d(x, 3)", "nn.AdaptiveAvgPool1d(3)", ("nn.AdaptiveAvgPool1d(4)",), LINE),
    Pair("F.adaptive_avg_pool2d(x, (2, 3))", "nn.AdaptiveAvgPool2d((2, 3))", ("nn.AdaptiveAvgPool2d((3, 2))",), IMAGE),
    Pair("F.adaptive_max_pool2d(x, 2)", "nn.AdaptiveMaxPool2d(2)", ("nn.AdaptiveAvgPool2d(2)",), IMAGE),
    Pair("F.pad(x, (1, 2))", "nn.ConstantPad1d((1, 2), 0.0)", ("nn.ConstantPad1d((2, 1), 0.0)",
         "nn.ConstantPad1d((1, 2), 0.5)"), LINE),
    Pair("F.pad(x, (1, 2, 2, 1), mode='reflect')", "nn.ReflectionPad2d((1, 2, 2, 1))",
         ("nn.ReplicationPad2d((1, 2, 2, 1))",
         "nn.ReflectionPad2d((2, 1, 1, 2))"), IMAGE),
    Pair("F.pad(x, (1, 1, 1, 1), mode='replicate')", "nn.ReplicationPad2d(1)", ("nn.ZeroPad2d(1)",), IMAGE),
    Pair("F.pad(x, (1, 1), mode='circular')", "nn.CircularPad1d(1)", ("nn.ReflectionPad1d(1)",), LINE),
    Pair("torch.flatten(x, 1)", "nn.Flatten()", ("nn.Flatten(2)", "nn.Flatten(0)"), LINE),
    Pair("x.unflatten(1, (2, 4))", "nn.Unflatten(1, (2, 4))", ("nn.Unflatten(1, (4, 2))",)),
    Pair("F.pixel_shuffle(x, 2)", "nn.PixelShuffle(2)", ("nn.Upsample(scale_factor=2)",), IMAGE),
    Pair("F.pixel_unshuffle(x, 2)", "nn.PixelUnshuffle(2)", ("nn.PixelUnshuffle(3)",), IMAGE),
    Pair("F.channel_shuffle(x, 2)", "nn.ChannelShuffle(2)", ("nn.ChannelShuffle(1)",), "2, 8, 2, 2"),
    Pair("F.unfold(x, 2)", "nn.Unfold(2)", ("nn.Unfold(2, stride=2)", "nn.Unfold(3)"), IMAGE),
    Pair("F.fold(x, (3, 3), 2)", "nn.Fold((3, 3), 2)", ("nn.Fold((3, 3), 2, padding=1, stride=3)",), "2, 4, 4"),
    Pair("F.interpolate(x, scale_factor=2.0)", "nn.Upsample(scale_factor=2)", ("nn.Upsample(scale_factor=3)",
         "nn.Upsample(scale_factor=2, mode='bilinear')"), IMAGE),
    Pair("F.interpolate(x, (9, 7), mode='bilinear')", "nn.Upsample((9, 7), mode='bilinear')",
         ("nn.Upsample((9, 7), mode='bilinear', align_corners=True)", "nn.Upsample((7, 9), mode='bilinear')"), IMAGE),
    Pair("F.local_response_norm(x, 2)", "nn.LocalResponseNorm(2)", ("nn.LocalResponseNorm(3)",
         "nn.LocalResponseNorm(2, k=2.0)"), IMAGE),
    Pair("F.layer_norm(x, (8,))", "nn.LayerNorm(8, elementwise_affine=False)", ("nn.LayerNorm(8)",
         "nn.LayerNorm(8, 1e-3, elementwise_affine=False)")),
    Pair("F.cosine_similarity(x, x.flip(0), 1)", "nn.CosineSimilarity(1)", ("nn.CosineSimilarity(0)",
         "nn.PairwiseDistance()"), inputs="x, x.flip(0)"),
    Pair("F.pairwise_distance(x, x.flip(0), 1.0)", "nn.PairwiseDistance(1.0)", ("nn.PairwiseDistance()",
         "nn.PairwiseDistance(1.0, keepdim=True)"), inputs="x, x.flip(0)"),
    _loss("mse_loss", "MSELoss", "x.detach() + 2", "reduction='none'"),
    _loss("l1_loss", "L1Loss", "x.detach() + 2"),
    _loss("smooth_l1_loss", "SmoothL1Loss", "x.detach().flip(0)", setting="beta=0.3"),
    _loss("huber_loss", "HuberLoss", "x.detach().flip(0)", "delta=0.4", setting="delta=0.3"),
    _loss("kl_div", "KLDivLoss", "x.detach().softmax(1)", "reduction='sum', log_target=True"),
    _loss("binary_cross_entropy", "BCELoss", "x.detach().sigmoid().flip(0)", x="x.sigmoid()"),
    _loss("binary_cross_entropy_with_logits", "BCEWithLogitsLoss", "x.detach().sigmoid().flip(0)"),
    _loss("nll_loss", "NLLLoss", "x.detach().argmax(1)"),
    _loss("cross_entropy", "CrossEntropyLoss", "x.detach().argmin(1)", setting="label_smoothing=0.1"),
    _loss("cross_entropy", "CrossEntropyLoss", "x.detach().argmin(1)", "reduction='none'"),
    _loss("poisson_nll_loss", "PoissonNLLLoss", "x.detach().abs()", setting="log_input=False", x="x.abs() + 1"),
    _loss("hinge_embedding_loss", "HingeEmbeddingLoss", "x.detach().sign()", setting="margin=0.5"),
    _loss("soft_margin_loss", "SoftMarginLoss", "x.detach().sign()"),
    _loss("margin_ranking_loss", "MarginRankingLoss", "x.flip(0), x.detach().sign()", setting="margin=0.5"),
    _loss("triplet_margin_loss", "TripletMarginLoss", "x.flip(0), x.roll(1, 0)",
          "margin=9.0, p=1", setting="margin=9.0"),
    _loss("multilabel_soft_margin_loss", "MultiLabelSoftMarginLoss", "(x.detach() > 0).float()"),
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One class in both versions (statements of ``__init__``, the expression that forward returns) and the plan."""

    name: str
    old: tuple[str, str]
    new: tuple[str, str]
    shape: str
    added: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()


def to_module(pair: Pair, built: str) -> Mutant:
    """``F.relu(x)`` becomes a call of what is built; the plan says what should have been built."""
    new = (f"self.m = {built}", f"self.m({pair.inputs})")
    return Mutant(f"{pair.name} to {built}", ("self.n = 1", pair.functional), new, pair.shape, (("m", built),))


def to_functional(pair: Pair, built: str) -> Mutant:
    """A call of what is built becomes the functional."""
    old = (f"self.m = {built}", f"self.m({pair.inputs})")
    return Mutant(f"{built} to {pair.name}", old, ("self.n = 1", pair.functional), pair.shape, removed=("m",))


LINEAR = "self.c = nn.Linear(8, 8)"
ONE = (("m", "nn.ReLU()"),)
TWO = (("m", "nn.Dropout(0.3)"), ("k", "nn.Dropout(0.3)"))
DROPOUTS = "F.dropout(F.dropout(x, 0.3, self.training), 0.3, self.training)"
OTHERWISE = (
    Mutant("another submodule is called", (f"{LINEAR}; self.k = nn.ELU()", "F.relu(self.c(x))"),
           (f"{LINEAR}; self.k = nn.ELU(); self.m = nn.ReLU()", "self.k(self.c(x))"), FLAT, ONE),
    Mutant("two sites in the other order", ("self.n = 1", "F.elu(F.softsign(x))"),
           ("self.m = nn.ELU(); self.k = nn.Softsign()", "self.k(self.m(x))"), FLAT,
           (("m", "nn.ELU()"), ("k", "nn.Softsign()"))),
    Mutant("a shadowed F", ("self.n = 1; F = torch.nn.functional", "(lambda F: F.relu(x))(torch.nn.functional)"),
           ("self.m = nn.ELU()", "self.m(x)"), FLAT, (("m", "nn.ELU()"),)),
    Mutant("a name that stood for something else", ("self.n = 1", "(lambda relu: relu(x))(F.elu)"),
           ("self.m = nn.ReLU()", "self.m(x)"), FLAT, ONE),
    Mutant("a dropout that stays on", ("self.n = 1", "F.dropout(x, 0.3, self.training)"),
           ("self.m = nn.Dropout(0.3)", "self.m.train()(x)"), FLAT, (("m", "nn.Dropout(0.3)"),)),
    Mutant("a dropout that stays off", ("self.n = 1", "F.dropout(x, 0.3, self.training)"),
           ("self.m = nn.Dropout(0.3)", "self.m.eval()(x)"), FLAT, (("m", "nn.Dropout(0.3)"),)),
    Mutant("one dropout for two", ("self.n = 1", DROPOUTS),
           ("self.m = nn.Dropout(0.3); self.k = self.m", "self.k(self.m(x))"), FLAT, TWO),
    Mutant("a submodule that nobody planned", ("self.n = 1", "F.relu(x)"),
           ("self.m = nn.ReLU(); self.k = nn.ReLU()", "self.m(x)"), FLAT, ONE),
    Mutant("a submodule hidden from all", ("self.n = 1", "F.relu(x)"),
           ("self.__dict__['m'] = nn.ReLU()", "self.m(x)"), FLAT, ONE),
    Mutant("a submodule in a list", ("self.n = 1", "F.relu(x)"), ("self.m = [nn.ReLU()]", "self.m[0](x)"), FLAT, ONE),
    Mutant("a key that is renamed", (LINEAR, "F.relu(self.c(x))"),
           ("self.d = nn.Linear(8, 8); self.m = nn.ReLU()", "self.m(self.d(x))"), FLAT, ONE),
    Mutant("a parameter that is gained", ("self.n = 1", "F.relu(x)"),
           ("self.m = nn.PReLU(init=0.0)", "self.m(x)"), FLAT, (("m", "nn.PReLU(init=0.0)"),)),
    Mutant("parameters registered in another order",
           (f"{LINEAR}; self.d = nn.Linear(8, 8)", "F.relu(self.d(self.c(x)))"),
           (f"self.d = nn.Linear(8, 8); {LINEAR}; self.m = nn.ReLU()", "self.m(self.d(self.c(x)))"), FLAT, ONE),
    Mutant("another initial value", (LINEAR, "F.relu(self.c(x))"),
           (f"self.m = nn.ReLU(); torch.rand(1); {LINEAR}", "self.m(self.c(x))"), FLAT, ONE),
    Mutant("another dtype", ("self.n = 1", "F.relu(x)"), ("self.m = nn.ReLU()", "self.m(x.double())"), FLAT, ONE),
    Mutant("a dtype on the way", ("self.n = 1", "F.softmax(x, 1)"),
           ("self.m = nn.Softmax(1)", "self.m(x.double()).float()"), FLAT, (("m", "nn.Softmax(1)"),)),
    Mutant("a hook on what is new", ("self.n = 1", "F.relu(x)"),
           ("self.m = nn.ReLU(); self.m.register_forward_hook(lambda m, i, o: o * 2)", "self.m(x)"), FLAT, ONE),
    Mutant("a hook that meets all submodules", (f"{LINEAR}; [m.register_forward_hook(lambda m, i, o: o * 2) for m in "
           "self.children()]", "F.relu(self.c(x))"), (f"{LINEAR}; self.m = nn.ReLU(); [m.register_forward_hook("
           "lambda m, i, o: o * 2) for m in self.children()]", "self.m(self.c(x))"), FLAT, ONE),
    Mutant("a buffer", ("self.n = 1", "F.relu(x)"),
           ("self.m = nn.ReLU(); self.register_buffer('b', torch.ones(1))", "self.m(x)"), FLAT, ONE),
    Mutant("a buffer of another momentum", ("self.b = nn.BatchNorm1d(8)", "F.relu(self.b(x))"),
           ("self.b = nn.BatchNorm1d(8, momentum=0.2); self.m = nn.ReLU()", "self.m(self.b(x))"), FLAT, ONE),
    Mutant("random numbers in another order", ("self.n = 1", "F.dropout(x, 0.5, self.training) + torch.rand_like(x)"),
           ("self.m = nn.Dropout()", "torch.rand_like(x) + self.m(x)"), FLAT, (("m", "nn.Dropout()"),)),
    Mutant("random numbers drawn once more", ("self.n = 1", "F.dropout(x, 0.5, self.training)"),
           ("self.m = nn.Dropout()", "(self.m(x), self.m(x))[0]"), FLAT, (("m", "nn.Dropout()"),)),
    Mutant("a gradient stopped", ("self.n = 1", "F.relu(x)"), ("self.m = nn.ReLU()", "self.m(x.detach())"), FLAT, ONE),
    Mutant("a gradient doubled", ("self.n = 1", "F.relu(x)"),
           ("self.m = nn.ReLU()", "(lambda y: y + y - y.detach())(self.m(x))"), FLAT, ONE),
    Mutant("a copy of what was in place", ("self.n = 1", "F.relu_(x)"),
           ("self.m = nn.ReLU(inplace=True)", "self.m(x.clone())"), FLAT, (("m", "nn.ReLU(inplace=True)"),)),
    Mutant("inputs swapped", ("self.n = 1", "F.kl_div(x, x.exp(), reduction='sum')"),
           ("self.m = nn.KLDivLoss(reduction='sum')", "self.m(x.exp(), x)"), FLAT,
           (("m", "nn.KLDivLoss(reduction='sum')"),)),
    Mutant("a setting rebound since", ("self.p = 0.1; self.q = 0.3; self.p = 0.4", "F.leaky_relu(x, self.p)"),
           ("self.p = 0.1; self.m = nn.LeakyReLU(self.p); self.q = 0.3; self.p = 0.4", "self.m(x)"), FLAT,
           (("m", "nn.LeakyReLU(self.p)"),)),
    Mutant("a site of one mode only", ("self.n = 1", "F.relu(x) if self.training else F.elu(x)"),
           ("self.m = nn.ReLU()", "self.m(x)"), FLAT, ONE),
)  # fmt: skip
"""What else a conversion can get wrong, one of each."""


def right() -> Iterator[Mutant]:
    """Every pair, both ways."""
    for pair in PAIRS:
        yield to_module(pair, pair.built)
        yield to_functional(pair, pair.built)


def wrong() -> Iterator[Mutant]:
    """Every pair with every wrong constructor, some of them the other way, too; and what else can go wrong."""
    yield from OTHERWISE
    for number, pair in enumerate(PAIRS):
        yield from (to_module(pair, built) for built in pair.wrong)
        if number % 3 == 0:
            yield to_functional(pair, pair.wrong[0])


def module_of(mutants: list[Mutant]) -> tuple[str, str, list[Expected]]:
    """Both versions of one file that holds all of them, as classes C0, C1, ..., and what is planned for each."""
    versions = []
    for version in ("old", "new"):
        classes = [_class(f"C{number}", *getattr(mutant, version)) for number, mutant in enumerate(mutants)]
        versions.append(HEAD + "\n".join(classes) + _examples(mutants))
    plans = [
        Expected(f"C{number}", m.added, m.removed, calls_of("m", versions[0], f"C{number}") if m.removed else ())
        for number, m in enumerate(mutants)
    ]
    return versions[0], versions[1], plans


def _class(name: str, init: str, returned: str) -> str:
    head = f"class {name}(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    return f"{head}        {init}\n    def forward(self, x):\n        y = {returned}\n        return x, y\n"


def _examples(mutants: list[Mutant]) -> str:
    lines = [f"    C{number}()(3 * torch.randn({mutant.shape}))" for number, mutant in enumerate(mutants)]
    return "\n".join(['if __name__ == "__main__":', *lines]) + "\n"
