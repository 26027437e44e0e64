"""Many files on several processes: the same results in the same order, and no process outlives a run."""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

import nnconvert
from conftest import Run
from nnconvert import workers
from nnconvert.options import Options

Command = Callable[..., Run]
FAST = ("--to-module", "--no-verify")


@pytest.fixture
def many(project: Path, net: bytes) -> Path:
    """Twelve files: models, one that fails, one that the bytes test drops."""
    for number in range(10):
        (project / f"net{number}.py").write_bytes(net.replace(b"relu", (b"relu", b"elu", b"gelu")[number % 3]))
    (project / "bad.py").write_bytes(b"import torch.nn as nn\nx = (\n")
    (project / "plain.py").write_bytes(b"import os\n")
    return project


def results(executor: Executor | None, *paths: Path) -> list[nnconvert.Result]:
    return list(nnconvert.convert_paths(paths or [Path()], executor=executor))


def without_traceback(result: nnconvert.Result) -> tuple[object, ...]:
    return result.path, result.status, result.old, result.new, result.plan, result.evidence, result.error


def same(one: list[nnconvert.Result], other: list[nnconvert.Result]) -> bool:
    return list(map(without_traceback, one)) == list(map(without_traceback, other)) != []


@pytest.mark.parametrize("kind", [ProcessPoolExecutor, ThreadPoolExecutor])
def test_any_executor_gives_the_same_results_in_the_same_order(many: Path, kind: type[Executor]) -> None:
    plain = results(None)
    with kind(2) as executor:  # type: ignore[call-arg]
        assert same(plain, results(executor))
        assert same(
            results(None, many / "net1.py", Path("net0.py")), results(executor, many / "net1.py", Path("net0.py"))
        )
    assert [r.status for r in plain].count("changed") == 10


def test_a_dask_cluster_of_two_workers_converts_a_tree(many: Path) -> None:
    from distributed import Client, LocalCluster

    plain = results(None)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        client.get_executor() as executor,
    ):
        assert len(client.scheduler_info()["workers"]) == 2
        assert same(plain, results(executor))
        list(nnconvert.convert_paths([many], executor=executor, write=True))
    assert all(b"lu(self.fc(x))" in path.read_bytes() and b"F." in path.read_bytes() for path in many.glob("net*.py"))
    assert [r.status for r in results(None)].count("changed") == 0


@pytest.mark.usefixtures("many")
def test_results_survive_pickling() -> None:
    assert [pickle.loads(pickle.dumps(result)) for result in results(None)] == results(None)


class Broken(Executor):
    """Every task ends as if its worker had died."""

    def submit(self, *_: object, **__: object) -> Future[object]:  # type: ignore[override]
        future: Future[object] = Future()
        future.set_exception(RuntimeError("killed\nby the kernel"))
        return future


@pytest.mark.usefixtures("many")
def test_a_worker_that_dies_fails_its_files_and_changes_nothing() -> None:
    ended = list(nnconvert.convert_paths([Path()], executor=Broken(), write=True))
    assert [r.status for r in ended].count("failed") == 11
    assert ended[0].error == "bad.py: its worker ended: RuntimeError: killed by the kernel"
    assert all(r.new == r.old for r in ended)


@pytest.mark.usefixtures("many")
def test_the_number_of_processes_changes_nothing_that_is_said(run: Command) -> None:
    one, two = (run(*FAST, "--diff", "-j", jobs, ".") for jobs in (1, 3))
    assert one == two
    assert one.code == 4
    assert one.out.count(b"--- a/net") == 10


@pytest.mark.parametrize(("jobs", "count", "expected"), [(2, 8, True), (1, 8, False), (2, 7, False)])
def test_a_pool_is_for_eight_files_that_may_convert(
    project: Path, net: bytes, jobs: int, count: int, expected: bool
) -> None:
    for number in range(count):
        (project / f"net{number}.py").write_bytes(net)
    for number in range(10):
        (project / f"plain{number}.py").write_bytes(b"import os\n")
    with workers.pool(jobs, sorted(project.glob("*.py")), Options()) as executor:
        assert (executor is not None) == expected


def test_the_number_of_processes_is_a_number(run: Command) -> None:
    ended = run(*FAST, "-j", "0", ".")
    assert (ended.code, ended.err.count("\n")) == (2, 1)


def children(of: int) -> list[int]:
    """The processes that a process has started."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(of)], capture_output=True, text=True)
    return [int(word) for word in listed.stdout.split()]


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return not re.search(rb"^State:\s+Z", Path(f"/proc/{process}/status").read_bytes(), re.MULTILINE)


def wait_for(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.02)


@pytest.fixture
def busy(project: Path, net: bytes) -> Iterator[subprocess.Popen[str]]:
    """A run whose workers have work for a while."""
    for number in range(8):
        (project / f"net{number}.py").write_bytes(net + b"\n".join(b"x%d = F.relu(y)" % n for n in range(20_000)))
    command = [sys.executable, "-m", "nnconvert", *FAST, "-j", "2", "."]
    with subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        wait_for(lambda: len(children(process.pid)) == 2)
        yield process


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)])
def test_all_workers_end_with_the_run(busy: subprocess.Popen[str], number: int, code: int) -> None:
    started = children(busy.pid)
    os.kill(busy.pid, number)
    _, said = busy.communicate()
    assert busy.returncode == code
    wait_for(lambda: not any(map(alive, started)))
    assert "Traceback" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_in_a_terminal_reaches_all_processes_and_is_said_once(busy: subprocess.Popen[str]) -> None:
    os.killpg(busy.pid, signal.SIGINT)
    _, said = busy.communicate()
    assert busy.returncode == 130
    assert said.strip() == "nnconvert: interrupted; every file is as it was or finished"


def test_progress_is_for_terminals_only(
    run: Command, project: Path, net: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.py", "b.py"):
        (project / name).write_bytes(net)
    assert "of 2 files" not in run(*FAST, "--check", ".").err
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    said = run(*FAST, "--check", "--color", "never", ".").err
    assert "\r\x1b[K1 of 2 files\r\x1b[Kb.py\n" in said
    assert said.endswith("(--no-verify)\n")
    assert run(*FAST, "--check", "-q", ".").err == ""
