"""What verification saw of one class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["proved", "tested", "differs", "nondeterministic", "unverified"]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the plan says of the new version of a class: the submodules it gains and those it loses."""

    class_name: str
    added: tuple[tuple[str, str], ...] = ()
    """Attribute name and constructor text: ``("relu1", "nn.ReLU(inplace=True)")``."""
    removed: tuple[str, ...] = ()
    known: bool = True
    """False when nobody planned the change (two given files): any submodule may come or go."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A verdict and what it rests on."""

    class_name: str
    verdict: Verdict
    reason: str = ""
    """Why it is no better than this: one line, plain words."""
    remedy: str = ""
    """What a person can give or do (``--args``, ``--inputs``, a config entry)."""
    built_from: str = ""
    """Where the constructor arguments and inputs came from: ``--args``, ``get_inputs()``, ``defaults`` ..."""
    inputs: str = ""
    """What was fed, for people: ``2x3x32x32``."""
    inside: str = ""
    """The class whose instance contained this one, when it could not be built alone."""
    unreached: tuple[str, ...] = ()
    """Paths of added submodules that never ran (``block.relu2``)."""
    differences: tuple[str, ...] = ()
    """Everything that was found to differ, the first in ``reason``."""
    misused: bool = False
    """The given ``--args`` or ``--inputs`` raise by themselves: for the person who gave them to mend."""
