"""What a run says of its results, and its exit code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import pytest

from nnconvert.api import Result, Status
from nnconvert.decide.reasons import REASONS
from nnconvert.plan import CallSite, Conversion, Decision, Leave, Plan, Position, Span, StateChange
from nnconvert.report import Report, verification
from nnconvert.verification.evidence import Evidence

CODE, REASON = next((code, reason) for code, reason in REASONS.items() if reason.remedy)


def converted(name: str, module: str, note: str = "") -> Conversion:
    return Conversion("call", f"self.{name}", name, module, (0,), Span(0, 1), note=note)


def decision(line: int, functional: str, outcome: Conversion | Leave) -> Decision:
    site = CallSite(Span(line, line + 1), Position(line, 9), functional, f"F.{functional}", "Net", "forward")
    return Decision(site, outcome)


PLAN = Plan(
    "to-module",
    (
        decision(31, "relu", converted("relu1", "ReLU")),
        decision(32, "max_pool2d", converted("max_pool2d", "MaxPool2d")),
        decision(33, "interpolate", Leave(CODE, "size depends on the input")),
    ),
    (),
)


def result(status: Status, *evidence: Evidence, plan: Plan | None = PLAN, error: str = "") -> Result:
    return Result(Path("models/net.py"), status, b"old", b"new", plan, evidence, error, "Traceback: ...")


def said(report: Report, *results: Result) -> str:
    return click.unstyle("".join(report.add(r) for r in results) + report.summary())


def test_a_run_on_one_model() -> None:
    report = Report()
    text = said(report, result("changed", Evidence("Net", "proved", inputs="2x3x32x32")))
    assert (
        text
        == f"""\
models/net.py
  Net.forward:31     F.relu           -> self.relu1          proved
  Net.forward:32     F.max_pool2d     -> self.max_pool2d     proved
  Net.forward:33     F.interpolate    left: size depends on the input ({CODE})
{CODE}: {REASON.remedy}
1 file changed, 2 call sites converted, 1 left; 1 class proved (train and eval, input 2x3x32x32)
"""
    )
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (["unchanged"], 0),
        (["changed"], 1),
        (["unverified"], 1),
        (["changed", "differs", "unverified"], 3),
        (["failed", "differs", "changed"], 4),
    ],
)
def test_the_highest_cause_wins(statuses: list[Status], code: int) -> None:
    report = Report(check=True)
    said(report, *(result(status) for status in statuses))
    assert report.exit_code == code


def test_a_change_is_no_failure_without_check() -> None:
    report = Report(writes=False)
    text = said(report, result("changed"))
    assert text.endswith("1 file would change, 2 call sites would be converted, 1 left\n")
    assert report.exit_code == 0


def test_a_difference_is_told_and_counts_as_left() -> None:
    text = said(Report(), result("differs", Evidence("Net", "differs", reason="output 0 is off by 0.5")))
    assert "Net differs: output 0 is off by 0.5; the file was left as it was" in text
    assert "0 files changed, 0 call sites converted, 3 left, 1 file left as it was" in text
    assert "1 class differs" in text


def test_unverified_classes_are_listed_with_reason_and_remedy() -> None:
    bad = Evidence("Net", "unverified", reason="no input was found", remedy="give --inputs")
    text = said(Report(), result("changed", bad, Evidence("Other", "tested"), Evidence("Third", "nondeterministic")))
    assert "  Net is unverified: no input was found; give --inputs\n" in text
    assert text.endswith("; 1 class tested, 1 nondeterministic, 1 unverified\n")


def test_one_cause_for_all_is_said_once_in_the_summary() -> None:
    evidence = [Evidence(name, "unverified", reason="there is no torch") for name in ("A", "B")]
    assert said(Report(), result("changed", *evidence)).endswith("; nothing was verified: there is no torch\n")
    assert said(Report(verifies=False), result("changed")).endswith("; nothing was verified (--no-verify)\n")


def test_a_site_that_never_ran_is_not_called_tested() -> None:
    text = said(Report(), result("changed", Evidence("Net", "tested", unreached=("block.max_pool2d",))))
    assert "-> self.relu1          tested\n" in text
    assert "-> self.max_pool2d     not reached\n" in text


def test_a_change_of_behaviour_is_named() -> None:
    plan = Plan(
        "to-module",
        (decision(1, "dropout", converted("dropout", "Dropout", "off in eval")),),
        (),
    )
    assert "changes behaviour: off in eval" in said(Report(), result("changed", plan=plan))


def test_quiet_says_errors_only() -> None:
    failed = result("failed", plan=None, error="models/net.py:1:2: invalid syntax")
    differs = result("differs", Evidence("Net", "differs", reason="off"))
    text = said(Report(quiet=True), result("changed"), failed, differs, result("unverified"))
    assert text.splitlines() == [
        "models/net.py:1:2: invalid syntax",
        "models/net.py: Net differs: off; the file was left as it was",
        "models/net.py: left as it was: --require-verified asks that every call site is verified",
    ]


def test_verbose_adds_tracebacks_and_evidence() -> None:
    tested = Evidence("Net", "tested", built_from="defaults", inputs="2x3", inside="Top")
    text = said(Report(verbose=True), result("failed", plan=None, error="e"), result("changed", tested))
    assert "Traceback: ..." in text
    assert "Net is tested: built from defaults; input 2x3; inside Top" in text


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["proved", "tested"], 0),
        (["tested", "unverified"], 1),
        (["nondeterministic"], 1),
        (["unverified", "differs"], 3),
        ([], 1),
    ],
)
def test_verify_ends_with_the_worst_verdict(verdicts: list, code: int) -> None:
    evidence = [Evidence(f"C{n}", verdict) for n, verdict in enumerate(verdicts)]
    text, ended = verification(evidence)
    assert ended == code
    said, ended = verification(evidence, quiet=True)
    assert ended == code
    assert ("differs" in said) == ("differs" in verdicts)
    assert text.endswith("\n")


def moving(*evidence: Evidence) -> Result:
    change = StateChange("Net", (("weight", "conv.weight"),), ("norm.count",), ("gone",))
    return result("changed", *evidence, plan=replace(PLAN, state=(change,)))


def test_keys_that_change_are_said_class_by_class() -> None:
    order = (("weight", "fc.weight"), ("fc.weight", "conv.weight"))
    seen = Evidence("Net", "tested", model="net:Net", keys=(("weight", "conv.weight"),), order=order)
    line = "  Net: weight -> conv.weight; new key norm.count; dropped key gone"
    words = "; the order of parameters changes: optimizer state needs nnconvert migrate"
    assert f"{line}{words}\n" in said(Report(), moving(seen))
    text = said(Report(verbose=True), moving(seen))
    assert "  order of parameters in net:Net: weight, fc.weight became fc.weight, conv.weight\n" in text
    same = replace(seen, order=(("weight", "fc.weight"), ("conv.weight", "fc.weight")))
    for evidence in (same, replace(seen, verdict="nondeterministic")):
        assert f"{line}\n" in said(Report(), moving(evidence))
    assert f"{line}\n" in said(Report(), moving())


def test_a_file_that_was_held_back_moves_nothing() -> None:
    assert "weight ->" not in said(Report(), replace(moving(Evidence("Net", "differs")), status="differs"))
