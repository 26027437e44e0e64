"""What one case says: a call as people write it, and what its variables hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nnconvert.catalog import Spelling, by_spelling


@dataclass(frozen=True)
class Case:
    """A call that converts exactly, in a method of a module class (``self.training`` is the mode)."""

    spelling: str
    """Qualified name of a spelling of the catalog."""
    arguments: str
    """Source text between the parentheses; for a method the tensor ``x`` is the receiver."""
    inputs: Mapping[str, str]
    """Variable -> source text of its value, which draws from torch's generator. Floating ``x``, ``y``, ``z``
    take gradients."""

    @property
    def call(self) -> str:
        """``F.relu(x)``, ``torch.relu(x)`` or ``x.relu()``."""
        owner, _, short = self.spelling.rpartition(".")
        owner = {"torch.nn.functional": "F", "torch.Tensor": "x"}.get(owner, owner)
        return f"{owner}.{short}({self.arguments})"


def calls(spelling: str, inputs: Mapping[str, str] | str, *arguments: str) -> Iterator[Case]:
    """A case for each arguments text, and the last one again with keywords only, in reverse order."""
    if isinstance(inputs, str):
        inputs = {"x": inputs}
    _, row = by_spelling()[spelling][0]
    for text in dict.fromkeys((*arguments, reversed_keywords(arguments[-1], row))):
        yield Case(spelling, text, inputs)


def reversed_keywords(arguments: str, spelling: Spelling) -> str:
    """``"x, 2, ceil_mode=True"`` -> ``"ceil_mode=True, kernel_size=2, input=x"``."""
    call = ast.parse(f"f({arguments})", mode="eval").body
    assert isinstance(call, ast.Call)
    named = [f"{p.name}={ast.unparse(a)}" for p, a in zip(spelling.signature, call.args, strict=False)]
    named += [f"{k.arg}={ast.unparse(k.value)}" for k in call.keywords]
    return ", ".join(reversed(named))
