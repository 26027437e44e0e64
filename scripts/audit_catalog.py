"""Print what the catalog covers, and where it disagrees with the installed torch or leaves a name out.

Exits 1 when there is a problem.
"""

from __future__ import annotations

import sys
from collections import Counter

import torch

from nnconvert.catalog import audit, by_spelling, families, pairs, without_pair


def main() -> int:
    of_family = Counter(pair.family for pair in pairs())
    spellings = Counter(name.rpartition(".")[0] for name in by_spelling())
    print(f"torch {torch.__version__}")
    print(f"{len(pairs())} pairs: {', '.join(f'{of_family[name]} {name}' for name in families())}")
    print(f"{len(by_spelling())} spellings: {', '.join(f'{n} in {owner}' for owner, n in spellings.items())}")
    print(f"{len(without_pair())} names without a pair, each with its reason")
    problems = list(audit.problems(torch))
    print(f"{len(problems)} problems", *problems, sep="\n  ")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
