"""Code that crashes, hangs, exits, floods or looks around ends in a verdict, never in a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from nnconvert.verification import Limits, Request, Server, verify_file
from nnconvert.verification.deadline import Deadline
from nnconvert.verification.interpreter import child_environment

from .checking import HEAD, Check, net

GOOD = net("self.n = 1", "return x + 1", "Good")
IMPORTS = "import os, sys, ctypes, time, pathlib, inspect\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("sys.exit(3)", "SystemExit"),
        ("os._exit(0)", "ended the process with exit code 0"),
        ("os._exit(7)", "ended the process with exit code 7"),
        ("ctypes.string_at(0)", "signal 11"),
        ("os.kill(os.getpid(), 9)", "signal 9"),
        ("raise KeyboardInterrupt", "ended the process with exit code 1"),
        ("return bytearray(1 << 32)", "limit"),
        ("return torch.full_like(x, float('nan'))", "NaN"),
        ("return None", "no number in the output"),
    ],
)
def test_a_class_that_cannot_run_is_unverified_and_its_neighbour_tested(check: Check, line: str, reason: str) -> None:
    source = IMPORTS + net("self.n = 1", line) + GOOD
    bad, good = check.verify(source, source, limits=Limits(time=60, memory=2 << 30))
    assert bad.verdict == "unverified"
    assert reason in bad.reason, bad
    assert good.verdict == "proved", good


def test_tensors_that_do_not_fit_are_judged_by_the_graph_alone(check: Check) -> None:
    source = IMPORTS + net("self.n = 1", "return [torch.zeros(1 << 28) for _ in range(20)]") + GOOD
    large, good = check.verify(source, source, limits=Limits(time=60, memory=2 << 30))
    assert (large.verdict, large.reason) == ("proved", "by the graph alone; too large to run here")
    assert (good.verdict, good.reason) == ("proved", "")


def test_what_never_ends_ends_at_the_time_limit(check: Check) -> None:
    source = IMPORTS + net("self.n = 1", '__import__("time").sleep(100)') + GOOD
    bad, good = check.verify(source, source, limits=Limits(time=2))
    assert bad.reason == "the class ran longer than the time limit of 2 s"
    assert good.verdict == "proved", good


@pytest.mark.parametrize("where", ["super().__init__()", "return x + 1"])
def test_what_runs_is_ended_when_the_time_of_all_is_over(check: Check, where: str) -> None:
    source = IMPORTS + net("self.n = 1", "return x + 1").replace(where, '__import__("time").sleep(1000)') + GOOD
    check.server.facts()
    for evidence in check.verify(source, source, deadline=Deadline(time.monotonic() + 2, 2)):
        assert evidence.verdict == "unverified"
        assert evidence.reason == "the 2 s that this run may verify were over"
        assert "--verify-time-limit" in evidence.remedy


def test_an_endless_loop_has_one_try_only(check: Check) -> None:
    source = IMPORTS + net("self.n = 1", "while True: pass") + GOOD
    bad, good = check.verify(source, source, limits=Limits(time=8))
    assert "takes longer than" in bad.reason
    assert good.verdict in ("proved", "tested"), good


def test_a_new_version_that_crashes_is_unverified(check: Check) -> None:
    old = IMPORTS + net("self.n = 1", "return x + 1")
    evidence = check.one(old, old.replace("return x + 1", "ctypes.string_at(0)"))
    assert evidence.verdict == "unverified"
    assert "the new version crashed the process with signal 11" in evidence.reason


def test_a_flood_of_output_is_harmless(check: Check) -> None:
    check.tested(IMPORTS + net("self.n = 1", "os.write(1, b'x' * (50 << 20))\nreturn x + 1"))


def test_output_at_import_is_harmless(check: Check) -> None:
    check.tested("print('\\x1e{}')\nimport sys\nsys.stderr.write('noise')\n" + GOOD)


def test_code_that_kills_its_group_or_leaves_children_behind(check: Check) -> None:
    lines = "if os.fork() == 0:\n    time.sleep(3600)\nreturn x + 1"
    check.tested(IMPORTS + net("self.n = 1", lines))


def test_a_module_that_cannot_be_imported(check: Check) -> None:
    evidence = check.unverified("from os import missing_name\n" + GOOD, "cannot import name 'missing_name'")
    assert "the module cannot be imported" in evidence.reason


def test_a_new_version_that_cannot_be_imported_differs(check: Check) -> None:
    evidence = check.one(GOOD, GOOD + "\nmissing_name\n")
    assert evidence.verdict == "differs"
    assert "missing_name" in evidence.reason


def test_a_nondeterministic_model(check: Check) -> None:
    source = IMPORTS + net("self.n = 1", "return x + int.from_bytes(os.urandom(2), 'big')")
    evidence = check.one(source, source)
    assert evidence.verdict == "nondeterministic"
    assert "two runs of the old version" in evidence.reason


def test_files_written_land_in_a_folder_that_goes_away(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check.tested("open('at_import.txt', 'w').write('x')\n" + net("open('left.txt', 'w')", "return x + 1"))
    assert list(tmp_path.iterdir()) == []


def test_secrets_are_not_in_the_environment() -> None:
    given = {
        "MY_API_KEY": "1",
        "HF_TOKEN": "1",
        "AWS_PROFILE": "1",
        "DB_PASSWORD": "1",
        "PATH": "/bin",
        "HOME": "/h",
    }
    kept = child_environment(given)
    assert {"PATH", "HOME"} <= set(kept)
    assert not {"MY_API_KEY", "HF_TOKEN", "AWS_PROFILE", "DB_PASSWORD"} & set(kept)


def test_the_child_sees_no_secrets_and_a_closed_server_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "secret")
    lines = """
        assert "MY_TOKEN" not in os.environ
        assert sys.stdin.read() == ""
        assert torch.get_num_threads() == 1
        return x + 1
    """
    source = (IMPORTS + net("self.n = 1", lines)).encode()
    with Server(Path(sys.executable)) as server:
        first = verify_file(server, Request(tmp_path / "net.py", source, source))
        server.close()
        assert verify_file(server, Request(tmp_path / "net.py", source, source)) == first
    assert first[0].verdict == "proved", first


def test_python_without_torch(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    python = next((tmp_path / "env").glob("[bS]*/python*"))
    with Server(python) as server:
        (evidence,) = verify_file(server, Request(tmp_path / "net.py", GOOD.encode(), GOOD.encode()))
    assert evidence.verdict == "unverified"
    assert evidence.reason == f"torch is not installed in {python}"
    assert "--python" in evidence.remedy


def test_python_that_does_not_exist(tmp_path: Path) -> None:
    with Server(tmp_path / "nothing") as server:
        (evidence,) = verify_file(server, Request(tmp_path / "net.py", GOOD.encode(), GOOD.encode()))
    assert evidence.verdict == "unverified"
    assert "cannot be started" in evidence.reason


def test_without_fork_each_job_gets_a_fresh_process(tmp_path: Path) -> None:
    new = GOOD.replace("x + 1", "x + 2")
    with Server(Path(sys.executable), fork=False) as server:
        (evidence,) = verify_file(server, Request(tmp_path / "net.py", GOOD.encode(), new.encode()))
    assert evidence.verdict == "differs", evidence


SCRIPT = """
import sys
from pathlib import Path
from nnconvert.verification import Request, Server, verify_file

path = Path(sys.argv[1])
with Server(Path(sys.executable)) as server:
    verify_file(server, Request(path, path.read_bytes(), path.read_bytes()))
"""


def test_ctrl_c_ends_the_children(tmp_path: Path) -> None:
    path, mark = tmp_path / "net.py", tmp_path / "pid"
    lines = f"pathlib.Path({str(mark)!r}).write_text(str(os.getpid()) + '.')\nwhile True: pass"
    path.write_text(IMPORTS + net("self.n = 1", lines))
    with subprocess.Popen([sys.executable, "-c", SCRIPT, str(path)], stderr=subprocess.PIPE) as process:
        while not (mark.exists() and mark.read_text().endswith(".")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert b"KeyboardInterrupt" in errors
    child = int(mark.read_text().rstrip("."))
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_head_alone_has_nothing_to_verify(check: Check) -> None:
    assert check.verify(HEAD, HEAD) == ()
