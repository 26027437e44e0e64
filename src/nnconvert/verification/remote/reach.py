"""Which of the changed statements of a class a run executes, seen on the old version."""

from __future__ import annotations

import ast
import contextlib
import os
import sys
from collections.abc import Callable, Collection, Iterator
from types import CodeType, FrameType
from typing import Any

from torch import nn

INSTALLED = (
    *(os.path.join(prefix, "") for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)),
    os.path.join(os.path.dirname(os.path.dirname(nn.__path__[0])), ""),  # where torch is, and what came with it
    os.path.join(os.path.dirname(os.path.abspath(__file__)), ""),
    "<",
)
"""How the paths of code begin that is not the user's own."""
Lines = tuple[int, int]
"""First and last line of a statement (of its head, where others stand below it)."""


def is_installed(path: str) -> bool:
    """Whether code there is not the user's own, or was never in a file."""
    return path.startswith(INSTALLED) or not os.path.isabs(path)


def changed_statements(source: str, class_name: str, changed: Collection[int]) -> frozenset[Lines]:
    """The statements of a class, those of its constructor left out, that hold a changed line."""
    node = node_of(source, class_name)
    methods = [m for m in getattr(node, "body", []) if getattr(m, "name", "__init__") != "__init__"]
    below = (s for m in methods for s in ast.walk(m) if isinstance(s, ast.stmt) and s is not m)
    spans = {_head(s) for s in below if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))}
    return frozenset(span for span in spans if any(span[0] <= line <= span[1] for line in changed))


def node_of(source: str, class_name: str) -> ast.AST | None:
    """The class of this dotted name; None where it is made in another way than by a class statement."""
    node: ast.AST | None = ast.parse(source)
    for part in class_name.split("."):
        body = getattr(node, "body", [])
        node = next((s for s in body if isinstance(s, ast.ClassDef) and s.name == part), None)
    return node


def _head(statement: ast.stmt) -> Lines:
    below = getattr(statement, "body", None)
    last = below[0].lineno - 1 if below else statement.end_lineno or statement.lineno
    return statement.lineno, max(last, statement.lineno)


@contextlib.contextmanager
def _traced(enter: Callable[[FrameType, str, Any], Any]) -> Iterator[None]:
    """Let Python ask ``enter`` about every frame that begins meanwhile, and tell who asked before."""
    before = sys.gettrace()

    def both(frame: FrameType, event: Any, told: Any) -> Any:
        if before is not None:
            before(frame, event, told)
        return enter(frame, event, told)

    sys.settrace(both)
    try:
        yield
    finally:
        sys.settrace(before)


@contextlib.contextmanager
def executed_lines(path: str, lines: set[int]) -> Iterator[None]:
    """Collect the lines of one file that run meanwhile."""

    def note(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            lines.add(frame.f_lineno)
        return note

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        return note if event == "call" and frame.f_code.co_filename == path else None

    with _traced(enter):
        yield


@contextlib.contextmanager
def executed_steps(path: str, steps: set[Any]) -> Iterator[None]:
    """Collect line, instruction and file of what runs meanwhile in one file and in others that are not installed."""

    def note(frame: FrameType, event: str, _: Any) -> Any:
        if event == "opcode":
            steps.add((frame.f_lineno, frame.f_lasti, frame.f_code.co_filename))
        return note

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if event != "call" or (name != path and is_installed(name)):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return note

    with _traced(enter):
        yield


@contextlib.contextmanager
def executed_code(found: dict[int, tuple[CodeType, str]]) -> Iterator[None]:
    """Collect the code that runs meanwhile and is not installed, by its identity, with the names of its modules."""
    seen: dict[int, CodeType] = {}

    def enter(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and id(code) not in seen:
            seen[id(code)] = code  # kept, so that no identity is used twice
            if not is_installed(code.co_filename):
                found[id(code)] = code, str(frame.f_globals.get("__name__"))

    with _traced(enter):
        yield


@contextlib.contextmanager
def counted_calls() -> Iterator[list[None]]:
    """A list that grows by one with each call of a module that returns meanwhile."""
    calls: list[None] = []
    handle = nn.modules.module.register_module_forward_hook(lambda *_: calls.append(None))
    try:
        yield calls
    finally:
        handle.remove()


def reached(statements: frozenset[Lines], lines: set[int]) -> int:
    """How many of the statements ran."""
    return len(statements) - len(missed(statements, lines))


def missed(statements: frozenset[Lines], lines: set[int]) -> list[int]:
    """Where the statements begin that did not run."""
    return sorted(first for first, last in statements if not any(first <= line <= last for line in lines))
