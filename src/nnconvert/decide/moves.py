"""Whether a parameter or buffer may move into a submodule: all its uses move, or none (SEMANTICS rule 17)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from nnconvert.catalog import every_pair
from nnconvert.decide.arguments import LeaveError
from nnconvert.decide.operands import Operand
from nnconvert.decide.ordered import Ordered
from nnconvert.decide.spoken import Spoken
from nnconvert.decide.uses import asked_by_string, stored_outside
from nnconvert.source.classes import ClassInfo, torch_class
from nnconvert.source.instances import may_be_instance
from nnconvert.source.named import named_store
from nnconvert.source.project import Neighbours
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import FunctionNode
from nnconvert.source.tested import About

_OWN_STATE: Final = frozenset(
    {"state_dict", "load_state_dict", "_load_from_state_dict", "_save_to_state_dict", "get_extra_state",
     "set_extra_state", "parameters", "named_parameters", "buffers", "named_buffers", "register_parameter",
     "register_buffer", "get_parameter", "get_buffer"}
)  # fmt: skip
"""Methods that a class may override to keep or name its state otherwise."""
_STATE_HOOKS: Final = frozenset(
    {"_register_state_dict_hook", "register_state_dict_pre_hook", "register_state_dict_post_hook",
     "_register_load_state_dict_pre_hook", "register_load_state_dict_pre_hook",
     "register_load_state_dict_post_hook", "_state_dict_hooks", "_load_state_dict_pre_hooks", "_parameters", "_buffers"}
)  # fmt: skip
_UTILS: Final = ("torch.nn.utils.", "torch.ao.", "torch.quantization.")
_HARMLESS_UTILS: Final = ("torch.nn.utils.rnn.", "torch.nn.utils.clip_grad")


class Uses:
    """The uses of what may move, in one file."""

    def __init__(self, reader: Reader, neighbours: Neighbours) -> None:
        self.reader = reader
        self.neighbours = neighbours
        self.ordered = Ordered(reader)
        self.spoken = Spoken(reader)

    def check_class(self, info: ClassInfo, module: str) -> None:
        """Refuse a class whose state is kept or made otherwise; raises LeaveError."""
        attributes = self.reader.attributes
        for member in info.family():
            own = sorted(_OWN_STATE & set(member.scope.bindings))
            if own:
                raise LeaveError("NNC415", f"{member.qualname} defines {own[0]} itself")
            loads = attributes.facts[member].loads
            hooks = sorted(_STATE_HOOKS & {*loads, *attributes.facts[member].stores})
            if hooks:
                raise LeaveError("NNC415", f"{member.qualname} speaks of its {hooks[0]}")
            if attributes.facts[member].stores_unknown_names:
                raise LeaveError("NNC415", f"{member.qualname} stores attributes under computed names")
        if attributes.outer_stores_unknown:
            raise LeaveError("NNC415", "attributes are stored under computed names")
        self._check_initialisers(module)
        self.ordered.check()
        self._check_tables(info)
        self._check_wrapped(info)

    def _check_initialisers(self, module: str) -> None:
        """A function that does something to every nn.Linear, applied by who knows whom."""
        for node, scope in self.reader.tree.inner.items():
            if not isinstance(node, FunctionNode):
                continue
            for parameter in (*node.args.posonlyargs, *node.args.args):
                if not any(_tests(n, parameter.arg) for n in ast.walk(node)):
                    continue
                done = [statement for statement in node.body if not isinstance(statement, ast.Return)]
                body = self.reader.walks.walked.keeper.body(done, About(parameter.arg, scope), ast.Return)
                if not body.everything and body.notices(module):
                    words = f"{node.name} (line {node.lineno}) does something to every nn.{module}"
                    raise LeaveError("NNC302", words)

    def _check_tables(self, info: ClassInfo) -> None:
        """``net._parameters``: what moves is not in there any more."""
        for name in ("_parameters", "_buffers"):
            for load in self.reader.attributes.outer_loads.get(name, []):
                if may_be_instance(load.value, info, self.reader):
                    raise LeaveError("NNC415", f"line {load.lineno} reads the {name} of a module")

    def _check_wrapped(self, info: ClassInfo) -> None:
        """``weight_norm(self)``, ``prune.l1_unstructured(net, ...)``: they look for parameters by name."""
        tree = self.reader.tree
        for call in tree.calls():
            qualname = self.reader.names.qualname(call.func, tree.scope_of[call]) or ""
            if not (qualname.startswith(_UTILS) and call.args) or qualname.startswith(_HARMLESS_UTILS):
                continue
            if self._may_be_wrapped(call.args[0], info):
                raise LeaveError("NNC415", f"line {call.lineno} hands the module to {qualname.rpartition('.')[2]}")

    def _may_be_wrapped(self, node: ast.expr, info: ClassInfo) -> bool:
        """An instance; the result of a call only where that is one: not ``net.parameters()``."""
        if isinstance(node, ast.Call):
            owners = self.reader.walks.owners(node, self.reader.tree.scope_of[node]) or ()
            return any(owner in info.family() for owner in owners)
        sequence = isinstance(node, ast.List | ast.Tuple | ast.GeneratorExp | ast.ListComp)
        return not sequence and may_be_instance(node, info, self.reader)

    # -- one operand ---------------------------------------------------------------------------------------

    def others(
        self, operand: Operand, key: str, info: ClassInfo, call: ast.Call, stays: Iterable[ast.expr]
    ) -> list[ast.Attribute]:
        """Every use of the attribute but those that leave with the call's arguments; raises LeaveError.

        ``key``: what its key becomes, up to a number; ``stays``: the arguments that stay at the call.
        """
        name, attributes = operand.name, self.reader.attributes
        self._check_strings(operand, info)
        self.spoken.check(name, key)
        self._check_elsewhere(name, info)
        kept = {id(node) for argument in stays for node in ast.walk(argument)}
        leaving = {id(node) for node in ast.walk(call)} - kept
        found = [load for m in info.family() for load in attributes.facts[m].loads.get(name, [])]
        if isinstance(operand.store.node, ast.Attribute):
            found.append(operand.store.node)
        found += self._from_outside(name, info)
        others = [load for load in found if id(load) not in leaving]
        for load in others:
            self._check_use(load, operand, call)
        return others

    def _check_elsewhere(self, name: str, info: ClassInfo) -> None:
        """Refuse what another file of the project names; raises LeaveError."""
        attributes = self.reader.attributes
        for member in info.family():
            here = member in attributes.facts
            if not here and (name in attributes.facts[member].loads or name in attributes.facts[member].stores):
                raise LeaveError("NNC606", f"{member.qualname} of {member.home.name} names self.{name}, too")
        for other in self.reader.elsewhere.reading(info, name):
            loads = other.attributes.outer_loads.get(name, [])
            found = next((n for n in loads if may_be_instance(n.value, info, other)), None)
            if found is not None or stored_outside(name, info, other) is not None:
                raise LeaveError("NNC415", f"{other.name} may reach it from outside")
            if asked_by_string(name, info, other):
                raise LeaveError("NNC415", f"{other.name} reaches self.{name} by its name in a string")

    def _check_use(self, load: ast.Attribute | ast.Name, operand: Operand, call: ast.Call) -> None:
        shown, tree = f"self.{operand.name}", self.reader.tree
        if not self._has_position(load):
            raise LeaveError("NNC111", f"{shown} is used inside of an f-string (line {load.lineno})")
        parent = tree.parents.get(load)
        if isinstance(parent, ast.Assign) and load is parent.value:
            if not all(isinstance(target, ast.Name) for target in parent.targets):
                raise LeaveError("NNC413", f"line {load.lineno} gives {shown} another name")
            names = {target.id for target in parent.targets if isinstance(target, ast.Name)}
            for use in tree.names():
                if use.id in names and isinstance(use.ctx, ast.Load) and tree.scope_of[use] is tree.scope_of[load]:
                    self._check_use(use, operand, call)
        for ancestor in tree.ancestors(load):
            if isinstance(ancestor, ast.Call) and ancestor is not call and self._is_operand_of(load, ancestor):
                raise LeaveError("NNC413", f"line {load.lineno} uses {shown}, too: it is tied")
            if isinstance(ancestor, ast.stmt | ast.Lambda):
                return

    def _has_position(self, load: ast.expr) -> bool:
        """Whether the source says where it stands: before 3.12 Python is wrong about some parts of f-strings."""
        around = next((n for n in self.reader.tree.ancestors(load) if isinstance(n, ast.JoinedStr)), None)
        if around is None:
            return True
        span, whole = self.reader.source.span(load), self.reader.source.span(around)
        inside = whole.start < span.start and span.end < whole.end
        return inside and self.reader.source.segment(load) == ast.unparse(load)

    def _is_operand_of(self, load: ast.expr, call: ast.Call) -> bool:
        """Whether the load stands among what such a functional takes as its weights."""
        qualname = self.reader.names.qualname(call.func, self.reader.tree.scope_of[call]) or ""
        spellings = [(p, s) for p in every_pair() if p.weights for s in p.spellings if s.name == qualname]
        for pair, spelling in spellings:
            given = dict(zip((p.name for p in spelling.signature), call.args, strict=False))
            given.update((keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg)
            if any(load in ast.walk(given[name]) for name in pair.state if name in given):
                return True
        return False

    def _from_outside(self, name: str, info: ClassInfo) -> Iterator[ast.Attribute]:
        """``model.weight`` where the file tells that it is an instance; raises LeaveError where it may be one."""
        for load in self.reader.attributes.outer_loads.get(name, []):
            call = self.reader.tree.parents.get(load)
            called = isinstance(call, ast.Call) and call.func is load  # x.mean(): a method
            if called or not may_be_instance(load.value, info, self.reader):
                continue
            owners = self._tested(load)
            if owners is None:
                owners = self.reader.walks.owners(load.value, self.reader.tree.scope_of[load])
            family = info.family()
            if owners and all(owner in family for owner in owners):
                yield load
            elif owners is None or any(owner in family for owner in owners):
                raise LeaveError("NNC415", f"line {load.lineno} may reach it from outside: {ast.unparse(load)}")
        for owner in self.reader.attributes.outer_owners.get(name, []):
            if may_be_instance(owner, info, self.reader):
                raise LeaveError("NNC415", f"self.{name} is assigned from outside of the class")

    def _tested(self, load: ast.Attribute) -> tuple[ClassInfo, ...] | None:
        """The classes of this file that ``if isinstance(m, ...)`` around the load leaves; none for torch's."""
        child: ast.AST = load
        for ancestor in self.reader.tree.ancestors(load) if isinstance(load.value, ast.Name) else ():
            if isinstance(ancestor, ast.If) and child in ancestor.body:
                found = self._left_by(ancestor.test, ast.unparse(load.value))
                if found is not None:
                    return found
            child = ancestor
        return None

    def _left_by(self, test: ast.expr, variable: str) -> tuple[ClassInfo, ...] | None:
        """The classes of this file that the test leaves; None where it may leave any."""
        if isinstance(test, ast.BoolOp):
            every = [self._left_by(value, variable) for value in test.values]
            known = [found for found in every if found is not None]
            if isinstance(test.op, ast.And):
                return known[0] if known else None
            return tuple(info for found in known for info in found) if len(known) == len(every) else None
        if not (isinstance(test, ast.Call) and _tests(test, variable)):
            return None
        scope = self.reader.tree.scope_of[test]
        found_here: list[ClassInfo] = []
        for node in test.args[1].elts if isinstance(test.args[1], ast.Tuple) else [test.args[1]]:
            here = self.reader.classes.named(node, scope)
            if not here and torch_class(self.reader.names.qualname(node, scope) or "") in (None, "Module"):
                return None
            found_here += here
        return tuple(found_here)

    def _check_strings(self, operand: Operand, info: ClassInfo) -> None:
        """Refuse a name that stands in a string: a key, a name in a comparison, ``weight_norm(self, "weight")``."""
        named = set()
        for call in self.reader.tree.calls():
            target, name, _ = named_store(call)
            method = self.reader.attributes.self_of(target) if target is not None else None
            if name is not None and method is not None and (method.info not in info.family() or name is operand.string):
                named.add(id(name))
        for node in self.reader.tree.strings():
            if id(node) not in named and operand.name in str(node.value).split("."):
                raise LeaveError("NNC415", f"line {node.lineno} names {operand.name} in a string")
        if asked_by_string(operand.name, info, self.reader):
            raise LeaveError("NNC415", f"something asks for self.{operand.name} by a name that is built at run time")


def _tests(node: ast.AST, variable: str) -> bool:
    """``isinstance(<variable>, ...)``"""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "isinstance"
        and len(node.args) == 2
        and isinstance(node.args[0], ast.Name)
        and node.args[0].id == variable
    )
