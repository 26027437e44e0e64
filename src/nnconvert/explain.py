"""The texts of ``nnconvert list`` and ``nnconvert explain``, made from the catalog and the reasons."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator

from nnconvert import catalog
from nnconvert.catalog.model import Pair, WithoutPair
from nnconvert.decide.reasons import REASONS, Reason
from nnconvert.errors import UsageError


def listing() -> str:
    """One line a pair: functional, module class, family."""
    pairs = sorted(catalog.every_pair(), key=lambda pair: (pair.family, pair.functional, pair.module))
    left = max(len(pair.functional) for pair in pairs)
    right = max(len(pair.module) for pair in pairs)
    lines = [f"F.{p.functional:<{left}}  nn.{p.module:<{right}}  {p.family}{_asks(p)}{_since(p)}" for p in pairs]
    return "".join(line + "\n" for line in lines)


def explain(name: str) -> str:
    """All that is known of a functional, a module class, a family or a reason code, whatever its case.

    Raises UsageError, with the nearest known names, where nothing is known.
    """
    word = name.strip().rpartition(".")[2].lower()
    texts = [_pair(pair) for pair in catalog.every_pair() if word in _words(pair)]
    texts += [_reason(reason) for reason in REASONS.values() if word in (reason.code.lower(), reason.name.lower())]
    if not texts:
        texts = [_without(row) for row in catalog.without_pair().values() if word == _last(row.name)]
    if not texts:
        texts = [_pair(pair) for pair in catalog.every_pair() if word == pair.family]
    if not texts:
        raise UsageError(f"nothing is known of {name!r}{_nearest(word)}")
    return "\n".join(texts)


def _words(pair: Pair) -> set[str]:
    return {pair.module.lower(), *(spelling.short.lower() for spelling in pair.spellings)}


def _last(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _nearest(word: str) -> str:
    known: dict[str, str] = {}
    for pair in catalog.every_pair():
        names = (pair.module, pair.family, *(spelling.short for spelling in pair.spellings))
        known.update((name.lower(), name) for name in names)
    known.update((_last(row.name), row.name) for row in catalog.without_pair().values())
    known.update((code.lower(), code) for code in REASONS)
    near = difflib.get_close_matches(word, known, n=3)
    return f"; did you mean {' or '.join(known[match] for match in near)}?" if near else "; see nnconvert list"


def _asks(pair: Pair) -> str:
    """Said of what never converts without the option."""
    return ", with --parameters" if pair in catalog.weighted_pairs() else ""


def _since(pair: Pair) -> str:
    return "" if pair.since == "2.2" else f", torch {pair.since} or later"


def _pair(pair: Pair) -> str:
    return "".join(line + "\n" for line in _pair_lines(pair))


def _pair_lines(pair: Pair) -> Iterator[str]:
    arrow = "<- " if pair.back_only else "<->"
    yield f"F.{pair.functional} {arrow} nn.{pair.module}   ({pair.family}{_asks(pair)}{_since(pair)})"
    if pair.doc:
        yield textwrap.fill(pair.doc, 100, initial_indent="  ", subsequent_indent="  ")
    yield "  spellings"
    for spelling in pair.spellings:
        yield f"    {spelling.name}({spelling.parameters})"
    yield f"  becomes  self.<name> = nn.{pair.module}({pair.constructor})"
    yield f"  called with  {', '.join(pair.inputs)}"
    if pair.training:
        yield f"  {pair.training}  must be self.training, which the submodule then follows"
    if pair.weights is not None:
        yield f"  kept by the module, with --parameters  {', '.join(pair.weights.operands)}"
    elif pair.state:
        yield f"  converts only without  {', '.join(pair.state)}"
    if pair.back is not None or pair.back_given:
        given = "".join(f", {name}={text}" for name, text in pair.back_given.items())
        yield f"  comes back as  {pair.way_back.name}({', '.join(pair.inputs)}, ...{given})"
    yield f"  example  {pair.example.format(functional=pair.functional)}"


def _without(row: WithoutPair) -> str:
    return f"{row.name} does not convert: {row.reason}\n"


def _reason(reason: Reason) -> str:
    texts = [textwrap.fill(text, 100) for text in (reason.why, reason.remedy)]
    body = textwrap.indent("\n".join(text for text in texts if text), "  ")
    example = textwrap.indent(reason.example.strip(), "      ")
    return f"{reason.code} {reason.name}: {reason.summary}\n{body}\n  example\n{example}\n"
