"""Where an exception arose outside of torch, and what the statement there compares and names."""

from __future__ import annotations

import ast
import functools
import inspect
import os
import textwrap
from collections.abc import Iterator, Sequence
from types import CodeType, FrameType
from typing import Any

import torch

from .reading import dimensions_compared

ENTERED = ("forward", "__call__")
"""The method that gets the inputs."""


def user_frames(error: BaseException) -> list[tuple[FrameType, int]]:
    """Frames and lines outside of torch and of this package, the innermost first."""
    without = (os.path.dirname(os.path.abspath(__file__)), os.path.dirname(torch.__file__), "<")
    found, trace = [], error.__traceback__
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(without):
            found.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return found[::-1]


def names_at(frame: FrameType, line: int) -> list[str]:
    """Names and attributes that the failing statement reads; of a ``raise``, its condition's, too."""
    tree = _statement(frame.f_code, line)
    found = [n.attr if isinstance(n, ast.Attribute) else n.id for n in ast.walk(tree)
             if isinstance(n, (ast.Attribute, ast.Name))]  # fmt: skip
    return [name for name in dict.fromkeys(found) if name != "self"]


def blamed(error: BaseException) -> list[int]:
    """Places of the arguments of forward that its failing statement reads, then of those it got its values from."""
    for frame, line in user_frames(error)[::-1]:
        if frame.f_code.co_name in ENTERED:
            names = names_at(frame, line)
            behind = _behind(frame, names)
            arguments = list(enumerate(_arguments(frame)))
            direct = [place for place, name in arguments if name in names]
            return [*direct, *(place for place, name in arguments if name in behind and place not in direct)]
    return []


def _behind(frame: FrameType, names: Sequence[str]) -> set[str]:
    """Names that values of these names were computed from, through the assignments of the function."""
    sources = _sources(frame.f_code)
    found, pending = set(names), list(names)
    while pending:
        more = sources.get(pending.pop(), set()) - found
        found |= more
        pending += more
    return found


@functools.cache
def _sources(code: CodeType) -> dict[str, set[str]]:
    """Name -> the names in what the function assigns to it."""
    tree = _tree(code)
    sources: dict[str, set[str]] = {}
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, (ast.Assign, ast.For)):
            value, targets = (node.iter, [node.target]) if isinstance(node, ast.For) else (node.value, node.targets)
            for name in (n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)):
                sources.setdefault(name, set()).update(n.id for n in ast.walk(value) if isinstance(n, ast.Name))
    return sources


@functools.cache
def _tree(code: CodeType) -> ast.Module | None:
    """Kept, as a search asks for the same few functions at every failure, and finding their text takes long."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, SyntaxError):
        return None  # made at run time


def keys_read(error: BaseException, place: int) -> list[str]:
    """Texts by which forward looks into one of its arguments, in order: ``data["image"]``."""
    frame = next((f for f, _ in user_frames(error)[::-1] if f.f_code.co_name in ENTERED), None)
    if frame is None or place >= len(_arguments(frame)):
        return []
    tree = _tree(frame.f_code)
    keys = [node.slice for node in (ast.walk(tree) if tree else ()) if isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name) and node.value.id == _arguments(frame)[place]]  # fmt: skip
    return list(dict.fromkeys(k.value for k in keys if isinstance(k, ast.Constant) and isinstance(k.value, str)))


def _arguments(frame: FrameType) -> tuple[str, ...]:
    """Names of the arguments after the instance."""
    code = frame.f_code
    return code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]


def compared_at(error: BaseException) -> Iterator[tuple[int, int]]:
    """Sizes that the failing statements compare or divide: one, and what it is compared with."""
    for frame, line in user_frames(error)[:2]:
        for node in ast.walk(_statement(frame.f_code, line)):
            if isinstance(node, ast.Compare) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)):
                operands = [node.left, *(node.comparators if isinstance(node, ast.Compare) else [node.right])]
                values = [value_of(operand, frame) for operand in operands]
                for place in range(len(values) - 1):
                    yield from _both_ways(values[place], values[place + 1])


def dimensions_at(error: BaseException) -> Iterator[int]:
    """Numbers that the failing statements compare a number of dimensions with."""
    for frame, line in user_frames(error)[:2]:
        for node in ast.walk(_statement(frame.f_code, line)):
            if isinstance(node, ast.Compare):
                yield from (count for _, count in dimensions_compared(node))


def keys_at(error: KeyError) -> list[Any]:
    """Keys of the dictionaries that the failing statement looks into."""
    found: list[Any] = []
    for frame, line in user_frames(error)[:1]:
        for node in ast.walk(_statement(frame.f_code, line)):
            value = value_of(node.value, frame) if isinstance(node, ast.Subscript) else None
            found += [*value] if isinstance(value, dict) else []
    return found


def _both_ways(left: Any, right: Any) -> Iterator[tuple[int, int]]:
    if type(left) is int and type(right) is int:
        yield from ((left, right), (right, left))
    elif isinstance(left, (tuple, list)) and isinstance(right, (tuple, list)) and len(left) == len(right):
        for one, other in zip(left, right):  # noqa: B905 (Python 3.9)
            if one != other:
                yield from _both_ways(one, other)


@functools.cache
def _statement(code: CodeType, line: int) -> ast.AST:
    """The statement that failed, of a compound one its head; of a ``raise``, the condition that it stands under."""
    tree = _tree(code)
    around: list[ast.stmt] = []
    for node in ast.walk(tree) if tree is not None else ():  # outer ones come first
        first = code.co_firstlineno - 1
        if isinstance(node, ast.stmt) and node.lineno <= line - first <= (node.end_lineno or node.lineno):
            around.append(node)
    failed = around[-1] if around else ast.Pass()
    if isinstance(failed, ast.Raise):
        failed = next((node for node in reversed(around) if isinstance(node, ast.If)), failed)
    if isinstance(failed, (ast.If, ast.While)):
        return failed.test
    if isinstance(failed, ast.For):
        return failed.iter
    return failed if not hasattr(failed, "body") else ast.Pass()


def value_of(node: ast.expr, frame: FrameType) -> Any:
    """The value of an expression that calls nothing but ``size``, ``len`` and ``dim``; else None."""
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
    if not all(getattr(c.func, "attr", getattr(c.func, "id", "")) in ("size", "len", "dim") for c in calls):
        return None
    try:
        value = eval(compile(ast.Expression(node), "<operand>", "eval"), frame.f_globals, frame.f_locals)
    except Exception:  # attributes of the user's objects may raise anything; then nothing is learned here
        return None
    return list(value) if isinstance(value, torch.Size) else value
