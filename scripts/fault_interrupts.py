"""Ends a bulk run by signals at random moments and looks at what it leaves behind.

    python scripts/fault_interrupts.py                  100 moments for each of SIGINT, SIGTERM, SIGKILL
    python scripts/fault_interrupts.py --rounds 10 --files 50 --seed 3

Every file must hold its old or its new content, whole; after SIGINT and SIGTERM nothing else may lie beside the
files; and a second run must finish what the first one began.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
ENDS = {signal.SIGINT: (130, -signal.SIGINT), signal.SIGTERM: (-signal.SIGTERM,), signal.SIGKILL: (-signal.SIGKILL,)}
"""How a run may end; -SIGINT is Python's own answer while it still imports nnconvert."""

_SOURCE = """\
import torch.nn as nn
import torch.nn.functional as F


class Net{number}(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear({number} + 1, 4)

    def forward(self, x):
        return F.softmax(F.relu(self.fc(x)), dim=-1)
"""


@dataclass(frozen=True)
class Tree:
    """A project of models, with the bytes of each file before and after a run that is not disturbed."""

    folder: Path
    old: dict[str, bytes]
    new: dict[str, bytes]
    seconds: float
    """That the whole run takes."""

    def restore(self) -> None:
        for name, data in self.old.items():
            (self.folder / name).write_bytes(data)

    def problems(self) -> Iterator[str]:
        """Files that hold neither their old nor their new content."""
        for name in self.old:
            path = self.folder / name
            if not path.is_file() or path.read_bytes() not in (self.old[name], self.new[name]):
                yield f"{name} is neither old nor new"

    def strays(self) -> list[str]:
        return sorted(set(os.listdir(self.folder)) - {*self.old, "pyproject.toml"})

    def remove_strays(self) -> None:
        for name in self.strays():
            (self.folder / name).unlink()

    def converted(self) -> int:
        return sum((self.folder / name).read_bytes() == new for name, new in self.new.items())


def start(folder: Path, jobs: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "nnconvert", "--to-module", "--no-verify", "-j", str(jobs), "."]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)


def planted(folder: Path, files: int) -> Tree:
    """A tree of so many files, and what a whole run makes of it."""
    (folder / "pyproject.toml").touch()
    old = {f"net{number:03}.py": _SOURCE.format(number=number).encode() for number in range(files)}
    tree = Tree(folder, old, {}, 0)
    tree.restore()
    begun = time.monotonic()
    with start(folder, 1) as process:
        process.communicate()
    seconds = time.monotonic() - begun
    new = {name: (folder / name).read_bytes() for name in old}
    if process.returncode != 0 or any(new[name] == old[name] for name in old):
        raise RuntimeError("a run that is not disturbed does not convert the tree")
    return Tree(folder, old, new, seconds)


def disturbed(tree: Tree, number: signal.Signals, moment: float, jobs: int) -> tuple[list[str], int]:
    """Run on the old tree, send a signal after so many seconds; what is wrong then, and how many files are new."""
    tree.restore()
    with start(tree.folder, jobs) as process:
        time.sleep(moment)
        process.send_signal(number)
        _, said = process.communicate()
    problems = list(tree.problems())
    if process.returncode not in (0, *ENDS[number]):
        problems.append(f"exit code {process.returncode}")
    if process.returncode == ENDS[number][0] and b"Traceback" in said:
        problems.append(said.decode(errors="replace"))
    if tree.strays() and number != signal.SIGKILL:
        problems.append(f"left behind: {', '.join(tree.strays())}")
    tree.remove_strays()
    converted = tree.converted()
    with start(tree.folder, 1) as process:
        process.communicate()
    if process.returncode != 0 or tree.converted() != len(tree.old):
        problems.append("a second run does not finish the tree")
    return problems, converted


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="moments for each signal")
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    # Where this process ignores it (as under nohup), the runs would, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    draw = random.Random(given.seed)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = planted(Path(folder), given.files)
        for number in SIGNALS:
            states: Counter[str] = Counter()
            for turn in range(given.rounds):
                moment, jobs = draw.uniform(0.05, tree.seconds), 1 + turn % 2
                problems, converted = disturbed(tree, number, moment, jobs)
                states["none" if converted == 0 else "all" if converted == given.files else "some"] += 1
                for problem in problems:
                    wrong += 1
                    print(f"{number.name} after {moment:.3f} s with -j {jobs}: {problem}")
            print(f"{number.name}: {given.rounds} moments, files converted by then: {dict(states)}", flush=True)
    print(f"{wrong} problems")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
