"""What the tests of conversions share: convert a source, compare texts, compare executions."""

from __future__ import annotations

import linecache
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from textwrap import dedent, indent
from typing import Any

import torch

from nnconvert.apply import apply
from nnconvert.check import check
from nnconvert.decide import decide
from nnconvert.options import Options
from nnconvert.plan import Leave, Plan

torch.set_num_threads(1)  # the tests run in several processes already

_numbers = count()


def net(
    forward: str,
    *,
    init: str = "",
    args: str = "",
    body: str = "",
    before: str = "",
    after: str = "",
    inputs: str = "x",
) -> str:
    """A file with one module class, ``Net``: statements of its methods and body, what stands around it."""
    parts = [
        "import math\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n",
        f"{dedent(before)}\n\nclass Net(nn.Module):",
        indent(dedent(body), "    "),
        f"    def __init__(self{', ' + args if args else ''}):\n        super().__init__()",
        indent(dedent(init), "        "),
        f"    def forward(self, {inputs}):",
        indent(dedent(forward), "        "),
        dedent(after),
    ]
    return "\n".join(part for part in parts if part.strip()) + "\n"


def registrations(source: str, **options: Any) -> list[str]:
    """The statements that were added to ``__init__``: ``relu = nn.ReLU()``."""
    _, plan = convert(source, **options)
    return [f"{r.name} = {r.constructor}" for class_plan in plan.classes for r in class_plan.registrations]


def convert(source: str, **options: Any) -> tuple[str, Plan]:
    """The converted text, which has passed the product's own checks, and the plan."""
    wanted = Options(**options)
    plan = decide(source, wanted)
    result = apply(source, plan, wanted)
    check(source, result, plan, wanted)
    return result, plan


def codes(source: str, **options: Any) -> list[str]:
    """The reason codes of all call sites that are left, in source order."""
    _, plan = convert(dedent(source), **options)
    return [d.outcome.code for d in plan.left if isinstance(d.outcome, Leave)]


def outcomes(source: str, **options: Any) -> str:
    """For every call site, in source order, its new submodule's name or the code why it is left."""
    _, plan = convert(dedent(source), **options)
    found = (d.outcome for d in plan.decisions)
    return " ".join(o.code if isinstance(o, Leave) else o.submodule for o in found)


def check_left(source: str, code: str, **options: Any) -> None:
    """Every call site is left (there is at least one), all for the reason with this code; the text stays."""
    source = dedent(source)
    result, plan = convert(source, **options)
    assert [d.outcome.code for d in plan.left if isinstance(d.outcome, Leave)] == [code] * len(plan.decisions)
    assert plan.decisions
    assert result == source


def check_converted(source: str, expected: str, **options: Any) -> None:
    """The whole converted text is this one."""
    result, plan = convert(dedent(source), **options)
    assert result == dedent(expected), [d.outcome for d in plan.left]


# -- execution -------------------------------------------------------------------------------------------


@dataclass
class Seen:
    """What one call of a model shows, bit for bit."""

    values: list[object]
    gradients: list[object]
    inputs: list[object]
    buffers: list[object]
    generator: object


def load(source: str) -> dict[str, Any]:
    """Execute a source in a namespace of its own; its text can be inspected, as torch.jit.script does."""
    name = f"<converted {next(_numbers)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": name}
    exec(compile(source, name, "exec"), namespace)
    return namespace


def executes_the_same(source: str, class_name: str, args: str = "", inputs: str = "", **options: Any) -> str:
    """Old and new do the same, in train and in eval mode, with the old weights; returns the new text.

    ``args`` and ``inputs`` are argument lists; ``inputs`` may use torch. Something must convert.
    """
    source = dedent(source)
    result, plan = convert(source, **options)
    assert plan.converted, [d.outcome for d in plan.left]
    torch.manual_seed(3)
    old = eval(f"{class_name}({args})", load(source))
    torch.manual_seed(3)
    new = eval(f"{class_name}({args})", load(result))
    assert list(old.state_dict()) == list(new.state_dict())
    new.load_state_dict(old.state_dict(), strict=True)
    for mode in (True, False):
        assert run(old, inputs, training=mode) == run(new, inputs, training=mode)
    return result


def run(
    model: torch.nn.Module,
    inputs: str,
    *,
    training: bool,
    method: str = "forward",
    constant: Sequence[int] = (),
) -> Seen:
    """Call a model (or one of its methods) under a fixed seed, with fresh inputs, and take gradients.

    ``constant``: places of inputs that take none.
    """
    torch.default_generator.manual_seed(20)
    leaves = eval(f"({inputs},)" if inputs else "()", {"torch": torch, "F": torch.nn.functional})
    variable = [leaf for place, leaf in enumerate(leaves) if place not in constant]
    floating = [value.requires_grad_() for value in _tensors(variable) if value.is_floating_point()]
    given = tuple(v.clone() if isinstance(v, torch.Tensor) else v for v in leaves)
    model.train(training)
    returned = model(*given) if method == "forward" else getattr(model, method)(*given)
    outputs = list(_tensors(returned))
    wanted = [*floating, *model.parameters()]
    gradients: list[object] = []
    if any(out.requires_grad for out in outputs):
        parts = [(out * torch.randn_like(out)).sum() for out in outputs if out.requires_grad]
        total = torch.stack(parts).sum()
        gradients.extend(map(bits, torch.autograd.grad(total, wanted, allow_unused=True)))
    shown = [bits(value) for value in outputs] if outputs else [returned]
    buffers = [bits(buffer) for buffer in model.buffers()]
    return Seen(shown, gradients, list(map(bits, given)), buffers, bits(torch.get_rng_state()))


def bits(value: object) -> object:
    """Something that is equal for tensors of the same type, shape and bits only."""
    if not isinstance(value, torch.Tensor):
        return value
    plain = value.detach().contiguous()
    return value.dtype, tuple(value.shape), value.stride(), plain.numpy().tobytes()


def _tensors(value: object) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
