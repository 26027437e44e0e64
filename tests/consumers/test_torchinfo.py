"""torchinfo's summary has a row for each submodule that is called: functionals have none."""

from __future__ import annotations

from collections import Counter

import torch
import torchinfo
from tests.consumers.models import BY_HAND, FUNCTIONAL, RAW, built, converted, example


def rows(source: bytes, size: tuple[int, ...] = (2, 1, 8, 8), expression: str = "Net()") -> list[str]:
    found = torchinfo.summary(built(source, expression), input_size=size, verbose=0, cache_forward_pass=False)
    return [row.class_name for row in found.summary_list]


def test_each_activation_has_its_row() -> None:
    assert rows(FUNCTIONAL) == ["Net", "Conv2d", "Linear", "Linear", "Linear"]
    layers = ["Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear", "ReLU", "Linear", "ReLU", "Linear"]
    assert rows(converted(FUNCTIONAL)) == rows(BY_HAND) == ["Net", *layers]
    assert rows(converted(BY_HAND, direction="to-functional")) == rows(FUNCTIONAL)


def test_the_shapes_in_between_are_shown() -> None:
    found = torchinfo.summary(built(converted(FUNCTIONAL)), input_size=(2, 1, 8, 8), verbose=0)
    shapes = {row.var_name: row.output_size for row in found.summary_list}
    assert shapes["max_pool2d"] == [2, 4, 3, 3]
    assert shapes["flatten"] == [2, 36]


def test_raw_parameters_have_rows_and_are_counted() -> None:
    old = torchinfo.summary(built(RAW), input_size=(2, 1, 8, 8), verbose=0)
    new = torchinfo.summary(built(converted(RAW, parameters=True)), input_size=(2, 1, 8, 8), verbose=0)
    assert [row.class_name for row in old.summary_list] == ["Net"]
    assert Counter(row.class_name for row in new.summary_list)["Linear"] == 2
    assert new.total_params == old.total_params == 4 * 9 + 16 * 36 + 16 + 3 * 16 + 3
    # Two images, a 6x6 output of 4 kernels of 9, and two linear layers with their biases.
    assert new.total_mult_adds == 2 * (36 * 4 * 9 + 16 * 37 + 3 * 17)
    assert old.total_mult_adds != new.total_mult_adds


def test_a_transformer() -> None:
    def counted(source: bytes) -> Counter[str]:
        model = built(source, "Encoder()")
        found = torchinfo.summary(model, input_data=torch.zeros(2, 5, dtype=torch.long), verbose=0)
        return Counter(row.class_name for row in found.summary_list)

    old, new = counted(example("transformer")), counted(converted(example("transformer")))
    layers = 2
    assert new - old == {"Softmax": layers, "LayerNorm": 2 * layers, "GELU": layers, "Dropout": 1 + 2 * layers,
                         "LogSoftmax": 1}  # fmt: skip
    assert not old - new
