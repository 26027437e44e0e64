"""Runs the converter over the sources of PyPI packages that others wrote, and prints what became of them.

    python scripts/corpus.py                       convert all packages; crashes, second runs, reasons
    python scripts/corpus.py --verify [PACKAGE...]  also verify every converted class, by the tool itself

Sources are fetched without their dependencies and unpacked into ``--cache`` (default .corpus); nothing of them is
run unless ``--verify`` is given. Versions are pinned, those of the packages and of everything that is installed
beside them for verification, so that the denominator is the same for everybody. torchvision has no CPU build that
could be installed beside, so what imports it (pretrainedmodels, timm, a part of vit-pytorch) stays unverified.
"""

from __future__ import annotations

import argparse
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

from nnconvert.api import Result, Verifier, convert_source
from nnconvert.options import Options

PACKAGES = {
    "pretrainedmodels": "0.7.4",
    "pytorchcv": "0.0.74",
    "vit-pytorch": "1.26.11",
    "captum": "0.9.0",
    "torch_geometric": "2.8.1",
    "monai": "1.6.1",
    "kornia": "0.9.0",
    "timm": "1.0.31",
    "transformers": "5.23.0",
}
BESIDE = """
aiohappyeyeballs==2.7.1 aiohttp==3.14.5 aiosignal==1.4.0 annotated-doc==0.0.7 annotated-types==0.8.0 anyio==4.16.0
attrs==26.1.0 certifi==2026.10.18 charset-normalizer==3.5.2 click==8.5.1 contourpy==1.3.3 cycler==0.12.1 einops==0.8.2
filelock==4.2.12 fonttools==4.68.0 frozenlist==1.8.0 fsspec==2026.9.0 h11==0.16.0 hf-xet==1.8.0 httpcore2==2.16.2
httpx2==2.16.2 huggingface_hub==2.4.0 idna==3.20 Jinja2==3.1.6 kiwisolver==1.5.1 kornia_rs==0.2.0
markdown-it-py==4.3.0 MarkupSafe==3.0.4 matplotlib==3.11.2 mdurl==0.1.2 mpmath==1.3.0 multidict==7.2.1 networkx==3.6.1
numpy==2.4.6 packaging==26.3 pillow==13.0.0 propcache==0.5.4 psutil==7.2.2 pydantic==2.14.3 pydantic_core==2.50.4
Pygments==2.21.0 pyparsing==3.3.3 python-dateutil==4.0.0 PyYAML==6.0.3 regex==2026.11.15 requests==2.34.2 rich==15.0.0
safetensors==0.8.0 scipy==1.17.1 setuptools==84.2.1 shellingham==1.5.4 sympy==1.14.0 tokenizers==0.23.3 torch==2.13.0
tqdm==4.70.1 truststore==0.10.5 typer==0.29.2 typing-inspection==0.4.5 typing_extensions==4.16.0 tzdata==2026.6
urllib3==2.8.0 xxhash==4.1.0 yarl==1.25.1
""".split()


@dataclass
class Tally:
    """What became of one package."""

    files: int = 0
    changed: int = 0
    converted: int = 0
    left: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    unstable: list[str] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    differs: list[str] = field(default_factory=list)


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
    python = cache / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(cache / "venv", with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "--no-deps", *BESIDE], check=True)
    return python


def convert(root: Path, tally: Tally) -> Iterator[Result]:
    """Convert every file under the root twice, in memory; yields what changes."""
    options = Options()
    for path in sorted(root.rglob("*.py")):
        tally.files += 1
        result = convert_source(path.read_bytes(), options, path=path)
        if result.status == "failed":
            tally.failures.append(result.error)
            continue
        if result.plan is not None:
            tally.converted += len(result.plan.converted)
            tally.left.update(getattr(d.outcome, "code", "") for d in result.plan.left)
        if result.status == "changed":
            tally.changed += 1
            again = convert_source(result.new, options, path=path)
            if again.status != "unchanged":
                tally.unstable.append(f"{path}: {again.status} {again.error}")
            yield result


def verify(changed: Sequence[Result], python: Path, tally: Tally, workers: int) -> None:
    """Verify every converted class with the tool's own verification."""

    def one(batch: Sequence[Result]) -> list[Result]:
        with Verifier(python) as verifier:
            return [convert_source(r.old, Options(), path=r.path, verifier=verifier) for r in batch]

    with ThreadPoolExecutor(workers) as pool:
        batches = pool.map(one, [changed[i::workers] for i in range(workers)])
        results = [result for batch in batches for result in batch]
    for result in results:
        for evidence in result.evidence:
            tally.verdicts[evidence.verdict] += 1
            where = f"{result.path.name}:{evidence.class_name}: {evidence.reason}"
            if evidence.verdict == "differs":
                tally.differs.append(where)
            elif evidence.verdict != "tested":
                tally.causes[" ".join(evidence.reason.split())[:110]] += 1


def show(name: str, tally: Tally, seconds: float) -> None:
    reasons = ", ".join(f"{code} {count}" for code, count in tally.left.most_common())
    print(f"\n## {name} {PACKAGES[name]}  ({seconds:.0f} s)")
    print(f"files {tally.files}, changed {tally.changed}, sites converted {tally.converted}")
    print(f"left {tally.left.total()}: {reasons}")
    print(f"failed {len(tally.failures)}, changed by a second run {len(tally.unstable)}")
    for line in (*tally.failures, *tally.unstable):
        print(f"  {line}")
    if tally.verdicts:
        print("verdicts: " + ", ".join(f"{verdict} {count}" for verdict, count in tally.verdicts.most_common()))
        for line in tally.differs:
            print(f"  differs: {line}")
        for cause, count in tally.causes.most_common(15):
            print(f"  {count:3} {cause}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", default=list(PACKAGES), choices=[*PACKAGES, []], metavar="PACKAGE")
    parser.add_argument("--verify", action="store_true", help="runs the packages' code")
    parser.add_argument("--cache", type=Path, default=Path(".corpus"))
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    total: Counter[str] = Counter()
    bad = 0
    for name in arguments.packages:
        start = time.monotonic()
        tally = Tally()
        root = fetch(name, arguments.cache.resolve())
        changed = list(convert(root, tally))
        if arguments.verify:
            verify(changed, environment(arguments.cache.resolve()), tally, arguments.workers)
        show(name, tally, time.monotonic() - start)
        sys.stdout.flush()
        total.update(files=tally.files, changed=tally.changed, converted=tally.converted, left=tally.left.total())
        total.update(tally.verdicts)
        bad += len(tally.failures) + len(tally.unstable) + len(tally.differs)
    print("\n## all\n" + ", ".join(f"{key} {count}" for key, count in total.items()))
    return bool(bad)


if __name__ == "__main__":
    raise SystemExit(main())
