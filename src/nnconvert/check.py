"""The product's own checks of a conversion: what they find wrong is never written."""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter

from nnconvert.errors import CheckError, SourceError
from nnconvert.options import Options
from nnconvert.plan import ClassPlan, Conversion, Plan
from nnconvert.source.text import Source, parse


def check(old: str, new: str, plan: Plan, options: Options) -> None:
    """Raise CheckError unless the new text parses, keeps all comments, differs by the plan only, and is stable."""
    try:
        tree = parse(new)
    except SourceError as error:
        raise CheckError(f"the result does not parse: line {error.line}: {error.message}") from error
    if missing := _comments(old) - _comments(new):
        raise CheckError(f"a comment would be lost: {next(iter(missing))}")
    _check_tree(Source(old), tree, plan)
    _check_stable(new, options)


def _comments(text: str) -> Counter[str]:
    if "#" not in text:
        return Counter()
    lines = io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n")).readline
    return Counter(t.string for t in tokenize.generate_tokens(lines) if t.type == tokenize.COMMENT)


def _check_stable(new: str, options: Options) -> None:
    from nnconvert.decide.to_module import decide

    again = decide(new, options)
    if again.converted or again.classes:
        first = again.converted[0].site
        raise CheckError(f"a second run would change line {first.position.line} ({first.spelled}) again")


# -- the same tree, but for the plan --------------------------------------------------------------------------------


def _check_tree(source: Source, new: ast.Module, plan: Plan) -> None:
    """Carry the plan out on the old tree, independently of the text edits, and compare with the new text's tree."""
    replacer = _Replacer(source, plan)
    expected = replacer.visit(source.tree)
    if replacer.done != len(plan.converted):
        raise CheckError("a planned call site was not found again")
    wanted, found = _without_imports(expected), _without_imports(new)
    _strip_registrations(source, found, plan.classes)
    if ast.dump(wanted) != ast.dump(found):
        raise CheckError("the result differs from the source by more than the plan")


class _Replacer(ast.NodeTransformer):
    def __init__(self, source: Source, plan: Plan) -> None:
        self.source = source
        self.done = 0
        self.conversions = {d.site.span: d.outcome for d in plan.converted}

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, ast.Call | ast.Attribute | ast.Name):
            return super().generic_visit(node)
        span = self.source.span(node)
        conversion = self.conversions.get(span)
        if not isinstance(conversion, Conversion) or (conversion.kind == "reference") == isinstance(node, ast.Call):
            return super().generic_visit(node)
        del self.conversions[span]
        self.done += 1
        callee = ast.parse(conversion.callee, mode="eval").body
        if not isinstance(node, ast.Call):
            return callee
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        if conversion.inputs is None:
            kept, keywords = node.args, node.keywords
        else:
            kept, keywords = [arguments[index] for index in conversion.inputs], []
        if conversion.kind == "method" and receiver is not None:
            kept = [receiver, *kept]
        call = ast.Call(callee, kept, keywords)
        call.args = [self.visit(argument) for argument in call.args]
        call.keywords = [ast.keyword(k.arg, self.visit(k.value)) for k in call.keywords]
        return call


def _without_imports(tree: ast.AST) -> ast.Module:
    assert isinstance(tree, ast.Module)
    body = [s for s in tree.body if not isinstance(s, ast.Import | ast.ImportFrom)]
    return ast.Module(body, tree.type_ignores)


def _strip_registrations(source: Source, tree: ast.Module, classes: tuple[ClassPlan, ...]) -> None:
    """Take the planned statements out again; CheckError where one is missing."""
    for plan in classes:
        node = _class_of(source, tree, plan)
        init = [s for s in node.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef) and s.name == "__init__"][-1]
        for registration in plan.registrations:
            text = f"{plan.anchor.receiver}.{registration.name} = {registration.constructor}"
            wanted = ast.dump(ast.parse(text).body[0])
            place = next((s for s in init.body if ast.dump(s) == wanted), None)
            if place is None:
                raise CheckError(f"the registration of {registration.name} is not in __init__")
            init.body.remove(place)
        if plan.anchor.new_init:
            node.body.remove(init)


def _class_of(source: Source, new: ast.Module, plan: ClassPlan) -> ast.ClassDef:
    """The class in the new tree; of several with one name, the one in which the old text has the plan's anchor."""
    before, after = (_classes_named(tree, plan.class_name) for tree in (source.tree, new))
    starts = [source.span(node).start for node in before]
    begun = [start for start in starts if start <= plan.anchor.offset]
    if not begun or len(before) != len(after):
        raise CheckError(f"the class {plan.class_name} was not found again")
    return after[starts.index(max(begun))]


def _classes_named(tree: ast.Module, name: str) -> list[ast.ClassDef]:
    parts = name.split(".")
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == parts[-1])
    return [node for node in nodes if _qualname_matches(tree, node, parts)]


def _qualname_matches(tree: ast.Module, node: ast.ClassDef, parts: list[str]) -> bool:
    found: list[str] = []
    container: ast.AST = tree
    while container is not node:
        container = next(c for c in ast.iter_child_nodes(container) if node in ast.walk(c))
        if isinstance(container, ast.ClassDef):
            found.append(container.name)
        elif isinstance(container, ast.FunctionDef | ast.AsyncFunctionDef):
            found += [container.name, "<locals>"]
    return found == parts


