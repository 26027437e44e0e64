"""Converts sources that no person wrote: drawn by the grammars of the tests, and mutated.

    python scripts/fuzz.py                       20,000 sources
    python scripts/fuzz.py --count 500 --seed 3

Whatever the source: no crash, no result that does not parse, no second run that changes something, no byte of a
file that is left. What fails is printed and kept in --keep.
"""

from __future__ import annotations

import argparse
import ast
import random
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from nnconvert.api import convert_source
from nnconvert.options import Options

ROOT = Path(__file__).resolve().parents[1]
_WORDS = (
    *("F", "nn", "torch", "self", "x", "relu", "forward", "__init__", "super", "Net", "dropout", "training", "None"),
    *("F.relu(", "self.relu", "nn.ReLU()", "F.dropout(x, 0.5)", "self.training", "import torch.nn.functional as F\n"),
    *("(", ")", "[", "]", "{", "}", ",", ":", "=", "==", ".", "*", "**", "#", "\\", "\n", "\r\n", "\r", "\t", "\x0c"),
    *("    ", "'", '"', '"""', "f'{F.relu(x)}'", "lambda v: ", "await ", "yield ", "return ", "del ", "global F\n"),
    *("class A(nn.Module):\n    ", "def f(self, x):\n        ", "if x:\n", "for F in y:\n", "with x as F:\n", "@f\n"),
    *(
        "match x:\n    case F: ",
        "try:\n",
        "except E as nn:\n",
        "é",
        "日",
        "\0",
        "\ufeff",
        "0.5",
        "1e9",
        "-1",
        "# noqa\n",
    ),
    *("# nnconvert: skip", "x := ", "*args", "**kw", "self.x: int = 3\n", "x = x\n", ";", "async ", "elif y:\n"),
)


def seeds() -> list[str]:
    """Sources that people wrote: the examples and the fixtures."""
    paths = [*sorted(ROOT.glob("examples/*.py")), *sorted(ROOT.glob("tests/fixtures/*.txt"))]
    return [path.read_text(encoding="utf-8").partition("# output\n")[0] for path in paths]


def drawn(count: int, seed: int) -> list[str]:
    """Sources of the grammars that the tests draw from."""
    sys.path.insert(0, str(ROOT))
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from tests import random_submodules, test_random_models

    found: list[str] = []

    @seeded(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(test_random_models.sources() | random_submodules.sources())
    def collect(source: str) -> None:
        found.append(source)

    collect()
    return found


def mutated(source: str, draw: random.Random) -> str:
    """The source with one or two small changes: a piece deleted, doubled, moved, replaced, a word put in."""
    for _ in range(draw.choice((1, 1, 2))):
        start = draw.randrange(len(source) + 1)
        end = min(len(source), start + draw.choice((0, 1, 1, 2, 5, 20, 80)))
        piece = source[start:end]
        change = draw.randrange(6)
        if change == 0:
            source = source[:start] + source[end:]
        elif change == 1:
            source = source[:end] + piece + source[end:]
        elif change == 2:
            rest = source[:start] + source[end:]
            place = draw.randrange(len(rest) + 1)
            source = rest[:place] + piece + rest[place:]
        elif change == 3:
            source = source[:start] + draw.choice(_WORDS) + source[end:]
        elif change == 4:
            lines = source.splitlines(keepends=True)
            if lines:
                line = lines.pop(draw.randrange(len(lines)))
                lines.insert(draw.randrange(len(lines) + 1), line)
                source = "".join(lines)
        else:
            source = _renamed(source, draw)
    return source


def _renamed(source: str, draw: random.Random) -> str:
    """One name for another, everywhere: bindings that hide, attributes that collide, bases that change."""
    old, new = draw.sample(("F", "nn", "torch", "self", "x", "relu", "dropout", "forward", "Net", "conv", "p", "k"), 2)
    return source.replace(old, new)


def options(draw: random.Random) -> Options:
    if draw.random() < 0.4:
        return Options(direction="to-functional", unsafe=draw.random() < 0.3)
    share = draw.random() < 0.2
    return Options(
        share=share,
        split_shared=not share and draw.random() < 0.2,
        methods=draw.random() < 0.3,
        unsafe=draw.random() < 0.3,
    )


def problem(source: bytes, wanted: Options) -> tuple[str, str]:
    """The status of a conversion, and what is wrong with it, if anything."""
    result = convert_source(source, wanted)
    if result.status == "failed":
        internal = "internal error" in result.error or "a check failed" in result.error
        unread = _parses(source) and "nested too deeply" not in result.error and "encoding" not in result.error
        return "failed", result.error if internal or unread else ""
    if result.status != "changed":
        return result.status, "" if result.new == source else "a file without a change has other bytes"
    if not _parses(result.new):
        return "changed", "the result does not parse"
    again = convert_source(result.new, wanted)
    return "changed", "" if again.status == "unchanged" else f"a second run: {again.status} {again.error}"


def _parses(source: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def cases(count: int, seed: int) -> Iterator[tuple[bytes, Options]]:
    """Sources as drawn, and with few changes, so that many of them still parse."""
    draw = random.Random(seed)
    people, grammar = seeds(), drawn(max(count // 10, 20), seed)
    for number in range(count):
        source = grammar[number % len(grammar)] if draw.random() < 0.7 else draw.choice(people)
        for _ in range(draw.choice((0, 0, 1, 1, 1, 2))):
            source = mutated(source, draw)
        yield source.encode("utf-8", "surrogatepass"), options(draw)


def run(count: int, seed: int, keep: Path | None = None) -> list[str]:
    """Convert so many sources; what went wrong, one line each."""
    statuses: Counter[str] = Counter()
    wrong: list[str] = []
    for number, (source, wanted) in enumerate(cases(count, seed)):
        status, words = problem(source, wanted)
        statuses[status] += 1
        if words:
            wrong.append(f"source {number} of seed {seed}, {wanted}: {words}")
            print(wrong[-1], flush=True)
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{seed}-{number}.py").write_bytes(source)
    print(f"{count} sources: {dict(statuses)}; {len(wrong)} problems", flush=True)
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the sources that fail")
    given = parser.parse_args(arguments)
    return bool(run(given.count, given.seed, given.keep))


if __name__ == "__main__":
    raise SystemExit(main())
