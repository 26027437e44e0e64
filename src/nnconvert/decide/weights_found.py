"""Code of the file that finds modules by their class, or parameters by their name or position.

Where it may find those that would move, they stay.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from nnconvert.decide.arguments import LeaveError
from nnconvert.decide.ordered import Ordered
from nnconvert.decide.submodules import Submodule
from nnconvert.source.beside import IN_ORDER
from nnconvert.source.classes import torch_bases
from nnconvert.source.project import Neighbours
from nnconvert.source.reader import Reader

_NAMING: Final = frozenset(
    {"named_parameters", "named_buffers", "state_dict", "_load_from_state_dict", "_save_to_state_dict"}
)
"""What gives or takes parameters by name; as a parameter or variable, too (``state_dict``)."""
_OVERRIDES: Final = frozenset(
    {
        *_NAMING,
        *("load_state_dict", "parameters", "buffers", "register_parameter", "register_buffer", "_named_members"),
        *("_apply", "get_parameter", "get_buffer", "named_modules", "modules", "children", "named_children", "apply"),
    }
)
"""Methods of nn.Module that a class may have its own of, and see that something has moved."""
_TOOLS: Final = (
    *("torch.nn.utils.prune", "torch.nn.utils.parametrize", "torch.nn.utils.parametrizations", "torch.quantization"),
    *("torch.ao", "torch.nn.utils.fusion", "torch.nn.SyncBatchNorm.convert_sync_batchnorm", "torch.nn.quantized"),
    *("torch.nn.qat", "torch.nn.intrinsic", "torch.nn.utils.weight_norm", "torch.nn.utils.spectral_norm", "torchao"),
    "torch.fx",
)
"""What changes or replaces modules by their class or by the names of their parameters; torch.fx keeps a call of a
module, and freezes ``self.training`` and loses the counting of a call of a functional."""
_SPLITTING: Final = frozenset(
    {"split", "rsplit", "partition", "rpartition", "count", "find", "rfind", "index", "rindex"}
)
"""Methods of strings that take a name apart at its dots."""
_MATCHING: Final = frozenset(
    {
        "match",
        "search",
        "fullmatch",
        "findall",
        "finditer",
        "sub",
        "split",
        "compile",
        "fnmatch",
        "fnmatchcase",
        "filter",
    }
)
"""Functions of re and fnmatch."""
_NAME: Final = re.compile(r"[^\W\d]\w*")


def check_found(submodule: Submodule, operands: Sequence[str], reader: Reader, found: Found) -> None:
    """Refuse a submodule whose class, parameters or position other code looks for; raises LeaveError."""
    info, module = submodule.info, submodule.built[0].module
    for member in info.family():
        own = sorted(_OVERRIDES & set(member.scope.bindings))
        if own:
            raise LeaveError("NNC421", f"{member.qualname} defines {own[0]}")
    if found.tool:
        raise LeaveError("NNC424", f"the file uses {found.tool}")
    line = found.line_of_class(module)
    if line:
        raise LeaveError("NNC420", f"line {line} looks for modules by their class, and would find nn.{module}")
    _check_names(submodule, operands, reader, found)
    found.ordered.check()


def check_beside(submodule: Submodule, operands: Sequence[str], neighbours: Neighbours, unsafe: bool) -> str:
    """What other files would no longer find, where ``--unsafe`` accepts it; raises LeaveError."""
    name, module = submodule.name, submodule.built[0].module
    reaching = neighbours.reaching(name)
    if reaching is not None:
        raise LeaveError("NNC605", f"{reaching.name} reaches a layer called {name} on some object")
    ends = (f".{operand}" for operand in operands)
    looking = neighbours.looking_for((module, *torch_bases(module), *ends, IN_ORDER))
    if looking is None:
        return ""
    path, wanted = looking
    if wanted == IN_ORDER:
        code, words = "NNC417", f"{path.name} takes parameters in their order"
    elif wanted.startswith("."):
        code, words = "NNC421", f"{path.name} looks for names of parameters that end in {wanted}"
    else:
        code, words = "NNC420", f"{path.name} looks for modules of the class {wanted}"
    if not unsafe:
        raise LeaveError(code, words)
    return words


def _check_names(submodule: Submodule, operands: Sequence[str], reader: Reader, found: Found) -> None:
    asked = reader.attributes.asked_names & set(operands)
    if asked:
        raise LeaveError("NNC421", f"the file asks objects for {sorted(asked)[0]} by that name in a string")
    for text, line, is_open, parts in found.strings:
        names = {submodule.name, *operands} if found.names_matter or text.startswith(".") else set()
        names |= {submodule.name} if "." in text else set()
        begun = is_open and found.names_matter and any(submodule.name.startswith(part) for part in parts)
        if names & parts or begun:
            raise LeaveError("NNC421", f"the string on line {line} may be the name of a parameter: {text.strip()!r}")
    if found.names_matter and found.line_of_dots:
        raise LeaveError("NNC421", f"line {found.line_of_dots} takes names apart at their dots")


class Found:
    """What one file looks for."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.tree = reader.tree
        self.ordered = Ordered(reader)

    # -- by class --------------------------------------------------------------------------------------------

    def line_of_class(self, module: str) -> int:
        """Where a test for the class stands, or its name among others that are looked for; 0 where nowhere."""
        wanted = {module, *torch_bases(module)}
        for node, name in self._tested:
            if name in wanted:
                return node.lineno
        for node in self.tree.strings() if self._asks_for_class_names else ():
            if len(node.value) > 1 and node.value in module:  # type: ignore[operator,arg-type]
                return node.lineno
        return 0

    @cached_property
    def _tested(self) -> list[tuple[ast.expr, str]]:
        nodes: list[ast.Attribute | ast.Name] = [*self.tree.attributes(), *self.tree.names()]
        tested = (node for node in nodes if isinstance(node.ctx, ast.Load) and self._is_tested(node))
        names = ((node, self.reader.names.qualname(node, self.tree.scope_of[node])) for node in tested)
        return [(node, name.rpartition(".")[2]) for node, name in names if name and name.startswith("torch.")]

    def _is_tested(self, node: ast.expr) -> bool:
        """``isinstance(m, nn.Conv2d)``, ``type(m) is nn.Conv2d``, ``{nn.Linear}``, ``{nn.Linear: fill}``."""
        parent = self.tree.parents.get(node)
        while isinstance(parent, ast.BinOp):
            node, parent = parent, self.tree.parents.get(parent)
        if isinstance(parent, ast.Call):
            called = parent.func.id if isinstance(parent.func, ast.Name) else ""
            return called in ("isinstance", "issubclass") and node is not parent.func
        if isinstance(parent, ast.Dict):
            return node in parent.keys
        if isinstance(parent, ast.pattern):
            return True
        return isinstance(parent, ast.Compare | ast.List | ast.Tuple | ast.Set) and not self._in_annotation(parent)

    def _in_annotation(self, node: ast.expr) -> bool:
        """``Union[nn.Linear, nn.Conv2d]``"""
        parent = self.tree.parents.get(node)
        return isinstance(parent, ast.Subscript) and parent.slice is node

    @cached_property
    def _asks_for_class_names(self) -> bool:
        """``m.__class__.__name__``, ``type(m).__name__``"""
        owners = (ast.unparse(node.value) for node in self.tree.attributes() if node.attr == "__name__")
        return any(owner.endswith("__class__") or owner.startswith("type(") for owner in owners)

    # -- by name ---------------------------------------------------------------------------------------------

    @cached_property
    def names_matter(self) -> bool:
        """Whether the file speaks of parameters by name at all."""
        if any(node.attr in _NAMING and not self._is_handed_on(node) for node in self.tree.attributes()):
            return True
        return any(node.id in _NAMING for node in self.tree.names())

    def _is_handed_on(self, node: ast.Attribute) -> bool:
        """``torch.save(model.state_dict(), path)``, ``ema.load_state_dict(model.state_dict())``"""
        call = self.tree.parents.get(node)
        outer = self.tree.parents.get(call) if isinstance(call, ast.Call) and call.func is node else None
        if not (node.attr == "state_dict" and isinstance(outer, ast.Call) and isinstance(outer.func, ast.Attribute)):
            return False
        return outer.func.attr in ("save", "load_state_dict", "deepcopy")

    @cached_property
    def strings(self) -> list[tuple[str, int, bool, frozenset[str]]]:
        """Strings that may name something: text, line, whether more text is put in (an f-string), names in it."""
        documentation = {id(node.value) for node in ast.walk(self.reader.source.tree) if isinstance(node, ast.Expr)}
        return [
            (text, node.lineno, isinstance(self.tree.parents.get(node), ast.JoinedStr), frozenset(_NAME.findall(text)))
            for node in self.tree.strings()
            for text in (str(node.value),)
            if id(node) not in documentation and not re.search(r"\s\S", text.strip())
        ]

    @cached_property
    def line_of_dots(self) -> int:
        r"""Where names are taken apart at dots, ``name.split(".")``, ``re.match(r"\w+\.", name)``; 0 where nowhere."""
        return next((node.lineno for node in self.tree.strings() if self._takes_apart(node)), 0)

    def _takes_apart(self, node: ast.Constant) -> bool:
        """Of a variable: ``os.path.basename(path).split(".")`` is about a file."""
        text = str(node.value)
        match self.tree.parents.get(node):
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=method)):
                return method in _MATCHING and ("\\." in text or "[.]" in text)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="fnmatch"), attr=method)):
                return method in _MATCHING and "." in text
            case ast.Call(func=ast.Attribute(value=ast.Name(), attr=method), args=[first, *_]):
                return text == "." and method in _SPLITTING and first is node
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[ast.Name()]):
                return text == "."
        return False

    # -- as a whole ------------------------------------------------------------------------------------------

    @cached_property
    def tool(self) -> str:
        """A tool that changes modules from outside, where the file imports one."""
        bound = (b for scope in self.tree.inner.values() for found in scope.bindings.values() for b in found)
        for name in (*(b.qualname for b in bound if b.qualname), *self._spelled()):
            for tool in _TOOLS:
                if name == tool or name.startswith(f"{tool}."):
                    return tool
        return ""

    def _spelled(self) -> Iterator[str]:
        for node in self.tree.attributes():
            name = self.reader.names.qualname(node, self.tree.scope_of[node])
            if name is not None:
                yield name
