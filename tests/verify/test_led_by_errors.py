"""The search goes by what exceptions say: of forward about its inputs, of constructors about their arguments."""

from __future__ import annotations

import tomllib

from nnconvert.verification import Limits

from .checking import HEAD, Check, net

FED = (
    HEAD
    + """\
class Volumes(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(24, 24, 1)

    def forward(self, xs):
        return F.relu(torch.stack([F.interpolate(self.conv(x), scale_factor=2.0, mode="trilinear") for x in xs]))


class Asserts(nn.Module):
    def forward(self, x, y):
        b, n, c = x.shape
        if y.shape != (b, c, 7):
            raise ValueError("wrong")
        return F.relu(x @ y)


class Matches(nn.Module):
    def forward(self, left, data):
        h = data["size"].sum() + data["scale"].mean()
        b, n, c = left.shape
        return F.relu(left * h)


class Shaped(nn.Module):
    def forward(self, x):
        if x.dim() != 4 or x.shape[1] != 1:
            raise TypeError(f"Expected shape: ['B', '1', 'H', 'W'] Actual shape: {list(x.shape)}")
        return F.relu(x)


class Placed(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(18, 8, 1)

    def forward(self, x):
        places = torch.ones(x.shape[0], 2, *x.shape[2:])
        return F.relu(self.conv(torch.cat([x, places], 1)))


class Named(nn.Module):
    def taken(self, data):
        return data.hidden * data["scale"]

    def forward(self, x, more):
        return F.relu(self.taken(more) + x)


class Crossed(nn.Module):
    def forward(self, x):
        return F.relu(torch.linalg.cross(x, x + 1))


class Edges(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Embedding(9, 8), nn.Embedding(3, 8)

    def forward(self, x, edge_index, edge_attr):
        x = self.one(x[:, 0].long())
        edge_attr = self.two(edge_attr[:, 0])
        return F.relu(x.index_add(0, edge_index[1], edge_attr))


class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Linear(5, 5)

    def forward(self, x, places):
        return F.relu(self.words(x))[places]
"""
)


def test_inputs_that_exceptions_ask_for(check: Check) -> None:
    found = check.verify(FED, FED)
    names = ("Volumes", "Asserts", "Matches", "Shaped", "Placed", "Named", "Crossed", "Edges", "Whole")
    assert {e.class_name: e.reason for e in found} == dict.fromkeys(names, "")
    assert {e.verdict for e in found} <= {"proved", "tested"}, found


def test_what_ends_the_process_is_not_tried_again(check: Check) -> None:
    source = "import os\n" + net("self.n = 1", "if x.dim() == 4:\n    os.kill(os.getpid(), 11)\nreturn F.relu(x)")
    assert check.tested(source).inputs.startswith("2x8x16")


SLOW = net("self.n = 1", "while x.dim() == 4:\n    pass\nreturn F.relu(x)")


def test_one_try_does_not_take_all_the_time(check: Check) -> None:
    assert check.tested(SLOW, limits=Limits(time=20)).inputs.startswith("2x8x16")


BUILT = (
    HEAD
    + """\
class Counted(nn.Module):
    def __init__(self, dim: int, kernel_size: tuple[int, int]):
        super().__init__()
        rows, columns = kernel_size
        self.conv = nn.Conv2d(dim, dim, kernel_size)

    def forward(self, x):
        return F.relu(self.conv(x))


class Called(nn.Module):
    def __init__(self, conv=None, norm=None):
        super().__init__()
        self.conv = conv
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        return F.relu(self.conv(self.linear(x)))


class Configured(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.linear = nn.Linear(config.hidden_size, config.frobnications)

    def forward(self, x):
        return F.relu(self.linear(x))


class Nothing(nn.Module):
    def forward(self, x):
        return F.relu(x * float("nan"))
"""
)


def test_arguments_that_exceptions_ask_for(check: Check) -> None:
    *found, nothing = check.verify(BUILT, BUILT)
    names = ("Counted", "Called", "Configured")
    assert {e.class_name: e.reason for e in found} == dict.fromkeys(names, "")
    assert {e.verdict for e in found} <= {"proved", "tested"}, found
    assert nothing.verdict == "unverified"
    assert "every number of the output is NaN" in nothing.reason
    for evidence in found:
        models = tomllib.loads(evidence.entry)["tool"]["nnconvert"]["models"]
        # What is printed does the same when it is given.
        (again,) = (e for e in check.verify(BUILT, BUILT, models=models) if e.class_name == evidence.class_name)
        assert again.verdict in ("proved", "tested")
        assert again.built_from == "the configuration"
        break
