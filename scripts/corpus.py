"""Runs the converter over the sources of PyPI packages that others wrote, and prints what became of them.

    python scripts/corpus.py                       convert all packages; crashes, second runs, reasons
    python scripts/corpus.py --verify [PACKAGE...]  also verify every converted class, by the tool itself
    python scripts/corpus.py --verify --limit 20 transformers   the same for the first 20 files that change
    python scripts/corpus.py --to-functional ...    the other direction

Sources are fetched without their dependencies and unpacked into ``--cache`` (default .corpus); nothing of
them is run unless ``--verify`` is given. Versions are pinned, those of the packages and of everything that
is installed beside them for verification, so that the denominator is the same for everybody. torchvision's wheel
is built for GPUs: its compiled operators (nms, roi_align) do not load beside a torch without, so that its import
would fail where it registers their shapes. That registration is taken out; the rest of it, all in Python, works.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import queue
import statistics
import subprocess
import sys
import tarfile
import time
import venv
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from nnconvert.api import Index, Result, Verifier, convert_source
from nnconvert.options import Options
from nnconvert.plan import Direction
from nnconvert.verification import Evidence

PACKAGES = {
    "pretrainedmodels": "0.7.4",
    "pytorchcv": "0.0.74",
    "vit-pytorch": "1.26.11",
    "x-transformers": "2.31.10",
    "captum": "0.9.0",
    "torch_geometric": "2.8.1",
    "monai": "1.6.1",
    "kornia": "0.9.0",
    "segmentation-models-pytorch": "0.6.0",
    "timm": "1.0.31",
    "transformers": "5.23.0",
}
BESIDE = """
aiohappyeyeballs==2.7.1 aiohttp==3.14.5 aiosignal==1.4.0 annotated-doc==0.0.7 annotated-types==0.8.0
anyio==4.16.0 attrs==26.1.0 certifi==2026.10.18 charset-normalizer==3.5.2 click==8.5.1 contourpy==1.3.3
cycler==0.12.1 einops==0.8.2 einx==0.4.3 filelock==4.2.12 fonttools==4.68.0 frozendict==2.5.1
frozenlist==1.8.0 fsspec==2026.9.0 h11==0.16.0 hf-xet==1.8.0 httpcore2==2.16.2 httpx2==2.16.2
huggingface_hub==2.4.0 idna==3.20 Jinja2==3.1.6 kiwisolver==1.5.1 kornia_rs==0.2.0 loguru==0.7.3
markdown-it-py==4.3.0 MarkupSafe==3.0.4 matplotlib==3.11.2 mdurl==0.1.2 mpmath==1.3.0 multidict==7.2.1
networkx==3.6.1 numpy==2.4.6 packaging==26.3 pillow==13.0.0 propcache==0.5.4 psutil==7.2.2 pydantic==2.14.3
pydantic_core==2.50.4 Pygments==2.21.0 pyparsing==3.3.3 python-dateutil==4.0.0 PyYAML==6.0.3 regex==2026.11.15
requests==2.34.2 rich==15.0.0 safetensors==0.8.0 scipy==1.17.1 setuptools==84.2.1 shellingham==1.5.4
sympy==1.14.0 timm==1.0.31 tokenizers==0.23.3 torch-einops-utils==0.2.0 torch==2.13.0 torchvision==0.28.0
tqdm==4.70.1 truststore==0.10.5 typer==0.29.2 typing-inspection==0.4.5 typing_extensions==4.16.0
tzdata==2026.6 urllib3==2.8.0 xxhash==4.1.0 yarl==1.25.1
""".split()  # noqa: SIM905


IMPORTING = "the module cannot be imported"
NO_TENSORS = "takes no tensors"
CAUSES = (
    ("missing package", ("ModuleNotFoundError", "No module named", ": ImportError")),
    ("import fails", (IMPORTING,)),
    (NO_TENSORS, ("the class has no forward", "the class is not a module class", "the class does not exist")),
    ("memory", ("needs more memory than the limit",)),
    ("time", ("ran longer than", "takes longer than", "ran out of time", "may verify were over")),
    ("constructor not found", ("no value is known for", "it could not be built")),
    ("input not found", ("no input found", "every number of an output is NaN")),
)
"""Cause -> what the reason says, the first that fits."""


@dataclass(frozen=True)
class Seen:
    """What verification said of one class, and the seconds its file took, divided by the file's classes."""

    place: str
    evidence: Evidence
    seconds: float

    @property
    def group(self) -> str:
        """The verdict; a class with call sites that never ran is not simply ``tested``."""
        return self.evidence.verdict + (", sites not reached" if self.evidence.unreached else "")

    @property
    def imported(self) -> bool:
        return not self.evidence.reason.startswith(IMPORTING)

    @property
    def is_verified(self) -> bool:
        return self.evidence.verdict in ("proved", "tested")

    @property
    def cause(self) -> str:
        """Why there is no good verdict, in words that are the same for the same cause; empty where there is one."""
        if self.evidence.verdict != "unverified":
            return "" if self.is_verified else self.evidence.verdict
        return next((cause for cause, words in CAUSES if any(word in self.evidence.reason for word in words)), "crash")

    def line(self) -> str:
        found = self.evidence
        parts = [found.reason, f"input {found.inputs}" * bool(found.inputs)]
        parts += [f"inside {found.inside}" * bool(found.inside)]
        parts += [f"never ran: {', '.join(found.unreached)}" * bool(found.unreached)]
        parts += [f"built from {found.built_from}" * bool(found.built_from), *found.differences[1:]]
        return f"  {found.verdict:<10} {self.seconds:5.1f} s  {self.place}: " + "; ".join(filter(None, parts))


@dataclass
class Tally:
    """What became of one package."""

    files: int = 0
    changed: int = 0
    converted: int = 0
    left: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    unstable: list[str] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    verified_files: int = 0

    @property
    def bad(self) -> int:
        """What must never be: a failure, a second run that changes something, a difference."""
        wrong = sum(s.evidence.verdict in ("differs", "nondeterministic") for s in self.seen)
        return len(self.failures) + len(self.unstable) + wrong


def fetch(name: str, cache: Path) -> Path:
    """The unpacked sources of one package."""
    target = cache / "src" / f"{name}-{PACKAGES[name]}"
    if target.is_dir():
        return target
    downloads = cache / "downloads" / name
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(downloads)]
    subprocess.run([*command, f"{name}=={PACKAGES[name]}"], check=True)
    archive = next(downloads.iterdir())
    partial = target.with_suffix(".part")
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(partial)
    else:
        with tarfile.open(archive) as source:
            source.extractall(partial, filter="data")
    partial.rename(target)
    return target


def environment(cache: Path) -> Path:
    """The interpreter that verification runs on, with the pinned packages."""
    python, installed = cache / "venv" / "bin" / "python", cache / "venv" / "installed.txt"
    if not installed.exists() or installed.read_text().split() != BESIDE:
        venv.create(cache / "venv", with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "--no-deps", *BESIDE], check=True)
        for shapes in (cache / "venv").glob("lib/python*/site-packages/torchvision/_meta_registrations.py"):
            shapes.write_text("")
        installed.write_text("\n".join(BESIDE))
    return python


def convert(root: Path, tally: Tally, options: Options) -> Iterator[Result]:
    """Convert every file under the root twice, in memory, as files of one project; yields what changes."""
    index = Index(root=root)
    for path in sorted(root.rglob("*.py")):
        tally.files += 1
        result = convert_source(path.read_bytes(), options, path=path, index=index)
        if result.status == "failed":
            tally.failures.append(result.error)
            continue
        if result.plan is not None:
            tally.converted += len(result.plan.converted)
            tally.left.update(getattr(d.outcome, "code", "") for d in result.plan.left)
        if result.status == "changed":
            tally.changed += 1
            again = convert_source(result.new, options, path=path, index=index)
            if again.status != "unchanged":
                tally.unstable.append(f"{path}: {again.status} {again.error}")
            yield result


def verify(root: Path, changed: Sequence[Result], options: Options, python: Path, tally: Tally, workers: int) -> None:
    """Verify every converted class with the tool's own verification, file by file, and say so on stderr."""
    waiting: queue.SimpleQueue[Result] = queue.SimpleQueue()
    for result in changed:
        waiting.put(result)

    def work() -> None:
        index = Index(root=root)
        with Verifier(python) as verifier, contextlib.suppress(queue.Empty):
            while True:
                found = list(verify_file(waiting.get_nowait(), options, verifier, index))
                print(*(seen.line() for seen in found), sep="\n", file=sys.stderr, flush=True)
                tally.seen += found

    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(work) for _ in range(workers)]:
            done.result()
    tally.seen.sort(key=lambda s: s.place)
    tally.verified_files = len(changed)


def verify_file(changed: Result, options: Options, verifier: Verifier, index: Index) -> Iterator[Seen]:
    start = time.monotonic()
    result = convert_source(changed.old, options, path=changed.path, verifier=verifier, index=index)
    seconds = (time.monotonic() - start) / max(len(result.evidence), 1)
    for evidence in result.evidence:
        yield Seen(f"{result.path.parent.name}/{result.path.name}:{evidence.class_name}", evidence, seconds)


def show(name: str, tally: Tally, seconds: float) -> None:
    reasons = ", ".join(f"{code} {count}" for code, count in tally.left.most_common())
    print(f"\n## {name} {PACKAGES[name]}  ({seconds:.0f} s)")
    print(f"files {tally.files}, changed {tally.changed}, sites converted {tally.converted}")
    print(f"left {tally.left.total()}: {reasons}")
    print(f"failed {len(tally.failures)}, changed by a second run {len(tally.unstable)}")
    for line in (*tally.failures, *tally.unstable):
        print(f"  {line}")
    if tally.seen:
        if tally.verified_files < tally.changed:
            print(f"verified (--limit): the first {tally.verified_files} of {tally.changed} changed files only")
        show_verified(tally.seen)
        times = sorted(s.seconds for s in tally.seen)
        print(f"seconds a class: median {statistics.median(times):.1f}, most {times[-1]:.1f}")
        for seen in sorted(tally.seen, key=lambda s: (s.group, s.place)):
            print(seen.line())


def show_verified(all_seen: Sequence[Seen]) -> None:
    """How many classes got which verdict, why others got none, and the shares that are verified."""
    verified = [s for s in all_seen if s.is_verified]
    for group, count in sorted(Counter(s.group for s in all_seen).items()):
        paths = sum(len(s.evidence.unreached) for s in all_seen if s.group == group)
        print(f"  {count:4} {group}" + (f": {paths} submodules never ran" if paths else ""))
    stood_in = sum("stand-in" in s.evidence.reason for s in verified)
    if stood_in:
        print(f"  of those verified, {stood_in} with a stand-in for a package that is not installed")
    for cause, count in Counter(s.cause for s in all_seen if s.cause).most_common():
        print(f"    {count:4} {cause}")
        for place in (s.place for s in all_seen if s.cause == cause):
            print(f"           {place}")
    importing = [s for s in all_seen if s.imported]
    fed = [s for s in importing if s.cause != NO_TENSORS]
    print(
        f"verified: {share(verified, importing)} whose file imports, {share(verified, fed)} whose forward takes tensors"
    )


def share(some: Sequence[Seen], among: Sequence[Seen]) -> str:
    return f"{len(some)} of {len(among)} classes" + (f" ({len(some) / len(among):.0%})" if among else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help=f"all by default: {', '.join(PACKAGES)}")
    parser.add_argument("--verify", action="store_true", help="runs the packages' code")
    parser.add_argument("--to-functional", action="store_true")
    parser.add_argument("--parameters", action="store_true")
    parser.add_argument("--limit", type=int, metavar="N", help="verify only the first N changed files of a package")
    parser.add_argument("--cache", type=Path, default=Path(".corpus"))
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.packages if name not in PACKAGES]:
        parser.error(f"not among the pinned packages: {', '.join(unknown)}")
    gc.set_threshold(300_000, 2, 2)  # as the command line does
    direction: Direction = "to-functional" if arguments.to_functional else "to-module"
    options = Options(direction, parameters=arguments.parameters)
    total: Counter[str] = Counter()
    everything: list[Seen] = []
    bad = 0
    for name in arguments.packages or PACKAGES:
        start = time.monotonic()
        tally = Tally()
        root = fetch(name, arguments.cache.resolve())
        changed = list(convert(root, tally, options))
        if arguments.verify:
            python = environment(arguments.cache.resolve())
            verify(root, changed[: arguments.limit], options, python, tally, arguments.workers)
        show(name, tally, time.monotonic() - start)
        sys.stdout.flush()
        total.update(files=tally.files, changed=tally.changed, converted=tally.converted, left=tally.left.total())
        everything += tally.seen
        bad += tally.bad
    print("\n## all\n" + ", ".join(f"{key} {count}" for key, count in total.items()))
    if everything:
        show_verified(everything)
    return bool(bad)


if __name__ == "__main__":
    raise SystemExit(main())
