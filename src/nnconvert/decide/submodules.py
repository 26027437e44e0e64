"""Finding, on the way to functional, the submodules of one file that may go, and their calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from nnconvert.catalog import Pair, by_module
from nnconvert.decide.sites import STATELESS_WITHOUT_FUNCTIONAL
from nnconvert.decide.weights_back import weighted
from nnconvert.source.classes import ClassInfo, torch_class
from nnconvert.source.facts import Store
from nnconvert.source.quotes import unparse
from nnconvert.source.reader import Reader

IDENTITY: Final = "Identity"


@dataclass(frozen=True, eq=False)
class Built:
    """One constructor call of a class without state, ``nn.ReLU()``, or of one whose parameters would move."""

    call: ast.Call
    module: str
    is_certain: bool = True
    """False where the name may stand for something else."""
    weighted: Pair | None = None
    """The pair, where parameters or buffers would move."""

    @property
    def pair(self) -> Pair | None:
        """None for nn.Identity, and for a class that has no functional form."""
        return self.weighted or by_module(self.module)

    @property
    def functional(self) -> str:
        """What the call site is called, and selected by."""
        return self.pair.functional if self.pair is not None else self.module.lower()


@dataclass(frozen=True, eq=False)
class Submodule:
    """An attribute of self that such calls are assigned to, and the calls of it in the class."""

    info: ClassInfo
    name: str
    built: tuple[Built, ...]
    calls: tuple[ast.Call, ...]


class Submodules:
    """All constructor calls of such classes in one file, by what becomes of the module.

    ``parameters``: also of those that keep parameters or buffers.
    """

    def __init__(self, reader: Reader, parameters: bool = False) -> None:
        self.reader = reader
        self.parameters = parameters
        self.inline: list[Built] = []
        """Called on the spot: ``nn.ReLU()(x)``."""
        self.others: list[Built] = []
        """Entries of a container, arguments, local variables."""
        self._owned: dict[tuple[ClassInfo, str], list[Built]] = {}
        for call in reader.tree.calls():
            built = self._built(call)
            if built is not None:
                self._place(built)

    def __iter__(self) -> Iterator[Submodule]:
        for (info, name), built in self._owned.items():
            yield Submodule(info, name, tuple(built), tuple(self._calls(info, name)))

    def holds_calls(self, built: Built) -> bool:
        """Whether a module is called among the settings of this one: ``nn.Softplus(self.relu(x))``."""
        return any(node in self._called for node in ast.walk(built.call))

    def is_held(self, call: ast.Call) -> bool:
        """Whether the call of a module stands among the settings of one that is assigned to self."""
        return any(ancestor in self._constructors for ancestor in self.reader.tree.ancestors(call))

    @cached_property
    def _called(self) -> set[ast.AST]:
        inline = (self.reader.tree.parents[built.call] for built in self.inline)
        return {*inline, *(call for submodule in self for call in submodule.calls)}

    @cached_property
    def _constructors(self) -> set[ast.AST]:
        return {built.call for owned in self._owned.values() for built in owned}

    def _built(self, call: ast.Call) -> Built | None:
        scope = self.reader.tree.scope_of[call]
        qualname = self.reader.names.qualname(call.func, scope)
        certain = qualname is not None
        possible = [qualname] if qualname is not None else sorted(self.reader.names.possible(call.func))
        for name in possible:
            module = torch_class(name)
            if module is None:
                continue
            stateless = _is_stateless(call, module)
            pair = weighted(call, module, stateless) if self.parameters else None
            if pair is not None or stateless:
                return Built(call, module, certain, pair)
        return None

    def _place(self, built: Built) -> None:
        parent = self.reader.tree.parents.get(built.call)
        if isinstance(parent, ast.Call) and parent.func is built.call:
            self.inline.append(built)
            return
        stores = self._stores_of(built.call)
        for store in stores:
            self._owned.setdefault((store.method.info, store.name), []).append(built)
        if not stores and not (built.weighted is not None and self._lends_weights(built)):
            self.others.append(built)

    def _lends_weights(self, built: Built) -> bool:
        """``conv = nn.Conv2d(...)`` whose parameters are all that is used: it is no module any more."""
        tree, parent = self.reader.tree, self.reader.tree.parents.get(built.call)
        target = parent.targets[0] if isinstance(parent, ast.Assign) else getattr(parent, "target", None)
        found = tree.scope_of[target].lookup(target.id) if isinstance(target, ast.Name) else None
        if found is None or not isinstance(target, ast.Name) or len(found[1]) != 1:
            return False
        uses = [n for n in tree.names() if n.id == target.id and isinstance(n.ctx, ast.Load)]
        return bool(uses) and all(isinstance(tree.parents.get(use), ast.Attribute) for use in uses)

    def _stores_of(self, node: ast.expr) -> list[Store]:
        """The attributes of self that are given the value, perhaps as a branch of ``a if b else c``."""
        while node not in self._values:
            parent = self.reader.tree.parents.get(node)
            branch = isinstance(parent, ast.IfExp) and node is not parent.test
            if not (branch or isinstance(parent, ast.BoolOp | ast.NamedExpr)):
                return []
            assert isinstance(parent, ast.expr)
            node = parent
        return self._values[node]

    @cached_property
    def _values(self) -> dict[ast.expr, list[Store]]:
        found: dict[ast.expr, list[Store]] = {}
        for facts in self.reader.attributes.facts.values():
            for stores in facts.stores.values():
                for store in stores:
                    if store.value is not None:
                        found.setdefault(store.value, []).append(store)
        return found

    def _calls(self, info: ClassInfo, name: str) -> Iterator[ast.Call]:
        """Calls in the class, and in relatives of this file that do not assign the name themselves."""
        facts = self.reader.attributes.facts
        for member in info.family():
            if member is info or (member in facts and name not in facts[member].stores):
                for load in facts[member].loads.get(name, []):
                    call = self.reader.tree.parents.get(load)
                    if isinstance(call, ast.Call) and call.func is load:
                        yield call


def _is_stateless(call: ast.Call, module: str) -> bool:
    """Whether the class, built by this call, has no parameters: nn.LayerNorm only where it says so."""
    pair = by_module(module)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    if module.startswith("InstanceNorm"):  # num_features, eps, momentum, affine, track_running_stats
        asked = {*(ast.unparse(value) for value in call.args[3:5]), *map(given.get, ("affine", "track_running_stats"))}
        return asked <= {None, "False"}
    if pair is None:
        return module in STATELESS_WITHOUT_FUNCTIONAL
    names = [parameter.name for parameter in pair.constructor_signature]
    given.update((name, ast.unparse(value)) for name, value in zip(names, call.args, strict=False))
    return all(given.get(name) == value for name, value in pair.module_fixed.items())


def one_line(node: ast.expr, reader: Reader) -> str:
    """The source of an expression as it stands, or in one line where it has several."""
    text = reader.source.segment(node)
    return unparse(node, reader.source) if "\n" in text or "\r" in text else text
