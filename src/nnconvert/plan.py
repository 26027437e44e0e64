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


@dataclass(frozen=True, slots=True)
class Conversion:
    """Convert: the call becomes ``self.<submodule>(<inputs>)``."""

    receiver: str
    """How the method names its instance: ``self``."""
    submodule: str
    inputs: tuple[int, ...]
    """The arguments that stay, as positions in the order the source has them, in the order forward takes them."""
    module: str
    """Name of the class in torch.nn."""
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


@dataclass(frozen=True, slots=True)
class ClassPlan:
    class_name: str
    anchor: Anchor
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All decisions of one file, sorted by position, and what carries them out."""

    direction: Direction
    decisions: tuple[Decision, ...]
    classes: tuple[ClassPlan, ...]

    @property
    def converted(self) -> tuple[Decision, ...]:
        return tuple(d for d in self.decisions if isinstance(d.outcome, Conversion))

    @property
    def left(self) -> tuple[Decision, ...]:
        return tuple(d for d in self.decisions if isinstance(d.outcome, Leave))
