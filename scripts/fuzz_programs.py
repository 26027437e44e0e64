"""Converts programs of two files that are drawn at random, and runs them before and after: they must print the same.

    python scripts/fuzz_programs.py                                        1,000 programs, to module
    python scripts/fuzz_programs.py --to-functional --parameters --count 300 --seed 5

What a program prints goes down to gradients and the next random number (see tests/random_programs.py). A second
conversion must change nothing. What fails is named by its seed, and kept in --keep. Needs torch.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.random_programs import compiles, printed, program  # noqa: E402

from nnconvert.api import convert_paths  # noqa: E402
from nnconvert.options import Options  # noqa: E402


def tried(files: dict[str, str], options: Options, keep: Path) -> Counter[str]:
    """Counts of what became of one program; what went wrong is kept."""
    counts = Counter(programs=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text("")
        for file, text in files.items():
            (folder / file).write_text(text)
        before = printed(folder, with_keys=not options.parameters)
        results = list(convert_paths([folder], options, write=True))
        counts["sites"] += sum(len(result.plan.converted) for result in results if result.plan is not None)
        new = {file: (folder / file).read_text() for file in files}
        if new == files:
            return counts
        counts["changed"] += 1
        wrong = [] if printed(folder, with_keys=not options.parameters) == before else ["prints another thing"]
        again = convert_paths([folder], options)
        wrong += [f"{result.path.name} changes again" for result in again if result.status == "changed"]
        for words in wrong:
            print(f"{keep.name}: {words}", flush=True)
            counts["wrong"] += 1
        if wrong:
            keep.mkdir(parents=True, exist_ok=True)
            for file, text in files.items():
                (keep / file).write_text(text)
                (keep / f"converted_{file}").write_text(new[file])
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first program; the others follow")
    parser.add_argument("--keep", type=Path, default=Path(".fuzzed"), help="folder for programs that went wrong")
    parser.add_argument("--to-functional", action="store_true")
    for option in ("share", "split-shared", "methods", "parameters"):
        parser.add_argument(f"--{option}", action="store_true")
    given = parser.parse_args()
    options = Options(
        direction="to-functional" if given.to_functional else "to-module",
        share=given.share,
        split_shared=given.split_shared,
        methods=given.methods,
        parameters=given.parameters,
    )
    sys.dont_write_bytecode = True
    total: Counter[str] = Counter()
    for seed in range(given.seed, given.seed + given.count):
        files = program(seed)
        if compiles(files):
            total += tried(files, options, given.keep / f"{options.direction}-{seed}")
    print(f"{total['programs']} programs, {total['changed']} changed, {total['sites']} sites, {total['wrong']} wrong")
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
