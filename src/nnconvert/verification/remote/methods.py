"""Methods with converted call sites that forward does not call: what to feed them, so that they are compared, too."""

from __future__ import annotations

import ast
import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

from torch import nn

from .feeding import Queue
from .patience import TooSlowError, limited
from .reach import changed_statements, executed_lines, missed, node_of
from .recipe import Namespace, Recipe
from .running import Run, materialise, prepare, randomise, says_something
from .values import tensors_in

MOST = 6
"""Methods of one class."""
FEEDS = 60
"""Tries for one of them, and ..."""
PART = 1 / 24
"""... what of a child's time they may take."""


def with_methods(module: ModuleType, cls: type, recipe: Recipe, source: str, job: dict[str, Any]) -> Recipe:
    """The recipe, with calls of the methods that hold changed statements and that forward did not run."""
    wanted = changed_statements(source, cls.__qualname__, job["changed"])
    methods = _methods(source, cls.__qualname__)
    if not any(first in lines for lines in methods.values() for first, _ in wanted):
        return recipe
    search = _Search(module, recipe, job)
    ran = search.lines_of_forward()
    unrun = set(missed(wanted, ran))
    sought = [name for name, lines in methods.items() if not unrun.isdisjoint(lines) and ran.isdisjoint(lines)]
    found = [(name, feed) for name in sought[:MOST] if (feed := search.feed(name)) is not None]
    return replace(recipe, methods=tuple(found))


def _methods(source: str, class_name: str) -> dict[str, range]:
    """The lines below the head of each method that a caller could call."""
    node = node_of(source, class_name)
    functions = [s for s in getattr(node, "body", []) if isinstance(s, ast.FunctionDef)]
    return {
        f.name: range(f.body[0].lineno, (f.end_lineno or f.lineno) + 1)
        for f in functions
        if f.name != "forward" and not f.name.startswith("__") and not f.decorator_list
    }


class _Search:
    """One built model."""

    def __init__(self, module: ModuleType, recipe: Recipe, job: dict[str, Any]) -> None:
        self.path, self.recipe, self.seed = str(module.__file__), recipe, job["seed"]
        self.seconds = job["time"] * PART
        self.model, self.names = prepare(module, recipe, self.seed)
        materialise(self.model, self.names, recipe, self.seed)
        randomise(self.model, self.seed)

    def lines_of_forward(self) -> set[int]:
        lines: set[int] = set()
        for training in (True, False):
            for call in range(len(self.recipe.inputs)):
                run = Run(self.model.train(training), self.names, self.recipe, call, self.seed)
                with executed_lines(self.path, lines):
                    run.forward()
        return lines

    def feed(self, name: str) -> str | None:
        """What a method takes in both modes; None where nothing is found."""
        until = time.process_time() + self.seconds
        with _called_for_forward(self.model, name):
            queue = Queue(self.model)
            for _ in range(FEEDS):
                feed = queue.take()
                if feed is None or time.process_time() > until:
                    return None
                lines: set[int] = set()
                try:
                    with limited(self.seconds / 4), executed_lines(self.path, lines):
                        self.check(self.model, self.names, feed.text())
                except (Exception, SystemExit, TooSlowError) as error:  # the user's code may raise anything
                    queue.failed(feed, error, len(lines))
                else:
                    return feed.text()
        return None

    def check(self, model: nn.Module, names: Namespace, text: str) -> None:
        for training in (False, True):
            run = Run(model.train(training), names, replace(self.recipe, inputs=(text,)), 0, self.seed)
            run.forward()
            if not any(tensor.numel() for tensor in tensors_in(run.output)) or not says_something(run.output):
                raise ValueError("the output has no number, or only NaN")


@contextlib.contextmanager
def _called_for_forward(model: nn.Module, name: str) -> Iterator[None]:
    """Let a call of the model be one of its method, for all that looks at forward."""
    model.forward = getattr(model, name)
    try:
        yield
    finally:
        del model.forward
