"""Examples of a class outside its own file: in the project's tests, its readme, and other files that name it."""

from __future__ import annotations

import ast
import glob
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .conventions import FEEDING, Example, OnProcessor, Scope, examples_in, function_scope, statements_of

READMES = ("README.md", "README.rst", "*.dist-info/METADATA")
"""The last is where an installed package keeps its readme."""
TESTS = ("test*.py", "*_test.py", "tests/**/*.py", "test/**/*.py", "examples/**/*.py")
FILES = 400
"""Test files that are looked into."""
TEXTS = 6
"""Of those that name the class, how many are read."""
LARGEST = 400_000
FENCED = re.compile(r"^ {0,3}```\s*(?:python|py)\b[^\n]*\n(.*?)^ {0,3}```", re.S | re.M)


@dataclass(frozen=True)
class Text:
    """Python text that names a class."""

    label: str
    path: str
    text: str
    is_example: bool
    """Whether it stands there as an example: whatever is done with instances is meant for a reader or a test."""


def examples_elsewhere(
    folders: Sequence[str], class_name: str, package: str, around: Sequence[str]
) -> Iterator[Example]:
    """Examples of ``class_name`` in what stands in the folders; ``package`` is what is imported from them.

    ``around`` are files that are known to name the class. Nothing is imported for that.
    """
    short = class_name.rpartition(".")[2]
    texts = _texts(folders, short, package.partition(".")[0], around)
    for found in itertools.islice(texts, TEXTS):
        try:
            tree = OnProcessor().visit(ast.parse(found.text))
        except (SyntaxError, ValueError):
            continue  # written for another Python, or an example with gaps
        _make_absolute(tree, found.path)
        for scope in _scopes(tree, found):
            scope.bind()
            yield from examples_in(scope, {short}, {short, "torch", "nn"})


def _make_absolute(tree: ast.Module, path: str) -> None:
    """Relative imports of the file at ``path`` become absolute, since its statements run elsewhere."""
    folder = os.path.dirname(path)
    packages: list[str] = []
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        packages.insert(0, os.path.basename(folder))
        folder = os.path.dirname(folder)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and 0 < node.level <= len(packages):
            above = packages[: len(packages) - node.level + 1]
            node.module, node.level = ".".join([*above, *filter(None, [node.module])]), 0


def _scopes(tree: ast.Module, text: Text) -> Iterator[Scope]:
    """The module itself, and each function, which sees what the module binds."""
    whole = Scope(text.label, statements_of(tree.body), feeds=True)
    yield whole
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            scope = function_scope(node, f"{text.label}: {node.name}()")
            scope.bindings[:0] = [(-2, name, text) for _, name, text in whole.bindings]
            scope.feeds = text.is_example or node.name.startswith(FEEDING)
            yield scope


def _texts(folders: Sequence[str], class_name: str, package: str, around: Sequence[str]) -> Iterator[Text]:
    """What names the class, and the package where that is not known, in examples first."""
    named = re.compile(rf"\b{re.escape(class_name)}\b")
    seen = set()
    for folder in dict.fromkeys(folders):
        for path in _paths(folder, READMES):
            for block in FENCED.findall(_read(path)):
                if named.search(block) and package in block:
                    yield Text(os.path.basename(path), path, block, is_example=True)
        for path in itertools.islice(_paths(folder, TESTS), FILES):
            text = _read(path)
            if named.search(text) and package in text:
                seen.add(path)
                yield Text(os.path.relpath(path, folder), path, text, is_example=True)
    for path in around:
        text = _read(path) if path not in seen else ""
        if named.search(text):
            label = min((os.path.relpath(path, folder) for folder in folders), key=len)
            yield Text(label, path, text, is_example=False)


def _paths(folder: str, patterns: Sequence[str]) -> Iterator[str]:
    for pattern in patterns:
        yield from sorted(glob.glob(os.path.join(glob.escape(folder), pattern), recursive=True))


def _read(path: str) -> str:
    if not os.path.isfile(path) or os.path.getsize(path) > LARGEST:
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
