"""Writes src/nnconvert/source/torch_names.json: attribute names and bases of every class in the installed torch.nn.

Usage: python scripts/generate_torch_names.py [--check]
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from pathlib import Path

import torch

TARGET = Path(__file__).parent.parent / "src/nnconvert/source/torch_names.json"


def own_names(cls: type) -> set[str]:
    """Names that the class's own source stores on self or defines."""
    tree = ast.parse(inspect.getsource(sys.modules[cls.__module__]))
    node = next(n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == cls.__name__)
    stored = {
        n.attr
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute)
        and isinstance(n.ctx, ast.Store)
        and isinstance(n.value, ast.Name)
        and n.value.id == "self"
    }
    registered = {
        n.args[0].value
        for n in ast.walk(node)
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr.startswith("register_")
        and n.args
        and isinstance(n.args[0], ast.Constant)
        and isinstance(n.args[0].value, str)
    }
    return stored | registered | set(vars(cls)) | set(getattr(cls, "__annotations__", {}))


def module_classes() -> list[type[torch.nn.Module]]:
    """The public classes of torch.nn, and those that they derive from (``_Loss``, ``_BatchNorm``)."""
    values = [getattr(torch.nn, name) for name in sorted(dir(torch.nn))]
    public = [v for v in values if isinstance(v, type) and issubclass(v, torch.nn.Module)]
    found = {
        ancestor.__name__: ancestor
        for cls in public
        for ancestor in cls.__mro__
        if issubclass(ancestor, torch.nn.Module) and ancestor is not torch.nn.Module
    }
    return [found[name] for name in sorted(found)]


def bases() -> dict[str, list[str]]:
    """Class -> what it derives from between itself and nn.Module."""
    found = {
        cls.__name__: [
            a.__name__ for a in cls.__mro__[1:] if issubclass(a, torch.nn.Module) and a is not torch.nn.Module
        ]
        for cls in module_classes()
    }
    return {name: ancestors for name, ancestors in found.items() if ancestors}


def attributes() -> dict[str, list[str]]:
    module = set(dir(torch.nn.Module())) | set(torch.nn.Module.__annotations__)
    found = {"Module": sorted(module)}
    for cls in module_classes():
        names: set[str] = set()
        for ancestor in cls.__mro__:
            if ancestor.__module__.startswith("torch.nn.") and ancestor is not torch.nn.Module:
                names |= own_names(ancestor)
        found[cls.__name__] = sorted(names - module)
    return found


def main() -> int:
    found = {"attributes": attributes(), "bases": bases()}
    if "--check" in sys.argv[1:]:
        written = json.loads(TARGET.read_text())["attributes"]
        missing = [f"{c}.{a}" for c, names in attributes().items() for a in names if a not in written.get(c, [])]
        print(f"missing: {missing}" if missing else "complete")
        return bool(missing)
    TARGET.write_text(json.dumps(found, separators=(",", ":")).replace("],", "],\n") + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
