"""The plan of parameters and buffers that move into new submodules: every use, and the state_dict keys."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from nnconvert.decide.draft import Draft
from nnconvert.decide.operands import Operand
from nnconvert.decide.weighing import Moving
from nnconvert.plan import Rename, Retirement, StateChange
from nnconvert.source.classes import ClassInfo
from nnconvert.source.quotes import prevailing_quote
from nnconvert.source.reader import Reader


class Mover:
    """Collects what the plan says beside the new submodules."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.renames: list[Rename] = []
        self.retired: list[Retirement] = []
        self.state: list[StateChange] = []
        self.classes: list[ClassInfo] = []
        """The class of each of these changes: two classes may have one name."""

    def move(self, info: ClassInfo, drafts: Sequence[tuple[Draft, str]]) -> None:
        """Plan for one class; with each draft the name of its submodule."""
        keys: list[tuple[str, str]] = []
        added: list[str] = []
        for draft, submodule in drafts:
            for moving, loads in draft.uses:
                self._move(info, moving, loads, submodule)
                keys.append((moving.operand.name, f"{submodule}.{moving.attribute}"))
            if draft.weighed is not None and draft.weighed.counter:
                added.append(f"{submodule}.{draft.weighed.counter}")
        if keys:
            self.state.append(StateChange(info.qualname, tuple(keys), tuple(added)))
            self.classes.append(info)

    def _move(self, info: ClassInfo, moving: Moving, loads: Sequence[ast.Attribute], submodule: str) -> None:
        source, operand = self.reader.source, moving.operand
        new = f"{submodule}.{moving.attribute}"
        statement = self.reader.construction(info).body[operand.index]
        for load in loads:
            if not (moving.is_implied and load is operand.store.node):
                self.renames.append(Rename(source.span(load), operand.name, new))
        if moving.is_implied:
            # Nothing moves with it: its lines have no comments.
            place = source.span(statement)
            self.retired.append(Retirement(info.qualname, operand.name, place, (), (), place.start, ()))
        elif isinstance(operand.store.node, ast.Call):
            self._rename_registering(operand, operand.store.node, moving.attribute, submodule)

    def _rename_registering(self, operand: Operand, call: ast.Call, attribute: str, submodule: str) -> None:
        """``self.register_buffer("mean", ...)`` becomes ``self.batch_norm.register_buffer("running_mean", ...)``."""
        source = self.reader.source
        assert isinstance(call.func, ast.Attribute)
        assert operand.string is not None
        name = call.func.attr
        self.renames.append(Rename(source.span(call.func), name, f"{submodule}.{name}"))
        if attribute != operand.name:
            text, quote = source.segment(operand.string), prevailing_quote(source)
            self.renames.append(Rename(source.span(operand.string), text, f"{quote}{attribute}{quote}"))
