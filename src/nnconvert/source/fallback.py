"""Classes that look further where an instance lacks an attribute: ``getattr(self.module, name)``."""

from __future__ import annotations

import ast
import re
from typing import Final

from nnconvert.source.classes import ClassInfo
from nnconvert.source.scopes import FunctionNode

_OF_MODULE: Final = re.compile(r"(super\(\)|super\(\w+, \w+\)|(\w+\.)*Module)\.__getattr__")


def asks_torch_first(info: ClassInfo) -> bool:
    """Whether ``__getattr__`` is ``try: return super().__getattr__(name) except AttributeError: ...``.

    What is registered is found then, as if there were no such method.
    """
    nodes = info.methods.get("__getattr__", [])
    return len(nodes) == len(info.scope.bindings["__getattr__"]) == 1 and _asks_first(nodes[0])


def _asks_first(node: FunctionNode) -> bool:
    parameters = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if len(parameters) != 2 or node.decorator_list or not (body and isinstance(body[0], ast.Try)):
        return False
    match body[0].body:
        case [ast.Return(value=ast.Call(func=function, args=arguments, keywords=[]))]:
            named = [ast.unparse(argument) for argument in arguments]
            by_class = not ast.unparse(function).startswith("super(")
            asked = named == parameters if by_class else named == parameters[1:]
            return asked and _OF_MODULE.fullmatch(ast.unparse(function)) is not None
    return False
