"""The search goes by what a class's own text says: of forward's arguments, and of what it takes from its parts."""

from __future__ import annotations

import tomllib

from .checking import HEAD, Check

FED = (
    HEAD
    + """\
import enum


class Asserted(nn.Module):
    def forward(self, x, y):
        assert x.ndim == 2
        assert y.ndim == 3
        return F.relu(x.sum() + y)


class Pair(nn.Module):
    def forward(self, guess, wanted):
        mean, variance = guess
        return F.gaussian_nll_loss(mean, wanted, variance)


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 8)

    def forward(self, better, worse):
        return F.relu(self.words(better) - self.words(worse))


class Handed(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 1)
        self.linear = nn.Linear(7, 5)

    def forward(self, x, more):
        return F.relu(self.conv(x) + self.linear(more)[..., None, None])


class Kept(nn.Module):
    def forward(self, x, keep):
        return F.relu(x).masked_fill(~keep, 0.0)


class Called(nn.Module):
    def forward(self, x, head):
        return F.relu(head(x))


class Key(enum.Enum):
    MASK = "mask"


class Looked(nn.Module):
    def forward(self, data):
        if "shift" not in data or Key.MASK.value not in data:
            raise ValueError("incomplete")
        return F.relu(data["image"] * data["scale"])


class Many(nn.Module):
    def forward(self, maps: list[torch.Tensor]):
        return F.relu(maps[0] + maps[3])


class Graph(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(12, 4)

    def forward(self, data):
        x, edge_index, batch = data.x, data.edge_index, data.batch
        x = F.relu(self.linear(x))
        x = x.index_add(0, edge_index[1], x[edge_index[0]])
        return torch.zeros(1, 4).index_add(0, batch, x)


class Updated(nn.Module):
    def forward(self, x, data):
        data.update({"found": F.relu(x * data.get("scale"))})
        return data["found"]


class CalledItself(nn.Module):
    def __call__(self, x, y):
        assert y.ndim == 3
        return F.relu(x.sum() + y)


class Nameless(nn.Module):
    def helper(self, x):
        return F.relu(x)
"""
)
NAMES = ("Asserted", "Pair", "Tokens", "Handed", "Kept", "Called", "Looked", "Many", "Graph", "Updated", "CalledItself")


def test_arguments_by_what_forward_does_with_them(check: Check) -> None:
    *found, nameless = check.verify(FED, FED)
    assert {e.class_name: e.reason for e in found} == dict.fromkeys(NAMES, "")
    assert {e.verdict for e in found} <= {"proved", "tested"}, found
    assert (nameless.verdict, nameless.reason) == ("unverified", "the class has no forward")


PARTS = (
    HEAD
    + """\
class Layers(nn.Module):
    def __init__(self, dim, rank=None):
        super().__init__()
        assert rank is not None, "rank must be given"
        self.dim, self.rank = dim, rank

    def forward(self, x):
        return x


class Rows(Layers):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.rows = True


class Core(nn.Module):
    def __init__(self, layers: Layers):
        super().__init__()
        self.layers = layers
        self.linear = nn.Linear(layers.dim, layers.dim)
        self.register_buffer("length", torch.tensor(4))

    def forward(self, x):
        return self.linear(self.layers(x))
"""
)
BUILT = (
    HEAD
    + """\
from parts import Core, Rows

PLAIN, DEEP = "plain", "deep"


class Annotated(nn.Module):
    def __init__(self, core: Core):
        super().__init__()
        assert isinstance(core.layers, Rows)
        self.core = core

    def forward(self, x):
        return F.relu(self.core(x))


class Used(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.out = nn.Linear(net.layers.dim, 3)

    def forward(self, x):
        return F.relu(self.out(self.net(x)) * self.net.length)


class Chosen(nn.Module):
    def __init__(self, way):
        super().__init__()
        assert way in {PLAIN, DEEP}

    def forward(self, x):
        return F.relu(x)


class Stages(nn.Module):
    def __init__(self, places: tuple[int, int]):
        super().__init__()
        self.places = places

    def forward(self, x):
        return F.relu(x * self.places[3])


class Smooth(nn.Module):
    def __init__(self, smoothness=None):
        super().__init__()
        self.smoothness = smoothness

    def forward(self, x):
        return F.relu(x) * (1 - self.smoothness)


class Loaded(nn.Module):
    \"\"\"Loads.

    >>> Loaded("best", pretrained=True)(torch.randn(2, 4))
    \"\"\"

    def __init__(self, name, pretrained):
        super().__init__()
        assert name == "best" and not pretrained, "no network"

    def forward(self, x):
        return F.relu(x)
"""
)


def test_constructors_by_what_is_taken_of_their_arguments(check: Check) -> None:
    (check.folder / "parts.py").write_text(PARTS)
    found = check.verify(BUILT, BUILT)
    names = ("Annotated", "Used", "Chosen", "Stages", "Smooth", "Loaded")
    assert {e.class_name: e.reason for e in found} == dict.fromkeys(names, "")
    assert {e.verdict for e in found} <= {"proved", "tested"}, found
    # What is printed does the same when it is given, though a class of another module is named in it.
    entry = next(e.entry for e in found if e.class_name == "Used")
    assert "importlib.import_module('parts').Layers" in entry
    models = tomllib.loads(entry)["tool"]["nnconvert"]["models"]
    again = next(e for e in check.verify(BUILT, BUILT, models=models) if e.class_name == "Used")
    assert (again.verdict, again.built_from) == ("proved", "the configuration")
