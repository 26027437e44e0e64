"""Models of other files of the project that hold a class which cannot be built alone."""

from __future__ import annotations

import ast
import base64
import importlib
import inspect
import os
from collections.abc import Collection, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

from torch import nn

from .build import RecipeSearch
from .patience import TooSlowError, limited
from .reach import Lines, changed_statements
from .recipe import Recipe
from .said import NotBuiltError, given

Job = dict[str, Any]
MODELS = 8
"""Of other files, how many are tried."""
SHARE = 3
"""Of the time for one class, the part that is for one of these models."""
IMPORTING = 30.0
"""Processor seconds that the import of one of these files may take."""


def models_around(job: Job, wanted: Collection[str]) -> Iterator[tuple[ModuleType, str]]:
    """Module classes that name one of the wanted classes, or a class that does, with the module that has them.

    The files are those of the job's ``homes``; of each, the last classes come first: whole models stand at the end.
    """
    known = {name.rpartition(".")[2] for name in wanted}
    found = 0
    for path, name in job["homes"]:
        with open(path, "rb") as file:
            holding = holders(file.read(), known)
        home = imported(name, path) if holding else None
        if home is None:
            continue
        for holder in reversed(holding):
            cls = getattr(home, holder, None)
            if inspect.isclass(cls) and issubclass(cls, nn.Module) and cls.__module__ == home.__name__:
                known.add(holder)
                found += 1
                yield home, holder
            if found == MODELS:
                return


def holders(source: bytes, names: Collection[str]) -> list[str]:
    """The classes at the top level of a source that name one of these, or such a class; in source order."""
    known = set(names)
    try:
        classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    except SyntaxError:  # of a later Python than this one
        return []
    spoken = {node.name: _names(node) for node in classes}
    found: set[str] = set()
    while more := {name for name, used in spoken.items() if name not in found and not known.isdisjoint(used - {name})}:
        found |= more
        known |= more
    return [node.name for node in classes if node.name in found]


def _names(node: ast.AST) -> set[str]:
    nodes = list(ast.walk(node))
    return {n.id for n in nodes if isinstance(n, ast.Name)} | {n.attr for n in nodes if isinstance(n, ast.Attribute)}


def imported(name: str, path: str) -> ModuleType | None:
    """The module, if the file at ``path`` is what its name leads to and its import works."""
    try:
        with limited(IMPORTING):
            home = importlib.import_module(name)
    except (Exception, SystemExit, TooSlowError):  # the user's code may raise anything; another file may hold it, too
        return None
    return home if os.path.realpath(home.__file__ or "") == os.path.realpath(path) else None


def recipe_around(home: ModuleType, name: str, verified: ModuleType, job: Job, missing: Collection[str]) -> Recipe:
    """How to build a model of another module, such that changed statements of the missing classes run in it.

    Raises NotBuiltError.
    """
    source = inspect.getsource(home).encode()
    of_home = {**job, "source": base64.b64encode(source).decode("ascii"), "changed": [], "time": job["time"] / SHARE}
    cls = getattr(home, name)
    search = RecipeSearch(home, cls, of_home, given(home, cls, {**job, "hints": NO_HINTS}))
    search.watched, search.wanted = str(verified.__file__), wanted_lines(job, missing)
    recipe = search.run()
    if search.wanted and not search.reached:
        raise NotBuiltError("it runs no call site of them")
    return replace(recipe, home=home.__name__)


NO_HINTS = {"model": "", "args": "", "inputs": ""}
"""What a person said on the command line is about classes of the file."""


def wanted_lines(job: Job, class_names: Collection[str]) -> frozenset[Lines]:
    """The changed statements of some classes of the verified file."""
    text = importlib.util.decode_source(base64.b64decode(job["source"]))
    return frozenset().union(*(changed_statements(text, name, job["changed"]) for name in class_names))
