"""Times conversion in bulk, without verification, over the floor that parsing alone sets. One process, processor time.

    python scripts/bench_bulk.py FOLDER...
    python scripts/bench_bulk.py --to-functional FOLDER...

The floor is to decode and ast.parse each file that passes the bytes test. Each folder is taken for a project of its
own. Nothing is written.
"""

from __future__ import annotations

import argparse
import ast
import gc
import time
import warnings
from pathlib import Path

from nnconvert import files
from nnconvert.api import Index, convert_source
from nnconvert.decide import decide
from nnconvert.errors import SourceError
from nnconvert.options import Options
from nnconvert.source.project import Neighbours


def candidates(root: Path, options: Options) -> dict[Path, bytes]:
    """The files that pass the bytes test."""
    read = ((path, path.read_bytes()) for path in sorted(root.rglob("*.py")))
    return {path: data for path, data in read if files.may_convert(data, options)}


def parse_all(sources: dict[Path, bytes]) -> float:
    start = time.process_time()
    for data in sources.values():
        try:
            ast.parse(files.decode(data).text)
        except (SourceError, SyntaxError):
            continue
    return time.process_time() - start


def check_all(root: Path, sources: dict[Path, bytes], options: Options) -> float:
    """What ``--check`` needs to know: the decisions."""
    index = Index(root=root)
    start = time.process_time()
    for path, data in sources.items():
        try:
            decide(files.decode(data).text, options, Neighbours(path, index))
        except SourceError:
            continue
    return time.process_time() - start


def convert_all(root: Path, sources: dict[Path, bytes], options: Options) -> tuple[float, int]:
    """What a run does before it writes, and how many files change."""
    index = Index(root=root)
    start = time.process_time()
    results = [convert_source(data, options, path=path, index=index) for path, data in sources.items()]
    return time.process_time() - start, sum(result.status == "changed" for result in results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--to-functional", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of the parser, about other people's string literals
    gc.set_threshold(100_000, 10, 10)  # as the command line does
    options = Options(direction="to-functional" if arguments.to_functional else "to-module")
    for folder in arguments.folders:
        root = folder.resolve()
        sources = candidates(root, options)
        floor = parse_all(sources)
        checked = check_all(root, sources, options)
        converted, changed = convert_all(root, sources, options)
        print(f"{folder.name}: {len(sources)} files pass the bytes test, {changed} change")
        print(f"  decide  {checked:6.2f} s, {checked / floor:4.1f} times the floor ({floor:.2f} s)")
        print(f"  convert {converted:6.2f} s, {converted / floor:4.1f} times the floor", flush=True)


if __name__ == "__main__":
    main()
