"""What the tool has decided about one file: plain, picklable data without any syntax tree in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["to-module", "to-functional"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Where a piece of source stands: character offsets into the decoded text, end exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """As people count: line from 1, column from 1, both in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class CallSite:
    """One call in the source that a pair speaks of."""

    span: Span
    position: Position
    functional: str
    """The catalog's name for it: ``relu``."""
    spelled: str
    """As the source writes it: ``F.relu``."""
    class_name: str | None
    """Dotted name of the innermost class around it (``Net``, ``Outer.Inner``), or None."""
    method: str | None
    """Name of the function or method around it, or None at module level."""


Kind = Literal["call", "method", "inline", "reference", "shared", "submodule", "identity"]
"""What a call site is: a call of a functional, of a tensor method, of a module built on the spot (``nn.ReLU()(x)``),
a functional held on self (``self.act = F.relu``), or one of several calls of one submodule (``--split-shared``).
On the way to functional: a call of a submodule, or of an nn.Identity, which becomes its argument."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """Convert: what stands before the arguments becomes ``callee``, and of the arguments only ``inputs`` stay."""

    kind: Kind
    callee: str
    """``self.relu1``, ``F.relu``; for a reference the constructor call itself, ``nn.ReLU()``; empty for an identity."""
    submodule: str
    """Name of the attribute: ``relu1``."""
    module: str
    """Name of the class in torch.nn."""
    inputs: tuple[int, ...] | None
    """The arguments that stay, as places in the call's source order, in the order forward takes them; None: all."""
    replaced: Span
    """What ``callee`` replaces: the name of the functional (for a method call: its receiver)."""
    named: tuple[tuple[int, str], ...] = ()
    """Arguments, by place, that become keyword arguments of that name."""
    settings: tuple[str, ...] = ()
    """Arguments that join at the end: ``2``, ``training=self.training``."""
    note: str = ""
    """For a conversion that changes behaviour (``--unsafe``): what changes."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave the call site as it is: a reason code of nnconvert.decide.reasons and the words for this site."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Decision:
    site: CallSite
    outcome: Conversion | Leave


@dataclass(frozen=True, slots=True)
class Registration:
    """One new submodule: ``self.<name> = <constructor>`` in ``__init__``."""

    name: str
    module: str
    constructor: str
    """Source text, with the file's own alias for torch.nn: ``nn.MaxPool2d(2, stride=self.stride)``."""
    sites: tuple[Span, ...]
    """The call sites that use it."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where in a class the registrations go: before the line that starts at ``offset``.

    ``new_init`` holds the header lines of an ``__init__`` to be written first, where the class has none.
    """

    offset: int
    indent: str
    receiver: str
    new_init: tuple[str, ...] = ()
    unit: str = "    "
    """One step of indentation, as the file has it."""
    break_at: int | None = None
    """Start of the first statement of an ``__init__`` whose body stands on the def line: a new line goes before."""


@dataclass(frozen=True, slots=True)
class ClassPlan:
    class_name: str
    anchor: Anchor
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class Retirement:
    """One submodule that no call uses any more: its assignment goes."""

    class_name: str
    name: str
    assignment: Span
    """The whole statement ``self.dropout = nn.Dropout(p)``."""
    kept: tuple[str, ...]
    """The statements that stand in its place: ``self.dropout_p = p``."""
    comments: tuple[str, ...]
    """Comments of the lines that go, which move to lines of their own."""
    above: int
    """Start of the statement that those lines go above: the first that calls the submodule."""
    dropped: tuple[str, ...]
    """Comments that go, too, since they tell tools about the line: ``# noqa``."""
    heading: Span | None = None
    """The lines of comments right above that speak of nothing else; they are among ``comments``."""


@dataclass(frozen=True, slots=True)
class Rename:
    """One use of a parameter or buffer that has moved: the name that ends the span is replaced.

    ``weight`` of ``self.weight`` becomes ``conv2d.weight``.
    """

    span: Span
    """The whole attribute, ``self.weight``, or a string that names it, ``"weight"``."""
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class StateChange:
    """What becomes of the state_dict of one class (``--parameters``); keys as an instance of the class has them."""

    class_name: str
    keys: tuple[tuple[str, str], ...]
    """Old key and new key, of what moves."""
    added: tuple[str, ...] = ()
    """Keys that only the new version has: the counter of nn.BatchNorm2d."""
    removed: tuple[str, ...] = ()
    """Keys that only the old version has."""


@dataclass(frozen=True, slots=True)
class NewMethod:
    """A method that a class gets: a blank line and these lines, before the line that starts at ``offset``."""

    class_name: str
    offset: int
    indent: str
    unit: str
    """One step of indentation, as the file has it."""
    lines: tuple[str, ...]
    """From the ``def`` on, indented by four spaces within."""


@dataclass(frozen=True, slots=True)
class ImportEdit:
    """One change of the file's imports: the text of a span is replaced (an empty span: inserted)."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All decisions of one file, sorted by position, and what carries them out."""

    direction: Direction
    decisions: tuple[Decision, ...] = ()
    classes: tuple[ClassPlan, ...] = ()
    retired: tuple[Retirement, ...] = ()
    blank_inits: tuple[Span, ...] = ()
    """Methods ``__init__`` that only pass through to the base's once their submodules are retired: they go."""
    idle: tuple[Span, ...] = ()
    """Statements that would do nothing once a call became its argument (``x = x``): they go."""
    imports: tuple[ImportEdit, ...] = ()
    renames: tuple[Rename, ...] = ()
    """Uses of parameters and buffers that move, outside of the calls that convert."""
    methods: tuple[NewMethod, ...] = ()
    state: tuple[StateChange, ...] = ()
    """What becomes of the state_dict of the classes whose keys change."""

    @property
    def converted(self) -> tuple[Decision, ...]:
        return tuple(d for d in self.decisions if isinstance(d.outcome, Conversion))

    @property
    def left(self) -> tuple[Decision, ...]:
        return tuple(d for d in self.decisions if isinstance(d.outcome, Leave))
