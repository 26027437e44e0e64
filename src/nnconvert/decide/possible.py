"""Whether a text can hold a call site at all: a test of its words, before anything is read of its tree.

It must err to True. A call site names a functional or a class of torch.nn behind the dot of something imported
from torch (``F.relu``, ``nn.ReLU``), imports it by its name, or has it from a star import.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from typing import Final

from nnconvert.catalog import by_module, by_spelling, weighted_by_module, weighted_by_spelling, without_pair
from nnconvert.options import Options
from nnconvert.source.classes import torch_attribute_names

_COMMENT: Final = r"#[^\r\n]*[\r\n]"
_WORD: Final = re.compile(r"\w+")
_STAR: Final = re.compile(r"import[\s\\(]*\*")  # none of these begins with \b, which would hide where to look for them
_REST: Final = r"(?:\\\r?\n|[^\r\n])*"
"""Of a logical line that is in no brackets."""
_FROM_TORCH: Final = re.compile(rf"from[\s\\]+torch\b[\w.\s\\]*?\bimport\b[\s\\]*(\((?:[^)#]|{_COMMENT})*\)|{_REST})")
_IMPORT: Final = re.compile(rf"import\b({_REST})")
_ALIAS: Final = re.compile(rf"=(?:[\s\\(]|{_COMMENT})*(?P<root>\w+)(?:[\s\\)]*\.[\s\\]*\w+)*(?![\w.])(?![ \t]*[(\[])")
_TAIL: Final = re.compile(rf"(?:[\w.\s\\)]|{_COMMENT})*\Z")
"""What a chain of names can be written with, up to the place at hand."""
_BREAKING: Final = re.compile(r"[^\w.\s\\)]")
_CALLED: Final = re.compile(rf"\)(?:[\s\\]|{_COMMENT})*\(")
_NAME_AT_END: Final = re.compile(r"[\w)\]]\Z")
_LOOK_BACK: Final = 300
_BRACKETS: Final = (("(", ")"), ("[", "]"), ("{", "}"))


def may_have_sites(text: str, options: Options) -> bool:
    """Whether the text may hold a call site; where it is Python."""
    if options.methods or options.split_shared:
        return True
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)  # as Python reads names
    to_module = options.direction == "to-module"
    kind = "functionals" if to_module else "weighted modules" if options.parameters else "modules"
    words = _words(kind)
    if _STAR.search(text):
        return True
    places = [match.start() for match in _behind_dot(kind).finditer(text)]
    imported = set(_imported(text))
    if not words.isdisjoint(imported):
        return True
    if not places and not (to_module and _CALLED.search(text)):
        return False
    if any(_is_chain_of(text, place, imported) for place in places):
        return True
    roots = _with_aliases(text, imported)
    if any(_is_chain_of(text, place, roots) for place in places):
        return True
    called = _CALLED.finditer(text) if to_module else ()
    return any(_builds(text, match.start(), roots) for match in called)


@cache
def _words(kind: str) -> frozenset[str]:
    """The last names of what a call site names."""
    if kind == "functionals":
        spelled = [name for table in (by_spelling(), weighted_by_spelling()) for name in table]
        spelled += [name for name, row in without_pair().items() if row.takes_weights]
        return frozenset(name.rpartition(".")[2] for name in spelled if not name.startswith("torch.Tensor."))
    from nnconvert.decide.sites import STATELESS_WITHOUT_FUNCTIONAL

    weighted = weighted_by_module() if kind == "weighted modules" else ()
    known = {name for name in torch_attribute_names() if by_module(name) is not None or name.startswith("InstanceNorm")}
    return frozenset(known.union(STATELESS_WITHOUT_FUNCTIONAL, weighted))


@cache
def _behind_dot(kind: str) -> re.Pattern[str]:
    letters = groupby(sorted(_words(kind)), key=lambda word: word[0])
    words = "|".join(f"{letter}(?:{'|'.join(word[1:] for word in words)})" for letter, words in letters)
    return re.compile(rf"\.(?:[\s\\]|{_COMMENT})*(?:{words})\b")


def _imported(text: str) -> Iterator[str]:
    """Names that imports of torch speak of."""
    for match in _IMPORT.finditer(text):
        if "torch" in match[1]:
            yield from _WORD.findall(match[1])
    for match in _FROM_TORCH.finditer(text):
        yield from _WORD.findall(match[1])


def _with_aliases(text: str, imported: Iterable[str]) -> set[str]:
    """Names that may stand for something of torch: imported ones, and what is assigned such."""
    assigned: dict[str, list[int]] = {}
    for match in _ALIAS.finditer(text):
        assigned.setdefault(match["root"], []).append(match.start())
    roots = set(imported)
    queue = list(roots)
    for root in queue:
        new = {name for place in assigned.get(root, ()) for name in _assigned_names(text, place)} - roots
        roots |= new
        queue.extend(new)
    return roots


def _assigned_names(text: str, place: int) -> list[str]:
    """The words in front of an equals sign on its line, with the lines that this one continues."""
    start = place
    while start > 0:
        start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start))
        line = text[start + 1 : place]
        goes_on = text[max(0, start - 2) : start].rstrip("\r").endswith("\\")
        if not goes_on and all(line.count(closing) <= line.count(opening) for opening, closing in _BRACKETS):
            break
    return _WORD.findall(text, start + 1, place)


def _is_chain_of(text: str, place: int, roots: set[str]) -> bool:
    """Whether a chain of names that ends at the place may begin with one of the roots."""
    start = max(0, place - _LOOK_BACK)
    window = text[start:place]
    breaking = _BREAKING.search(window[::-1])
    tail = window[len(window) - breaking.start() :] if breaking is not None else window
    if "\n" in tail or "\r" in tail:  # there may be a comment in between
        found = _TAIL.search(window)
        assert found is not None
        tail = found[0]
    return (start > 0 and len(tail) == len(window)) or not roots.isdisjoint(_WORD.findall(tail))


def _builds(text: str, place: int, roots: set[str]) -> bool:
    """Whether the call that closes at the place may call one of the roots: ``nn.ReLU()`` of ``nn.ReLU()(x)``."""
    depth = 0
    for step in range(place, max(place - _LOOK_BACK, -1), -1):
        character = text[step]
        if character in "'\"#":
            return True  # brackets there may be text
        depth += (character in ")]}") - (character in "([{")
        if depth == 0:
            if _NAME_AT_END.search(text, max(0, step - _LOOK_BACK), step) and not _is_behind_keyword(text, step):
                return _is_chain_of(text, step, roots)
            # brackets around what is called: (nn.ReLU())(x)
            return not roots.isdisjoint(_WORD.findall(text, step, place)) or _is_chain_of(text, step, roots)
    return True


def _is_behind_keyword(text: str, place: int) -> bool:
    words = _WORD.findall(text, max(0, place - _LOOK_BACK), place)
    return bool(words) and keyword.iskeyword(words[-1])
