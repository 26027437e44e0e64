"""What a row of the catalog says. Data only: nothing here imports torch."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a functional or of a constructor, as its signature in torch spells it."""

    name: str
    default: str | None
    """Source text of the default (``"0.5"``, ``"None"``); None when the parameter is required."""
    keyword_only: bool = False


class Signature(tuple[Parameter, ...]):
    """Parameters in order. Written in rows as Python writes them: ``"input, p=0.5, *, inplace=False"``."""

    @classmethod
    def parse(cls, text: str) -> Signature:
        arguments = ast.parse(f"def f({text}): ...").body[0].args  # type: ignore[attr-defined]
        positional = arguments.args
        defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
        found = [Parameter(a.arg, _text(d)) for a, d in zip(positional, defaults, strict=True)]
        keyword_only = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        found += [Parameter(a.arg, _text(d), keyword_only=True) for a, d in keyword_only]
        return cls(found)

    def get(self, name: str) -> Parameter | None:
        return next((parameter for parameter in self if parameter.name == name), None)


def _text(default: ast.expr | None) -> str | None:
    return None if default is None else ast.unparse(default)


@dataclass(frozen=True)
class Spelling:
    """One way to write the operation.

    ``name`` is the qualified name: ``torch.nn.functional.relu``, ``torch.relu`` or ``torch.Tensor.relu``
    (whose signature leaves out the tensor itself).
    """

    name: str
    parameters: str
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Constructor settings that this spelling implies: ``{"inplace": "True"}`` for ``relu_``."""

    @cached_property
    def signature(self) -> Signature:
        return Signature.parse(self.parameters)

    @property
    def is_method(self) -> bool:
        return self.name.startswith("torch.Tensor.")

    @property
    def short(self) -> str:
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Size:
    """A setting of the constructor that the shape of an operand says."""

    dimension: int
    to_end: bool = False
    """All dimensions from that one on, as a tuple: the kernel of a convolution."""
    times: str = ""
    """The setting that the size is multiplied by: a convolution's weight has ``in_channels // groups``."""


@dataclass(frozen=True)
class Weights:
    """How a module class keeps operands of its functional: parameters and buffers under the operands' names."""

    parameters: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    """Operands that the class always has."""
    sizes: Mapping[str, Size] = field(default_factory=dict)
    """Constructor parameter -> where the shape of an operand says its value."""
    shaped_by: tuple[str, ...] = ("weight",)
    """The operands that ``sizes`` may be read from; the first that is given counts."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """Operand -> the setting that says whether the class has it: ``{"bias": "bias"}``, ``{"weight": "affine"}``."""
    together: tuple[tuple[str, ...], ...] = ()
    """Operands of which the class has all or none."""
    draws: bool = False
    """Whether the constructor draws random numbers."""
    initial: Mapping[str, str] = field(default_factory=dict)
    """Operand -> the function of torch that makes the same first value, given the sizes: ``ones``."""
    not_initial: tuple[str, ...] = ()
    """Settings with which the first value is another one."""
    counter: str = ""
    """A buffer that the functional knows nothing of: ``num_batches_tracked``; there is one where buffers are."""
    rank: tuple[int, ...] = ()
    """How many dimensions the input may have, where several classes share the functional: (2, 3) for BatchNorm1d."""

    @property
    def operands(self) -> tuple[str, ...]:
        return (*self.parameters, *self.buffers)


@dataclass(frozen=True)
class Pair:
    """One functional and the module class that does the same.

    A parameter of a spelling whose name is in ``inputs`` stays at the call; ``training`` (or ``train``) is
    fed by ``self.training``; one that the constructor has too (after ``renames``) moves there; any other is
    only-functional and must be given its default, or the call site is left.
    """

    module: str
    """Name of the class in torch.nn."""
    constructor: str
    """The constructor's parameters, in order, without device and dtype."""
    spellings: tuple[Spelling, ...]
    """The first one is the functional that the pair is listed under."""
    family: str
    inputs: tuple[str, ...] = ("input",)
    """Names of the tensors that forward takes, in forward's order, optional ones included."""
    module_fixed: Mapping[str, str] = field(default_factory=dict)
    """Settings that the constructor needs whatever the call says: ``{"elementwise_affine": "False"}``."""
    renames: Mapping[str, str] = field(default_factory=dict)
    """Functional parameter -> constructor parameter, where the names differ."""
    training: str | None = None
    """Name of the parameter that ``self.training`` feeds, if the operation depends on the mode."""
    state: tuple[str, ...] = ()
    """Parameters that the module class keeps as a parameter or buffer (``weight``): None or left."""
    not_carried: tuple[str, ...] = ()
    """Parameters that the constructor takes and forward then ignores (AlphaDropout's inplace)."""
    checks: Mapping[str, str] = field(default_factory=dict)
    """Constructor parameter -> the check its constructor makes, where the call makes it later or never:
    ``"probability"``, ``"positive"`` ... (the names of ``nnconvert.decide.checks``). A check sees all
    settings as the constructor would, with its defaults for those that are not given."""
    forward: tuple[str, ...] = ()
    """What forward calls its inputs, where these are not the names in ``inputs``."""
    weights: Weights | None = None
    """What the class keeps as parameters and buffers, where that is given: only with ``--parameters``."""
    back: Spelling | None = None
    """The spelling that the module becomes on the way back, where that is not the first one."""
    back_given: Mapping[str, str] = field(default_factory=dict)
    """Arguments that the functional is given on the way back, whatever the constructor says."""
    back_only: bool = False
    """Only from module to functional: no call of the functional becomes this class."""
    spread: Mapping[str, int] = field(default_factory=dict)
    """Constructor parameter -> n, where the class takes one number for n equal ones and the functional does not."""
    floats: tuple[str, ...] = ()
    """Constructor parameters that the class turns into floats."""
    ignored: tuple[str, ...] = ()
    """Parameters that the constructor takes and the module, without weights, ignores."""
    pad_mode: str | None = None
    """Only for padding classes: the ``mode`` of F.pad that this class does."""
    pad_length: int | None = None
    """Only for padding classes: how many numbers its padding has."""
    since: str = "2.2"
    """First torch release (2.2 or later) that has both sides."""
    doc: str = ""
    """One or two sentences for ``nnconvert explain``: what moves, what differs in defaults, what to know."""
    example: str = "F.{functional}(x)"
    """A call, as people write it, that converts."""

    @property
    def functional(self) -> str:
        return self.spellings[0].short

    @property
    def way_back(self) -> Spelling:
        """The spelling that the module becomes."""
        return self.back or self.spellings[0]

    @cached_property
    def constructor_signature(self) -> Signature:
        return Signature.parse(self.constructor)


@dataclass(frozen=True)
class WithoutPair:
    """A public name of torch.nn.functional, torch or torch.nn that has no pair, and why."""

    name: str
    reason: str
    takes_weights: bool = False
    """True where a module class exists but keeps the operands as parameters (conv2d, linear, embedding)."""
    since: str = "2.2"
    """First torch release (2.2 or later) that has the name."""
