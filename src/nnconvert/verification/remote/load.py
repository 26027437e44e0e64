"""Serve given source bytes as a module: no file is read or written for it, least of all a .pyc."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import linecache
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType


class ServedLoader(SourceFileLoader):
    """Loads one module from ``source``; ``digest`` is the SHA-256 of the bytes that were compiled last."""

    def __init__(self, name: str, path: str, source: bytes) -> None:
        super().__init__(name, path)
        self.source = source
        self.digest = ""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the served bytes; the base class would look for a .pyc first."""
        del fullname
        self.digest = hashlib.sha256(self.source).hexdigest()
        return compile(self.source, self.path, "exec", dont_inherit=True)

    def get_source(self, fullname: str) -> str:
        del fullname
        return importlib.util.decode_source(self.source)

    def exec_module(self, module: ModuleType) -> None:
        # With no mtime in its entry, linecache never asks the disk again: inspect.getsource and
        # torch.jit.script see the served text.
        text = self.get_source(self.name)
        linecache.cache[self.path] = (len(text), None, text.splitlines(keepends=True), self.path)
        super().exec_module(module)


class ServedFinder:
    """Finds the served module under its own name, and under any other name that leads to the same file."""

    def __init__(self, name: str, path: str, source: bytes) -> None:
        self.name = name
        self.path = path
        self.source = source
        self._last = name.rpartition(".")[2]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del target
        if fullname != self.name:
            if fullname.rpartition(".")[2] != self._last:
                return None
            found = PathFinder.find_spec(fullname, path)
            if found is None or found.origin is None:
                return None
            if os.path.realpath(found.origin) != os.path.realpath(self.path):
                return None
        loader = ServedLoader(fullname, self.path, self.source)
        locations = [os.path.dirname(self.path)] if os.path.basename(self.path) == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            fullname, self.path, loader=loader, submodule_search_locations=locations
        )


def serve_every_loader(path: str, source: bytes) -> None:
    """Serve the bytes also to code that takes the file's own loader and runs the module once more."""
    usual = SourceFileLoader.get_code
    real = os.path.realpath(path)

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        if os.path.realpath(self.path) == real:
            return compile(source, self.path, "exec", dont_inherit=True)
        return usual(self, fullname)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]


def foreign_code(module: ModuleType, path: str, source: bytes) -> str:
    """The first method of the module that is said to stand in this file, but not in these bytes; or ""."""
    planned: set[CodeType] = set()
    pending = [compile(source, path, "exec", dont_inherit=True)]
    while pending:
        code = pending.pop()
        planned.add(code)
        pending += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    for cls in vars(module).values():
        if isinstance(cls, type) and cls.__module__ == module.__name__:
            for name, method in vars(cls).items():
                found = getattr(method, "__code__", None)
                if isinstance(found, CodeType) and found.co_filename == path and found not in planned:
                    return f"{cls.__qualname__}.{name}"
    return ""


def serve(path: str, source: bytes) -> None:
    """Serve the bytes for the file at ``path``, under whatever name it is imported."""
    last = os.path.basename(os.path.dirname(path) if os.path.basename(path) == "__init__.py" else path)
    sys.meta_path.insert(0, ServedFinder(f".{last.removesuffix('.py')}", path, source))
    serve_every_loader(path, source)


def load_module(name: str, path: str, source: bytes, search: Sequence[str]) -> ModuleType:
    """Import ``source`` as the module ``name`` that stands at ``path``, with ``search`` in front of sys.path.

    Raises whatever the module's own code raises, and RuntimeError if other bytes than these were run.
    """
    sys.path[:0] = [folder for folder in search if folder not in sys.path]
    while name in sys.modules:
        name += "_"  # a file named like a module that is loaded already (random.py)
    sys.meta_path.insert(0, ServedFinder(name, path, source))
    serve_every_loader(path, source)
    module = importlib.import_module(name)
    loader = module.__spec__.loader if module.__spec__ else None
    planned = hashlib.sha256(source).hexdigest()
    if not isinstance(loader, ServedLoader) or loader.digest != planned:
        raise RuntimeError(f"another module named {name} was imported in its place")
    if foreign := foreign_code(module, path, source):
        raise RuntimeError(f"other code than this file's was run for {foreign}")
    return module
