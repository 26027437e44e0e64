"""Put what the children found into words: where runs part, how to see it again, what never ran."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from nnconvert.verification.evidence import Expected
from nnconvert.verification.request import Request
from nnconvert.verification.wanting import what_reaches

LATER = re.compile(r"train, call 2|eval|the new version raises|every number")
"""How differences begin that may come of the second call's inputs alone."""


def would_reach(source: bytes, classes: Sequence[Expected], unreached: Sequence[str]) -> Iterator[str]:
    """For each call site that never ran, its line and what stands around it."""
    tree = ast.parse(source)
    names = {path.rpartition(".")[2] for path in unreached}
    for expected in classes:
        for call in (*expected.calls, *expected.gained):
            if names & {call.name or f"line {call.line}", f"{call.name} ({call.module})"}:
                words = what_reaches(tree, call.line)
                yield f"line {call.line} ({call.name or call.module})" + (f": {words}" if words else "")


def unrun_changes(
    request: Request, class_name: str, old: dict[str, Any] | None, new: dict[str, Any] | None
) -> tuple[tuple[str, ...], bool]:
    """Changed statements of a class that nobody planned and that never ran, for people; and whether none of it ran."""
    words, total = [], 0
    for outcome, source, where in ((old, request.old, ""), (new, request.new, " of the new version")):
        count, lines = (outcome or {}).get("changes", {}).get(class_name, (0, ()))
        total += count
        for line in lines:
            reason = what_reaches(ast.parse(source), line)
            words.append(f"line {line}{where}" + (f": {reason}" if reason else ""))
    return tuple(words), 0 < total == len(words)


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


def command(request: Request, class_name: str, recipe: dict[str, Any], differences: Sequence[str]) -> str:
    """The command that finds the difference again; empty where the request knows of none.

    What was found to build and feed the model stands in it where that shows the difference; it is searched again, else.
    """
    words = list(request.again)
    hints, args = request.hints, None if recipe["home"] else arguments(recipe, class_name)
    given = {"--model": hints.model, "--args": hints.args, "--inputs": hints.inputs}
    first = len(recipe["inputs"]) == 1 or not LATER.match(differences[0])
    if not (hints.args or hints.inputs) and args is not None and first:
        given = {"--model": class_name, "--args": args, "--inputs": recipe["inputs"][0]}
    for option, text in given.items() if words else ():
        words += [option, text] if text else []
    return shlex.join(words)


def entry(key: str, recipe: dict[str, Any]) -> str:
    """The recipe as an entry of pyproject.toml; empty where it needs more than one call of the class."""
    args = arguments(recipe, key.rpartition(":")[2])
    if args is None:
        return ""
    # A JSON string is a TOML string.
    texts = f"args = {json.dumps(args)}\ninputs = {json.dumps(recipe['inputs'][0])}"
    return f'[tool.nnconvert.models."{key}"]\n{texts}'


def arguments(recipe: dict[str, Any], class_name: str) -> str | None:
    """What stands between the parentheses, where one call of the class is all there is to build."""
    construct: str = recipe["construct"]
    call = ast.parse(construct, mode="eval").body
    if recipe["setup"] or not isinstance(call, ast.Call) or ast.unparse(call.func) != class_name:
        return None
    return construct[len(class_name) + 1 : -1]
