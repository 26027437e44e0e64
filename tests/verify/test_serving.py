"""The given bytes are what runs, and the module finds itself where it stands."""

from __future__ import annotations

import os
import py_compile
import sys
from pathlib import Path

import pytest

from nnconvert.verification import Expected

from .checking import HEAD, Check, net

OLD = net("self.n = 1", "return x + 1")
NEW = OLD.replace("x + 1", "x + 2")


def test_neither_the_file_nor_a_stale_pyc_is_read(check: Check) -> None:
    check.path.write_text(OLD)
    py_compile.compile(str(check.path), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    before = {path: path.read_bytes() for path in check.folder.rglob("*") if path.is_file()}
    assert len(before) == 2
    assert check.one(OLD, NEW).verdict == "differs"
    assert check.one(NEW, NEW).verdict == "proved"
    assert {path: path.read_bytes() for path in check.folder.rglob("*") if path.is_file()} == before


def test_nothing_is_written_next_to_the_module(check: Check) -> None:
    (check.folder / "helper.py").write_text("ONE = 1\n")
    check.tested("import helper\n" + OLD.replace("x + 1", "x + helper.ONE"))
    assert sorted(path.name for path in check.folder.iterdir()) == ["helper.py"]


def test_inspect_sees_the_served_text(check: Check) -> None:
    check.path.write_text("# another text\n" * 100)
    lines = "assert 'marker' in inspect.getsource(type(self))\nreturn x + 1  # marker"
    check.tested("import inspect\n" + net("self.n = 1", lines))


def test_package_with_relative_imports(check: Check) -> None:
    package = check.folder / "package" / "models"
    package.mkdir(parents=True)
    (check.folder / "package" / "__init__.py").write_text("from .models import net\n")
    (package / "__init__.py").write_text("from .net import Net\n")
    (package / "blocks.py").write_text(net("self.n = 1", "return x * 2", "Block"))
    source = (
        "from . import blocks\nfrom ..models.blocks import Block\nimport os\n"
        "assert __name__ == 'package.models.net' and os.path.basename(__file__) == 'net.py'\n"
    ) + net("self.block = Block()", "return self.block(x) + 1")
    new = source.replace("self.block(x) + 1", "self.block(x) + 2")
    (package / "net.py").write_text(source)
    assert check.one(source, source, path=package / "net.py").verdict == "proved"
    assert check.one(source, new, path=package / "net.py").verdict == "differs"


def test_relative_imports_without_a_package_file(check: Check) -> None:
    folder = check.folder / "models"
    folder.mkdir()
    (folder / "blocks.py").write_text("ONE = 1\n")
    source = "from .blocks import ONE\n" + net("self.n = ONE", "return x + ONE")
    assert check.one(source, source, path=folder / "net.py").verdict == "proved"


def test_a_namespace_package_inside_a_package(check: Check) -> None:
    folder = check.folder / "package" / "testing" / "helpers"
    folder.mkdir(parents=True)
    (check.folder / "package" / "__init__.py").write_text("ONE = 1\n")
    (folder / "__init__.py").write_text("")
    source = ("from package import ONE\nassert __name__ == 'package.testing.helpers.net'\n") + net(
        "self.n = ONE", "return x + ONE"
    )
    assert check.one(source, source, path=folder / "net.py").verdict == "proved"


def test_the_init_file_of_a_package(check: Check) -> None:
    package = check.folder / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "blocks.py").write_text("ONE = 1\n")
    source = "from .blocks import ONE\n" + net("self.n = ONE", "return x + ONE")
    new = source.replace("x + ONE", "x - ONE")
    assert check.one(source, new, path=package / "__init__.py").verdict == "differs"


def test_the_users_folder_is_importable(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    (check.folder / "elsewhere").mkdir()
    (check.folder / "shared_names.py").write_text("ONE = 1\n")
    monkeypatch.chdir(check.folder)
    source = "from shared_names import ONE\n" + net("self.n = ONE", "return x + ONE")
    assert check.one(source, source, path=Path("elsewhere", "net.py")).verdict == "proved"


def test_our_own_files_are_not_on_the_path(check: Check) -> None:
    source = "try:\n    import compare\nexcept ImportError:\n    ONE = 1\n" + net("self.n = ONE", "return x + ONE")
    check.tested(source)


def test_a_file_name_that_is_no_module_name(check: Check) -> None:
    source = OLD
    path = check.folder / "my-net.v2.py"
    assert check.one(source, NEW, path=path).verdict == "differs"


def test_a_file_named_like_a_loaded_module(check: Check) -> None:
    assert check.one(OLD, NEW, path=check.folder / "random.py").verdict == "differs"


def test_source_in_another_encoding(check: Check) -> None:
    source = "# -*- coding: latin-1 -*-\nWORD = 'caf\u00e9'\nassert len(WORD) == 4\n" + OLD
    evidence = check.one(source, source)  # the bytes are UTF-8: under latin-1 the word has five letters
    assert "AssertionError" in evidence.reason


def test_the_plan_may_name_classes_that_cannot_be_reached(check: Check) -> None:
    source = HEAD + "def make():\n    class Inner(nn.Module):\n        pass\n    return Inner\n"
    evidence = check.one(source, source, Expected("Inner"))
    assert evidence.verdict == "unverified"
    assert "does not exist" in evidence.reason


def test_nested_class(check: Check) -> None:
    inner = "\n".join("    " + line for line in OLD.removeprefix(HEAD).splitlines())
    source = f"{HEAD}class Outer:\n{inner}\n"
    new = source.replace("x + 1", "x + 2")
    assert check.one(source, new, Expected("Outer.Net")).verdict == "differs"
    assert check.one(source, source, Expected("Outer.Net")).verdict == "proved"


def test_importing_verify_never_imports_torch() -> None:
    code = "import sys, nnconvert.verification; sys.exit('torch' in sys.modules)"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0


def test_a_package_that_runs_its_modules_a_second_time(check: Check) -> None:
    package = check.folder / "again"
    package.mkdir()
    reload = "import sys\nfrom importlib.machinery import PathFinder\nimport again.net\n"
    reload += "PathFinder.find_spec('again.net', __path__).loader.exec_module(sys.modules['again.net'])\n"
    (package / "__init__.py").write_text(reload)
    (package / "net.py").write_text(OLD)
    assert check.one(OLD, NEW, path=package / "net.py").verdict == "differs"
    assert check.one(OLD, OLD, path=package / "net.py").verdict == "proved"


def test_code_that_comes_from_elsewhere_is_not_taken_for_the_files(check: Check) -> None:
    check.path.write_text(OLD)
    again = "exec(compile(open(__file__).read(), __file__, 'exec'), globals())\n"
    check.unverified(NEW + again, "other code than this file's was run")
