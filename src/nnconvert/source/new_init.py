"""The ``__init__`` to be written for a class that has none: it passes everything through to its base's."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from nnconvert.source.attributes import Attributes
from nnconvert.source.classes import ClassInfo
from nnconvert.source.inits import inherited_init
from nnconvert.source.quotes import unparse
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import FunctionNode


@dataclass(frozen=True, slots=True)
class NewInit:
    header: str
    """``def __init__(self, width=8):``"""
    base_call: str
    """``super().__init__(width)``"""
    names: frozenset[str]
    """The names that it binds."""


_PASS_THROUGH = NewInit(
    "def __init__(self, *args, **kwargs):",
    "super().__init__(*args, **kwargs)",
    frozenset({"self", "args", "kwargs"}),
)


def new_init(info: ClassInfo, reader: Reader) -> NewInit:
    """With the signature of the ``__init__`` inherited so far, which callers may read, where that is in the project.

    Under multiple inheritance the next ``__init__`` may be another one, so there everything is passed on unread. From
    another file come no annotations, whose names may be unknown here.
    """
    inherited = inherited_init(info, reader.attributes)
    several = any(len(member.bases) > 1 for member in (*info.ancestors(), *info.descendants()))
    if inherited is None or several:
        return _PASS_THROUGH
    home = reader.tree.inner[inherited].tree.home
    if home is not reader:
        if home.path is None or reader.index.is_installed(home.path):
            return _PASS_THROUGH
        inherited = _without_annotations(inherited, reader)
    elif not _is_plain_here(inherited, reader.attributes):
        return _PASS_THROUGH
    if not _is_plain(inherited):
        return _PASS_THROUGH
    arguments = inherited.args
    receiver = [*arguments.posonlyargs, *arguments.args][0].arg
    returns = f" -> {_text(inherited.returns, reader)}" if inherited.returns is not None else ""
    header = f"def __init__({', '.join(_parameters(arguments, reader))}){returns}:"
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    call = f"super().__init__({', '.join(_passed_on(arguments))})"
    return NewInit(header, call, frozenset(a.arg for a in every)) if receiver == "self" else _PASS_THROUGH


def _without_annotations(node: FunctionNode, reader: Reader) -> FunctionNode:
    """The header of a function as this file would write it; nothing in it has a position."""
    text = unparse(ast.Lambda(node.args, ast.Constant(None)), reader.source)
    header = ast.parse(f"def __init__({text.removeprefix('lambda').removesuffix(': None')}): ...").body[0]
    assert isinstance(header, ast.FunctionDef)
    header.decorator_list = node.decorator_list
    is_none = isinstance(node.returns, ast.Constant) and node.returns.value is None
    header.returns = node.returns if is_none else None
    for part in ast.walk(header):
        if isinstance(part, ast.arg):
            part.annotation = None
        if hasattr(part, "lineno"):
            del part.lineno
    return header


def _is_plain(node: FunctionNode) -> bool:
    """Undecorated, with defaults that mean the same anywhere."""
    arguments = node.args
    if node.decorator_list or not (arguments.posonlyargs or arguments.args):
        return False
    defaults = [d for d in (*arguments.defaults, *arguments.kw_defaults) if d is not None]
    return all(isinstance(n, _LITERAL) for default in defaults for n in ast.walk(default))


def _is_plain_here(node: FunctionNode, attributes: Attributes) -> bool:
    """Whether the annotations mean the same anywhere in the file."""
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    annotations = [a.annotation for a in every if a.annotation is not None]
    annotations += [node.returns] if node.returns is not None else []
    for name in (n for a in annotations for n in ast.walk(a) if isinstance(n, ast.Name)):
        found = attributes.tree.scope_of[name].lookup(name.id)
        if found is not None and found[0].kind != "module":
            return False
    return True


_LITERAL = (ast.Constant, ast.UnaryOp, ast.USub, ast.UAdd, ast.Tuple, ast.Load)


def _parameters(arguments: ast.arguments, reader: Reader) -> Iterator[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    for index, (argument, default) in enumerate(zip(positional, [*padding, *arguments.defaults], strict=True), 1):
        yield _parameter(argument, default, reader)
        if index == len(arguments.posonlyargs):
            yield "/"
    if arguments.vararg is not None:
        yield f"*{_parameter(arguments.vararg, None, reader)}"
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument, default, reader)
    if arguments.kwarg is not None:
        yield f"**{_parameter(arguments.kwarg, None, reader)}"


def _parameter(argument: ast.arg, default: ast.expr | None, reader: Reader) -> str:
    text = argument.arg
    if argument.annotation is not None:
        text = f"{text}: {_text(argument.annotation, reader)}"
    if default is None:
        return text
    return f"{text}{' = ' if argument.annotation is not None else '='}{_text(default, reader)}"


def _text(node: ast.expr, reader: Reader) -> str:
    """As the source has it, in one line."""
    if not hasattr(node, "lineno"):
        return unparse(node, reader.source)
    text = reader.source.segment(node)
    return ast.unparse(node) if "\n" in text or "\r" in text else text


def _passed_on(arguments: ast.arguments) -> Iterator[str]:
    yield from (a.arg for a in [*arguments.posonlyargs, *arguments.args][1:])
    if arguments.vararg is not None:
        yield f"*{arguments.vararg.arg}"
    yield from (f"{a.arg}={a.arg}" for a in arguments.kwonlyargs)
    if arguments.kwarg is not None:
        yield f"**{arguments.kwarg.arg}"
