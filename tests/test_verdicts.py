"""A verdict is never better than what was seen: two versions that agree almost everywhere, by ``nnconvert verify``."""

from __future__ import annotations

import importlib.util
import py_compile
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Run

HEAD = """\
import os
import torch
import torch.nn as nn
import helper


class Noise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * int.from_bytes(os.urandom(2), "big")


def numbers(last):
    while True:
        yield (1.0 if last else 2.0)
        last -= 1
"""
PLAIN, WEIGHT, BUFFER = "self.n = 0", "self.w = nn.Parameter(torch.ones(1))", "self.register_buffer('b', torch.ones(1))"
NOISE = "int.from_bytes(os.urandom(2), 'big')"
HIDDEN = "torch.where(x > 1e6, {}, x)"
"""So that all that runs agrees."""

NONDETERMINISTIC = "nondeterministic"
CASES = {
    # name: (line of __init__, forward of the old version, forward of the new one, verdict, piece of the line about it)
    "NoisyGradient": (PLAIN, "return Noise.apply(x)", None, NONDETERMINISTIC, "train, call 1: gradient of input 0"),
    "NoisyEval": (PLAIN, f"return x if self.training else x + {NOISE}", None, NONDETERMINISTIC, "eval, call 1: output"),
    "NoisyBuffer": (BUFFER, f"self.b = self.b + {NOISE}\nreturn x + 1", None, NONDETERMINISTIC, "buffer b"),
    "GradientOfWeight": (WEIGHT, "return x * self.w", "return x * (self.w.detach() * 2 - self.w)", "differs",
                         "train, call 1: gradient of parameter w"),
    "StoppedGradient": (WEIGHT, "return x * self.w + x", "return x * self.w.detach() + x", "differs",
                        "train, call 1: gradient of parameter w: a tensor of shape [1] became NoneType"),
    "GradientInEval": (PLAIN, "return x * 2", "return x * 2 if self.training else (x.detach() * 4 - x * 2)", "differs",
                       "eval, call 1: gradient of input 0"),
    "FourthCall": (PLAIN, "self.n += 1\nreturn x + 1", "self.n += 1\nreturn x + (1 if self.n != 4 else 2)", "differs",
                   "eval, call 2: output"),
    "BufferInEval": (BUFFER, "return x + 1", "self.b.add_(0 if self.training else 1)\nreturn x + 1", "differs",
                     "eval, call 1: buffer b"),
    "RandomInEval": (PLAIN, "return x + 1", "self.training or torch.rand(1)\nreturn x + 1", "differs",
                     "eval, call 1: state of torch's random numbers"),
    "CrashInEval": (PLAIN, "return x + 1", "self.training or os._exit(3)\nreturn x + 1", "unverified", "exit code 3"),
    "Untraced": (PLAIN, "return x + 1", "return x + (1 if x.sum().item() < 1e30 else 2)", "tested",
                 "the new version: forward reads the values of a tensor"),
    "PrintTheSame": (PLAIN, f"return {HIDDEN.format('x * torch.tensor([0.1])')}",
                     f"return {HIDDEN.format('x * torch.tensor([0.100000009])')}", "tested",
                     "a constant of shape [1] became a constant of shape [1]"),
    "SizeDecides": (PLAIN, "return x * 3 if x.shape[0] > 30 else x + 1", "return x + 1", "tested",
                    "batch <= 30 is asked by the old version only"),
    "HelperCounts": (PLAIN, "helper.n += 1\nreturn x + 1",
                     "helper.n += 1\nreturn x + (1 if helper.n < 900 else 2)", "tested", "holds (helper:n)"),
    "DefaultGrows": (PLAIN, "return self.grow(x)\ndef grow(self, x, *, seen=[]):\n    seen.append(1)\n    return x + 1",
                     "return self.grow(x)\ndef grow(self, x, *, seen=[]):\n    seen.append(1)\n"
                     "    return x + (1 if len(seen) < 900 else 2)", "tested", "named defaults.seen)"),
    "GeneratorEnds": ("self.g = numbers(9); next(self.g)", "return x * next(self.g)", None, "tested",
                      "holds (self.g.last)"),
    "OtherBranch": (PLAIN, "if x.dim() == 99:\n    return x * 2\nreturn x + 1",
                    "if x.dim() == 99:\n    return x * 3\nreturn x + 1", "unverified",
                    "nothing of what changed in it ran"),
    "OneOfTwoBranches": (PLAIN, "if x.dim() == 99:\n    return x * 2\nreturn x + 1",
                         "if x.dim() == 99:\n    return x * 3\nreturn 1 + x", "proved",
                         "of the new version: only where x.dim() == 99"),
    "Equal": (PLAIN, "return x + 1", "return 1 + x", "proved", "Equal is proved"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify on the interpreter of the tests."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)


def module(new: bool) -> str:
    source = HEAD
    for name, (init, old_forward, new_forward, *_) in CASES.items():
        forward = (new_forward or old_forward) if new else old_forward
        body, *methods = forward.split("\ndef ")
        source += f"\n\nclass {name}(nn.Module):\n    def __init__(self):\n        super().__init__()\n        {init}\n"
        source += "\n    def forward(self, x):\n        " + body.replace("\n", "\n        ") + "\n"
        source += "".join("\n    def " + method.replace("\n", "\n    ") + "\n" for method in methods)
    return source


def test_verdicts(run: Callable[..., Run], project: Path) -> None:
    """Also with the new version compiled to the old one's .pyc a moment ago."""
    (project / "helper.py").write_text("n = 0\n")
    old, new = project / "old.py", project / "new.py"
    for path, is_new in ((old, False), (new, True)):
        path.write_text(module(is_new))
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for compiled, source in ((old, new), (new, old)):
        target = importlib.util.cache_from_source(str(compiled))
        py_compile.compile(str(source), target, str(compiled), invalidation_mode=unchecked)
    ended = run("verify", "-v", "old.py", "new.py")
    lines = {line.partition(" ")[0]: line for line in ended.err.splitlines() if not line.startswith(" ")}
    told = {name: re.sub(r"^\w+ (is )?(\w+).*", r"\2", lines[name]) for name in CASES}
    assert told == {name: verdict for name, (*_, verdict, _) in CASES.items()}
    for name, (*_, piece) in CASES.items():
        assert piece in lines[name]
    assert ended.code == 3


MANY = "the model and its modules hold more values than can be watched"
AMONG_MANY = {
    # name: (base, forward, verdict, piece of the line about it); a project that holds too much to be looked at whole
    "Quiet": ("nn.Module", "return F.relu(x)", "proved", "Quiet is proved"),
    "Asks": ("nn.Module", "return F.relu(x) * state.Count.step", "proved", "Asks is proved"),
    "Counts": ("nn.Module", "state.n += 1\nreturn F.relu(x)", "tested", "holds (state:n)"),
    "Renamed": ("nn.Module", "short.n += 1\nreturn F.relu(x)", "tested", "holds (state:n)"),
    "ImportsIt": ("nn.Module", "import state as s\ns.n += 1\nreturn F.relu(x)", "tested", "holds (state:n)"),
    "CountsOnClass": ("nn.Module", "Other.n += 1\nreturn F.relu(x)", "tested", "holds (state:Count.n)"),
    "Calls": ("nn.Module", "step()\nreturn F.relu(x)", "tested", "holds (state:n)"),
    "Inherits": ("Base", "self.cache.append(1)\nreturn F.relu(x)", "tested", "holds (base:Base.cache"),
    "ByName": ("nn.Module", "import_module('state').n += 1\nreturn F.relu(x)", "tested", MANY),
    "Crowded": ("nn.Module", "return F.relu(x) * len(crowd.many)", "tested", MANY),
}


def test_verdicts_in_a_project_that_holds_much(run: Callable[..., Run], project: Path) -> None:
    (project / "crowd.py").write_text("many = {i: str(i) for i in range(250_000)}\n")
    (project / "state.py").write_text(
        "n = 0\nclass Count:\n    n, step = 0, 2\ndef step():\n    global n\n    n += 1\n"
    )
    (project / "base.py").write_text("import torch.nn as nn\nclass Base(nn.Module):\n    cache = []\n")
    source = (
        "import crowd, state, state as short\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
        "from importlib import import_module\nfrom base import Base\nfrom state import Count as Other, step\n"
    )
    for name, (base, forward, *_) in AMONG_MANY.items():
        body = forward.replace("\n", "\n        ")
        source += f"class {name}({base}):\n    def forward(self, x):\n        {body}\n"
    (project / "old.py").write_text(source)
    (project / "new.py").write_text(source.replace("F.relu(x)", "F.relu(input=x)"))
    ended = run("verify", "-v", "old.py", "new.py")
    lines = {line.partition(" ")[0]: line for line in ended.err.splitlines() if not line.startswith(" ")}
    told = {name: lines[name].split()[2].strip(":,") for name in AMONG_MANY}
    assert told == {name: verdict for name, (*_, verdict, _) in AMONG_MANY.items()}, ended.err
    for name, (*_, piece) in AMONG_MANY.items():
        assert piece in lines[name]
