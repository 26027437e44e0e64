"""How a model is built without being told, and with hints."""

from __future__ import annotations

import pytest

from nnconvert.verification import Expected, Hints

from .checking import HEAD, Check, net

ODD = (
    HEAD
    + """\
def size_of(spec):
    return spec["size"]


class Net(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.linear = nn.Linear(size_of(spec), 3)

    def forward(self, x, *, scale):
        assert x.shape[0] == 5
        return self.linear(x) * scale["by"]
"""
)
ARGS = '{"size": 4}'
INPUTS = 'torch.randn(5, 4), scale={"by": 2.0}'


def test_hints(check: Check) -> None:
    evidence = check.tested(ODD, hints=Hints(args=ARGS, inputs=INPUTS))
    assert evidence.built_from == "--args, --inputs"
    assert evidence.inputs == "5x4"


def test_hints_for_one_class_leave_the_others_alone(check: Check) -> None:
    source = ODD + net("self.n = 1", "return x + 1", "Other")
    first, second = check.verify(source, source, hints=Hints("Net", ARGS, INPUTS))
    assert (first.verdict, second.verdict) == ("proved", "proved")
    assert (first.built_from, second.built_from) == ("--args, --inputs", "defaults")


def test_config_entry(check: Check) -> None:
    evidence = check.tested(ODD, models={"net:Net": {"args": ARGS, "inputs": INPUTS}})
    assert evidence.built_from == "the configuration"


def test_hints_that_do_not_work_say_so(check: Check) -> None:
    evidence = check.unverified(ODD, "--args, --inputs: nothing_here", hints=Hints(args="nothing_here"))
    assert "NameError" in evidence.reason
    assert evidence.misused
    evidence = check.unverified(ODD, "--args, --inputs: 1 / 0", hints=Hints(args=ARGS, inputs="1 / 0"))
    assert "ZeroDivisionError" in evidence.reason
    check.unverified(ODD, "the given arguments do not work", hints=Hints(args="3"))
    check.unverified(ODD, "the given inputs do not work", hints=Hints(args=ARGS, inputs="3"))


def test_unbuildable_class_says_what_to_give(check: Check) -> None:
    evidence = check.unverified(ODD, "no value is known for its constructor's spec")
    assert 'tool.nnconvert.models."net:Net"' in evidence.remedy


MAIN = """
if __name__ == "__main__":
  for size in (4, 6):
    spec = {"size": size}
    model = Net(spec).cuda().eval()
    batch = torch.randn(5, size, device="cuda")
    print(model(batch.cuda(), scale={"by": 3.0}).shape)
"""
TEST = """
def test_net(size=4):
    net, by = Net({"size": size}), 2.0
    with torch.no_grad():
        y = net.forward(torch.randn(5, size), scale={"by": by})
    assert y.shape == (5, 3)
"""
KERNEL = """
def get_init_inputs():
    return [{"size": 4}]

def get_inputs():
    return [Batch(5, 4)]

def Batch(*shape):
    return torch.randn(*shape)
"""
FACTORY = """
def small(pretrained=True, **kwargs):
    assert not pretrained
    return Net(spec={"size": 4}, **kwargs)

def main():
    net = small(False)
    net(torch.randn(5, 4), scale={"by": 2.0})
"""


@pytest.mark.parametrize(
    ("tail", "source"),
    [(MAIN, 'if __name__ == "__main__"'), (TEST, "test_net()"), (FACTORY, "main()")],
)
def test_conventions_of_the_file(check: Check, tail: str, source: str) -> None:
    evidence = check.tested(ODD + tail)
    assert evidence.built_from == source
    assert evidence.inputs.startswith("5x4")


def test_get_inputs(check: Check) -> None:
    plain = ODD.replace(", *, scale", "").replace(' * scale["by"]', "")
    assert check.tested(plain + KERNEL).built_from == "get_inputs()"


def test_docstring_examples(check: Check) -> None:
    example = '''"""Scales.

    Example::

        >>> net = Net({"size": 4})
        >>> x = torch.randn(5, 4)
        >>> y = net(x, scale={"by": 2.0})
    """
    def __init__'''
    evidence = check.tested(ODD.replace("def __init__", example, 1))
    assert evidence.built_from == "docstring of Net"


def test_a_class_that_only_runs_inside_another(check: Check) -> None:
    inner = "class Inner(nn.Module):\n    def __init__(self, spec):\n        super().__init__()\n"
    inner += "        self.spec = spec\n"
    inner += "    def forward(self, parts):\n        return F.relu(parts[0]['x']) * self.spec['n']\n\n"
    top = net("self.inner = Inner({'n': 2})", "return self.inner([{'x': x + 1}])", "Top")
    old = HEAD + inner + top
    new = old.replace("* self.spec['n']", "* 3")
    evidence = check.one(old, old, Expected("Inner"))
    assert (evidence.verdict, evidence.inside) == ("proved", "Top")
    assert check.one(old, new, Expected("Inner")).verdict == "differs"


BLOCK = (
    HEAD
    + """\
class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inplanes, planes, stride=1, downsample=None):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 1)
        self.conv2 = nn.Conv2d(planes, planes * 4, 3, stride, 1)

    def forward(self, x):
        return F.relu(self.conv2(self.conv1(x)) + x)


class Attention(nn.Module):
    def __init__(self, dim, num_heads, qkv_bias: bool, drop_rate):
        super().__init__()
        self.heads, self.rate = num_heads, drop_rate
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)

    def forward(self, x, mask=None):
        b, n, c = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        a = F.dropout((q @ k.transpose(-1, -2)).softmax(-1), self.rate, self.training)
        return (a @ v).transpose(1, 2).reshape(b, n, c)


class Classifier(nn.Module):
    def __init__(self, num_classes, config):
        super().__init__()
        self.conv = nn.Conv2d(1, config.hidden_size, 5)
        self.fc = nn.Linear(config.hidden_size * 12 * 12, num_classes)

    def forward(self, images):
        x = F.max_pool2d(self.conv(images), 2)
        return F.log_softmax(self.fc(x.flatten(1)), 1)


class Tagger(nn.Module):
    def __init__(self, vocab_size, embed_dim, hidden_dim, num_layers, tagset_size):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, embed_dim)
        self.lstm = nn.LSTM(embed_dim, hidden_dim, num_layers, batch_first=True)
        self.out = nn.Linear(hidden_dim, tagset_size)

    def forward(self, input_ids, lengths):
        x, _ = self.lstm(self.embed(input_ids))
        return self.out(x) * lengths.view(-1, 1, 1)


class FocalLoss(nn.Module):
    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, logits, target):
        loss = F.cross_entropy(logits, target, reduction="none")
        assert target.dtype == torch.long
        return ((1 - torch.exp(-loss)) ** self.gamma * loss).mean()


class Graph(nn.Module):
    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(in_channels, out_channels))

    def forward(self, x, edge_index):
        source, target = edge_index
        return torch.zeros(x.shape[0], self.weight.shape[1]).index_add(0, target, (x @ self.weight)[source])


class Steps(nn.Module):
    def __init__(self, d_model: int, activation="relu", norm_layer=nn.LayerNorm):
        super().__init__()
        self.norm = norm_layer(d_model)
        self.time = nn.Linear(1, d_model)
        self.act = getattr(F, activation)

    def forward(self, x, t):
        return self.act(self.norm(x) + self.time(t[:, None])[:, None])
"""
)


def test_the_usual_signatures_are_guessed(check: Check) -> None:
    seen = {e.class_name: e for e in check.verify(BLOCK, BLOCK)}
    assert {name: e.verdict for name, e in seen.items()} == dict.fromkeys(seen, "proved"), seen
    assert seen["Bottleneck"].built_from == "names of the constructor's parameters"
    assert seen["Classifier"].inputs == "2x1x28x28"
    assert len(seen) == 7


@pytest.mark.parametrize("attribute", ["in_size", "image_shape", "input_resolution"])
def test_the_size_that_a_model_says_of_its_input_is_tried(check: Check, attribute: str) -> None:
    init = f"self.{attribute} = (52, 44)\nself.conv = nn.Conv2d(3, 4, 3)"
    found = check.tested(net(init, f"assert x.shape[2:] == self.{attribute}\nreturn F.relu(self.conv(x))"))
    assert found.inputs == "2x3x52x44"


def test_guessing_is_deterministic(check: Check) -> None:
    assert check.verify(BLOCK, BLOCK) == check.verify(BLOCK, BLOCK)


def test_classes_that_are_no_modules_are_not_asked_about(check: Check) -> None:
    source = "class Plain:\n    pass\n\n" + net("self.n = 1", "return x + 1")
    assert [e.class_name for e in check.verify(source, source)] == ["Net"]


def test_a_model_that_refuses_a_second_shape(check: Check) -> None:
    lines = "self.size = self.size or x.shape\nassert self.size == x.shape\nreturn F.relu(x)"
    check.tested(net("self.size = None", lines))


def test_uninitialised_parameters_are_no_nondeterminism(check: Check) -> None:
    init = "junk = torch.full((64,), float(os.getpid()))\ndel junk\nself.w = nn.Parameter(torch.empty(64))"
    check.tested("import os\n" + net(init, "return F.relu(x * self.w)"))


def test_forward_without_inputs(check: Check) -> None:
    source = HEAD + "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    source += "        self.w = nn.Parameter(torch.zeros(3))\n"
    source += "    def forward(self):\n        return F.relu(self.w)\n"
    check.tested(source)
    assert check.one(source, source.replace("F.relu", "F.elu")).verdict == "differs"
