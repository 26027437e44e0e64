"""torch.jit.script and torch.export see the same program before and after."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.consumers.models import BY_HAND, FUNCTIONAL, RAW, built, converted, example, images
from tests.helpers import bits
from torch import Tensor, nn

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
TOKENS = torch.arange(10).view(2, 5)
CASES = [
    pytest.param(FUNCTIONAL, "Net()", images(), {}, id="net"),
    pytest.param(BY_HAND, "Net()", images(), {"direction": "to-functional"}, id="back"),
    pytest.param(RAW, "Net()", images(), {"parameters": True}, id="parameters"),
    pytest.param(example("lenet"), "LeNet()", torch.ones(1, 1, 28, 28), {}, id="lenet"),
    pytest.param(example("resnet"), "ResNet(planes=(4, 8))", torch.ones(2, 3, 8, 8), {}, id="resnet"),
    pytest.param(example("mixer"), "Mixer()", torch.ones(1, 3, 32, 32), {"direction": "to-functional"}, id="mixer"),
    pytest.param(example("transformer"), "Encoder()", TOKENS, {}, id="transformer"),
]
SCRIPTABLE = CASES[:-1]
"""TorchScript refuses to unpack what the transformer unpacks."""


def exported(model: nn.Module, given: Tensor) -> tuple[list[Any], object]:
    """Every operation with what it is given, weights as their values and results as places; and the output."""
    program = torch.export.export(model, (given,))
    targets = {spec.arg.name: spec.target for spec in program.graph_signature.input_specs}
    nodes = list(program.graph.nodes)
    operations = [node for node in nodes if node.op != "placeholder"]
    shown = {node: place for place, node in enumerate(operations)}
    shown |= {n: bits(program.state_dict.get(targets[n.name], "input")) for n in nodes if n.op == "placeholder"}
    called = [(str(node.target), torch.fx.map_arg(_arguments(node), shown.get)) for node in operations]
    return called, bits(program.module()(given))


def _arguments(node: torch.fx.Node) -> Any:
    """With the stride of a pool, which F.max_pool2d takes from the kernel and nn.MaxPool2d spells out."""
    pools = str(node.target) == "aten.max_pool2d.default" and len(node.args) == 2
    return ((*node.args, node.args[1]) if pools else node.args), node.kwargs


def scripted(model: nn.Module, given: Tensor) -> tuple[list[str], object]:
    """The kinds of its operations, inlined, with weights as constants; and the output."""
    frozen = torch.jit.freeze(torch.jit.script(model))
    kinds = [node.kind() for node in frozen.inlined_graph.nodes()]
    return [kind for kind in kinds if kind != "prim::Constant"], bits(frozen(given))


@pytest.mark.parametrize(("source", "expression", "given", "options"), CASES)
def test_the_exported_program_is_the_same(source: bytes, expression: str, given: Tensor, options: Any) -> None:
    old = exported(built(source, expression), given)
    assert exported(built(converted(source, **options), expression), given) == old
    assert len(old[0]) > 5


@pytest.mark.parametrize(("source", "expression", "given", "options"), SCRIPTABLE)
def test_the_script_is_the_same(source: bytes, expression: str, given: Tensor, options: Any) -> None:
    old = scripted(built(source, expression), given)
    assert scripted(built(converted(source, **options), expression), given) == old
    assert len(old[0]) > 5


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(b"nn.ReLU()", b"nn.ReLU6()"), (b"nn.MaxPool2d(2)", b"nn.AvgPool2d(2)"), (b"Flatten(1)", b"Flatten(1, 2)")],
)
def test_another_program_is_told_apart(right: bytes, wrong: bytes) -> None:
    result = converted(FUNCTIONAL)
    assert right in result
    spoiled = built(result.replace(right, wrong, 1))
    if b"Flatten" in wrong:
        with pytest.raises(RuntimeError):
            exported(spoiled, images())
        return
    old = built(FUNCTIONAL)
    assert exported(spoiled, images())[0] != exported(old, images())[0]
    assert scripted(spoiled, images())[0] != scripted(old, images())[0]
