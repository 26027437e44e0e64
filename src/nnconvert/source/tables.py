"""What the files of a project say, by what is said; kept on disk from one run to the next."""

from __future__ import annotations

import marshal
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from nnconvert import stored
from nnconvert.source.said import Said, said
from nnconvert.stored import Told

Numbers: TypeAlias = "array[int] | bytes"
"""Of files, ascending: an array, or the bytes of one as they come from disk."""
Table: TypeAlias = dict[bytes, Numbers]

_CODE: Final = "I"
_SAID: Final = ("words", "stored", "bases", "reached", "quoted", "tested", "taken", "dotted", "walking")
_TABLES: Final = (*_SAID, "importers")
_FEW: Final = 32
"""Changed files that are read again in every run, sooner than all is written again."""


class Names(NamedTuple):
    """What one file says of names: see ``Said``."""

    imports: list[tuple[str, tuple[str, ...]]]
    plain: tuple[str, ...]
    classes: tuple[str, ...]


class Tables:
    """Files by number, under what they say. A file that changes gets another number."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        """Of all numbers; those of files that are gone or have changed stay."""
        self.told: list[Told] = []
        self.names: list[Names] = []
        self.tables: dict[str, Table] = {name: {} for name in _TABLES}
        """By what is said: see ``Said``."""
        self.aliases: dict[str, set[str]] = {}
        """Name -> the names that some file gives it: ``Base`` for ``import Net as Base`` and ``Base = Net``."""
        self._dead: set[int] = set()

    def alive(self) -> dict[str, int]:
        """Path -> its number."""
        return {path: number for number, path in enumerate(self.paths) if number not in self._dead}

    def at(self, table: str, word: str) -> frozenset[int]:
        """The files that say a word, of the kind of things that the table holds."""
        found = self.tables[table].get(word.encode())
        return frozenset(_array(found)).difference(self._dead) if found is not None else frozenset()

    def update(self, now: Mapping[str, Told]) -> int:
        """Read what is new or other than it was among these files, the only ones; how many are."""
        alive = self.alive()
        fresh = [path for path, state in now.items() if path not in alive or self.told[alive[path]] != state]
        gone = [path for path in alive if path not in now]
        self._dead.update(alive[path] for path in (*gone, *fresh) if path in alive)
        for path in fresh:
            self._add(path, now[path], said(_read(path)))
        return len(fresh) + len(gone)

    def _add(self, path: str, state: Told, found: Said) -> None:
        number = len(self.paths)
        self.paths.append(path)
        self.told.append(state)
        self.names.append(Names(found.imports, found.plain, found.classes))
        for table in _SAID:
            self._number(table, getattr(found, table), number)
        self._number("importers", (module.encode() for module in found.modules), number)
        for alias, name in found.aliases:
            self.aliases.setdefault(name, set()).add(alias)

    def _number(self, name: str, words: Iterable[bytes], number: int) -> None:
        table = self.tables[name]
        for word in words:
            known = table.get(word)
            if known is None:
                table[word] = array(_CODE, (number,))
            else:
                known = table[word] = _array(known)
                known.append(number)

    # -- on disk -----------------------------------------------------------------------------------------------

    def dump(self) -> bytes:
        tables = [{word: bytes(numbers) for word, numbers in self.tables[name].items()} for name in _TABLES]
        names = [tuple(each) for each in self.names]
        aliases = {name: tuple(found) for name, found in self.aliases.items()}
        return marshal.dumps((self.paths, self.told, names, tables, aliases, sorted(self._dead)))

    @classmethod
    def load(cls, data: bytes) -> Tables:
        found = cls()
        found.paths, found.told, names, tables, aliases, dead = marshal.loads(data)
        found.names = [Names(*each) for each in names]
        found.tables = dict(zip(_TABLES, tables, strict=True))
        found.aliases = {name: set(each) for name, each in aliases.items()}
        found._dead = set(dead)
        return found

    @property
    def is_mostly_dead(self) -> bool:
        return 2 * len(self._dead) > len(self.paths)


def _array(numbers: Numbers) -> array[int]:
    if isinstance(numbers, array):
        return numbers
    found = array(_CODE)
    found.frombytes(numbers)
    return found


def _read(path: str) -> bytes:
    """The bytes of a file; what cannot be read says nothing."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def tables_of(now: Mapping[str, Told], file: Path | None) -> Tables:
    """What these files say, with the help of what an earlier run has left in ``file``."""
    key = stored.own_code()
    kept = stored.load(file, key) if file is not None else None
    found = Tables.load(kept) if kept is not None else Tables()
    if found.is_mostly_dead:
        found = Tables()
    if found.update(now) > _FEW and file is not None:
        stored.save(file, key, found.dump())
    return found
