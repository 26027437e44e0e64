"""Why torch.load(weights_only=True) did not read a file, in one line, with all names that its pickle asks for."""

from __future__ import annotations

import io
import pickletools
import re
import zipfile
from pathlib import Path

from nnconvert.checkpoint.admitted import require_admissible
from nnconvert.checkpoint.errors import first_line
from nnconvert.errors import UsageError

_ASKED_FOR = (
    re.compile(r"GLOBAL (\S+) was not an allowed global"),
    re.compile(r"Unsupported class (\S+)"),
    re.compile(r"Can only (?:build|create new object).* got <class '([^'.]+\.[^']+)'>"),
)
"""How torch, since 2.2, names the one global that it stopped at."""
_CANNOT_FILL = re.compile(r"Can only (?:SETITEM|append|extend).* got <class '([^'.]+\.[^']+)'>")
_WORDS = re.compile(r"WeightsUnpickler error:\s*(.+?)\s*(?:\n|\Z)")
_LEADING_PICKLES = 3
"""What the format from before torch 1.6 has before the pickle of the checkpoint itself."""


def refusal(path: Path, *, legacy: bool, error: Exception) -> str:
    """The words for an error of torch.load. To be called while what was admitted is admitted."""
    said = str(error)
    names = _listed_by_torch(path, legacy) or _named(said)
    if not names:
        full = _CANNOT_FILL.search(said)
        if full:
            return (
                f"its pickle fills a {full[1]}, which torch.load(weights_only=True) refuses even where it is admitted"
            )
        return f"torch cannot read it, it may be damaged: {_short(error)}"
    words = f"its pickle asks for {', '.join(names)}, which torch.load(weights_only=True) does not admit by itself; "
    return words + _remedy(names)


def _remedy(names: list[str]) -> str:
    for name in names:
        try:
            require_admissible(name)
        except UsageError as error:
            return f"it cannot be migrated, {error}"
    from torch import serialization

    if not hasattr(serialization, "add_safe_globals"):
        import torch

        return f"torch 2.4 or later can admit more, and this is torch {torch.__version__}"
    options = " ".join(f"--allow-global {name}" for name in names)
    return f"where you trust the file: {options}"


def _listed_by_torch(path: Path, legacy: bool) -> list[str]:
    """All names at once, since torch 2.5."""
    from torch import serialization

    if not hasattr(serialization, "get_unsafe_globals_in_checkpoint"):
        return []
    try:
        file = _as_zip(path) if legacy else str(path)
        return sorted(serialization.get_unsafe_globals_in_checkpoint(file))
    except Exception:  # on the bytes that torch.load failed on: then what it said is all that there is to say
        return []


def _as_zip(path: Path) -> io.BytesIO:
    """The pickle of a legacy file in a file of the other format, the one that torch lists names of."""
    with path.open("rb") as stream:
        for _ in range(_LEADING_PICKLES):
            _pass_over(stream)
        start = stream.tell()
        _pass_over(stream)
        size = stream.tell() - start
        stream.seek(start)
        data = stream.read(size)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")
    made.seek(0)
    return made


def _pass_over(stream: io.BufferedReader) -> None:
    for _ in pickletools.genops(stream):
        pass


def _named(said: str) -> list[str]:
    """The name that torch stopped at; it leaves ``builtins.`` out."""
    found = next((match for pattern in _ASKED_FOR if (match := pattern.search(said))), None)
    if found is None:
        return []
    return [found[1] if "." in found[1] else f"builtins.{found[1]}"]


def _short(error: Exception) -> str:
    words = _WORDS.search(str(error))
    first = words[1] if words else first_line(error)
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
