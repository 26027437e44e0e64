"""What the bytes of one Python file say: what it names, stores, imports and derives. Nothing is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from sys import intern
from typing import Final

# A pattern that begins with a character, and not with ^ or \b, is searched for several times as fast. So what stands at
# the beginning of a line is sought behind the end of the one before, with an empty line put in front of the file.
_IMPORT: Final = re.compile(rb"\n[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(\*|\([^)]*\)|[^\r\n#]+)")
_PLAIN_IMPORT: Final = re.compile(rb"\n[ \t]*import[ \t]+([^\r\n#;]+)")
_CLASS: Final = re.compile(rb"\n[ \t]*class[ \t]+\w+[ \t]*\((.*?)\)\s*:", re.DOTALL)
_OWN_CLASS: Final = re.compile(rb"\n[ \t]*class[ \t]+(\w+)")
_ALIAS: Final = re.compile(rb"=[ \t]*(?!(?:None|True|False)\b)(?:\w+\.)*([A-Z_]\w*)[ \t]*(?=\n|\Z)")
_TESTS: Final = (
    re.compile(rb"isinstance\(\s*[\w.\[\]]+\s*,\s*([^)]*)\)"),
    re.compile(rb"type\([\w.]+\)\s*(?:==|is|in)\s([^:\r\n]*)"),
    re.compile(rb"__class__\s*(?:==|is|in)\s([^:\r\n]*)"),
    re.compile(rb"__name__\s*(?:==|is|in)\s([^:\r\n]*)"),
)
_REACHED: Final = re.compile(rb"\.(?<!\bself\.)[ \t]*([A-Za-z_]\w*)")
_QUOTED: Final = re.compile(rb"['\"]([\w.]+)(?=['\"])")
_LAST_QUOTED: Final = re.compile(rb"\.([A-Za-z_]\w*)['\"]")
_TAKEN: Final = re.compile(rb"([A-Z_](?<!\w[A-Z_])(?:(?<=[A-Z])|[A-Z])\w*)\.([A-Za-z_]\w*)")
_ASKED: Final = tuple(
    re.compile(rb"%s\(\s*(?:\w+\.)*(_?[A-Z]\w*)" % name) for name in (b"getattr", b"setattr", b"vars", b"object")
)
_DOTTED: Final = re.compile(rb"\.[ \t]*(_?[A-Z]\w*)")
_WORD: Final = re.compile(rb"[A-Za-z_]\w*")
_WORDS: Final = re.compile(rb"\w+")
_NAME: Final = re.compile(rb"(\*|\w+)(?:[ \t]+as[ \t]+(\w+))?")
_STORE: Final = re.compile(rb"\.([A-Za-z_]\w*)[ \t]*(?:,[^=\r\n]*|:[^=\r\n]*|[-+*/%@&|^<>]{0,2})=(?!=)")
_IN_WORDS: Final = frozenset(b"_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_TO_WORDS: Final = bytes(code if code in _IN_WORDS else ord(" ") for code in range(256))
_WALK: Final = re.compile(
    rb"\.(?:(?:[\s\\]|#[^\r\n]*[\r\n])*(?:(?:named_)?children|named_modules|apply)|"
    rb"(?<!\bnn\.)[\s\\]*modules|(?<=\bnn\.)modules(?!\.|[ \t]+import))"
)
WALKS: Final = b"walks"


@dataclass(frozen=True, slots=True)
class Said:
    """The words are bytes, as the file has them."""

    imports: list[tuple[str, tuple[str, ...]]]
    """A module as it is written, and the names that are imported from it; ``*`` for a star import."""
    plain: tuple[str, ...]
    """Modules that are imported as such."""
    modules: Set[str]
    """The last names of what may be modules among all that is imported."""
    aliases: Set[tuple[str, str]]
    """Other names for imported and for assigned ones: (alias, name)."""
    classes: tuple[str, ...]
    dotted: Set[bytes]
    """Names behind a dot that begin like a class."""
    words: Set[bytes]
    stored: Set[bytes]
    bases: Set[bytes]
    reached: Set[bytes]
    """Names of attributes of anything but ``self``, and what stands between quotes."""
    quoted: Set[bytes]
    """The parts of the paths that stand between quotes."""
    tested: Set[bytes]
    """Names of classes that something is tested for."""
    taken: Set[bytes]
    """``Net.forward``, and ``Net.`` for ``getattr(Net, ...)``."""
    walking: Set[bytes]
    """Empty where nothing may go through submodules; else ``WALKS``."""


def said(data: bytes) -> Said:
    """What a file with these bytes says."""
    lines = b"\n" + data
    imported = _IMPORT.findall(lines)
    imports, modules, aliases = _imports(imported)
    plain = tuple(_plain(_PLAIN_IMPORT.findall(lines)))
    modules.update(module.rpartition(".")[2] for module in plain)
    aliases.update(_assigned(data))
    quoted = {part for text in _QUOTED.findall(data) for part in text.split(b".")}
    quoted.update(_LAST_QUOTED.findall(data))
    taken = {b"%s.%s" % found for found in set(_TAKEN.findall(data))}
    taken.update(name + b"." for pattern in _ASKED for name in pattern.findall(data))
    return Said(
        imports=imports,
        plain=plain,
        modules=modules,
        aliases=aliases,
        classes=tuple(intern(name.decode()) for name in set(_OWN_CLASS.findall(lines))),
        dotted=set(_DOTTED.findall(data)),
        words=set(data.translate(_TO_WORDS).split()),
        stored=set(_STORE.findall(data)),
        bases={word for text in _CLASS.findall(lines) for word in _WORD.findall(text)},
        reached=quoted.union(_REACHED.findall(data)),
        quoted=quoted,
        tested={word for pattern in _TESTS for text in pattern.findall(data) for word in _WORD.findall(text)},
        taken=taken,
        walking=frozenset({WALKS} if _may_walk(data) else ()),
    )


def _assigned(data: bytes) -> Iterator[tuple[str, str]]:
    """``Base = Net`` on a line of its own: (alias, name)."""
    for match in _ALIAS.finditer(data):
        alias = data[data.rfind(b"\n", 0, match.start()) + 1 : match.start()].strip(b" \t")
        if _WORDS.fullmatch(alias):
            yield alias.decode(), match[1].decode()


def _may_walk(data: bytes) -> bool:
    if b"_modules" in data or b"register_module_" in data or (b"nn.modules" in data and b"import *" in data):
        return True
    return _WALK.search(data) is not None


def _imports(
    imported: list[tuple[bytes, bytes]],
) -> tuple[list[tuple[str, tuple[str, ...]]], set[str], set[tuple[str, str]]]:
    imports: list[tuple[str, tuple[str, ...]]] = []
    modules: set[str] = set()
    aliases: set[tuple[str, str]] = set()
    for module, names in imported:
        found = [(intern(name.decode()), alias.decode()) for name, alias in _NAME.findall(names)]
        written = intern(module.decode("utf-8", "replace"))
        imports.append((written, tuple(dict.fromkeys(name for name, _ in found))))
        modules.add(written.rpartition(".")[2])
        modules.update(name for name, _ in found)
        aliases.update((alias, name) for name, alias in found if alias)
    return imports, modules, aliases


def _plain(imported: list[bytes]) -> Iterator[str]:
    for names in imported:
        parts = (part.split() for part in names.split(b","))
        yield from (intern(part[0].decode("utf-8", "replace")) for part in parts if part)
