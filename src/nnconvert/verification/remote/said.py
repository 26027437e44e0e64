"""What a person said of how to build a class, and why a class was not built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from .failure import MEMORY_REASON, words
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


def not_built(
    key: str, said: Given, is_large: bool, unknown: Sequence[str], construct_error: str, feed_error: str
) -> NotBuiltError:
    """Why no recipe was found; the errors are the first ones of its kind, empty where there were none."""
    remedy = f'give --args and --inputs, or an entry in [tool.nnconvert.models."{key}"]'
    if is_large:
        return NotBuiltError(MEMORY_REASON, remedy)
    if unknown:
        return NotBuiltError(f"no value is known for its constructor's {', '.join(unknown)}", remedy)
    if feed_error:
        what = (
            "the given inputs do not work:" if said.inputs else "no input found that forward accepts; the first try was"
        )
        return NotBuiltError(f"{what} {feed_error}", remedy)
    if construct_error:
        what = "the given arguments do not work" if said.args else "it could not be built"
        return NotBuiltError(f"{what}: {construct_error}", remedy)
    return NotBuiltError("the search for arguments and inputs ran out of time", remedy)
