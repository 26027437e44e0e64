"""Forward hooks see each new submodule once for each call, with the values that the functional had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.consumers.models import BY_HAND, FUNCTIONAL, RAW, built, converted, example, images
from tests.helpers import bits
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

import nnconvert
from nnconvert import Options

TOKENS = torch.arange(10).view(2, 5)
EXAMPLES = [
    (FUNCTIONAL, "Net()", images(), {}),
    (RAW, "Net()", images(), {"parameters": True}),
    (example("lenet"), "LeNet()", torch.ones(1, 1, 28, 28), {}),
    (example("transformer"), "Encoder()", TOKENS, {}),
]


class Calls(TorchFunctionMode):
    """The outermost calls of torch functions by their names, with what they return."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, object]] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        self.seen.append((getattr(function, "__name__", ""), bits(result)))
        return result


def hooked(model: nn.Module, run: Callable[[nn.Module], object]) -> list[tuple[str, object]]:
    """Names of the submodules in the order of their calls, each with its output."""
    seen: list[tuple[str, object]] = []

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(_: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
            assert given, f"{name} was handed nothing by position"
            seen.append((name, bits(output)))

        return hook

    for name, module in model.named_modules():
        if name:
            module.register_forward_hook(watch(name))
    run(model)
    return seen


@pytest.mark.parametrize(("source", "expression", "given", "options"), EXAMPLES)
def test_each_new_submodule_is_seen_once(source: bytes, expression: str, given: Tensor, options: Any) -> None:
    result = nnconvert.convert_source(source, Options(**options))
    assert result.plan is not None
    registered = {registration.name for plan in result.plan.classes for registration in plan.registrations}
    before = hooked(built(source, expression), lambda model: model(given))
    model = built(result.new, expression)
    after = Counter(name for name, _ in hooked(model, lambda model: model(given)))
    new = {name for name, _ in model.named_modules() if name.rpartition(".")[2] in registered}
    assert len(new) >= len(registered) > 0
    assert not new & {name for name, _ in before}
    assert {name: after[name] for name in new} == dict.fromkeys(new, 1)
    assert set(after) - new == {name for name, _ in before}


def test_hooks_see_what_the_functionals_returned() -> None:
    with Calls() as calls:
        built(FUNCTIONAL)(images())
    wanted = [seen for seen in calls.seen if seen[0] in ("relu", "boolean_dispatch", "fn", "max_pool2d", "flatten")]
    new = {"relu1", "max_pool2d", "flatten", "relu2", "relu3"}
    found = [seen for seen in hooked(built(converted(FUNCTIONAL)), lambda m: m(images())) if seen[0] in new]
    assert [name for name, _ in found] == ["relu1", "max_pool2d", "flatten", "relu2", "relu3"]
    assert [output for _, output in found] == [output for _, output in wanted]


def test_a_loop_is_seen_turn_by_turn() -> None:
    source = FUNCTIONAL.replace(b"        x = F.relu(self.fc2(x))\n",
                                b"        for _ in range(3):\n            x = F.relu(self.fc2(x))\n")  # fmt: skip
    assert not {"relu1", "relu3"} & {name for name, _ in hooked(built(source), lambda m: m(images()))}
    names = Counter(name for name, _ in hooked(built(converted(source)), lambda m: m(images())))
    assert (names["relu1"], names["relu2"], names["relu3"]) == (1, 1, 3)


def test_a_hook_changes_what_the_converted_model_does() -> None:
    def zeroed(source: bytes) -> Tensor:
        model = built(source)
        for module in model.modules():
            if isinstance(module, nn.ReLU):
                module.register_forward_hook(lambda _module, _given, output: output * 0)
        result: Tensor = model(images())
        return result.detach()

    plain = built(FUNCTIONAL)(images()).detach()
    assert torch.equal(zeroed(FUNCTIONAL), plain)  # nothing to hook
    assert torch.equal(zeroed(converted(FUNCTIONAL)), zeroed(BY_HAND))
    assert not torch.equal(zeroed(BY_HAND), plain)


def test_the_way_back_has_nothing_to_hook() -> None:
    gone = {name for name, _ in hooked(built(example("mixer"), "Mixer()"), lambda m: m(torch.ones(1, 3, 32, 32)))}
    back = converted(example("mixer"), direction="to-functional")
    stay = {name for name, _ in hooked(built(back, "Mixer()"), lambda m: m(torch.ones(1, 3, 32, 32)))}
    assert stay < gone
    assert {name.rpartition(".")[2] for name in gone - stay} == {"act", "drop1", "drop2", "flatten"}
