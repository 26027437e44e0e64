"""Names of new submodules: a name taken by anything at all is taken."""

from __future__ import annotations

import pytest
from tests.decide.sources import IMPORTS, bare, net
from tests.helpers import executes_the_same, outcomes


def init(*lines: str) -> str:
    return net(init="\n".join(("super().__init__()", *lines)))


TAKEN = {
    "number": init("self.relu = 3"),
    "tuple": init("self.a, self.relu = 1, 2"),
    "augmented": init("self.relu += 1"),
    "loop": init("for self.relu in range(3): pass"),
    "with": init("with open(0) as self.relu: pass"),
    "nested function": init("def g():\n    self.relu = 3", "g()"),
    "another name for self": init("me = self", "me.relu = 3"),
    "buffer": init("self.register_buffer('relu', torch.ones(1))"),
    "parameter": init("self.register_parameter('relu', None)"),
    "add_module": init("self.add_module('relu', nn.ReLU())"),
    "add_module by keyword": init("self.add_module(name='relu', module=nn.ReLU())"),
    "setattr": init("setattr(self, 'relu', 3)"),
    "object.__setattr__": init("object.__setattr__(self, 'relu', 3)"),
    "__dict__": init("self.__dict__['relu'] = 3"),
    "_modules": init("self._modules['relu'] = nn.ReLU()"),
    "unknown names": init("for name in ['relu', 'b']:\n    setattr(self, name, 3)"),
    "unknown names, keyword": net(
        init_signature="self, **kw",
        init="super().__init__()\nself.__dict__.update(kw)",
        after="n = Net(relu=3)\n",
    ),
    "read": net("return F.relu(x) if self.relu is True else x"),
    "read from _modules": net("return F.relu(x) if 'relu' in self._modules else x"),
    "hasattr": net("return F.relu(x) if hasattr(self, 'relu') else x"),
    "getattr elsewhere": net(after="def f(m): return getattr(m, 'relu', None)\n"),
    "get_submodule": net(after="def f(m): return m.get_submodule('body.relu')\n"),
    "attrgetter": net(after="f = operator.attrgetter('relu')\n"),
    "stored elsewhere": net(after="def f(m):\n    m.relu = 3\n"),
    "deleted elsewhere": net(after="def f(m):\n    del m.relu\n"),
    "property": net(methods="@property\ndef relu(self): return 1"),
    "method": net(methods="def relu(self): return 1"),
    "class attribute": net(attributes="relu = 3"),
    "annotation": net(attributes="relu: nn.Module"),
    "nested class": net(attributes="class relu: pass"),
    "attribute of a subclass": bare(
        after="class Sub(Net):\n    def __init__(self):\n        super().__init__()\n        self.relu = 3\n"
    ),
    "method of a subclass": bare(after="class Sub(Net):\n    def relu(self): pass\n"),
    "read in a subclass": bare(after="class Sub(Net):\n    def f(self): return self.relu\n"),
    "attribute of a base": net(bases="Base", before="class Base(nn.Module):\n    relu = 3\n"),
    "attribute of a subclass's other base": bare(
        after="class Mix:\n    relu = 3\nclass Sub(Net, Mix): pass\n",
    ),
}


@pytest.mark.parametrize("source", TAKEN.values(), ids=TAKEN)
def test_taken(source: str) -> None:
    assert outcomes(source) == "relu1"


@pytest.mark.parametrize(
    "name",
    ['f"relu{i}"', '"relu%d" % i', '"relu" + str(i)', '"relu{}".format(i)', 'f"re{i}"', 'f"relu_{i}"'],
)
@pytest.mark.parametrize("store", ["setattr(self, {}, 3)", "self.add_module({}, None)", "self._modules[{}] = None"])
def test_names_that_are_counted(name: str, store: str) -> None:
    assert outcomes(init(f"for i in range(3):\n    {store.format(name)}")) == "nn_relu"
    assert outcomes(init(f"name = {name.replace('i', '3')}\n{store.format('name')}")) in ("nn_relu", "relu1")


def test_names_that_are_asked_for_by_count() -> None:
    body = "i = 1\nwhile hasattr(self, f'relu{i}'):\n    i += 1\nreturn F.relu(F.relu(x)) * i"
    assert outcomes(net(body)) == "nn_relu1 nn_relu2"
    executes_the_same(net(body), "Net", inputs="torch.randn(3)")


FREE = {
    "sibling's": net(bases="B", before="class B(nn.Module): pass\n", after="class C(B):\n    relu = 3\n"),
    "another class's": net(after="class Config:\n    relu = 3\n"),
    "local variable": net("relu = 3\nreturn F.relu(x)"),
    "counted under another name": init("for i in range(3):\n    setattr(self, f'layer{i}', 3)"),
    "string": net(before="NAMES = ['relu']\n"),
    "parameter": net(signature="self, x, relu=3"),
}


@pytest.mark.parametrize("source", FREE.values(), ids=FREE)
def test_free(source: str) -> None:
    assert outcomes(source) == "relu"


def test_names_of_torch_bases() -> None:
    body = "return F.dropout(F.relu(x), 0.1, self.training)"
    assert outcomes(net(body, bases="nn.MultiheadAttention")) == "dropout1 relu"
    assert outcomes(net(body, bases="nn.TransformerEncoderLayer")) == "dropout3 relu"


def test_the_method_that_is_called_like_its_functional() -> None:
    source = net("return self.softmax(x)", methods="def softmax(self, x):\n    return F.softmax(x, dim=1)")
    assert "self.softmax1 = nn.Softmax(dim=1)" in executes_the_same(source, "Net", inputs="torch.randn(2, 3)")


def test_several_are_numbered_in_source_order() -> None:
    assert outcomes(net("return F.relu(F.max_pool2d(F.relu(x), 2))")) == "relu1 max_pool2d relu2"
    assert outcomes(net("return F.relu(F.max_pool2d(F.relu(x), 2))"), share=True) == "relu max_pool2d relu"
    numbered = net("return F.relu(F.relu(F.relu(x)))", init="super().__init__()\nself.relu2 = 3")
    assert outcomes(numbered) == "relu1 relu3 relu4"


def test_base_and_subclass_do_not_share_a_name() -> None:
    source = f"""{IMPORTS}
class Sub(nn.Module):
    pass

class Base(nn.Module):
    def act(self, x):
        return F.relu(x)

class Net(Base):
    def forward(self, x):
        return F.relu(self.act(x)) + self.late(x)

    def late(self, x):
        return F.leaky_relu(x, 0.5)

class Other(Base):
    def forward(self, x):
        return F.relu(self.act(x))
"""
    assert outcomes(source) == "relu relu1 leaky_relu relu1"
    executes_the_same(source, "Net", inputs="torch.randn(3)")
    executes_the_same(source, "Other", inputs="torch.randn(3)")
