"""Examples of a class outside its own file: in the project's tests, and in its readme."""

from __future__ import annotations

import ast
import glob
import itertools
import os
import re
from collections.abc import Iterator, Sequence

from .conventions import Example, OnProcessor, Scope, examples_in, function_scope, statements_of

READMES = ("README.md", "README.rst", "*.dist-info/METADATA")
"""The last is where an installed package keeps its readme."""
TESTS = ("test*.py", "*_test.py", "tests/**/*.py", "test/**/*.py", "examples/**/*.py")
FILES = 400
"""Test files that are looked into."""
TEXTS = 6
"""Of those that name the class, how many are read."""
LARGEST = 400_000
FENCED = re.compile(r"^ {0,3}```\s*(?:python|py)\b[^\n]*\n(.*?)^ {0,3}```", re.S | re.M)


def examples_elsewhere(folders: Sequence[str], class_name: str, package: str) -> Iterator[Example]:
    """Examples of ``class_name`` in what stands in the folders; ``package`` is what is imported from them."""
    short = class_name.rpartition(".")[2]
    texts = _texts(folders, short, package.partition(".")[0])
    for label, text in itertools.islice(texts, TEXTS):
        try:
            tree = OnProcessor().visit(ast.parse(text))
        except (SyntaxError, ValueError):
            continue  # written for another Python, or an example with gaps
        for scope in _scopes(tree, label):
            scope.bind()
            yield from examples_in(scope, {short}, {short, "torch", "nn"})


def _scopes(tree: ast.Module, label: str) -> Iterator[Scope]:
    """The module itself, and each function, which sees what the module binds."""
    whole = Scope(label, statements_of(tree.body), feeds=True)
    yield whole
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            scope = function_scope(node, f"{label}: {node.name}()")
            scope.bindings[:0] = [(-2, name, text) for _, name, text in whole.bindings]
            scope.feeds = True
            yield scope


def _texts(folders: Sequence[str], class_name: str, package: str) -> Iterator[tuple[str, str]]:
    """Label and Python text of what names the class and the package."""
    named = re.compile(rf"\b{re.escape(class_name)}\b")
    for folder in dict.fromkeys(folders):
        for path in _paths(folder, READMES):
            for block in FENCED.findall(_read(path)):
                if named.search(block) and package in block:
                    yield os.path.basename(path), block
        for path in itertools.islice(_paths(folder, TESTS), FILES):
            text = _read(path)
            if named.search(text) and package in text:
                yield os.path.relpath(path, folder), text


def _paths(folder: str, patterns: Sequence[str]) -> Iterator[str]:
    for pattern in patterns:
        yield from sorted(glob.glob(os.path.join(glob.escape(folder), pattern), recursive=True))


def _read(path: str) -> str:
    if not os.path.isfile(path) or os.path.getsize(path) > LARGEST:
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
