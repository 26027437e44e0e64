"""Eager-mode quantization and pruning work on submodules: what they miss before, they find after."""

from __future__ import annotations

import pytest
import torch
from tests.consumers.models import BY_HAND, FUNCTIONAL, RAW, built, converted, images
from torch import Tensor, nn
from torch.nn.utils import prune

quantization = pytest.importorskip("torch.ao.quantization", reason="this torch has no eager-mode quantization")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
LAYERS = [["conv", "relu1"], ["fc1", "relu2"], ["fc2", "relu3"]]


def fused(source: bytes) -> nn.Module:
    model: nn.Module = quantization.fuse_modules(built(source), LAYERS)
    return model


def quantized(model: nn.Module) -> nn.Module:
    """Observed on some images, then with int8 weights."""
    model.qconfig = quantization.get_default_qconfig(torch.backends.quantized.engine)  # type: ignore[assignment]
    wrapped = quantization.QuantWrapper(model)
    prepared = quantization.prepare(wrapped)
    prepared(images(8))
    result: nn.Module = quantization.convert(prepared)
    return result


def names(model: nn.Module) -> list[str]:
    return [type(module).__name__ for module in model.modules()]


def test_activations_fuse_into_the_layers_in_front_of_them() -> None:
    with pytest.raises(AttributeError, match="relu1"):
        fused(FUNCTIONAL)
    model = fused(converted(FUNCTIONAL))
    assert names(model).count("ConvReLU2d") == 1
    assert names(model).count("LinearReLU") == 2
    assert torch.equal(model(images()), built(FUNCTIONAL)(images()))


def test_the_quantized_model_is_the_one_written_by_hand() -> None:
    model = quantized(fused(converted(FUNCTIONAL)))
    wanted = quantized(fused(BY_HAND))
    assert names(model).count("LinearReLU") == names(wanted).count("LinearReLU") == 2
    output: Tensor = model(images())
    assert torch.equal(output, wanted(images()))
    unfused = quantized(built(FUNCTIONAL))
    assert "LinearReLU" not in names(unfused)
    assert not torch.equal(output, unfused(images()))  # which rounds once more


def test_raw_parameters_are_quantized_once_they_are_in_layers() -> None:
    def dynamic(source: bytes) -> list[str]:
        model = quantization.quantize_dynamic(built(source), {nn.Linear}, dtype=torch.qint8)
        assert model(images()).shape == (3, 3)
        return [
            type(m).__module__ for m in model.modules() if "quantized" in type(m).__module__ and hasattr(m, "scale")
        ]

    assert dynamic(RAW) == []
    assert len(dynamic(converted(RAW, parameters=True))) == 2


def test_raw_parameters_are_pruned_once_they_are_in_layers() -> None:
    def pruned(source: bytes) -> nn.Module:
        model = built(source)
        layers = [(m, "weight") for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
        if layers:
            prune.global_unstructured(layers, pruning_method=prune.L1Unstructured, amount=0.5)
        return model

    weights = 4 * 9 + 16 * 36 + 3 * 16
    assert sum(int((p == 0).sum()) for n, p in pruned(RAW).named_parameters() if not n.startswith("b")) == 0
    masks = [mask for name, mask in pruned(converted(RAW, parameters=True)).named_buffers() if name.endswith("_mask")]
    assert len(masks) == 3
    assert sum(int((mask == 0).sum()) for mask in masks) == weights // 2
