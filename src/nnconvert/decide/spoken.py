"""Code that sorts parameters by what their names hold: ``if "norm" in name``, ``name.startswith("head")``."""

from __future__ import annotations

import ast
import re
from typing import Final

from nnconvert.decide.arguments import LeaveError
from nnconvert.source.reader import Reader

_NAMES_OF_STATE: Final = frozenset({"named_parameters", "named_buffers", "state_dict", "load_state_dict"})
_TESTING: Final = frozenset(
    {"startswith", "endswith", "find", "rfind", "index", "count", "replace", "removeprefix", "removesuffix", "split",
     "rsplit", "partition", "rpartition", "match", "search", "fullmatch", "findall", "sub", "compile", "fnmatch",
     "fnmatchcase", "filter"}
)  # fmt: skip
"""Methods of strings, and functions of re and fnmatch, that ask what a name holds."""
_WORD: Final = re.compile(r"\w{2,}")


class Spoken:
    """Reads the strings of one file that names are compared with."""

    def __init__(self, reader: Reader) -> None:
        tree = reader.tree
        speaks = any(node.attr in _NAMES_OF_STATE for node in tree.attributes())
        asked = [node for node in tree.strings() if _is_asked(node, tree.parents.get(node))] if speaks else []
        self._words = [(word, node.lineno) for node in asked for word in set(_WORD.findall(str(node.value)))]

    def check(self, old: str, new: str) -> None:
        """Refuse a key that such a string finds in one of the two versions only; raises LeaveError."""
        for word, line in self._words:
            if (word in old) != (word in new):
                raise LeaveError("NNC415", f'line {line} looks for "{word}" in names, and {old} would be {new}')


def _is_asked(node: ast.Constant, parent: ast.AST | None) -> bool:
    """Compared, handed to something that looks into names, or kept under a name or in a list for that."""
    if isinstance(parent, ast.Call):
        return getattr(parent.func, "attr", getattr(parent.func, "id", "")) in _TESTING
    if isinstance(parent, ast.Dict):
        return any(key is node for key in parent.keys)
    return isinstance(parent, ast.Compare | ast.List | ast.Tuple | ast.Set | ast.arguments | ast.Assign)
