"""Measures conversion in bulk, without verification, on pinned sources that others wrote. Nothing of them is run.

    python scripts/bench_bulk.py                        all measures, on timm, monai, torch_geometric and transformers
    python scripts/bench_bulk.py --only a,d timm monai  some measures, on some packages
    python scripts/bench_bulk.py --torchfix /path/to/torchfix --only c timm

    a  conversion in one process, over the floor: ast.parse of each file that passes the bytes test, and libcst's
       parse_module and code of each file that changes
    b  two workers over one, in wall time: wants two idle cores
    c  torchfix --select=ALL -j1 over nnconvert --check -j1; torchfix is installed beside, or given
    d  --check for the first time and again, and a second run over converted files, over reading alone: the bytes test
       and ast.parse of what passes it
    e  peak memory of the parent and of its largest worker, for 500, 2,000 and 8,000 files
    f  --help, and the conversion of one small file, over python -c "import libcst"
    g  one file in a project of 5,000 files whose index is on disk, over the same file alone

Times are processor time, user and system, of the whole command with its children, but for b. Everything that is
written is written to temporary folders, the tool's cache included.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

from corpus import fetch

PACKAGES = ("timm", "monai", "torch_geometric", "transformers")
TORCHFIX = ("torchfix==0.7.0", "libcst==1.5.1", "flake8==7.5.0")
SMALL = Path(__file__).parents[1] / "examples" / "lenet.py"
_TOOL = (sys.executable, "-m", "nnconvert")
_DIRECTIONS = ("--to-module", "--to-functional")

READ = """
import ast, sys, warnings
from pathlib import Path
from nnconvert import files
from nnconvert.options import Options
warnings.simplefilter("ignore")
options = Options()
for path in sorted(Path(sys.argv[1]).rglob("*.py")):
    data = path.read_bytes()
    if files.may_convert(data, options):
        ast.parse(data)
"""
"""Reading alone."""

CARRY = """
import sys
import libcst
for path in sys.argv[1:]:
    with open(path, "rb") as stream:
        libcst.parse_module(stream.read()).bytes
"""
"""What libcst needs for the files that change."""


@dataclass
class Bench:
    """Where everything is, and what came out."""

    work: Path
    sources: Mapping[str, Path]
    torchfix: Path | None
    cache: Path
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def say(self, what: str, found: str, goal: str, met: bool | None = None) -> None:
        verdict = "" if met is None else "yes" if met else "NO"
        self.rows.append((what, found, goal, verdict))
        print(f"{what:<58} {found:>24}  {goal:<10} {verdict}", flush=True)

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a command whose cache is the one of this name."""
        return {**os.environ, "NNCONVERT_CACHE_DIR": str(self.work / "cache" / name)}

    def copy(self, name: str) -> Path:
        """A copy of a package's sources, as a project of its own."""
        target = Path(tempfile.mkdtemp(dir=self.work)) / name
        shutil.copytree(self.sources[name], target)
        (target / "pyproject.toml").touch()
        return target


def spent(command: Sequence[str], environment: Mapping[str, str] | None = None, times: int = 1) -> float:
    """The least processor time of a command and its children, in seconds."""
    return min(_spent(command, environment) for _ in range(times))


def _spent(command: Sequence[str], environment: Mapping[str, str] | None) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)[:200]} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def convert(folder: Path, *options: str, direction: str = "--to-module", jobs: int = 1) -> tuple[str, ...]:
    return (*_TOOL, direction, "--no-verify", "--quiet", f"-j{jobs}", *options, str(folder))


def over_the_floor(bench: Bench) -> None:
    for name in bench.sources:
        for direction in _DIRECTIONS:
            folder = bench.copy(name)
            before = {path: path.read_bytes() for path in folder.rglob("*.py")}
            whole = spent(convert(folder, direction=direction), bench.environment(f"a{name}{direction}"))
            changed = [path for path, data in before.items() if path.read_bytes() != data]
            for path in changed:
                path.write_bytes(before[path])
            start = spent((sys.executable, "-c", "import libcst"))
            floor = spent((sys.executable, "-c", READ, str(folder)))
            floor += spent((sys.executable, "-c", CARRY, *map(str, changed))) - start if changed else 0
            found = f"{whole:.2f} s / {floor:.2f} s = {whole / floor:.2f}"
            bench.say(f"a {name} {direction}, {len(changed)} files change", found, "<= 2.5", whole <= 2.5 * floor)


def two_workers(bench: Bench) -> None:
    for name in bench.sources:
        folder = bench.copy(name)
        walls = []
        for jobs in (1, 2):
            start = time.monotonic()
            spent(convert(folder, "--diff", jobs=jobs), bench.environment(f"b{name}{jobs}"))
            walls.append(time.monotonic() - start)
        one, two = walls
        bench.say(
            f"b {name}, one worker / two", f"{one:.2f} s / {two:.2f} s = {one / two:.2f}", ">= 1.7", one >= 1.7 * two
        )


def against_torchfix(bench: Bench) -> None:
    tool = bench.torchfix or _torchfix(bench.cache)
    for name in bench.sources:
        folder = bench.copy(name)
        ours = spent(convert(folder, "--check"), bench.environment(f"c{name}"))
        theirs = spent((str(tool), "--select=ALL", "-j1", str(folder)))
        found = f"{theirs:.1f} s / {ours:.2f} s = {theirs / ours:.1f}"
        bench.say(f"c {name}, torchfix / --check", found, ">= 15", theirs >= 15 * ours)


def _torchfix(cache: Path) -> Path:
    folder = cache / "torchfix"
    if not (folder / "bin" / "torchfix").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "-q", *TORCHFIX], check=True)
    return folder / "bin" / "torchfix"


def again(bench: Bench) -> None:
    for name in bench.sources:
        folder = bench.copy(name)
        environment = bench.environment(f"d{name}")
        floor = spent((sys.executable, "-c", READ, str(folder)), times=2)
        runs = (("--check", ("--check",)), ("--check again", ("--check",)), ("converting", ()), ("a second run", ()))
        for what, options in runs:
            whole = spent(convert(folder, *options), environment)
            met = whole <= 1.5 * floor
            judged = what != "converting"
            found = f"{whole:.2f} s / {floor:.2f} s = {whole / floor:.2f}"
            bench.say(f"d {name}, {what}", found, "<= 1.5" if judged else "", met if judged else None)


def memory(bench: Bench) -> None:
    found = []
    for count in (500, 2000, 8000):
        folder = project(bench, count)
        parent, worker = _peaks(convert(folder, "--check", jobs=2), bench.environment(f"e{count}"))
        found.append((parent, worker))
        bench.say(f"e {count} files: peak of the parent, of a worker", f"{parent:.0f} MiB, {worker:.0f} MiB", "")
    growth = max(large / small for small, large in zip(found[0], found[-1], strict=True))
    bench.say("e growth from 500 to 8,000 files", f"{growth:.2f}", "<= 1.5", growth <= 1.5)


def project(bench: Bench, count: int) -> Path:
    """A project of so many files: those of the packages, again and again under other folders."""
    folder = Path(tempfile.mkdtemp(dir=bench.work))
    (folder / "pyproject.toml").touch()
    sources = [(root, path) for root in bench.sources.values() for path in sorted(root.rglob("*.py"))]
    for number, (root, path) in enumerate(islice(cycle(sources), count)):
        target = folder / f"copy{number // len(sources)}" / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder


def _peaks(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """The peak memory, in MiB, of a command and of the largest of its children; VmHWM of Linux."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    highest = {"parent": 0, "worker": 0}

    def watch() -> None:
        while process.poll() is None:
            highest["parent"] = max(highest["parent"], _high_water(process.pid))
            highest["worker"] = max([highest["worker"], *map(_high_water, _children(process.pid))])
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    watcher.join()
    return highest["parent"] / 1024, highest["worker"] / 1024


def _children(pid: int) -> Iterator[int]:
    try:
        yield from map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    except OSError:  # it has ended meanwhile
        return


def _high_water(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def start(bench: Bench) -> None:
    small = Path(tempfile.mkdtemp(dir=bench.work)) / SMALL.name
    shutil.copyfile(SMALL, small)
    libcst = spent((sys.executable, "-c", "import libcst"), times=7)
    environment = bench.environment("f")
    for what, command, goal in (
        ("--help", (*_TOOL, "--help"), 1.5),
        ("one small file", convert(small, "--diff"), 3.0),
    ):
        found = spent(command, environment, times=7)
        words = f"{found:.3f} s / {libcst:.3f} s = {found / libcst:.2f}"
        bench.say(f"f {what} / import libcst", words, f"<= {goal}", found <= goal * libcst)


def in_a_project(bench: Bench) -> None:
    """Each of some files that convert, in a project and in an empty folder."""
    folder, environment = project(bench, 5000), bench.environment("g")
    spent(convert(folder, "--check"), environment)
    ratios = []
    for path in _converting(folder, environment):
        alone = Path(tempfile.mkdtemp(dir=bench.work)) / path.name
        shutil.copyfile(path, alone)
        inside = spent(convert(path, "--diff"), environment, times=3)
        single = spent(convert(alone, "--diff"), environment, times=3)
        ratios.append(inside / single)
        bench.say(f"g {path.relative_to(folder)}"[:58], f"{inside:.2f} s / {single:.2f} s = {inside / single:.2f}", "")
    ratios.sort()
    middle, most = ratios[len(ratios) // 2], ratios[-1]
    bench.say("g inside / alone: median, most", f"{middle:.2f}, {most:.2f}", "<= 2", middle <= 2)


def _converting(folder: Path, environment: Mapping[str, str]) -> list[Path]:
    """Ten of the files that would change, evenly spread."""
    done = subprocess.run(convert(folder, "--diff"), env=environment, capture_output=True, text=True, check=False)
    lines = [line[4:].split("\t")[0].strip() for line in done.stdout.splitlines() if line.startswith("--- ")]
    changed = sorted({path for line in lines if (path := _found(line, folder)) is not None})
    return changed[:: max(len(changed) // 10, 1)][:10]


def _found(name: str, folder: Path) -> Path | None:
    return next((path for path in (Path(name), folder / name, Path("/") / name) if path.is_file()), None)


MEASURES: Mapping[str, Callable[[Bench], None]] = {
    "a": over_the_floor,
    "b": two_workers,
    "c": against_torchfix,
    "d": again,
    "e": memory,
    "f": start,
    "g": in_a_project,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help=f"all by default: {', '.join(PACKAGES)}")
    parser.add_argument("--only", default="abcdefg", metavar="LETTERS", help="the measures to make")
    parser.add_argument("--torchfix", type=Path, metavar="PROGRAM")
    parser.add_argument("--cache", type=Path, default=Path(".corpus"))
    arguments = parser.parse_args()
    cache = arguments.cache.resolve()
    sources = {name: fetch(name, cache) for name in arguments.packages or PACKAGES}
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        bench = Bench(Path(work), sources, arguments.torchfix, cache)
        for letter in arguments.only.replace(",", ""):
            MEASURES[letter](bench)
    missed = [what for what, _, _, met in bench.rows if met == "NO"]
    print(f"\n{len(missed)} goals missed" + "".join(f"\n  {what}" for what in missed))


if __name__ == "__main__":
    main()
