"""Write the pages of docs/ that come from data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from nnconvert.catalog import Pair, every_pair, families, weighted_pairs, without_pair
from nnconvert.decide.reasons import REASONS

DOCS = Path(__file__).resolve().parent.parent / "docs"

PAIRS_INTRODUCTION = """\
# Pairs

Every functional that nnconvert knows, and the module class that does the same. This page is written by
`scripts/generate_docs.py` from the catalog; `F` is `torch.nn.functional`, `nn` is `torch.nn`.

What stays at the call are the tensors that change from call to call. What moves becomes a setting of the
constructor, and must be the same at every call. A call that gives anything else than the default for what
cannot move is left as it is, and so is one whose settings the constructor might refuse. What the module class
keeps as parameters and buffers moves with `--parameters` only.
"""


def pairs_page() -> str:
    """The text of docs/pairs.md."""
    parts = [PAIRS_INTRODUCTION]
    for family in families():
        parts.append(f"## {family}\n")
        parts += ["\n".join(_section(pair)) + "\n" for pair in every_pair() if pair.family == family]
    parts += ["## Without a pair\n", "\n".join(_without()) + "\n"]
    return "\n".join(parts)


def _section(pair: Pair) -> Iterator[str]:
    first, *others = (_short(spelling.name) for spelling in pair.spellings)
    yield f"### `{first}` and `nn.{pair.module}`\n"
    yield f"{pair.doc}\n"
    yield f"```python\n{pair.example}\n```\n"
    yield f"- constructor: `nn.{pair.module}({pair.constructor})`"
    facts = {
        "also written": others,
        "stays at the call": pair.inputs,
        "moves to the constructor": _moving(pair),
        "fed by the module's mode": [pair.training] if pair.training else [],
        "set by the conversion": [f"{name}={text}" for name, text in pair.module_fixed.items()],
        "kept by the module, with --parameters": list(pair.weights.operands) if pair.weights else [],
        "left if given": _not_moving(pair),
        "checked by the constructor": [f"{name}: {check}" for name, check in pair.checks.items()],
    }
    if pair.back is not None or pair.back_given:
        given = "".join(f", {name}={text}" for name, text in pair.back_given.items())
        yield f"- the way back: `{_short(pair.way_back.name)}({', '.join(pair.inputs)}, ...{given})`"
    if pair in weighted_pairs():
        yield "- only with `--parameters`"
    if pair.back_only:
        yield "- only to functional"
    yield from (f"- {words}: {_code(names)}" for words, names in facts.items() if names)
    if pair.since != "2.2":
        yield f"- from torch {pair.since}"


def _parameters(pair: Pair) -> list[str]:
    """Parameters of all spellings that are settings, in order."""
    known = {*pair.inputs, "training", "train", pair.training} | ({"mode"} if pair.pad_mode else set())
    names = dict.fromkeys(p.name for spelling in pair.spellings for p in spelling.signature)
    return [name for name in names if name not in known]


def _moving(pair: Pair) -> list[str]:
    stuck = {*_not_moving(pair), *(pair.weights.operands if pair.weights else ())}
    names = (name for name in _parameters(pair) if name not in stuck)
    return [f"{name} as {pair.renames[name]}" if name in pair.renames else name for name in names]


def _not_moving(pair: Pair) -> list[str]:
    constructor = {parameter.name for parameter in pair.constructor_signature}
    stuck = {*pair.state, *pair.not_carried}
    kept = pair.weights.operands if pair.weights else ()
    names = [n for n in _parameters(pair) if n not in kept]
    return [n for n in names if n in stuck or pair.renames.get(n, n) not in constructor]


def _without() -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for row in without_pair().values():
        by_reason.setdefault(row.reason, []).append(_short(row.name))
    yield from (f"- {_code(names)}: {reason}" for reason, names in by_reason.items())


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _short(name: str) -> str:
    """``torch.nn.functional.relu`` -> ``F.relu``, ``torch.nn.ReLU`` -> ``nn.ReLU``."""
    short = name.replace("torch.nn.functional.", "F.")
    return short.replace("torch.nn.", "nn.").replace("torch.Tensor.", "Tensor.")


REASONS_INTRODUCTION = """\
# Reasons

Why a call site is left as it is, by code; `nnconvert explain NNC204` says the same. This page is written by
`scripts/generate_docs.py` from `nnconvert.decide.reasons`.
"""


def reasons_page() -> str:
    """The text of docs/reasons.md."""
    parts = [REASONS_INTRODUCTION]
    for reason in REASONS.values():
        parts.append(f"## {reason.code} {reason.name}\n\n{reason.summary} {reason.why}\n")
        parts.append(f"```python\n{reason.example}\n```\n\nWhat to do: {reason.remedy}\n")
    return "\n".join(parts)


def main() -> None:
    (DOCS / "pairs.md").write_text(pairs_page(), encoding="utf-8")
    (DOCS / "reasons.md").write_text(reasons_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
