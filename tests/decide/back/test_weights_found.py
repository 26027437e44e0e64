"""Rule 32: parameters stay where other code looks for them, by class, by name or by position."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.decide.back import BACK
from tests.helpers import codes, net

from nnconvert.decide import decide
from nnconvert.options import Options
from nnconvert.plan import Conversion, Leave
from nnconvert.source.project import Neighbours

SOURCE = net("return self.bn(self.conv(x))", init="self.conv = nn.Conv2d(3, 8, 3)\nself.bn = nn.BatchNorm2d(8)")
LINEAR = (
    "class Other(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(2, 2)\n"
)


def decided(after: str = "", body: str = "") -> list[str]:
    """The codes for the convolution and the batch norm behind it; empty where both convert."""
    source = net(
        "x = self.conv(x)\nreturn self.bn(x)",
        init="self.conv = nn.Conv2d(3, 8, 3)\nself.bn = nn.BatchNorm2d(8)",
        body=body,
        after=after,
    )
    return codes(source, direction=BACK, parameters=True)


def _function(body: str, parameters: str = "m") -> str:
    return f"def f({parameters}):\n    {body}\n"


BY_CLASS = {
    "isinstance": _function("return isinstance(m, nn.Conv2d)"),
    "a base": _function("return isinstance(m, nn.modules.conv._ConvNd)"),
    "one of several": _function("return isinstance(m, (nn.Linear, nn.Conv2d))"),
    "a union": _function("return isinstance(m, nn.Linear | nn.Conv2d)"),
    "issubclass": _function("return issubclass(m, nn.Conv2d)"),
    "its type": _function("return type(m) is nn.Conv2d"),
    "a tuple that is named": "KINDS = (nn.Conv2d, nn.Linear)",
    "a set": _function("return type(m) in {nn.Conv2d}"),
    "keys of a dict": "FILL = {nn.Conv2d: nn.init.zeros_}",
    "a pattern": "def f(m):\n    match m:\n        case nn.Conv2d():\n            pass\n",
    "the name of the class": _function("return m.__class__.__name__ == 'Conv2d'"),
    "a part of the name": _function("return type(m).__name__.find('Conv') != -1"),
}


@pytest.mark.parametrize("after", BY_CLASS.values(), ids=BY_CLASS)
def test_code_that_looks_for_the_class(after: str) -> None:
    assert decided(after) == ["NNC420"]


WALKED = {
    "applied": "def f(m):\n    if isinstance(m, nn.Conv2d):\n        nn.init.zeros_(m.weight)\n\nNet().apply(f)\n",
    "modules": "for m in Net().modules():\n    if isinstance(m, nn.Conv2d):\n        nn.init.zeros_(m.weight)\n",
}


@pytest.mark.parametrize("after", WALKED.values(), ids=WALKED)
def test_a_walk_that_looks_for_the_class(after: str) -> None:
    assert decided(after) == ["NNC302"]


PARAMETERS_WALKED = {
    "a loop": "for m in Net().modules():\n    for p in m.parameters():\n        p.data.normal_()\n",
    "a comprehension": "n = [p.numel() for m in Net().modules() for p in m.parameters()]\n",
    "what has a weight": "for m in Net().modules():\n    if hasattr(m, 'weight'):\n        m.weight.data.zero_()\n",
}


@pytest.mark.parametrize("after", PARAMETERS_WALKED.values(), ids=PARAMETERS_WALKED)
def test_a_walk_over_the_parameters_of_each_module(after: str) -> None:
    """One more module without parameters would not matter there."""
    assert decided(after) == ["NNC302", "NNC302"]


HARMLESS = {
    "another class": _function("return isinstance(m, (nn.Linear, nn.LayerNorm))"),
    "a default": _function("return layer(3, 8, 3)", "layer=nn.Conv2d"),
    "values of a dict": "LAYERS = {'conv': nn.Linear, 'norm': nn.BatchNorm2d}",
    "an annotation": "from typing import Union\n" + _function("return m", "m: Union[nn.Conv2d, nn.Linear]"),
    "an optimizer": "torch.optim.SGD(Net().parameters(), 0.1)",
    "counting": "n = sum(p.numel() for p in Net().parameters() if p.requires_grad)",
    "freezing": "for p in Net().parameters():\n    p.requires_grad = False\n",
    "the device": "device = next(Net().parameters()).device",
    "an average": "def f(a, b):\n    for p, q in zip(a.parameters(), b.parameters()):\n        p.mul_(0.9).add_(q)\n",
    "clipping": "nn.utils.clip_grad_norm_(Net().parameters(), 1.0)",
    "saving": "def save(net):\n    torch.save(net.state_dict(), 'net.pt')\n",
    "loading": "def load(net):\n    net.load_state_dict(torch.load('net.pt'))\n",
    "saving and a name that has nothing to do with it": "NAME = 'conv'\ntorch.save(Net().state_dict(), 'net.pt')\n",
    "a message": "print('the weight of conv.weight is kept')",
    "a value by its key": "sd = Net().state_dict()\nv = sd[KEY].clone()\n",
    "two of the state_dict": "for a, b in zip(Net().state_dict().values(), Net().parameters()):\n    a.copy_(b)\n",
    "the name of a file": "import os\nd = os.path.basename(__file__).split('.')[0], Net().state_dict()\n",
    "groups of an optimizer": "for g in torch.optim.SGD(Net().parameters()).param_groups:\n    g['lr'] *= 0.5\n",
    "names that are shown": "for name, p in Net().named_parameters():\n    print(name, p.norm())\n",
}


@pytest.mark.parametrize("after", HARMLESS.values(), ids=HARMLESS)
def test_what_does_not_look_for_them(after: str) -> None:
    assert decided(after) == []


BY_NAME = {
    "a key": ("w = Net().state_dict()['conv.weight']", ["NNC421", "NNC421"]),
    "a key that is renamed": (_function("state['conv.weight'] = state.pop('c.weight')", "state"), ["NNC421"]),
    "a prefix": (_function("return [k for k in state if k.startswith('conv.')]", "state"), ["NNC421"]),
    "an f-string": (_function("return state_dict[f'co{m}.weight']", "m, state_dict"), ["NNC421", "NNC421"]),
    "its last part": ("d = [n for n, p in Net().named_parameters() if n.endswith('.bias')]", ["NNC421", "NNC421"]),
    "a word in it": ("d = [p for n, p in Net().named_parameters() if 'bn' in n]", ["NNC421"]),
    "a buffer": ("d = [p for n, p in Net().named_buffers() if 'running_mean' in n]", ["NNC421"]),
    "getattr": (_function("return getattr(m, 'weight')"), ["NNC421", "NNC421"]),
    "getattr of the module": (_function("return getattr(m, 'conv')"), ["NNC605"]),
    "get_parameter": ("w = Net().get_parameter('conv.weight')", ["NNC421"]),
    "get_parameter of several": ("ws = [Net().get_parameter(f'{n}.weight') for n in LAYERS]", ["NNC421", "NNC421"]),
    "ends of keys": (_function("return {k for k in keys if k.endswith('.weight')}", "keys"), ["NNC421", "NNC421"]),
    "depth": ("d = [p for n, p in Net().named_parameters() if n.count('.') == 1]", ["NNC421", "NNC421"]),
    "a first part": ("d = {n.split('.')[0] for n, p in Net().named_parameters()}", ["NNC421", "NNC421"]),
    "whether it is inside": ("d = [p for n, p in Net().named_parameters() if '.' in n]", ["NNC421", "NNC421"]),
    "a regular expression": (
        "import re\nd = [p for n, p in Net().named_parameters() if re.match(r'[a-z]+\\.', n)]",
        ["NNC421", "NNC421"],
    ),
    "a pattern of a file name": (
        "import fnmatch\nd = [p for n, p in Net().named_parameters() if fnmatch.fnmatch(n, 'x*.*')]",
        ["NNC421", "NNC421"],
    ),
}


@pytest.mark.parametrize(("after", "expected"), BY_NAME.values(), ids=BY_NAME)
def test_code_that_names_parameters(after: str, expected: list[str]) -> None:
    assert decided(after) == expected


@pytest.mark.parametrize(
    "name", ["_load_from_state_dict", "state_dict", "named_parameters", "_apply", "load_state_dict"]
)
def test_a_class_with_its_own_way_to_name_them(name: str) -> None:
    body = f"def {name}(self, *args, **kwargs):\n    return super().{name}(*args, **kwargs)\n"
    assert decided(body=body) == ["NNC421", "NNC421"]


BY_POSITION = {
    "an index": "p = list(Net().parameters())[0]",
    "a slice": "p = [*filter(None, list(Net().parameters())[2:])]",
    "an index of a list that is kept": "ps = list(Net().parameters())\np = ps[-1]",
    "the first": "p = next(Net().parameters()).shape",
    "random numbers": "for p in Net().parameters():\n    nn.init.normal_(p)\n",
    "its own alone": "n = len(list(Net().parameters(recurse=False)))",
    "numbered": "for i, p in enumerate(Net().parameters()):\n    p.requires_grad = i > 2\n",
    "with other things": "for p, w in zip(Net().parameters(), [1, 2]):\n    p.data.fill_(w)\n",
    "as a vector": "v = nn.utils.parameters_to_vector(Net().parameters())",
    "in a function of the file": "def fill(ps):\n    [p.normal_() for p in ps]\n\nfill(Net().parameters())\n",
    "values of the state_dict": "v = list(Net().state_dict().values())[0]",
    "its last key": "keys = list(Net().state_dict().keys())\nk = keys[-1]",
    "random numbers for the state_dict": "for v in Net().state_dict().values():\n    v.normal_()\n",
    "random numbers by key": "sd = Net().state_dict()\nfor k in sd:\n    sd[k] = torch.randn_like(sd[k])\n",
    "the state_dict with numbers": "for k, v in zip(Net().state_dict().items(), [1, 2, 3]):\n    print(k, v)\n",
    "one vector of the state_dict": "sd = Net().state_dict()\nv = torch.cat([v.flatten() for v in sd.values()])",
    "buffers with numbers": "for i, b in enumerate(Net().buffers()):\n    b.fill_(i)\n",
    "the first of an optimizer": "p = torch.optim.SGD(Net().parameters()).param_groups[0]['params'][0]",
    "an optimizer that adds over all of them": "optimizer = torch.optim.LBFGS(Net().parameters())",
}


@pytest.mark.parametrize("after", BY_POSITION.values(), ids=BY_POSITION)
def test_code_that_takes_parameters_in_their_order(after: str) -> None:
    assert decided(after) == ["NNC417", "NNC417"]


TOOLS = [
    "import torch.nn.utils.prune as prune",
    "from torch.ao.quantization import quantize_dynamic",
    "from torch.nn.utils import parametrize",
    "from torch.nn.utils.parametrizations import weight_norm",
    "net = nn.SyncBatchNorm.convert_sync_batchnorm(Net())",
    "net = torch.quantization.quantize_dynamic(Net())",
    "graph = torch.fx.symbolic_trace(Net())",
]


@pytest.mark.parametrize("after", TOOLS)
def test_tools_that_look_for_modules(after: str) -> None:
    assert decided(after) == ["NNC424", "NNC424"]


# -- other files of the project -----------------------------------------------------------------------------


def beside(folder: Path, files: dict[str, str], **options: bool) -> list[str]:
    """The codes for the convolution and the batch norm, or the notes where they convert."""
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").touch()
    for name, text in {"net.py": SOURCE, **files}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    wanted = Options(BACK, parameters=True, **options)
    found = [d.outcome for d in decide(SOURCE, wanted, Neighbours(folder / "net.py")).decisions]
    assert len(found) == 2
    return [o.code if isinstance(o, Leave) else o.note for o in found if isinstance(o, Leave | Conversion)]


INIT = "from torch import nn\n\ndef init(model):\n    for m in model.modules():\n        if isinstance(m, nn.Conv2d):\n"
INIT += "            nn.init.zeros_(m.weight)\n"


def test_another_file_that_builds_it_and_looks_for_the_class(tmp_path: Path) -> None:
    assert beside(tmp_path, {"train.py": f"from net import Net\n{INIT}"}) == ["", "NNC302"]


def test_a_file_that_brings_both_together(tmp_path: Path) -> None:
    files = {"fill.py": INIT, "train.py": "import fill\nfrom net import Net\nfill.init(Net())\n"}
    assert beside(tmp_path, files) == ["", "NNC302"]


def test_a_file_that_brings_both_together_through_a_package(tmp_path: Path) -> None:
    files = {
        "fill.py": INIT,
        "all/__init__.py": "from ..net import Net\n",
        "train.py": "from all import Net\nimport fill\n",
    }
    assert beside(tmp_path, files) == ["", "NNC302"]


def test_the_names_of_classes_in_another_file(tmp_path: Path) -> None:
    text = "import net\n\ndef init(m):\n    if m.__class__.__name__.find('Conv') != -1:\n        m.weight.zero_()\n\n"
    assert beside(tmp_path, {"train.py": text + "net.Net().apply(init)\n"}) == ["", "NNC302"]


def test_a_file_that_looks_for_the_class_may_be_given_any_model(tmp_path: Path) -> None:
    assert beside(tmp_path, {"fill.py": INIT, "train.py": "from net import Net\n"}) == ["", "NNC302"]


def test_with_unsafe_it_converts_and_says_so(tmp_path: Path) -> None:
    text = "from net import Net\nd = [n for n, p in Net().named_parameters() if n.endswith('.bias')]\n"
    note = "train.py looks for names of parameters that end in .bias"
    assert beside(tmp_path, {"train.py": text}) == ["NNC421", "NNC421"]
    assert beside(tmp_path, {"train.py": text}, unsafe=True) == [note, note]


@pytest.mark.parametrize(
    "text",
    [
        "w = model.conv.weight",
        "model.conv.requires_grad_(False)",
        "n = models[0].conv.out_channels",
        "model.conv = nn.Conv2d(1, 8, 3)",
        "self.model.conv.register_forward_hook(print)",
        "y = self.encoder.conv(x)",
        "y = model.conv(x)",
        "state['stem.conv.weight'] = 1",
    ],
)
def test_another_file_that_reaches_the_layer(tmp_path: Path, text: str) -> None:
    assert beside(tmp_path, {"tune.py": text}) == ["", "NNC605"]


def test_another_file_that_looks_for_ends_of_names(tmp_path: Path) -> None:
    text = "import net\nno_decay = [n for n, p in net.Net().named_parameters() if n.endswith('.bias')]\n"
    assert beside(tmp_path, {"train.py": text}) == ["NNC421", "NNC421"]
    assert beside(tmp_path / "deeper", {"train.py": text.replace("'.bias'", "'bias'")}) == ["", ""]


@pytest.mark.parametrize(
    "text",
    [
        "for p in model.parameters():\n    if p.dim() > 1:\n        nn.init.xavier_uniform_(p)\n",
        "for name, p in model.named_parameters():\n    p.data.normal_()\n",
        "first = list(model.parameters())[0]\n",
    ],
)
def test_another_file_that_takes_parameters_in_their_order(tmp_path: Path, text: str) -> None:
    assert beside(tmp_path, {"train.py": f"import net\nmodel = net.Net()\n{text}"}) == ["NNC417", "NNC417"]
    assert beside(tmp_path / "apart", {"train.py": f"model = None\n{text}"}) == ["", ""]


@pytest.mark.parametrize("text", ["self.conv = nn.Conv2d(1, 8, 3)", "x = self.conv.weight", "y = model.conv1.weight"])
def test_another_file_with_layers_of_its_own(tmp_path: Path, text: str) -> None:
    assert beside(tmp_path, {"other.py": text}) == ["", ""]
