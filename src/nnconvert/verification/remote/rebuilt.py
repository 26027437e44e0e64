"""What an exception of a constructor asks for: the same call with one argument of another kind or size."""

from __future__ import annotations

import ast
import copy
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from .frames import compared_at, keys_at, names_at, user_frames

ASKED = 12
"""Calls that one exception may ask for, and ..."""
SOME = 5
"""... those that one of forward may ask for."""
SEVERAL = (
    r"not iterable|not subscriptable|has no len|must support iteration|unpack|indices must be|'(int|float)' object"
)
SINGLE = r"'(list|tuple)'|must be int|an integer is required|cannot be interpreted as an integer|not (list|tuple)\b"
CALLED = r"not callable|missing \d+ required|must be a Module|is not a Module subclass|'type' object|expected Module"
CHOSEN = (
    r"unknown|unsupported|not supported|invalid|must be|should be|one of|choose|expected|available|not found|KeyError"
)
NOT_CALLED = "'NoneType' object is not callable"
GIVEN = re.compile(
    r"[`'\"]?\b(\w+)\b[`'\"]? (?:must|should|needs to|has to) be (?:passed|provided|given|specified|set)"
)
UNGUESSED = re.compile(r"no value can be guessed for (\w+)")


def rebuilt(
    construct: str, error: BaseException, optional: Mapping[str, Sequence[str]], was_built: bool
) -> Iterator[str]:
    """Expressions to try instead of the one that raised, the plainest first.

    ``optional`` are parameters that need not be given, with texts to try for them; where it ``was_built``, forward
    raised: that may be for what it was fed, so that only arguments which the failing statement names become others, and
    short lists.
    """
    tree = ast.parse(construct, mode="eval")
    keywords = [k for call in _calls(tree) for k in call.keywords if k.arg]
    named = [name for frame, line in user_frames(error)[:3] for name in names_at(frame, line)]
    named = [name.lstrip("_") for name in named]
    meant = [k for name in dict.fromkeys(named) for k in keywords if k.arg == name]
    short = [k for k in keywords if _is_too_short(k.value, error)]
    found = itertools.chain(
        _with_asked(tree, error, [n for n in named if n in optional]),
        _completed(tree, error, named),
        _changed(tree, meant, error),
        _with_optional(tree, [*named, *re.findall(r"\w+", str(error))], {} if was_built else optional),
        _changed(tree, [] if meant else short if was_built else keywords, error),
    )
    for text in itertools.islice(dict.fromkeys(found), SOME if was_built else ASKED):
        if text != construct:
            yield text


def _is_too_short(value: ast.expr, error: BaseException) -> bool:
    return isinstance(error, IndexError) and isinstance(value, (ast.List, ast.Tuple))


def progress(error: BaseException) -> int:
    """How far the construction came: the line of its outermost frame."""
    frames = user_frames(error)
    return frames[-1][1] if frames else 0


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    yield from (call for call in nodes if getattr(call.func, "attr", "") != "import_module")


def _changed(tree: ast.Expression, keywords: list[ast.keyword], error: BaseException) -> Iterator[str]:
    for keyword in keywords:
        for text in _alternatives(ast.unparse(keyword.value), error):
            yield _exchanged(tree, keyword, text)


def _exchanged(tree: ast.Expression, keyword: ast.keyword, text: str) -> str:
    before, keyword.value = keyword.value, ast.parse(text, mode="eval").body
    written = ast.unparse(tree)
    keyword.value = before
    return written


def _alternatives(value: str, error: BaseException) -> Iterator[str]:
    message = str(error)
    numbers = re.fullmatch(r"-?\d+", value)
    if isinstance(error, KeyError):
        yield from (repr(key) for key in keys_at(error)[:4])
    if value[0] in "'\"" or re.search(CHOSEN, message, re.I):
        yield from (repr(word) for word in re.findall(r"['\"`]([\w./-]+)['\"`]", message)[:6])
    if numbers:
        if "Dimension out of range" in message:
            yield from ("1", "0")  # the number of a dimension, and no size
        if re.search(SEVERAL, message):
            yield from (f"({', '.join([value] * count)})" for count in (2, 3, 4))
        for have, want in compared_at(error):
            if have == int(value):
                yield from (str(size) for size in (want, have * want) if 0 < size < 2000)
        if isinstance(error, (AssertionError, ValueError, RuntimeError, ZeroDivisionError)):
            yield from (size for size in ("4", "8", "32", "2", "1", "64", "3") if size != value)
    elif value[0] == "(" and "'tuple' object" in message:
        yield repr(list(ast.literal_eval(value))) if re.fullmatch(r"[\d\s,()\[\]]+", value) else f"[*{value}]"
    elif value[0] in "[(" and re.search(SINGLE, message):
        yield ast.unparse(ast.parse(value, mode="eval").body.elts[0])  # type: ignore[attr-defined]
    elif value[0] in "[(":
        inner = ast.literal_eval(value) if re.fullmatch(r"[\d\s,()\[\]]+", value) else ()
        yield from (repr([inner[0]] * count) for count in (1, 2, 3, 4) if inner and count != len(inner))
    elif re.fullmatch(r"nn\.\w+", value) and re.search(CALLED, message):
        yield f"{value}()"
    elif value == "nn.Identity()":
        yield from ("nn.Identity", "nn.Linear(16, 16)", "nn.Conv2d(16, 16, 1)", "[nn.Identity()]")
    elif value in ("True", "False", "None"):
        yield from ("16", "False", "nn.Identity()", "'relu'")
    if re.search(CALLED, message) and "nn." not in value:
        yield from ("nn.Identity", "nn.Identity()")


def _with_asked(tree: ast.Expression, error: BaseException, names: list[str]) -> Iterator[str]:
    """A module for an optional parameter that is called all the same, a number for one that must be given."""
    if NOT_CALLED in str(error):
        yield from (_added(tree, 0, name, text) for name in names for text in ("nn.Identity()", "nn.Linear(16, 16)"))
    elif "NoneType" in str(error):
        yield from (_added(tree, 0, name, text) for name in names for text in ("0.5", "2"))
    elif wanted := GIVEN.search(str(error)):
        for text in ("2", "16"):
            yield from (_added(tree, place, wanted[1], text) for place in reversed(range(len(list(_calls(tree))))))


def _with_optional(tree: ast.Expression, names: list[str], optional: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A value for an optional parameter that the failing statement or the message names."""
    if not isinstance(tree.body, ast.Call) or tree.body.args:
        return
    given = {keyword.arg for keyword in tree.body.keywords}
    for name in dict.fromkeys(n for n in names if n in optional and n not in given):
        yield from (_added(tree, 0, name, text) for text in optional[name])


def _added(tree: ast.Expression, place: int, name: str, text: str) -> str:
    """The expression with one more keyword in one of its calls, or with another value for it."""
    changed = copy.deepcopy(tree)
    call = list(_calls(changed))[place]
    call.keywords = [k for k in call.keywords if k.arg != name]
    call.keywords.append(ast.keyword(name, ast.parse(text, mode="eval").body))
    return ast.unparse(changed)


def _completed(tree: ast.Expression, error: BaseException, named: list[str]) -> Iterator[str]:
    """A guessed configuration with the value that it did not know, or with another than it guessed."""
    unknown = UNGUESSED.search(str(error))
    names = [unknown[1]] if unknown else named
    for place, call in enumerate(_calls(tree)):
        if isinstance(call.func, ast.Name) and call.func.id == "guessed_config":
            given = {keyword.arg for keyword in call.keywords}
            for name in (n for n in names if n not in given and not n.startswith("_")):
                if not unknown and not re.search(SEVERAL + "|" + SINGLE + "|divisible|not callable", str(error)):
                    continue
                for text in ("16", "None", "[16, 16]", "'relu'", "0.5"):
                    yield _added(tree, place, name, text)
