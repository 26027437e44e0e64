"""One submodule whose parameters move to self: the local that takes its place, and the statements that move them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nnconvert.catalog import Pair
from nnconvert.decide.arguments import Given, LeaveError, literal
from nnconvert.decide.carried import Carrier, Setting, implied_settings
from nnconvert.decide.constructor import Written
from nnconvert.decide.names import Namer, Namers
from nnconvert.decide.submodules import Submodule
from nnconvert.decide.weights_back import Operand, always_in_training, check_momentum, operands, padding
from nnconvert.source.classes import ClassInfo
from nnconvert.source.construction import Construction
from nnconvert.source.quotes import prevailing_quote
from nnconvert.source.reader import Reader


@dataclass(eq=False)
class Lent:
    """What a module with parameters gives to self."""

    local: str
    operands: tuple[Operand, ...]
    counter: str
    """Which of them counts batches; empty where none does."""
    attributes: dict[str, str] = field(default_factory=dict)
    """Operand -> the attribute of self that it becomes."""
    note: str = ""
    """What the conversion changes elsewhere (``--unsafe``)."""
    always_in_training: bool = False
    padding: tuple[str, tuple[int, ...]] | None = None
    """Mode and numbers, where a convolution pads by F.pad."""

    def allot(self, submodule: Submodule, namers: Namers) -> None:
        name = submodule.name
        if name.startswith("__"):  # Python changes private names, but not in the string that names a buffer
            name = f"_{name.lstrip('_')}"
        for operand in self.operands:
            self.attributes[operand.name] = namers.first_free(submodule.info, [f"{name}_{operand.name}"])

    def statements(self, receiver: str, reader: Reader) -> Iterator[str]:
        """``self.conv_weight = conv.weight``, ``self.register_buffer("bn_running_mean", bn.running_mean)``."""
        quote = prevailing_quote(reader.source)
        for operand in self.operands:
            name, value = self.attributes[operand.name], f"{self.local}.{operand.name}"
            if operand.is_buffer:
                yield f"{receiver}.register_buffer({quote}{name}{quote}, {value})"
            else:
                yield f"{receiver}.{name} = {value}"

    def texts(self, receiver: str, as_keyword: bool, state: tuple[str, ...]) -> Iterator[tuple[str, Written]]:
        """The operands as the call gives them; the statistics of a batch norm that has none are None."""
        for name in state:
            if name in self.attributes:
                yield name, Written(f"{receiver}.{self.attributes[name]}", not as_keyword)
            elif self.always_in_training and name.startswith("running_"):
                yield name, Written("None", True)

    def keys(self, submodule: Submodule) -> Iterator[tuple[str, str]]:
        """Old and new key of the state_dict."""
        old = _mangled(submodule.name, submodule.info.node.name)
        for operand in self.operands:
            yield f"{old}.{operand.name}", self.attributes[operand.name]


def _mangled(name: str, class_name: str) -> str:
    """What Python makes of a private name in the body of a class: ``_Net__conv`` of ``__conv``."""
    owner = class_name.lstrip("_")
    private = name.startswith("__") and not name.endswith("__") and owner
    return f"_{owner}{name}" if private else name


def lend(pair: Pair, given: Mapping[str, Given], carrier: Carrier) -> Lent:
    """What the module gives to self; raises LeaveError where the source does not tell. The local comes later."""
    check_momentum(pair, given, carrier.init, carrier.settler)
    kept = operands(pair, given)
    assert pair.weights is not None
    counter = next((operand.name for operand in kept if operand.name == pair.weights.counter), "")
    always = always_in_training(pair, kept)
    return Lent("", kept, counter, always_in_training=always, padding=padding(pair, given))


def implied_by_class(pair: Pair, given: Mapping[str, Given], reader: Reader) -> Iterator[tuple[str, Setting]]:
    """Defaults of the class that are other ones than those of the functional; 2 and 2.0 are the same."""
    for name, setting in implied_settings(pair, given, reader):
        parameter = pair.way_back.signature.get(name)
        default = ast.parse((parameter.default if parameter else None) or "None", mode="eval").body
        if literal(ast.parse(setting.text, mode="eval").body) != literal(default):
            yield name, setting


class Locals:
    """Free names for locals of each ``__init__`` of a file."""

    def __init__(self) -> None:
        self._namers: dict[ClassInfo, Namer] = {}

    def allot(self, name: str, construction: Construction) -> str:
        """The name, with a number where it is taken; raises LeaveError where ``__init__`` looks at all its locals."""
        assert construction.init is not None
        init = construction.init.node
        for call in ast.walk(init):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and _reads_locals(call, call.func.id):
                raise LeaveError("NNC425", f"line {call.lineno} of __init__ looks at all of its locals")
        if construction.info not in self._namers:
            self._namers[construction.info] = Namer(_names_in(init), ())
        return self._namers[construction.info].allot(name, 1)[0]


def _reads_locals(call: ast.Call, name: str) -> bool:
    return name in ("locals", "eval", "exec") or (name in ("vars", "dir") and not call.args)


def _names_in(function: ast.AST) -> Iterator[str]:
    """Every name that the function, or one inside of it, binds or uses, globals and builtins included."""
    for node in ast.walk(function):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name):
                yield name
            case ast.alias(name=name, asname=alias):
                yield alias or name.partition(".")[0]
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.MatchMapping(rest=str(name)):
                yield name
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from names
