"""Migrates whole packages that others wrote, both ways, and looks at what their modules and tests say afterwards.

    python scripts/migrations.py                          all packages, all four conversions
    python scripts/migrations.py timm --only to-module    one of them
    python scripts/migrations.py monai --verify           also the tool's own verification, by verdict and reason

A copy of each package is converted by the command line. Then every module of it is imported, before and after, and
must give the same: a module, or the same exception. So must each test that the source distribution ships, as far as it
runs: timm has some (those of layers, losses and tasks are run, and those of models for one small model of each
family), monai and torch_geometric ship none. A second run of the tool must change nothing. Versions are pinned
(see corpus.py); torchvision, whose wheel has no operators for a torch without CUDA, gets them declared.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus import PACKAGES, environment, fetch

NAMES = ("monai", "torch_geometric", "timm")
CONVERSIONS = ("to-module", "to-module --parameters", "to-functional", "to-functional --parameters")
BESIDE = ["torchvision==0.29.1", "pytest==9.2.0", "iniconfig==2.3.1", "pluggy==1.7.0"]
DECLARED = """

if not _has_ops():  # declared though they are not there, so that the rest of the package can be imported
    _declared = torch.library.Library("torchvision", "FRAGMENT")
    _declared.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""
TESTS = ("layers", "layers_drop", "layers_pool", "layers_pos_embed", "input_conv", "model_input", "task", "utils")
"""Of timm, whole; what takes long or downloads is left out."""
OF_MODELS = (
    "test_model_forward_torchscript",
    "test_model_forward_intermediates_features",
    "test_model_features_pretrained",
)
MODELS = """
beit_base_patch16_224 cait_xxs24_224 coat_lite_tiny convit_tiny crossvit_tiny_240 davit_tiny dla34 dpn48b
edgenext_xx_small efficientformer_l1 efficientvim_m1 efficientvit_b0 fasternet_t0 fastvit_t8 focalnet_tiny_srf
ghostnet_100 hgnetv2_b0 hrnet_w18_small inception_resnet_v2 inception_v3 lambda_resnet26t halonet26t
mobilevitv2_050 nasnetalarge pnasnet5large poolformer_s12 rdnet_tiny repghostnet_050 repvit_m0_9 senet154
shvit_s1 starnet_s1 swinv2_tiny_window8_256 tresnet_m volo_d1_224 xception41
""".split()  # noqa: SIM905
_OUTCOME = re.compile(r"^(\S+\.py::.*?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b", re.MULTILINE)
_IMPORTING = """
import importlib, json, os, sys, warnings
warnings.simplefilter("ignore")
root, target, *names = sys.argv[1:]
sys.path.insert(0, root)
with open(target, "a") as told:
    for name in names:
        try:
            importlib.import_module(name)
            outcome = "imported"
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}".replace(root, "<root>")
        print(json.dumps([name, outcome]), file=told, flush=True)
os._exit(0)
"""


@dataclass
class Migration:
    """What became of one package by one conversion."""

    summary: Mapping[str, Any] = field(default_factory=dict)
    left: Counter[str] = field(default_factory=Counter)
    imports: Counter[str] = field(default_factory=Counter)
    tests: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """What must never be: another import, another outcome of a test, a second run that changes something."""


def interpreter(cache: Path) -> Path:
    """One with the packages that modules and tests need."""
    folder = cache / "migrations"
    folder.mkdir(parents=True, exist_ok=True)
    python = environment(folder)
    done = folder / "beside"
    if not done.exists():
        subprocess.run([str(python), "-m", "pip", "install", "-q", "--no-deps", *BESIDE], check=True)
        extension = next((folder / "venv").glob("lib/*/site-packages/torchvision/extension.py"))
        extension.write_text(extension.read_text() + DECLARED)
        done.touch()
    return python


def sources(name: str, cache: Path) -> Path:
    """The unpacked sources; of timm those that have the tests."""
    if name != "timm":
        return fetch(name, cache)
    target = cache / "src" / f"timm-{PACKAGES[name]}-with-tests"
    if not target.is_dir():
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", name, "-d", folder]
            subprocess.run([*command, f"{name}=={PACKAGES[name]}"], check=True)
            with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
                archive.extractall(folder, filter="data")
            shutil.copytree(Path(folder) / f"{name}-{PACKAGES[name]}", target)
    return target


def convert(root: Path, conversion: str, *options: str) -> tuple[dict[str, Any], int]:
    """What the command line says of the tree that it rewrites, and its exit code."""
    command = [sys.executable, "-m", "nnconvert", *f"--{conversion}".split(), "--output-format", "json", "-j", "2"]
    ended = subprocess.run([*command, *options, str(root)], stdout=subprocess.PIPE, check=False)
    told: dict[str, Any] = json.loads(ended.stdout)
    return told, ended.returncode


def contents(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(root.rglob("*.py"))}


# -- imports -------------------------------------------------------------------------------------------------


def modules(root: Path, package: str) -> list[str]:
    """The dotted names of all modules of the package."""
    parts = (path.relative_to(root).with_suffix("").parts for path in sorted((root / package).rglob("*.py")))
    names = [".".join(p[:-1] if p[-1] == "__init__" else p) for p in parts if p[-1] != "__main__"]
    return [name for name in names if all(part.isidentifier() for part in name.split("."))]


def imported(root: Path, names: Sequence[str], python: Path) -> dict[str, str]:
    """What importing each module gives; a hundred of them in one process, or fewer where that ends."""
    found: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        some = waiting[:100]
        with tempfile.TemporaryDirectory() as folder:
            told = Path(folder) / "told"
            told.touch()
            command = [str(python), "-c", _IMPORTING, str(root), str(told), *some]
            ended = subprocess.run(command, cwd=folder, env=quiet(), capture_output=True, check=False)
            found.update(json.loads(line) for line in told.read_text().splitlines())
        missing = [name for name in some if name not in found]
        if missing:
            found[missing[0]] = f"ended the process ({ended.returncode})"
        waiting = [name for name in waiting if name not in found]
    return found


def quiet() -> dict[str, str]:
    """An environment in which nothing is fetched and nothing is left behind."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}


# -- tests ---------------------------------------------------------------------------------------------------


def shipped(root: Path, python: Path) -> list[list[str]]:
    """The tests that are run, by the process that runs them; none where the package ships none."""
    if not (root / "tests").is_dir():
        return []
    command = [str(python), "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "tests/test_models.py"]
    listed = subprocess.run(command, cwd=root, env=quiet(), capture_output=True, text=True, check=False)
    models = "|".join(map(re.escape, MODELS))
    cases = [
        re.findall(rf"^tests/test_models\.py::{test}\[(?:.*-)?(?:{models})(?:-.*)?\]$", listed.stdout, re.MULTILINE)
        for test in OF_MODELS
    ]
    return [[f"tests/test_{name}.py"] for name in TESTS] + cases


def outcomes(root: Path, python: Path, seconds: int, tests: Sequence[Sequence[str]]) -> dict[str, str]:
    """Test -> its outcome."""
    found: dict[str, str] = {}
    for some in tests:
        found.update(run_tests(root, python, seconds, *some))
    return found


def run_tests(root: Path, python: Path, seconds: int, *what: str) -> dict[str, str]:
    """Outcomes as far as they come in time."""
    command = [str(python), "-m", "pytest", "-v", "-p", "no:cacheprovider", "-W", "ignore", "--tb=line", *what]
    with tempfile.TemporaryFile("w+") as told:
        with subprocess.Popen(command, cwd=root, env=quiet(), stdout=told, stderr=subprocess.DEVNULL) as running:
            try:
                running.wait(seconds)
            except subprocess.TimeoutExpired:
                running.kill()
        told.seek(0)
        return dict(_OUTCOME.findall(told.read()))


# -- migrations ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Before:
    """What a package does as it is."""

    imports: dict[str, str]
    chosen: list[list[str]]
    tests: dict[str, str]


def looked_at(root: Path, name: str, python: Path, seconds: int) -> Before:
    chosen = shipped(root, python)
    return Before(imported(root, modules(root, name), python), chosen, outcomes(root, python, seconds, chosen))


def migrate(name: str, conversion: str, cache: Path, seconds: int, before: Before) -> Migration:
    migration, python = Migration(), interpreter(cache)
    with tempfile.TemporaryDirectory() as folder:
        root = copied(sources(name, cache), Path(folder))
        told, code = convert(root, conversion, "--no-verify")
        migration.summary = told["summary"]
        migration.left.update(s["code"] for f in told["files"] for s in f["sites"] if s["decision"] == "leave")
        migration.wrong += [f"{f['path']}: {f['error']}" for f in told["files"] if f["error"]]
        if code:
            migration.wrong.append(f"the run ends with {code}")
        once = contents(root)
        convert(root, conversion, "--no-verify")
        migration.wrong += [f"{p.relative_to(root)}: a second run changes it" for p in diff(once, contents(root))]
        imports = imported(root, modules(root, name), python)
        tests = outcomes(root, python, seconds, before.chosen)
    kinds = (("import", before.imports, imports, migration.imports), ("test", before.tests, tests, migration.tests))
    for kind, old, new, tally in kinds:
        for key in sorted(old.keys() & new.keys()):
            tally["same" if old[key] == new[key] else "other"] += 1
            if old[key] != new[key]:
                migration.wrong.append(f"{kind} {key}: {old[key]} -> {new[key]}")
    return migration


def copied(source: Path, folder: Path) -> Path:
    """A copy of the sources, as a project of its own."""
    root = shutil.copytree(source, folder.resolve() / source.name)
    (root / "pyproject.toml").touch()
    return root


def diff(old: Mapping[Path, bytes], new: Mapping[Path, bytes]) -> list[Path]:
    return [path for path in old if old[path] != new.get(path)]


def verified(name: str, conversion: str, cache: Path) -> Iterator[str]:
    """Lines on what the tool's own verification says of a run that writes."""
    with tempfile.TemporaryDirectory() as folder:
        root = copied(sources(name, cache), Path(folder))
        told, code = convert(root, conversion, "--python", str(interpreter(cache)))
    evidence = [e for f in told["files"] for e in f["evidence"]]
    yield f"  verified: {len(evidence)} classes, exit code {code}"
    for verdict, count in Counter(e["verdict"] for e in evidence).most_common():
        yield f"    {count:4} {verdict}"
    causes = Counter((e["reason"] or "").partition(":")[0] for e in evidence if e["verdict"] == "unverified")
    yield from (f"      {count:4} {cause}" for cause, count in causes.most_common())
    for verdict in ("differs", "nondeterministic"):
        yield from (f"    {verdict}: {e['class']}: {e['reason']}" for e in evidence if e["verdict"] == verdict)


def show(conversion: str, found: Migration) -> None:
    total = found.summary
    print(f"--{conversion}")
    print(f"  files changed {total['files']['changed']}, sites converted {total['converted']}")
    print(f"  left {found.left.total()}: " + ", ".join(f"{code} {n}" for code, n in found.left.most_common()))
    imports, tests = (f"same {t['same']}, other {t['other']}" for t in (found.imports, found.tests))
    print(f"  imports: {imports}; tests: {tests if found.tests else 'none shipped'}")
    print(*(f"  wrong: {line}" for line in found.wrong), sep="\n", end="\n" if found.wrong else "")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help=f"all by default: {', '.join(NAMES)}")
    parser.add_argument("--only", action="append", choices=CONVERSIONS)
    parser.add_argument("--verify", action="store_true", help="also verify, in a run of its own; takes long")
    parser.add_argument("--seconds", type=int, default=600, help="for one file of tests")
    parser.add_argument("--cache", type=Path, default=Path(".corpus"))
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.packages if name not in NAMES]:
        parser.error(f"not among the packages: {', '.join(unknown)}")
    cache, wrong = arguments.cache.resolve(), 0
    for name in arguments.packages or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            before = looked_at(copied(sources(name, cache), Path(folder)), name, interpreter(cache), arguments.seconds)
        importable, tests = sum(o == "imported" for o in before.imports.values()), dict(Counter(before.tests.values()))
        print(f"\n## {name} {PACKAGES[name]}: {len(before.imports)} modules, {importable} importable", flush=True)
        print(f"tests before: {tests or 'none shipped'}")
        for conversion in arguments.only or CONVERSIONS:
            found = migrate(name, conversion, cache, arguments.seconds, before)
            show(conversion, found)
            wrong += len(found.wrong)
            if arguments.verify:
                print(*verified(name, conversion, cache), sep="\n", flush=True)
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
