"""Times verification over the same work done directly: processor time of all processes. Needs Linux.

    python scripts/bench_verify.py
    python scripts/bench_verify.py FILE...          converted, instead of the files below
    python scripts/bench_verify.py --file           with all classes of a file converted at once, as a run does it

For each class with a converted call site of examples/, tests/bench_models/ and tests/fixtures/:

    direct   one process that knows arguments and inputs imports and builds the old version twice and the new one once,
             calls each forward and backward, twice in train and twice in eval mode, and traces forward and backward
             with make_fx in both modes: with fixed sizes, and with those of the inputs open as far as that works
    open     what of that the traces with open sizes take
    tool     nnconvert's verification of that class, which searches arguments and inputs by itself

Neither counts a process's start: importing torch and a first class, which is timed apart.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import os
import resource
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nnconvert import Evidence, Options, Verifier, convert_source
from nnconvert.expectations import expectations
from nnconvert.verification import Expected

ROOT = Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")
LINE = "{:<36}{:>8}{:>8}{:>8}{:>8}  {}"
GIVEN = {
    "mixer:Mixing": ("16, 16", "torch.randn(2, 16)"),
    "resnet:ResNet": ("", "torch.randn(2, 3, 32, 32)"),
    "convnets:BasicBlock": ("16, 16", "torch.randn(2, 16, 32, 32)"),
    "sequences:Attention": ("", "torch.randn(2, 16, 64)"),
    "sequences:Block": ("", "torch.randn(2, 16, 64)"),
}
"""What the direct work builds and feeds where the evidence has no entry for it."""
FIRST = b"import torch.nn as nn\n\n\nclass A(nn.Module):\n    def forward(self, x):\n        return x + 1\n"
SUM = """
start: import torch {imports:.2f} s, the tool with a first class {tool:.2f} s, the direct process {direct:.2f} s
(all that the tool took - import torch) / direct = {ratio:.2f} (direct without open sizes: {fixed:.2f})"""


Model = tuple[str, str, str]


@dataclass(frozen=True)
class File:
    """Two versions of one module."""

    path: Path
    old: bytes
    new: bytes
    classes: tuple[Expected, ...]


@dataclass(frozen=True)
class Row:
    """Processor seconds of one class, or of one file."""

    name: str
    words: str
    tool: float
    direct: float = 0.0
    open: float = 0.0

    def line(self) -> str:
        ratio = f"{self.tool / self.direct:.2f}" if self.direct else "-"
        seconds = [f"{number:.2f}" for number in (self.open, self.direct, self.tool)]
        return LINE.format(self.name[:35], *seconds, ratio, self.words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="*")
    parser.add_argument("--file", action="store_true")
    parser.add_argument("--direct", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.direct:
        answer()
    else:
        files = given_files(given.paths) if given.paths else every_file()
        compare([each for file in files for each in converted(*file, given.file)])


def compare(files: Iterable[File]) -> None:
    imports = min(import_seconds() for _ in range(3))
    print(LINE.format("processor seconds", "open", "direct", "tool", "ratio", ""))
    rows = []
    with Verifier(Path(sys.executable)) as verifier, Direct() as direct:
        first = measured(verifier, direct, File(Path("first.py"), FIRST, FIRST, ()))
        for file in files:
            rows.append(measured(verifier, direct, file))
            print(rows[-1].line(), flush=True)
    counted = [row for row in rows if row.direct]
    tool, done, opened = (sum(getattr(row, name) for row in counted) for name in ("tool", "direct", "open"))
    print(Row("all", f"{len(counted)} rows", tool, done, opened).line())
    over = first.tool + tool - imports
    print(
        SUM.format(
            imports=imports, tool=first.tool, direct=first.direct, ratio=over / done, fixed=over / (done - opened)
        )
    )


def given_files(paths: Iterable[Path]) -> Iterator[tuple[Path, bytes, Options]]:
    return ((path, path.read_bytes(), Options(parameters=True)) for path in paths)


def every_file() -> Iterator[tuple[Path, bytes, Options]]:
    yield from given_files(sorted((ROOT / "examples").glob("*.py")))
    yield from given_files(sorted((ROOT / "tests" / "bench_models").glob("*.py")))
    for path in sorted((ROOT / "tests" / "fixtures").glob("*.txt")):
        first, _, rest = path.read_text(encoding="utf-8").partition("\n")
        source = rest.partition("\n# output\n")[0] + "\n"
        yield path.with_suffix(".py"), source.encode(), fixture_options(first)


def fixture_options(line: str) -> Options:
    call = ast.parse(f"f({line.removeprefix('#')})", mode="eval").body
    keywords = call.keywords if isinstance(call, ast.Call) else []
    return Options(**{str(keyword.arg): ast.literal_eval(keyword.value) for keyword in keywords})


def converted(path: Path, source: bytes, options: Options, whole: bool) -> Iterator[File]:
    """The file with all of its classes converted, or once for each; in whatever direction that is possible."""
    for direction in (options.direction, "to-functional"):
        options = replace(options, direction=direction)
        result = convert_source(source, options, path=path)
        if result.plan is not None and result.status == "changed":
            break
    else:
        raise SystemExit(f"{path}: {result.error or 'nothing converts'}")
    found = expectations(result.plan)
    if whole:
        yield File(path, source, result.new, found)
        return
    for name in (expected.class_name for expected in found):
        result = convert_source(source, replace(options, classes=frozenset({name})), path=path)
        if result.plan is not None:
            yield File(path, source, result.new, expectations(result.plan))


def measured(verifier: Verifier, direct: Direct, file: File) -> Row:
    before = tool_seconds(direct)
    evidence = verifier.verify(file.path, file.old, file.new, file.classes)
    tool = tool_seconds(direct) - before
    words = ", ".join(sorted({e.verdict for e in evidence}))
    name = f"{file.path.stem}: {', '.join(e.class_name for e in evidence)}"
    models = [model_of(file.path.stem, each) for each in evidence]
    if None in models:
        return Row(name, f"{words}, not run directly", tool)
    return Row(name, words, tool, *direct.work(file, models))


def model_of(stem: str, evidence: Evidence) -> Model | None:
    """Class, constructor arguments and inputs."""
    if evidence.entry:
        ((name, entry),) = tomllib.loads(evidence.entry)["tool"]["nnconvert"]["models"].items()
        return name.rpartition(":")[2], entry["args"], entry["inputs"]
    given = GIVEN.get(f"{stem}:{evidence.class_name}")
    return None if given is None else (evidence.class_name, *given)


def tool_seconds(direct: Direct) -> float:
    """Of this process, and of the server with all of its children that have ended."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return time.process_time() + sum(seconds_of(int(child)) for child in children if int(child) != direct.process.pid)


def seconds_of(pid: int) -> float:
    """User and system time of a process and of its children that have ended."""
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, used)) / TICK


def import_seconds() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Direct:
    """The process that does the work without any of the tool."""

    def __init__(self) -> None:
        command = [sys.executable, __file__, "--direct"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate()

    def work(self, file: File, models: list[Model | None]) -> tuple[float, float]:
        """Processor seconds of all, and of what of it the traces with open sizes take."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the direct process has no pipes")
        before = seconds_of(self.process.pid) if file.classes else 0.0
        self.process.stdin.write(json.dumps([file.old.decode(), file.new.decode(), models]) + "\n")
        self.process.stdin.flush()
        opened = float(self.process.stdout.readline())
        return seconds_of(self.process.pid) - before, opened


def answer() -> None:
    """What the direct process does: work for each line of stdin."""
    import torch
    import torch.fx.experimental.symbolic_shapes  # what backward imports

    torch.set_num_threads(1)
    for line in sys.stdin:
        old, new, models = json.loads(line)
        with contextlib.redirect_stdout(sys.stderr):  # what models print
            opened = sum(run_version(source, models) for source in (old, old, new))
        print(opened, flush=True)


def run_version(source: str, models: list[list[str]]) -> float:
    """Returns the seconds that traces with open sizes take."""
    import torch

    names: dict[str, Any] = {"__name__": "direct"}
    exec(compile(source, "direct", "exec"), names)
    names.update(torch=torch, nn=torch.nn, wide=torch.randn)
    opened = 0.0
    for name, args, inputs in models:
        torch.manual_seed(0)
        model = eval(f"{name}({args})", names)
        given, named = eval(f"(lambda *a, **k: (a, k))({inputs})", names)
        for training in (True, False):
            model.train(training)
            for _ in range(2):
                both_ways(model, given, named)
            trace(model, given, named, ())
            before = time.process_time()
            trace_open(model, given, named)
            opened += time.process_time() - before
    return opened


def both_ways(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    import torch

    sources: list[Any] = []

    def feed(tensor: Any) -> Any:
        if not tensor.is_floating_point():
            return tensor
        sources.append(tensor.detach().requires_grad_())
        return sources[-1].clone()

    args, kwargs = torch.utils._pytree.tree_map_only(torch.Tensor, feed, (args, kwargs))
    output = model(*args, **kwargs)
    leaves = [t for t in torch.utils._pytree.tree_leaves(output) if isinstance(t, torch.Tensor) and t.requires_grad]
    wanted = [*(p for p in model.parameters() if p.requires_grad), *sources]
    if not leaves or not wanted:
        return output
    return output, torch.autograd.grad(sum(t.sum() for t in leaves), wanted, allow_unused=True)


def trace_open(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """With any batch size and any spatial size, else with any batch size, as far as forward admits it."""
    for opened in ((0, 2, 3, 4), (0,)):
        try:
            trace(model, args, kwargs, opened)
        except Exception:  # torch says in many ways that a size cannot stay open
            continue
        return


def trace(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], opened: tuple[int, ...]) -> None:
    import torch
    from torch._dispatch.python import enable_python_dispatcher
    from torch._dynamo.source import ConstantSource
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv, StatelessSymbolicContext
    from torch.utils._pytree import tree_map_only

    class Both(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, args: Any, kwargs: Any) -> Any:
            return both_ways(self.model, args, kwargs)

    def function(state: dict[str, Any], args: Any, kwargs: Any) -> Any:
        leaves = {name: tensor.detach().requires_grad_(tracked[name]) for name, tensor in state.items()}
        return torch.func.functional_call(both, leaves, (args, kwargs))

    def fake(tensor: Any) -> Any:
        if not opened or not tensor.dim():
            return mode.from_tensor(tensor, static_shapes=True)
        sizes = [DimDynamic.DYNAMIC if d in opened else DimDynamic.STATIC for d in range(tensor.dim())]
        context, source = StatelessSymbolicContext(dynamic_sizes=sizes), ConstantSource(f"input_{len(sources)}")
        sources.append(source)
        return mode.from_tensor(tensor, symbolic_context=context, source=source)

    both, sources = Both(), []  # type: ignore[var-annotated]
    mode = FakeTensorMode(shape_env=ShapeEnv(duck_shape=False) if opened else None, allow_non_fake_inputs=True)
    state = {**dict(both.named_parameters()), **dict(both.named_buffers())}
    tracked = {name: tensor.requires_grad for name, tensor in state.items()}
    fakes = {name: mode.from_tensor(tensor.detach(), static_shapes=True) for name, tensor in state.items()}
    given, named = tree_map_only(torch.Tensor, fake, (args, kwargs))
    with mode, enable_python_dispatcher() if opened else contextlib.nullcontext():
        make_fx(function, tracing_mode="real")(fakes, given, named)


if __name__ == "__main__":
    main()
