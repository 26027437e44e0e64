"""Which parameter or buffer of self an operand is, and where it is registered (SEMANTICS rules 17 and 18)."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Final, Literal

from nnconvert.decide.arguments import LeaveError
from nnconvert.source.classes import ClassInfo, torch_class
from nnconvert.source.construction import Construction
from nnconvert.source.facts import Method, Store
from nnconvert.source.paths import own_nodes
from nnconvert.source.reader import Reader
from nnconvert.source.tensors import parameter_value

_REGISTERING: Final = {"register_parameter": "param", "register_buffer": "tensor"}


@dataclass(frozen=True, eq=False)
class Operand:
    """A parameter or buffer that ``__init__`` registers once, on every path."""

    name: str
    kind: Literal["parameter", "buffer", "none"]
    """``none``: there is none, ``self.bias = None``."""
    store: Store
    index: int
    """Of the statement of ``__init__`` that registers it."""
    tensor: ast.expr | None
    """The expression that makes it, within ``nn.Parameter(...)``."""
    load: ast.expr
    """Where the call names it: ``self.weight``."""

    @property
    def string(self) -> ast.expr | None:
        """The name as a string, where it is registered by ``self.register_buffer("weight", ...)``."""
        call = self.store.node
        if not isinstance(call, ast.Call):
            return None
        named = next((keyword.value for keyword in call.keywords if keyword.arg == "name"), None)
        return call.args[0] if call.args else named


def is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


class Operands:
    """Finds what operands are in one class."""

    def __init__(self, info: ClassInfo, reader: Reader) -> None:
        self.info = info
        self.reader = reader
        self.construction: Construction = reader.construction(info)

    def find(self, node: ast.expr, what: str) -> Operand | None:
        """The operand; None for a literal None. Raises LeaveError for anything but a parameter or buffer of self."""
        if is_none(node):
            return None
        method = self.reader.attributes.self_of(node.value) if isinstance(node, ast.Attribute) else None
        if method is None or not isinstance(node, ast.Attribute):
            raise LeaveError("NNC410", f"{what}: `{_short(node)}` is computed, or belongs to something else than self")
        store = self._only_store(node.attr)
        index = self._index(store)
        init = self.construction.init
        assert init is not None
        kind, tensor = self._registered(store, init)
        return Operand(node.attr, kind, store, index, tensor, node)

    def _only_store(self, name: str) -> Store:
        shown, attributes = f"self.{name}", self.reader.attributes
        if any(torch_class(base) not in (None, "Module") for base in self.info.all_outer_bases()):
            raise LeaveError(
                "NNC411", f"{self.info.qualname} derives from a class of torch.nn that has parameters itself"
            )
        stores = attributes.stores(self.info, name)
        if len(stores) != 1 or attributes.is_defined_in_class_body(self.info, name):
            times = f"registered {len(stores)} times" if stores else "not registered in this class"
            raise LeaveError(
                "NNC411", f"{shown} is {times}" if len(stores) != 1 else f"the class body names {name}, too"
            )
        [store] = stores
        if store.method.info is not self.info:
            raise LeaveError("NNC411", f"{shown} is registered in {store.method.info.qualname}")
        if store.method.node.name != "__init__" or self.reader.tree.scope_of[store.node] is not store.method.scope:
            raise LeaveError("NNC411", f"{shown} is registered in {store.method.node.name}()")
        return store

    def _index(self, store: Store) -> int:
        """The index of the statement of ``__init__`` that registers it, on every path and alone."""
        shown, construction, tree = f"self.{store.name}", self.construction, self.reader.tree
        if construction.init is None or construction.base_call is None:
            raise LeaveError("NNC304", "__init__ does not call the __init__ of its base on every path")
        node = store.node
        statement = tree.parents.get(node)
        if isinstance(statement, ast.Assign) and (len(statement.targets) > 1 or statement.targets[0] is not node):
            raise LeaveError("NNC413", f"what {shown} is given has another name, too")
        if statement not in construction.body or not isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr):
            raise LeaveError("NNC411", f"{shown} is registered under a condition, in a loop or together with others")
        index = construction.body.index(statement)
        if any(isinstance(n, ast.Return) for n in own_nodes(*construction.body[:index])):
            raise LeaveError("NNC411", f"__init__ may return before {shown} is registered")
        if index <= construction.base_call:
            raise LeaveError("NNC304", f"{shown} is registered before super().__init__()")
        if index and construction.body[index - 1].end_lineno == statement.lineno:
            raise LeaveError("NNC304", "the statements of __init__ share a line")
        return index

    def _registered(self, store: Store, init: Method) -> tuple[Literal["parameter", "buffer", "none"], ast.expr | None]:
        shown = f"self.{store.name}"
        if isinstance(store.node, ast.Call):
            return self._registered_by_call(store.node, shown, init)
        value = store.value
        if is_none(value):
            return "none", None
        tensor = parameter_value(value, init, self.reader) if value is not None else None
        if tensor is None:
            raise LeaveError("NNC410", f"{shown} is not assigned as nn.Parameter(...)")
        return "parameter", tensor

    def _registered_by_call(
        self, call: ast.Call, shown: str, init: Method
    ) -> tuple[Literal["parameter", "buffer", "none"], ast.expr | None]:
        how = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        keyword = _REGISTERING.get(how, "")
        named = next((k.value for k in call.keywords if k.arg == keyword), None)
        value = call.args[1] if len(call.args) > 1 else named
        plain = not any(isinstance(a, ast.Starred) for a in call.args) and all(k.arg for k in call.keywords)
        if not keyword or value is None or not plain:
            raise LeaveError("NNC410", f"{shown} is not registered as nn.Parameter(...)")
        if is_none(value):
            return "none", None
        if how == "register_buffer":
            lasting = next((k.value for k in call.keywords if k.arg == "persistent"), None)
            lasting = call.args[2] if len(call.args) > 2 else lasting
            if lasting is not None and not (isinstance(lasting, ast.Constant) and lasting.value is True):
                raise LeaveError("NNC416", f"{shown} is not persistent, and a buffer of the module would be")
            return "buffer", value
        tensor = parameter_value(value, init, self.reader)
        if tensor is None:
            raise LeaveError("NNC410", f"{shown} is not registered as nn.Parameter(...)")
        return "parameter", tensor


def _short(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 40 else text[:37] + "..."
