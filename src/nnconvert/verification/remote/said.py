"""What a person said of how to build a class, and why a class was not built."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

from .failure import words
from .recipe import evaluate_call, namespace_of


class NotBuiltError(Exception):
    """No recipe was found: why, and what a person can give; ``misused`` where what they gave raises."""

    def __init__(self, reason: str, remedy: str = "", misused: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.misused = misused


@dataclass(frozen=True)
class Given:
    """What a person said about a class: argument texts (None if nothing was said) and where it was said."""

    source: str
    args: str | None
    inputs: str | None


def given(module: ModuleType, cls: type, job: dict[str, Any]) -> Given:
    name, hints = cls.__qualname__, job["hints"]
    if hints["model"] in ("", name) and (hints["args"] or hints["inputs"]):
        return Given("--args, --inputs", hints["args"] or None, hints["inputs"] or None)
    entry = job["models"].get(f"{module.__name__}:{name}")
    if entry is not None:
        return Given("the configuration", entry.get("args"), entry.get("inputs"))
    return Given("", None, None)


def require_expressions(said: Given, module: ModuleType) -> None:
    """What a person said must at least evaluate, whatever the class makes of it. Raises NotBuiltError."""
    names = namespace_of(vars(module))
    for text in (said.args, said.inputs):
        if text is None:
            continue
        try:
            evaluate_call(text, names)
        except (Exception, SystemExit) as error:  # the expression may raise anything
            raise NotBuiltError(f"{said.source}: {text}: {words(error)}", misused=True) from error
