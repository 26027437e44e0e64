"""Constructor arguments are guessed by what the class does with them, where their names say nothing."""

from __future__ import annotations

from nnconvert.verification import Limits

from .checking import HEAD, Check

USED = (
    HEAD
    + """\
import typing

KINDS = {"plain": nn.ReLU, "other": nn.ELU}


class Passed(nn.Module):
    def __init__(self, a, b, q):
        super().__init__()
        self.conv = nn.Conv2d(a, b, q)
        self.narrow = nn.Conv2d(b, b // 2, 1)

    def forward(self, x):
        return F.relu(self.narrow(self.conv(x)))


class PassedOn(nn.Module):
    def __init__(self, one, two):
        super().__init__()
        self.inner = Passed(one, b=two, q=1)

    def forward(self, x):
        return F.relu(self.inner(x))


class Derived(Passed):
    def __init__(self, u, v):
        super().__init__(u, v, 1)


class Several(nn.Module):
    def __init__(self, start, what, flags):
        super().__init__()
        sizes = [start, *what]
        layers = [nn.Linear(i, o, bias=flag) for i, o, flag in zip(sizes[:-1], what, flags)]
        self.layers = nn.Sequential(*layers)
        assert isinstance(what, list)

    def forward(self, x):
        return F.relu(self.layers(x))


class Placed(nn.Module):
    def __init__(self, quad):
        super().__init__()
        assert len(quad) == 3
        self.conv = nn.Conv2d(4, 4, kernel_size=quad[0], stride=quad[1], dilation=quad[2])

    def forward(self, x):
        return F.relu(self.conv(x))


class Counted(nn.Module):
    def __init__(self, r):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(r))

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x))
        return x


class Chosen(nn.Module):
    def __init__(self, how, where, z):
        super().__init__()
        assert z in ("left", "right")
        self.how, self.act = KINDS[how](), getattr(nn, where)()

    def forward(self, x):
        return F.relu(self.how(self.act(x)))


class Built(nn.Module):
    def __init__(self, maker, inner, function):
        super().__init__()
        self.made, self.inner, self.function = maker(4), nn.Sequential(inner, nn.ReLU()), function

    def forward(self, x):
        return F.relu(self.inner(self.made(self.function(x))))


class Keyed(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.linear = nn.Linear(spec["first"]["a"], spec["second"])
        assert set(spec) == {"first", "second"}

    def forward(self, x):
        return F.relu(self.linear(x))


class Asked(nn.Module):
    def __init__(self, thing):
        super().__init__()
        self.linear = nn.Linear(thing.alpha_in, thing.more.beta_out)
        self.layers = nn.ModuleList(nn.Linear(n, n) for n in thing.more.all_of_them)

    def forward(self, x):
        return F.relu(self.linear(x))


class Optional(nn.Module):
    def __init__(self, a, more=0.0):
        super().__init__()
        self.linear, self.rate = nn.Linear(a, a), more[1]

    def forward(self, x):
        return F.relu(self.linear(x)) * self.rate


class Sectioned(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.how = config["how"]
        if self.how not in ("straight", "bent"):
            raise NotImplementedError
        first, (second, *_) = config["first"], config["block_dims"]
        assert first == second  # as in a residual block
        self.linear = nn.Linear(first, second)

    def forward(self, x):
        return F.relu(self.linear(x)) if self.how == "straight" else x


class Volumes(nn.Module):
    def __init__(self, spatial_dims, dim_cut):
        super().__init__()
        self.conv = (nn.Conv2d, nn.Conv3d)[spatial_dims - 2](4, 4, 1)
        self.dim_cut = dim_cut

    def forward(self, x):
        if x.dim() != 5:
            raise ValueError("Expected a 5D tensor")
        first, *_ = torch.split(self.conv(x), 2, dim=self.dim_cut + 1)
        return F.relu(first)


class Sized(nn.Module):
    def __init__(self, input_image_size: typing.Sequence[int], spatial_dims: int = 3):
        super().__init__()
        assert len(input_image_size) == spatial_dims
        self.linear = nn.Linear(input_image_size[-1], 4)

    def forward(self, x):
        return F.relu(self.linear(x))


def fetch():
    raise ValueError("not in a test")


class Fetching(nn.Module):
    def __init__(self, size, weights="imagenet", pretrained=True):
        super().__init__()
        self.linear = nn.Linear(size, 4)
        if weights is not None or pretrained:
            fetch()

    def forward(self, x):
        return F.relu(self.linear(x))


class FetchingByDefault(Fetching):
    def __init__(self, pretrained=True):
        super().__init__(3, None, pretrained)


class Base(nn.Module):
    def forward(self, x):
        # Left to others.

        raise NotImplementedError


class Real(Base):
    def forward(self, x):
        return F.relu(x)


class Held(nn.Module):
    def __init__(self, part: Base):
        super().__init__()
        self.part = part

    def forward(self, x):
        return F.relu(self.part(x))


class Factored(nn.Module):
    def __init__(self, shapes=()):
        super().__init__()
        self.linear = nn.Linear(*shapes[0])

    def forward(self, x):
        return F.relu(self.linear(x))


def _create(variant, **kwargs):
    return Factored(((3, variant),), **kwargs)


def factored_small():
    return _create(4)
"""
)


def test_what_the_class_does_with_its_arguments(check: Check) -> None:
    seen = {e.class_name: (e.verdict, e.reason) for e in check.verify(USED, USED)}
    names = ("Passed", "PassedOn", "Derived", "Several", "Placed", "Counted", "Chosen", "Built", "Keyed", "Asked")
    more = ("Optional", "Sectioned", "Volumes", "Sized", "Fetching", "FetchingByDefault", "Base", "Real", "Held")
    assert seen == dict.fromkeys((*names, *more, "Factored"), ("proved", ""))


CONFIGURED = (
    HEAD
    + """\
import collections
import dataclasses


@dataclasses.dataclass
class PartConfig:
    hidden_size: int = 60000
    num_heads: int = 600


@dataclasses.dataclass
class WholeConfig:
    vocab_size: int = 500000
    pad_token_id: int = 490000
    part: PartConfig = dataclasses.field(default_factory=PartConfig)


class PlainConfig:
    def __init__(self, widths=(30000, 60000), n_layers=3000):
        self.widths, self.n_layers = widths, n_layers


class Part(nn.Module):
    '''A part.

    >>> Part(PartConfig())
    '''

    def __init__(self, config):
        super().__init__()
        assert config.hidden_size % config.num_heads == 0
        self.linear = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, x):
        return F.relu(self.linear(x))


class Whole(nn.Module):
    def __init__(self, config: WholeConfig):
        super().__init__()
        self.words = nn.Embedding(config.vocab_size, config.part.hidden_size, config.pad_token_id)
        self.part = Part(config.part)

    def forward(self, ids):
        return F.relu(self.part(self.words(ids)))


class Plain(nn.Module):
    def __init__(self, cfg: "PlainConfig"):
        super().__init__()
        first, second = cfg.widths
        assert second == 2 * first
        self.layers = nn.ModuleList(nn.Linear(first, second) for _ in range(cfg.n_layers))

    def forward(self, x):
        return F.relu(self.layers[0](x))


BlockConfig = collections.namedtuple("BlockConfig", ["in_width", "out_width"], defaults=(None, None))


class Open(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.linear = nn.Linear(config.in_width, config.out_width)

    def forward(self, x):
        return F.relu(self.linear(x))


class Fixed(nn.Module):
    def __init__(self, size=60000):
        super().__init__()
        self.linear = nn.Linear(size, size)

    def forward(self, x):
        return F.relu(self.linear(x)).sum().item() * x
"""
)


def test_configurations_are_small_and_have_what_is_read(check: Check) -> None:
    evidence = check.verify(CONFIGURED, CONFIGURED, limits=Limits(time=60, tracing=0, memory=3 << 30))
    seen = {e.class_name: (e.verdict, e.inputs) for e in evidence}
    assert seen == {
        "Part": ("proved", "2x32"),
        "Whole": ("proved", "2x8"),
        "Plain": ("proved", "2x32"),
        "Open": ("proved", "2x16"),
        "Fixed": ("unverified", ""),  # its own size is no guess
    }
    (whole,) = (e for e in evidence if e.class_name == "Whole")
    assert "shrunk(WholeConfig())" in whole.entry
