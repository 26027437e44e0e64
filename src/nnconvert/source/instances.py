"""Which expressions may be an instance of a class, as far as bindings, annotations and tests tell."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from nnconvert.source.classes import MODULE, ClassInfo
from nnconvert.source.names import root_name
from nnconvert.source.scopes import Binding, FunctionNode, Scope

if TYPE_CHECKING:
    from nnconvert.source.reader import Reader

_SETTINGS: Final = re.compile(
    r"(^|_)(config|configs|cfg|conf|args|opts?|options|hps?|hparams|params|settings|flags|ns|namespace|ctx)$", re.I
)
_NO_MODULE: Final = re.compile(
    r"\b(\w*(Config|Args|Arguments|Namespace)|dict|str|int|float|bool|Tensor|ndarray)\b", re.I
)


def may_be_instance(node: ast.expr, info: ClassInfo, reader: Reader) -> bool:
    """Whether an expression may be an instance of the class or a relative, as far as the file tells.

    What is called a configuration, or annotated or tested as something that is no such class, is none. In another
    file than the one at hand, something unknown is none unless that file names the class, or has it from one that does.
    """
    scope = reader.tree.scope_of.get(node, reader.tree.module)
    method = reader.attributes.self_of(node)
    if method is not None:
        return method.info in info.family()
    if reader.names.qualname(node, scope) is not None:
        return False
    last = node.attr if isinstance(node, ast.Attribute) else ""
    root = root_name(node)
    if _SETTINGS.search(last) or (root is not None and _SETTINGS.search(root.id)) or _is_parsed(node):
        return False
    found = scope.lookup(node.id) if isinstance(node, ast.Name) else None
    if found is not None and all(_is_no_instance(binding, info, reader) for binding in found[1]):
        return False
    if not all(_fits(tested, info, reader, scope) for tested in _tested_for(node, reader)):
        return False
    owners = reader.walks.owners(node, scope)
    if owners is not None:
        return any(owner in info.family() for owner in owners)
    at_hand = reader.index.at_hand
    return at_hand is None or at_hand is reader or at_hand.elsewhere.may_hold(node, info, reader)


def may_be_owner(node: ast.expr, info: ClassInfo, reader: Reader) -> bool:
    """Whether an expression may be an instance, or is the class or a relative: attributes are found there, too."""
    if may_be_instance(node, info, reader):
        return True
    scope = reader.tree.scope_of.get(node, reader.tree.module)
    return any(named in info.family() for named in reader.classes.named(node, scope))


def _is_no_instance(binding: Binding, info: ClassInfo, reader: Reader) -> bool:
    """A parameter annotated as a configuration, a number or another class; the result of ``parse_args()``."""
    if binding.value is not None:
        return _is_parsed(binding.value)
    annotation = getattr(binding.node, "annotation", None)
    if annotation is None:
        return False
    named = reader.classes.named(annotation, reader.tree.module)
    if named:
        family = info.family()
        return not any(each in family for each in named)
    return _NO_MODULE.search(ast.unparse(annotation)) is not None


def _is_parsed(node: ast.expr) -> bool:
    called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
    return called in ("parse_args", "parse_known_args")


def _tested_for(node: ast.expr, reader: Reader) -> Iterator[ast.expr]:
    """The classes of ``if isinstance(m, nn.Dropout): m.p = 0.1`` around an expression."""
    text = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
    child: ast.AST = node
    for ancestor in reader.tree.ancestors(node) if text else ():
        if isinstance(ancestor, FunctionNode):
            return
        if isinstance(ancestor, ast.If) and child in ancestor.body:
            whole = ancestor.test
            tests = whole.values if isinstance(whole, ast.BoolOp) and isinstance(whole.op, ast.And) else [whole]
            for test in tests:
                function = test.func if isinstance(test, ast.Call) else None
                is_test = isinstance(function, ast.Name) and function.id == "isinstance"
                if is_test and isinstance(test, ast.Call) and len(test.args) == 2 and ast.unparse(test.args[0]) == text:
                    yield test.args[1]
        child = ancestor


def _fits(tested: ast.expr, info: ClassInfo, reader: Reader, scope: Scope) -> bool:
    """Whether an instance of the class or a relative may pass ``isinstance(m, tested)``."""
    if isinstance(tested, ast.Tuple):
        return any(_fits(element, info, reader, scope) for element in tested.elts)
    family = info.family()
    named = reader.classes.named(tested, scope)
    if named:
        return any(each in family for each in named)
    qualname = reader.names.qualname(tested, scope)
    if qualname is None or qualname == MODULE:
        return True
    return any(qualname in member.outer_bases for member in family)
