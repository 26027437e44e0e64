"""Check a built model of the new version against the plan: exactly the planned submodules and settings."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import torch
from torch import nn

Expected = Mapping[str, Any]
"""``class_name``, ``added`` (pairs of name and constructor text; of several with one name it is one), ``removed``
(names), ``calls``, ``known``."""


def walk(model: nn.Module, prefix: str = "", above: tuple[int, ...] = ()) -> Iterator[tuple[str, nn.Module]]:
    """Every path to every submodule; one registered twice is met twice (named_modules() hides that)."""
    yield prefix, model
    for name, child in model._modules.items():
        if child is not None and id(child) not in above:
            path = f"{prefix}.{name}" if prefix else name
            yield from walk(child, path, (*above, id(model)))


def tree(model: nn.Module) -> dict[str, str]:
    """Path -> class of every submodule."""
    return {path: type(module).__qualname__ for path, module in walk(model)}


def check_plan(
    model: nn.Module, old_tree: Mapping[str, str], expected: list[Expected], module: ModuleType
) -> list[str]:
    """One line for each way in which the new version's submodules are not the planned ones."""
    if not all(plan["known"] for plan in expected):
        return []
    new_tree = tree(model)
    added, removed = planned_paths(model, expected, module)
    problems = [f"{path} ({new_tree[path]}) was added, which was not planned" for path in new_tree
                if path not in old_tree and path not in added]  # fmt: skip
    problems += [f"{path} is gone, which was not planned" for path in old_tree
                 if path not in new_tree and not _under(path, removed)]  # fmt: skip
    problems += [f"{path} should be gone" for path in removed if path in new_tree]
    problems += [f"{path} was planned, but is missing" for path in added if path not in new_tree]
    problems += [f"{path} was a {old_tree[path]} and is now a {new_tree[path]}" for path in old_tree
                 if path in new_tree and old_tree[path] != new_tree[path]]  # fmt: skip
    problems += check_sharing(model, set(added))
    modules = dict(walk(model))
    for path, texts in added.items():
        if path in modules:
            owner = modules[path.rpartition(".")[0]]
            home = sys.modules.get(type(owner).__module__, module)
            found = [check_settings(modules[path], text, owner, home) for text in texts]
            problems += [f"{path}: {problem}" for problem in min(found, key=len)]
    return problems


def _under(path: str, removed: set[str]) -> bool:
    return any(path == gone or path.startswith(gone + ".") for gone in removed)


def planned_paths(
    model: nn.Module, expected: list[Expected], module: ModuleType
) -> tuple[dict[str, list[str]], set[str]]:
    """Paths of all submodules the plan adds (with the texts of the constructors it may be), and of those it removes."""
    added: dict[str, list[str]] = {}
    removed: set[str] = set()
    for prefix, plan in owners(model, expected, module):
        for name, text in plan["added"]:
            added.setdefault(prefix + name, []).append(text)
        removed.update(prefix + name for name in plan["removed"])
    return added, removed


def other_choices(instance: nn.Module, texts: list[str]) -> list[str]:
    """The classes that a submodule may be by its plan (``nn.ReLU() if a else nn.GELU()``), and is not in this model."""
    classes = [text.partition("(")[0].rpartition(".")[2] for text in texts]
    return [name for name in dict.fromkeys(classes) if name != type(instance).__name__]


def owners(model: nn.Module, expected: list[Expected], module: ModuleType) -> Iterator[tuple[str, Expected]]:
    """What is planned for each instance in the model, with the beginning of its submodules' paths: ``block.``."""
    plans = {(plan["path"], plan["class_name"]): plan for plan in expected}
    for path, instance in walk(model):
        for base in type(instance).__mro__:
            plan = plans.get((file_of(base, module), base.__qualname__))
            if plan is not None:
                yield f"{path}." if path else "", plan


def file_of(cls: type, module: ModuleType) -> str:
    """The file of a class as plans say it: nothing for that of the module, under whatever name it was imported."""
    file = str(getattr(sys.modules.get(cls.__module__), "__file__", None))
    return "" if cls.__module__ == module.__name__ or file == module.__file__ else file


def check_sharing(model: nn.Module, added: set[str]) -> list[str]:
    """Added submodules that are one object with another submodule of the same owner."""
    problems = []
    first: dict[tuple[int, int], str] = {}
    paths = dict(walk(model))
    for path, instance in paths.items():
        owner = paths[path.rpartition(".")[0]]
        known = first.setdefault((id(owner), id(instance)), path)
        same_owner_path = known.rpartition(".")[0] == path.rpartition(".")[0]
        if known != path and same_owner_path and (path in added or known in added):
            problems.append(f"{path} and {known} are one object")
    return problems


def check_settings(actual: nn.Module, text: str, owner: nn.Module, module: ModuleType) -> list[str]:
    """Compare a submodule with what its planned constructor builds; settings that are locals go unchecked."""
    receiver = next(iter(inspect.signature(type(owner).__init__).parameters), "self")
    names = {"torch": torch, "nn": nn, **vars(module), receiver: owner}
    try:
        with torch.random.fork_rng(devices=[]):
            planned = eval(compile(text, "<planned>", "eval"), names)
    except NameError:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call):
            return []
        wanted = eval(compile(ast.unparse(call.func), "<planned>", "eval"), names)
        return [] if type(actual) is wanted else [f"a {type(actual).__name__}, not {text}"]
    if type(planned) is not type(actual):
        return [f"a {type(actual).__name__}, not {text}"]
    wanted_settings, settings = plain_settings(planned), plain_settings(actual)
    return [
        f"{name} is {settings.get(name)!r}, planned was {value!r}"
        for name, value in wanted_settings.items()
        if not (settings.get(name) is value or repr(settings.get(name)) == repr(value))
    ]


def plain_settings(instance: nn.Module) -> dict[str, Any]:
    return {k: v for k, v in vars(instance).items() if not k.startswith("_") and k != "training"}
