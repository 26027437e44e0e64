"""nnconvert as a library."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import nnconvert
from nnconvert.verification import Evidence, Expected, ModuleCall


def test_paths_give_results_in_order_and_write_only_on_request(tmp_path: Path, net: bytes) -> None:
    for name in ("b.py", "a.py"):
        (tmp_path / name).write_bytes(net)
    (tmp_path / "c.py").write_bytes(b"import torch.nn as nn\nx = (\n")
    seen = list(nnconvert.convert_paths([tmp_path]))
    assert [(r.path.name, r.status) for r in seen] == [
        ("a.py", "changed"),
        ("b.py", "changed"),
        ("c.py", "failed"),
    ]
    assert (tmp_path / "a.py").read_bytes() == net == seen[0].old != seen[0].new
    assert seen[2].error.startswith(f"{tmp_path / 'c.py'}:2:5: ")
    written = nnconvert.convert_file(tmp_path / "a.py", write=True)
    assert (tmp_path / "a.py").read_bytes() == written.new == seen[0].new


def test_a_plan_comes_with_the_result(net: bytes) -> None:
    result = nnconvert.convert_source(net)
    assert result.plan is not None
    assert [d.site.functional for d in result.plan.converted] == ["relu"]
    assert result.evidence == ()


class Judge(nnconvert.Verifier):
    """Says what a test wants to hear."""

    def __init__(self, *evidence: Evidence) -> None:
        super().__init__()
        self.evidence = evidence

    def verify(
        self,
        path: Path,
        old: bytes,
        new: bytes,
        classes: tuple[Expected, ...] = (),
        again: tuple[str, ...] = (),  # noqa: ARG002
        around: tuple[Path, ...] = (),  # noqa: ARG002
    ) -> tuple[Evidence, ...]:
        if not self.evidence:
            raise ValueError("out\nof order")
        assert (path.name, old == new) == ("net.py", False)
        gained = (ModuleCall("relu", "ReLU", 12),)
        assert classes == (Expected("Net", (("relu", "nn.ReLU()"),), gained=gained),)
        return self.evidence


def test_evidence_decides_what_becomes_of_a_file(net: bytes) -> None:
    def status(*evidence: Evidence, require: bool = False) -> str:
        result = nnconvert.convert_source(net, path=Path("net.py"), verifier=Judge(*evidence), require_verified=require)
        assert (result.new == net) == (result.status != "changed")
        return result.status

    assert status(Evidence("Net", "tested"), require=True) == "changed"
    assert status(Evidence("Net", "tested", unreached=("relu",)), require=True) == "unverified"
    assert status(Evidence("Net", "tested", unreached=("relu",))) == "changed"
    assert status(Evidence("Net", "nondeterministic"), require=True) == "unverified"
    assert status(Evidence("Other", "tested"), require=True) == "unverified"
    assert status(Evidence("Net", "unverified")) == "changed"
    assert status(Evidence("Net", "differs")) == "differs"


def test_a_defect_of_our_own_fails_one_file_in_one_line(net: bytes) -> None:
    result = nnconvert.convert_source(net, path=Path("src/net.py"), verifier=Judge())
    assert (result.status, result.new) == ("failed", net)
    assert result.error.startswith("src/net.py: internal error: ValueError: out of order; please report it")
    assert "Traceback" in result.details


def test_what_the_package_exports_is_there_and_documented() -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "api.md").read_text()
    for name in nnconvert.__all__:
        assert getattr(nnconvert, name).__name__ == name
        assert f"`{name}" in page
    assert set(nnconvert.__all__) <= set(dir(nnconvert))
    assert (Path(nnconvert.__file__).parent / "py.typed").is_file()


def test_the_documented_signatures_are_the_real_ones() -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "api.md").read_text()
    for name in ("convert_source", "convert_file", "convert_paths", "verify", "Verifier"):
        (listed,) = re.findall(rf"^\| `{name}\((.*?)\)` \|", page, re.MULTILINE)
        given = [part.partition("=")[0].strip() for part in listed.split(",")]
        assert [part for part in given if part != "*"] == list(inspect.signature(getattr(nnconvert, name)).parameters)


def test_two_versions_are_compared_without_more_ado(project: Path, net: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    old, new = project / "old.py", project / "new.py"
    old.write_bytes(net)
    (found,) = nnconvert.verify(old, old)
    assert (found.class_name, found.verdict) == ("Net", "proved")
    new.write_bytes(net.replace(b"F.relu(", b"F.elu("))
    assert [evidence.verdict for evidence in nnconvert.verify(old, new)] == ["differs"]
