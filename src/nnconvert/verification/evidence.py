"""What verification saw of one class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["proved", "tested", "differs", "nondeterministic", "unverified"]


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """A call of a module in the old version that is none in the new one."""

    name: str
    """The attribute of self that was called: ``relu``; empty for a module built on the spot (``nn.ReLU()(x)``)."""
    module: str
    """Name of its class in torch.nn."""
    line: int
    """Where the call begins, from 1."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the plan says of the new version of a class: the submodules it gains and those it loses."""

    class_name: str
    added: tuple[tuple[str, str], ...] = ()
    """Attribute name and constructor text: ``("relu1", "nn.ReLU(inplace=True)")``; of several of a name it is one."""
    removed: tuple[str, ...] = ()
    calls: tuple[ModuleCall, ...] = ()
    """The calls of submodules that the new version does without, whether the submodule goes or stays."""
    gained: tuple[ModuleCall, ...] = ()
    """The calls of submodules that only the new version makes, with the lines of the old one that they stand for."""
    keys: tuple[tuple[str, str], ...] = ()
    """Old and new state_dict key of what moves, as an instance of the class has them: ``("weight", "conv.weight")``."""
    added_keys: tuple[str, ...] = ()
    """Keys that only the new version has (``batch_norm.num_batches_tracked``), and ..."""
    removed_keys: tuple[str, ...] = ()
    """... those that only the old version has."""
    loads_old: bool = False
    """Whether the new version takes a state_dict of the old one as it is, too."""
    path: str = ""
    """The file of the class, where it is another one than that which is verified."""
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
    methods: tuple[str, ...] = ()
    """Calls of other methods than forward that were compared, too: ``encode(torch.randn(2, 16))``."""
    unreached: tuple[str, ...] = ()
    """Where converted call sites never ran, so that nothing is known of them. Paths of submodules: added ones
    that were never called in the new version (``block.relu2``), and those of the old version of which a call that
    is converted was never made. ``line 12`` for a module built on the spot; ``act (GELU)`` for what an attribute
    may be, and was not."""
    would_reach: tuple[str, ...] = ()
    """What ``unreached`` is about, for people: ``line 12 (relu): only where self.deep (deep=False by default)``."""
    unrun: tuple[str, ...] = ()
    """Where two given files are compared: changed statements that never ran, so that nothing is known of them, for
    people: ``line 9 of the new version: only where flag == 3``."""
    one_mode: tuple[str, ...] = ()
    """Converted call sites that ran in one mode only: ``relu (train)``."""
    unproved: tuple[str, ...] = ()
    """As ``unreached``: call sites that ran, but not in the run that the graphs of a proof were taken from."""
    proof: str = ""
    """For ``proved``: the sizes that the proof holds for, ``any batch size from 2 on``."""
    conditions: tuple[str, ...] = ()
    """For ``proved``: what sizes must meet beyond that, as expressions."""
    not_proved: str = ""
    """For ``tested``: why it is not proved. For ``proved``: why not for other sizes than those that were fed."""
    differences: tuple[str, ...] = ()
    """Everything that was found to differ, the first in ``reason``."""
    model: str = ""
    """The model that was built, ``package.module:Class``, which the four fields below speak of; whole keys."""
    keys: tuple[tuple[str, str], ...] = ()
    """Old and new state_dict key of what moves."""
    added: tuple[str, ...] = ()
    """Keys that only the new version has, and ..."""
    removed: tuple[str, ...] = ()
    """... those that only the old version has."""
    order: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    """Where keys change: the names of all parameters, as named_parameters() gives them, in both versions."""
    parts: str = ""
    """For ``differs``: the first operator at which the runs part, its line in both versions, and by how much."""
    reproduce: str = ""
    """For ``differs``: a command that finds it again, in the same folder."""
    misused: bool = False
    """The given ``--args`` or ``--inputs`` raise by themselves: for the person who gave them to mend."""
    entry: str = ""
    """What was built and fed, as an entry of pyproject.toml that can be copied there; empty where it needs
    more than an entry can say (statements before)."""
