"""What must hold before a run writes its first file."""

from __future__ import annotations

import ast
import contextlib
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nnconvert import git
from nnconvert.config import suggestion
from nnconvert.errors import SourceError, UsageError
from nnconvert.options import Options


def require_classes(names: frozenset[str], sources: Iterable[bytes]) -> None:
    """Raise UsageError for a name of ``--class`` that no source has as a class."""
    if not names:
        return
    found = {name for source in sources for name in _classes(source)}
    for name in sorted(names - found):
        near = suggestion(name, tuple(sorted(found)))
        raise UsageError(f"--class: none of the files has a class {name!r}{near}")


def contents(files: Iterable[Path]) -> Iterator[bytes]:
    """The bytes of the files that can be read; the run itself reports the others."""
    for file in files:
        with contextlib.suppress(OSError):
            yield file.read_bytes()


def require_committed(folders: Sequence[Path], files: Sequence[Path], options: Options) -> None:
    """Raise UsageError where files under ``folders`` would be rewritten over changes git does not hold."""
    from nnconvert.api import convert_file

    dirty = {path for folder in folders if git.in_tree(folder) for path in git.uncommitted(folder)}
    at_stake = [file for file in files if file.resolve() in dirty]
    names = [str(file) for file in at_stake if convert_file(file, options).status == "changed"]
    if names:
        raise UsageError(f"uncommitted changes in {', '.join(names)}: commit or stash them, or give --allow-dirty")


def _classes(source: bytes) -> Iterator[str]:
    """Dotted names of all classes; none where the source cannot be read, which the run itself reports."""
    from nnconvert.files import decode

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(decode(source).text)
    except (SourceError, SyntaxError, RecursionError):
        return
    yield from _nested(tree, ())


def _nested(node: ast.AST, above: tuple[str, ...]) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield ".".join((*above, child.name))
            yield from _nested(child, (*above, child.name))
        elif isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            yield from _nested(child, above)
