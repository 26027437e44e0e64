"""The settings of a submodule, carried from its constructor to the calls (SEMANTICS rule 28).

A constant is written at the call. What ``__init__`` only knows is read where self holds it already, or else
stored in the place of the submodule, so that it is evaluated once and when it always was.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from nnconvert.catalog import Pair, Spelling
from nnconvert.decide.arguments import Given, LeaveError, Unknown, bind, is_plain, literal, same_value
from nnconvert.decide.checks import is_valid
from nnconvert.decide.shapes import shape_of
from nnconvert.decide.submodules import Built, Submodule, one_line
from nnconvert.source.classes import torch_class
from nnconvert.source.constants import Settler
from nnconvert.source.construction import Construction
from nnconvert.source.expressions import Expression, NotConstantError
from nnconvert.source.facts import Store
from nnconvert.source.paths import own_nodes
from nnconvert.source.quotes import prevailing_quote, unparse
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import Scope

_STATE_WORDS: Final = re.compile(r"\b(Tensor|Parameter|Module)\b")
_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, as the calls will give it."""

    text: str
    """What stands at the call; with ``stored``, the name of the attribute comes in the place of ``{}``."""
    positional: bool
    stored: str = ""
    """The value to be stored on self; empty where nothing needs to be."""
    source: str = ""
    """The parameter or local of ``__init__`` that is stored, if it is never bound again: one attribute holds it."""


def bound_settings(built: Built, pair: Pair) -> dict[str, Given]:
    """Functional parameter -> argument of the constructor; raises LeaveError for what the functional lacks."""
    given = bind(built.call, Spelling(f"torch.nn.{pair.module}", pair.constructor))
    back = {new: old for old, new in pair.renames.items()}
    found: dict[str, Given] = {}
    for name, argument in given.items():
        if name in pair.module_fixed:
            continue
        parameter = pair.constructor_signature.get(name)
        default = parameter.default if parameter is not None else None
        is_default = default is not None and same_value(argument.value, _parsed(default))
        if name in pair.ignored:
            _require_plain(argument, name)
        elif is_default and default == "None" and _has_default_none(pair, back.get(name, name)):
            continue  # TorchScript takes no None for some of them
        elif name in pair.state:
            if not is_default:
                raise LeaveError("NNC406", f"nn.{pair.module} keeps {name} as state")
        elif name in pair.not_carried or pair.way_back.signature.get(back.get(name, name)) is None:
            if not is_default:
                raise LeaveError("NNC202", f"F.{pair.way_back.short} has no {name} like that of nn.{pair.module}")
        else:
            found[back.get(name, name)] = argument
    _check_values(pair, given)
    return found


def _has_default_none(pair: Pair, name: str) -> bool:
    parameter = pair.way_back.signature.get(name)
    return parameter is not None and parameter.default == "None"


def _require_plain(argument: Given, name: str) -> None:
    if not is_plain(argument.value):
        raise LeaveError("NNC202", f"{name} is ignored, but evaluating it may have an effect")


def check_ignored(built: Built) -> None:
    """nn.Identity takes any arguments and ignores them; raises LeaveError where evaluating them may have an effect."""
    for value in (*built.call.args, *(keyword.value for keyword in built.call.keywords)):
        if not is_plain(value) and isinstance(literal(value), Unknown):
            raise LeaveError("NNC202", "an argument is ignored, but evaluating it may have an effect")


def _check_values(pair: Pair, given: Mapping[str, Given]) -> None:
    """What the constructor refuses makes a program that never ran: leave it so."""
    values = {
        p.name: literal(_parsed(p.default)) if p.default is not None else Unknown() for p in pair.constructor_signature
    }
    values.update((name, literal(argument.value)) for name, argument in given.items())
    for name, check in pair.checks.items():
        if is_valid(check, name, values) is False:
            raise LeaveError("NNC208", f"nn.{pair.module} refuses this {name} when it is built")


def implied_settings(pair: Pair, given: Iterable[str], reader: Reader) -> Iterator[tuple[str, Setting]]:
    """What the class itself says, and its defaults where those of the functional are others."""
    for parameter in pair.way_back.signature:
        name = parameter.name
        setting = pair.constructor_signature.get(pair.renames.get(name, name))
        if name in pair.back_given:
            yield name, Setting(_quoted(pair.back_given[name], reader), False)
        elif name in (*given, *pair.inputs, *pair.state) or setting is None or setting.default is None:
            continue
        elif parameter.default is None or not same_value(_parsed(setting.default), _parsed(parameter.default)):
            yield name, Setting(_quoted(setting.default, reader), not parameter.keyword_only)


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _quoted(text: str, reader: Reader) -> str:
    return unparse(_parsed(text), reader.source)


class Carrier:
    """Carries the settings of one submodule."""

    def __init__(self, submodule: Submodule, construction: Construction, index: int, reader: Reader) -> None:
        assert construction.init is not None
        self.submodule = submodule
        self.construction = construction
        self.index = index
        self.reader = reader
        self.init = construction.init
        self.settler = Settler(reader, construction.init, construction)

    def carry(self, argument: Given, spread: int, is_float: bool, read_from: str = "") -> Setting:
        """The setting for the calls; raises LeaveError where it is state.

        ``spread``: how many equal numbers one number stands for, or 0; ``is_float``: the class makes it a float;
        ``read_from``: where ``__init__`` can read what the constructor was given (``conv.stride``), if it can.
        """
        value = argument.value
        known = literal(value)
        if not isinstance(known, Unknown):
            text = one_line(value, self.reader)
            if is_float and is_scripted(self.reader):  # TorchScript takes no integer there
                text = float_text(known, text)
            text = spread_text(text, spread) if isinstance(known, int | float) else text
            return Setting(text, argument.positional)
        shape = shape_of(value, self.init.scope, self.settler) if spread else "any"
        read = Setting("{}", argument.positional, read_from)
        if spread and shape == "unknown":
            return read if read_from else self._stored(argument, spread)
        wrap = _spreader(spread) if spread and shape == "number" else str
        held = self._constant(value) or self._held(value)
        if held is None:
            return read if read_from else self._stored(argument, spread)
        return Setting(wrap(held), argument.positional)

    # -- read where it is ----------------------------------------------------------------------------------

    def _constant(self, value: ast.expr) -> str | None:
        """The text for the calls, if the value there is the one at construction."""
        if any(isinstance(node, ast.Subscript) for node in ast.walk(value)):
            return None  # of a list that others hold, too, and may change
        work = Expression(self.settler, self.init.scope)
        try:
            work.visit(value)
        except NotConstantError as error:
            if error.why == "state":
                raise LeaveError("NNC206", error.words) from error
            return None
        if work.substituted or work.after > self.index or not self._is_seen_by_all(work.names):
            return None
        if is_scripted(self.reader) and not self._is_stored(value):
            return None
        return one_line(value, self.reader)

    def _is_stored(self, value: ast.expr) -> bool:
        """``self.p`` of the instance: TorchScript reads neither globals nor attributes of the class."""
        if not isinstance(value, ast.Attribute) or self.reader.attributes.self_of(value.value) is None:
            return False
        return bool(self.reader.attributes.stores(self.submodule.info, value.attr))

    def _is_seen_by_all(self, names: Mapping[str, Scope | None]) -> bool:
        """Whether the names mean at every call what they mean in ``__init__``."""
        for name, home in names.items():
            for call in self.submodule.calls:
                found = self.reader.tree.scope_of[call].lookup(name)
                if (found[0] if found is not None else None) is not home:
                    return False
        return True

    def _held(self, value: ast.expr) -> str | None:
        """``self.p`` where ``self.p = p`` holds the same parameter or local of ``__init__`` for good."""
        if not isinstance(value, ast.Name) or not self._is_bound_once(value.id):
            return None
        for stores in self.reader.attributes.facts[self.submodule.info].stores.values():
            for store in stores:
                same = isinstance(store.value, ast.Name) and store.value.id == value.id
                if same and store.method is self.init and self._holds(store):
                    return f"{self.init.receiver}.{store.name}"
        return None

    def _is_bound_once(self, name: str) -> bool:
        """A parameter that is never rebound, or a local assigned once at the top level before the submodule."""
        bindings = self.init.scope.bindings.get(name, [])
        if len(bindings) != 1:
            return False
        if bindings[0].kind == "parameter":
            return True
        earlier = self.construction.body[: self.index]
        return any(isinstance(s, ast.Assign) and bindings[0].node in s.targets for s in earlier)

    def _holds(self, store: Store) -> bool:
        """Whether the attribute has the value from before the first call on, and keeps it."""
        place = self.construction.index_of(store.node)
        if place is None or len(self.reader.attributes.stores(self.submodule.info, store.name)) != 1:
            return False
        statement = self.construction.body[place]
        if not (isinstance(statement, ast.Assign) and store.node in statement.targets):
            return False
        try:
            self.settler.attribute_after(store.name)
        except NotConstantError:
            return False
        return place < self.index or not self.construction.runs_methods(self.index + 1, place)

    # -- stored --------------------------------------------------------------------------------------------

    def _stored(self, argument: Given, spread: int) -> Setting:
        value = argument.value
        self._refuse_state(value, self.init.scope)
        text = one_line(value, self.reader)
        if isinstance(value, ast.NamedExpr | ast.Yield | ast.YieldFrom | ast.GeneratorExp):
            text = f"({text.removeprefix('(').removesuffix(')')})"
        if spread:
            text = self._spread_stored(value, text, spread)
        source = value.id if isinstance(value, ast.Name) and self._is_bound_once(value.id) else ""
        return Setting("{}", argument.positional, text, source)

    def _spread_stored(self, value: ast.expr, text: str, spread: int) -> str:
        shape = shape_of(value, self.init.scope, self.settler)
        if shape == "number":
            return _spreader(spread)(text)
        if shape == "sequence" and isinstance(value, ast.Tuple | ast.List | ast.Call):
            return text
        if not is_plain(value):
            raise LeaveError("NNC207", f"whether `{text}` is one number or {spread} is not known here")
        for name in ("hasattr", "tuple"):
            if self.init.scope.lookup(name) is not None:
                raise LeaveError("NNC207", f"{name} is something else here")
        copied = f"tuple({text})"  # the class makes a tuple, too, whatever becomes of the list
        if shape == "sequence":
            return copied
        quote = prevailing_quote(self.reader.source)
        return f"{copied} if hasattr({text}, {quote}__iter__{quote}) else {_spreader(spread)(text)}"

    def _refuse_state(self, value: ast.expr, scope: Scope, depth: int = 0) -> None:
        """A parameter or a module, stored on self, would be registered under another name."""
        for node in own_nodes(value):
            if isinstance(node, ast.Call):
                qualname = self.reader.names.qualname(node.func, scope) or ""
                local = bool(self.reader.classes.named(node.func, scope))
                if local or qualname == "torch.nn.Parameter" or torch_class(qualname) is not None:
                    raise LeaveError("NNC206", f"`{ast.unparse(value)}` is a parameter or a submodule")
        if not isinstance(value, ast.Name) or depth > _DEPTH:
            return
        found = scope.lookup(value.id)
        for binding in found[1] if found is not None else []:
            annotation = getattr(binding.node, "annotation", None)
            if annotation is not None and _STATE_WORDS.search(ast.unparse(annotation)):
                raise LeaveError("NNC206", f"`{value.id}` is a tensor, a parameter or a submodule")
            if binding.value is not None and found is not None:
                self._refuse_state(binding.value, found[0], depth + 1)


def is_scripted(reader: Reader) -> bool:
    """Whether the file speaks of TorchScript, which refuses some calls that its modules make."""
    return "jit.script" in reader.source.text


def float_text(known: object, text: str) -> str:
    """``2`` becomes ``2.0``, ``(2, 3)`` becomes ``(2.0, 3.0)``; anything else stays."""
    if isinstance(known, int) and not isinstance(known, bool):
        return repr(float(known))
    if isinstance(known, tuple) and known and all(type(item) is int for item in known):
        return repr(tuple(map(float, known)))
    return text


def spread_text(text: str, spread: int) -> str:
    """``1`` becomes ``(1, 1, 1, 1)``; ``spread`` 0 leaves it as it is."""
    return f"({', '.join([text] * spread)}{',' if spread == 1 else ''})" if spread else text


def _spreader(spread: int) -> Callable[[str], str]:
    """``k`` becomes ``(k,) * 4``."""
    return lambda text: f"({text},)" if spread == 1 else f"({text},) * {spread}"
