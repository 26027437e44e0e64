"""Put what the children found into words: where runs part, how to see it again, what never ran."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from nnconvert.verification.evidence import Expected
from nnconvert.verification.request import Request
from nnconvert.verification.wanting import what_reaches


def would_reach(source: bytes, classes: Sequence[Expected], unreached: Sequence[str]) -> Iterator[str]:
    """For each call site that never ran, its line and what stands around it."""
    tree = ast.parse(source)
    names = {path.rpartition(".")[2] for path in unreached}
    for expected in classes:
        for call in (*expected.calls, *expected.gained):
            if (call.name or f"line {call.line}") in names:
                words = what_reaches(tree, call.line)
                yield f"line {call.line} ({call.name or call.module})" + (f": {words}" if words else "")


def one_mode(replays: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Call sites that ran, but in one mode only: ``relu (train)``."""
    for found in replays:
        missed, never = found.get("missed", {}), found.get("unreached", [])
        for mode, other in (("train", "eval"), ("eval", "train")):
            yield from (f"{path} ({mode})" for path in missed.get(other, ()) if path not in never)


def parting(part: dict[str, Any] | None) -> str:
    """The first operator at which both runs part, with its line in both files."""
    if not part:
        return ""
    sides = []
    for version in ("old", "new"):
        step = part[version]
        place = f"in line {step['line']}" if step["line"] else "in the backward pass"
        sides.append(f"{step['operator']} {place} of the {version} version")
    return f"the runs part at {sides[0]}, {sides[1]} ({part['old']['when']}): {part['words']}"


def command(request: Request, class_name: str, recipe: dict[str, Any]) -> str:
    """The command that finds the difference again; empty where what is fed needs more than expressions."""
    call = ast.parse(recipe["construct"], mode="eval").body
    if recipe["setup"] or not isinstance(call, ast.Call):
        return ""
    given = ", ".join([ast.unparse(a) for a in call.args] + [ast.unparse(k) for k in call.keywords])
    words = ["nnconvert", "verify", str(request.path), str(request.new_path), "--model", class_name]
    words += ["--args", given] if given else []
    words += ["--inputs", recipe["inputs"][0]] if recipe["inputs"][0] else []
    return shlex.join(words)
