"""Captum's attribution methods replace the gradients of nn.ReLU and nn.MaxPool2d: functionals escape them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from captum.attr import DeepLift, GuidedBackprop
from tests.consumers.models import BY_HAND, FUNCTIONAL, SHARED, built, converted, example, images
from torch import Tensor

pytestmark = pytest.mark.filterwarnings("ignore:Setting (forward|backward)", "ignore:Input Tensor")
METHODS = [DeepLift, GuidedBackprop]


def attribution(source: bytes, method: Any, expression: str = "Net()", inputs: Tensor | None = None) -> Tensor:
    given = images() if inputs is None else inputs
    result: Tensor = method(built(source, expression)).attribute(given.clone().requires_grad_(), target=1)
    return result.detach()


@pytest.mark.parametrize("method", METHODS)
def test_calls_of_functionals_become_what_is_written_by_hand(method: Any) -> None:
    wanted = attribution(BY_HAND, method)
    assert not torch.allclose(attribution(FUNCTIONAL, method), wanted, rtol=0.1)  # it is wrong, and says nothing
    assert torch.equal(attribution(converted(FUNCTIONAL), method), wanted)


def test_contributions_add_up_once_the_activations_are_seen() -> None:
    def missing(source: bytes) -> float:
        method = DeepLift(built(source))
        _, delta = method.attribute(images(), target=1, return_convergence_delta=True)
        return float(delta.abs().max())

    assert missing(FUNCTIONAL) > 1e-2
    assert missing(converted(FUNCTIONAL)) < 1e-5


def test_a_shared_activation_is_refused_and_is_not_once_it_is_split() -> None:
    with pytest.raises(RuntimeError, match="being used more than once"):
        attribution(SHARED, DeepLift)
    split = converted(SHARED, split_shared=True)
    assert torch.equal(attribution(split, DeepLift), attribution(BY_HAND, DeepLift))
    with pytest.raises(RuntimeError, match="being used more than once"):
        attribution(converted(FUNCTIONAL, share=True), DeepLift)


@pytest.mark.parametrize("method", METHODS)
def test_the_way_back_hides_the_activations_again(method: Any) -> None:
    functional = converted(BY_HAND, direction="to-functional")
    assert torch.equal(attribution(functional, method), attribution(FUNCTIONAL, method))
    assert torch.equal(attribution(converted(functional), method), attribution(BY_HAND, method))


def test_a_residual_network() -> None:
    source, expression, inputs = example("resnet"), "ResNet(planes=(4, 8))", torch.randn(2, 3, 8, 8)
    by_hand = (
        source.replace(
            b"super().__init__()\n", b"super().__init__()\n        self.r1, self.r2 = nn.ReLU(), nn.ReLU()\n"
        )
        .replace(b"F.relu(self.bn1(self.conv1(x)), inplace=True)", b"self.r1(self.bn1(self.conv1(x)))")
        .replace(b"F.relu(out)", b"self.r2(out)")
        .replace(b"F.relu(self.bn(self.stem(x)))", b"self.r1(self.bn(self.stem(x)))")
    )
    assert by_hand.count(b"F.relu") == 0
    wanted = attribution(by_hand, GuidedBackprop, expression, inputs)
    assert not torch.allclose(attribution(source, GuidedBackprop, expression, inputs), wanted, rtol=0.1)
    not_in_place = converted(source.replace(b", inplace=True", b""))  # Captum's hooks refuse views changed in place
    assert torch.equal(attribution(not_in_place, GuidedBackprop, expression, inputs), wanted)
