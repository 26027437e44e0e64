"""What exceptions of forward ask for by name: an item or an attribute of one of its arguments."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .by_use import is_name
from .frames import keys_read
from .written import argument_texts, with_argument

MISSED = re.compile(r"'(?:Tensor|Bunch|dict|list|NoneType)' object has no attribute '(\w+)'")
KINDS = ("{}", "torch.randint(0, 2, (2,))", "torch.rand(())")
"""What else may be missing, beside a tensor as it is fed already."""


def named(text: str, places: list[int], error: BaseException) -> Iterator[str]:
    """Texts in which an argument has what was not found in it; ``places`` are those of the likely arguments."""
    arguments = argument_texts(text)
    missed = MISSED.search(str(error))
    for place in (place for place in places if place < len(arguments)):
        argument = arguments[place]
        if keys := keys_read(error, place) if argument.startswith("torch.") else []:
            yield with_argument(text, place, f"{{{', '.join(f'{key!r}: {argument}' for key in keys)}}}")
        if missed and hasattr(dict, missed[1]):
            yield with_argument(text, place, "{}")
        elif missed and argument.startswith(("torch.", "None")):
            yield with_argument(text, place, f"bunch({missed[1]}={argument})")
        key = missed[1] if missed else error.args[0] if isinstance(error, KeyError) and error.args else None
        if isinstance(key, str):
            yield from (with_argument(text, place, changed) for changed in _with_key(argument, key, arguments))


def _with_key(argument: str, key: str, arguments: list[str]) -> Iterator[str]:
    """The dictionary or bunch with one item more, if it is one."""
    node = ast.parse(argument, mode="eval").body
    is_bunch = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "bunch"
    if not (isinstance(node, ast.Dict) or (is_bunch and is_name(key))):
        return
    fed = next((text for text in arguments if text.startswith("torch.")), "torch.randn(2, 16)")
    inner = argument[argument.index("(" if is_bunch else "{") + 1 : -1]
    for value in (fed, *KINDS):
        item = f"{key}={value}" if is_bunch else f"{key!r}: {value}"
        both = ", ".join(filter(None, [inner, item]))
        yield f"bunch({both})" if is_bunch else f"{{{both}}}"
