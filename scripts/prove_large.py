"""Converts a transformer of 6.7 billion parameters in memory and verifies it where its weights would never fit.

    python scripts/prove_large.py [FILE]

Prints the verdict of each class, seconds, and the peak memory of this process and all that run under it. Memory that
processes share is counted once (Pss of /proc, sampled), so this needs Linux.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path

from nnconvert import Verifier, convert_source

LARGE = Path(__file__).parent.parent / "tests" / "large_transformer.py"
EVERY = 0.05
RESULT = "{verdict}   {seconds:.1f} s   peak memory of all processes {peak:.0f} MiB ({samples} samples)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=LARGE)
    path = parser.parse_args().file
    with Memory() as memory, Verifier(Path(sys.executable)) as verifier:
        before = time.perf_counter()
        result = convert_source(path.read_bytes(), path=path, verifier=verifier)
        seconds = time.perf_counter() - before
    for evidence in result.evidence:
        words = [evidence.verdict, evidence.inputs, evidence.proof, evidence.reason, evidence.not_proved]
        print(f"{evidence.class_name}: {'; '.join(word for word in words if word)}")
        for path_of_site in evidence.unreached:
            print(f"    never reached: {path_of_site}")
    verdicts = {evidence.verdict for evidence in result.evidence}
    verdict = verdicts.pop() if len(verdicts) == 1 else "not all proved"
    print(RESULT.format(verdict=verdict, seconds=seconds, peak=memory.peak / 2**20, samples=memory.samples))
    if verdict != "proved":
        raise SystemExit(1)


class Memory:
    """Samples what this process and its descendants hold, in a thread."""

    def __init__(self) -> None:
        self.peak = 0
        self.samples = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(EVERY):
            self.peak = max(self.peak, sum(map(pss, descendants(Path("/proc/self").resolve().name))))
            self.samples += 1


def descendants(pid: str) -> list[str]:
    """A process and all below it."""
    children: dict[str, list[str]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            parent = text_of(folder / "stat").rpartition(")")[2].split()[1:2]
            children.setdefault("".join(parent), []).append(folder.name)
    found, pending = [], [pid]
    while pending:
        found.append(pending.pop())
        pending += children.get(found[-1], [])
    return found


def pss(pid: str) -> int:
    """Bytes, those shared with other processes divided by how many share them."""
    lines = text_of(Path("/proc", pid, "smaps_rollup")).splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


def text_of(path: Path) -> str:
    """Empty for a process that has ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


if __name__ == "__main__":
    main()
