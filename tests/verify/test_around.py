"""Classes that cannot be built alone: models of other files that hold them, and files that say how they are built."""

from __future__ import annotations

from pathlib import Path

import pytest

import nnconvert
from nnconvert.source.index import Index
from nnconvert.source.project import Neighbours
from nnconvert.verification import Expected, Other

from .checking import HEAD, Check

BLOCK = (
    HEAD
    + """\
class Block(nn.Module):
    def __init__(self, make, spec):
        super().__init__()
        self.fc = make(spec)

    def forward(self, x, spec):
        return F.relu(self.fc(x)) * spec.scaled("2.0")
"""
)
NEW = BLOCK.replace("self.fc = make(spec)", "self.fc = make(spec)\n        self.relu = nn.ReLU()").replace(
    "F.relu", "self.relu"
)
WRONG = NEW.replace("nn.ReLU()", "nn.ELU()")
RIGHT_PLAN, WRONG_PLAN = (Expected("Block", (("relu", text),)) for text in ("nn.ReLU()", "nn.ELU()"))
MODEL = """\
from types import SimpleNamespace
from torch import nn
from IMPORT import Block

seen = []


class Body(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.block = Block(lambda spec: nn.Linear(spec.size, 3), SimpleNamespace(size=size))

    def forward(self, x):
        LINE
        return self.block(x, SimpleNamespace(scaled=float))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body(7)

    def forward(self, x):
        return self.body(x)
"""


def model(line: str = "pass", imported: str = "net") -> str:
    return MODEL.replace("LINE", line).replace("IMPORT", imported)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_class_is_judged_inside_a_model_of_another_file(check: Check) -> None:
    write(check.path, BLOCK)
    around = (write(check.folder / "model.py", model()),)
    evidence = check.one(BLOCK, NEW, RIGHT_PLAN, around=around)
    assert (evidence.verdict, evidence.inside, evidence.inputs) == ("proved", "model:Model", "2x7"), evidence
    assert check.one(BLOCK, NEW, RIGHT_PLAN).verdict == "unverified"
    evidence = check.one(BLOCK, WRONG, WRONG_PLAN, around=around)
    assert (evidence.verdict, evidence.inside) == ("differs", "model:Model"), evidence


def test_a_model_that_imports_the_file_under_another_name(check: Check) -> None:
    (check.folder / "pyproject.toml").write_text("")
    path = write(check.folder / "parts" / "net.py", BLOCK)
    around = (write(check.folder / "model.py", model(imported="parts.net")),)
    assert check.one(BLOCK, NEW, RIGHT_PLAN, around=around, path=path).verdict == "proved"
    assert check.one(BLOCK, WRONG, WRONG_PLAN, around=around, path=path).verdict == "differs"


@pytest.mark.parametrize(
    ("line", "verdict", "words"),
    [
        ("seen.append(1)", "tested", "forward changes what it holds (model:seen)"),
        ("x = x if type(x).__name__ == 'Tensor' else x * 2", "tested", "takes another way through the code"),
        ("return x * 2", "unverified", "no value is known"),
        ("raise SystemExit(1)", "unverified", "no value is known"),
    ],
)
def test_what_a_model_elsewhere_does_not_show(check: Check, line: str, verdict: str, words: str) -> None:
    write(check.path, BLOCK)
    evidence = check.one(BLOCK, NEW, RIGHT_PLAN, around=(write(check.folder / "model.py", model(line)),))
    assert evidence.verdict == verdict, evidence
    assert words in evidence.reason + evidence.not_proved, evidence


def test_a_model_that_changes_itself_runs_in_its_own_versions(check: Check) -> None:
    write(check.path, BLOCK)
    old = "import torch.nn.functional as F\n" + model("x = F.elu(x)")
    new = old.replace("F.elu", "self.elu").replace("self.block =", "self.elu = nn.ELU()\n        self.block =")
    path = write(check.folder / "model.py", old)
    body = Expected("Body", (("elu", "nn.ELU()"),))
    for version, verdict in ((new, "proved"), (new.replace("nn.ELU()", "nn.ReLU()"), "differs")):
        others = {path: Other(old.encode(), version.encode(), (body,))}
        evidence = check.one(BLOCK, NEW, RIGHT_PLAN, around=(path,), others=others)
        assert (evidence.verdict, evidence.inside) == (verdict, "model:Model"), evidence


USE = """\
import torch
from types import SimpleNamespace as Spec
from .net import Block


def run(size=4):
    block = Block(lambda spec: torch.nn.Linear(spec.size, 3), Spec(size=size))


def demo(size=4):
    block = Block(lambda spec: torch.nn.Linear(spec.size, 3), Spec(size=size))
    for _ in range(3):
        print(block(torch.randn(5, size), Spec(scaled=float)))
"""


def test_examples_in_a_file_that_names_the_class(check: Check) -> None:
    write(check.folder / "pack" / "__init__.py", "")
    path, use = write(check.folder / "pack" / "net.py", BLOCK), write(check.folder / "pack" / "use.py", USE)
    evidence = check.one(BLOCK, NEW, RIGHT_PLAN, around=(use,), path=path)
    assert (evidence.verdict, evidence.built_from, evidence.inputs) == ("proved", "pack/use.py: demo()", "5x4"), (
        evidence
    )
    assert check.one(BLOCK, WRONG, WRONG_PLAN, around=(use,), path=path).verdict == "differs"


def test_which_files_are_looked_into(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    write(tmp_path / "pack" / "__init__.py", "")
    path = write(tmp_path / "pack" / "net.py", BLOCK)
    far = write(tmp_path / "train.py", "from pack.model import Model\nmodel = Model()\n")
    near = write(tmp_path / "pack" / "model.py", model(imported=".net"))
    tests = write(tmp_path / "tests" / "test_net.py", "from pack.net import Block\n")
    write(tmp_path / "pack" / "other.py", "class Block:\n    pass\n")
    assert Neighbours(path, Index()).naming(["Block"]) == (near, tests, far)
    assert Neighbours(None, Index()).naming(["Block"]) == ()


def test_a_conversion_looks_around_by_itself(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    path = write(tmp_path / "net.py", BLOCK)
    write(tmp_path / "model.py", model())
    with nnconvert.Verifier() as verifier:
        result = nnconvert.convert_file(path, verifier=verifier)
        (compared,) = nnconvert.verify(path, write(tmp_path / "new.py", NEW), verifier)
    assert [(e.verdict, e.inside) for e in result.evidence] == [("proved", "model:Model")]
    assert (compared.verdict, compared.inside) == ("proved", "model:Model")


FRAIL = (
    HEAD
    + """\
import os


class Frail(nn.Module):
    def __init__(self, size):
        super().__init__()
        if size != 7:
            os._exit(3)
        self.fc = nn.Linear(7, 3)

    def forward(self, x):
        return F.relu(self.fc(x))


part = Frail


class Top(nn.Module):
    def __init__(self):
        super().__init__()
        self.frail = part(7)

    def forward(self, x):
        return self.frail(x)
"""
)


def test_a_class_whose_own_search_ends_the_process(check: Check) -> None:
    new = FRAIL.replace("self.fc =", "self.relu = nn.ReLU()\n        self.fc =").replace("F.relu", "self.relu")
    evidence = check.one(FRAIL, new, Expected("Frail", (("relu", "nn.ReLU()"),)))
    assert (evidence.verdict, evidence.inside) == ("proved", "Top"), evidence
    wrong = new.replace("nn.ReLU()", "nn.ELU()")
    assert check.one(FRAIL, wrong, Expected("Frail", (("relu", "nn.ELU()"),))).verdict == "differs"
