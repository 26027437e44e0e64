"""Files that belong together: each is read once in a run, and classes are found across them. Nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nnconvert.errors import SourceError
from nnconvert.source.classes import Base, ClassInfo, torch_class
from nnconvert.source.handed_on import HandedOn
from nnconvert.source.modules import ModuleFinder, project_root
from nnconvert.source.scan import Project, project_of
from nnconvert.source.text import Source

if TYPE_CHECKING:
    from nnconvert.source.reader import Reader

_DEPTH: Final = 12
_MOST_CHARACTERS: Final = 5_000_000
"""Of the sources that stay read from one file at hand to the next: they take about fifty times as much memory."""


class Index:
    """What is read in one run: the files of projects, and of packages installed on the ``search_path``.

    ``root`` is the folder of the project, where it is not to be found by its marks; ``alone`` asks for sources that
    are in no project, whatever they are called. ``folder``, this user's own, is where what is read may be kept for
    later runs. What a run writes, or would write, has to be told (``settle``), so that later files are decided with
    it in mind.
    """

    def __init__(
        self,
        search_path: Sequence[Path] = (),
        root: Path | None = None,
        *,
        alone: bool = False,
        folder: Path | None = None,
    ) -> None:
        self.alone = alone
        self.folder = folder
        self.search_path = tuple(search_path)
        self.generation = 0
        """Changes with the text of a file: what was found across files before may be of its older text."""
        self.opened: set[Path] = set()
        """All files that were read to decide about others."""
        self._finder = ModuleFinder(search_path)
        self._root = Project(root.absolute(), True, self._finder, folder) if root is not None else None
        self._projects: dict[Path, Project] = {}
        self._readers: dict[Path, Reader | None] = {}
        self._texts: dict[Path, str] = {}
        self._named: dict[tuple[str, Path | None], list[ClassInfo]] = {}
        self.handed_on = HandedOn(self)
        self._bases: dict[ClassInfo, list[Base]] = {}
        self._subclasses: dict[ClassInfo, list[ClassInfo]] = {}
        self._families: dict[ClassInfo, list[ClassInfo]] = {}
        self._offering: list[Reader] = []
        """Files whose star imports are being followed, since they may lead back."""
        self.at_hand: Reader | None = None
        """What is read of the file that is being decided."""
        self._settings: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())

    # -- reading ---------------------------------------------------------------------------------------------

    def open(
        self, path: Path | None, text: str | Source, module_bases: frozenset[str], functionals: frozenset[str]
    ) -> Reader:
        """Read the file at hand, which has this text whatever is on disk; without a path it stands alone.

        Raises SourceError where it does not parse.
        """
        if self._settings != (module_bases, functionals):
            self._settings = (module_bases, functionals)
            self._drop(list(self._readers))
        self._make_room()
        written = text if isinstance(text, str) else text.text
        known = self._readers.get(path) if path is not None else None
        if known is not None and known.source.text == written:
            reader = known
        elif path is None or (path not in self._readers and self._text_on_disk(path) == written):
            reader = self._read(Source(text) if isinstance(text, str) else text, path)  # nothing was found in it yet
        else:
            source = Source(text) if isinstance(text, str) else text
            self._drop([path])
            reader = self._read(source, path)
        self._take(reader)
        return reader

    def _take(self, reader: Reader) -> None:
        """The reader is that of the file at hand from now on, and the one read last."""
        for seen_otherwise in (self.at_hand, reader):
            if seen_otherwise is not None:
                seen_otherwise.look_again()
        self.at_hand = reader
        if reader.path is not None:
            self._readers.pop(reader.path, None)
            self._readers[reader.path] = reader
            self.reader(reader.path)

    def _make_room(self) -> None:
        """Forget what was read longest ago: never while a file is decided, which holds classes of others."""
        sizes = {path: len(r.source.text) for path, r in self._readers.items() if r is not None}
        total = sum(sizes.values())
        if total <= _MOST_CHARACTERS:
            return
        dropped = []
        for path, size in sizes.items():  # a good part at once, since links to what goes are found anew
            if total > _MOST_CHARACTERS * 3 // 4:
                dropped.append(path)
                total -= size
        self._drop(dropped)

    def _drop(self, paths: Iterable[Path]) -> None:
        """Forget what is read of these files, and what was found with the help of any."""
        for path in paths:
            reader = self._readers.pop(path, None)
            if reader is not None:
                self.at_hand = None if reader is self.at_hand else self.at_hand
                reader.take_apart()
        self._renew()

    def settle(self, path: Path, text: str | None, *, changed: bool) -> None:
        """The text that the file at hand, with an absolute path, has from now on; ``changed``: other than on disk.

        None for that on disk.
        """
        if changed and text is not None:
            self._texts[path] = text
        known = self._readers.get(path)
        if known is not None and known.source.text != (text if text is not None else self._text_on_disk(path)):
            self._drop([path])

    def reader(self, path: Path) -> Reader | None:
        """What is read of the file at an absolute path; None where it cannot be read or does not parse."""
        if path not in self._readers:
            self._readers[path] = self._opened(path)
        reader = self._readers[path]
        if reader is not None and reader.generation != self.generation:
            del self._readers[path]  # now the last one
            self._readers[path] = reader
            reader.renew(self.generation)
        return reader

    def _opened(self, path: Path) -> Reader | None:
        text = self._texts[path] if path in self._texts else self._text_on_disk(path)
        try:
            return self._read(Source(text), path) if text is not None else None
        except (SourceError, RecursionError):  # it is not this file that is asked about
            return None

    def _text_on_disk(self, path: Path) -> str | None:
        from nnconvert import files

        self.opened.add(path)
        try:
            return files.decode(path.read_bytes()).text
        except (OSError, SourceError):
            return None

    def _read(self, source: Source, path: Path | None) -> Reader:
        from nnconvert.source.reader import Reader

        return Reader(source, *self._settings, path, self)

    def _renew(self) -> None:
        self.generation += 1
        self._named.clear()
        self.handed_on.forget()
        self._bases.clear()
        self._subclasses.clear()
        self._families.clear()

    # -- the project -----------------------------------------------------------------------------------------

    def project(self, path: Path) -> Project:
        """The project that the file at an absolute path belongs to."""
        if self._root is not None and path.is_relative_to(self._root.root):
            return self._root
        if path.parent not in self._projects:
            root = project_root(path.parent)
            known = next((p for p in self._projects.values() if p.root == root), None)
            self._projects[path.parent] = known or project_of(path, self._finder, self.folder)
        return self._projects[path.parent]

    def is_installed(self, path: Path) -> bool:
        return self._finder.is_installed(path)

    # -- names across files ----------------------------------------------------------------------------------

    def classes(self, qualname: str, home: Reader, depth: int = 0) -> list[ClassInfo]:
        """The classes that a qualified name of one file stands for in another; empty where that is not certain."""
        key = (qualname, home.path)
        if key not in self._named:
            self._named[key] = []  # a circle of imports ends here
            self._named[key] = self._classes(qualname, home, depth)
        return self._named[key]

    def _classes(self, qualname: str, home: Reader, depth: int) -> list[ClassInfo]:
        found = self._module_of(qualname, home)
        if found is None or depth > _DEPTH:
            return []
        path, rest = found
        if not self._may_offer(path, rest[0]):
            return []
        reader = self.reader(path)
        if reader is None or reader is home:
            return []
        return self._offered_classes(reader, rest, depth)

    def _offered_classes(self, reader: Reader, rest: Sequence[str], depth: int) -> list[ClassInfo]:
        chain: ast.expr = ast.Name(rest[0], ast.Load())
        for name in rest[1:]:
            chain = ast.Attribute(chain, name, ast.Load())
        module = reader.tree.module
        local = reader.classes.named_here(chain, module)
        if local:
            return local
        bindings = module.bindings.get(rest[0], [])
        if bindings and all(b.kind == "assign" for b in bindings):
            values = [b.value for b in bindings if isinstance(b.value, ast.Name | ast.Attribute)]
            return reader.classes.named(values[0], module) if len(values) == len(bindings) == 1 else []
        qualname = reader.names.qualname(chain, module)
        return self.classes(qualname, reader, depth + 1) if qualname is not None else []

    def _module_of(self, qualname: str, home: Reader) -> tuple[Path, list[str]] | None:
        """The file of the longest module that the name begins with, and the rest of the name."""
        if torch_class(qualname) is not None or qualname.startswith("torch."):
            return None
        dots = qualname[: len(qualname) - len(qualname.lstrip("."))]
        parts = qualname[len(dots) :].split(".")
        for length in range(len(parts) - 1, -1 if dots else 0, -1):
            path = self._finder.find(dots + ".".join(parts[:length]), home.path)
            if path is not None:
                return path, parts[length:]
        return None

    def _may_offer(self, path: Path, name: str) -> bool:
        """The bytes test before a file is parsed: whether it speaks of the name, or takes all names of another."""
        if path in self._readers or path in self._texts:
            return True
        data = self.data(path)
        return name.encode() in data or b"import *" in data

    def data(self, path: Path) -> bytes:
        """What a file holds on disk; nothing where it cannot be read."""
        self.opened.add(path)
        try:
            return path.read_bytes()
        except OSError:
            return b""

    def find(self, module: str, home: Path | None) -> Path | None:
        """The file of a module that the file at ``home`` names."""
        return self._finder.find(module, home)

    def module(self, qualname: str, home: Reader) -> Path | None:
        """The file of the module that a qualified name of one file is, if it is one."""
        return self._finder.find(qualname, home.path)

    def file_of(self, qualname: str, home: Reader, depth: int = 0) -> Path | None:
        """The file of the project that defines what a qualified name stands for, as far as imports tell."""
        found = self._module_of(qualname, home)
        if found is None or self.is_installed(found[0]):
            return None
        reader = self.reader(found[0]) if self._may_offer(found[0], found[1][0]) else None
        if reader is None or depth > _DEPTH:
            return found[0]
        name = ast.Name(found[1][0], ast.Load())
        further = reader.names.qualname(name, reader.tree.module) if reader is not home else None
        return (self.file_of(further, reader, depth + 1) if further is not None else None) or found[0]

    def offered(self, module: str, home: Reader) -> frozenset[str] | None:
        """The names that a star import of the module brings; None where that is not known."""
        path = self._finder.find(module, home.path)
        reader = self.reader(path) if path is not None else None
        if reader is None or reader is home or reader.changes_globals or reader in self._offering:
            return None
        bindings = reader.tree.module.bindings
        listed = bindings.get("__all__")
        if listed is not None:
            names = _listed(ast.Name("__all__", ast.Load()), reader)
            return frozenset(names) if names is not None and not reader.changes_all else None
        self._offering.append(reader)
        starred = [reader.names.brought(star) for star in bindings.get("*", ())]
        self._offering.pop()
        if any(brought is None for brought in starred):
            return None
        offered = frozenset(bindings).union(*(brought for brought in starred if brought is not None)) - {"*"}
        return frozenset(name for name in offered if not name.startswith("_"))

    # -- classes across files --------------------------------------------------------------------------------

    def bases(self, info: ClassInfo) -> list[Base]:
        """The bases of a class: as its file has them, those that are found in other files in their places."""
        if info not in self._bases:
            self._bases[info] = [base for written in info.written_bases for base in self._linked(written, info)]
        return self._bases[info]

    def _linked(self, written: Base, info: ClassInfo) -> Sequence[Base]:
        if isinstance(written, ClassInfo):
            return [written]
        if written == "object":
            return []
        home = info.home
        if written in info.unknown_bases or home.classes.is_known(written):
            return [written]
        return [base for base in self.classes(written, home) if base is not info] or [written]

    def family(self, info: ClassInfo) -> list[ClassInfo]:
        """A class, its bases, its subclasses and their bases."""
        if info not in self._families:
            lines = (info, *info.descendants())
            self._families[info] = list(dict.fromkeys(member for line in lines for member in line.ancestors()))
        return self._families[info]

    def subclasses(self, info: ClassInfo) -> list[ClassInfo]:
        """The classes that derive directly from a class: in its own file, and in other files of the project."""
        if info not in self._subclasses:
            found = list(info.subclasses_beside)
            path = info.home.path
            if path is not None and not self.is_installed(path):
                found += (sub for sub in self._deriving(info, path) if sub not in found)
            self._subclasses[info] = found
        return self._subclasses[info]

    def _deriving(self, info: ClassInfo, path: Path) -> list[ClassInfo]:
        found: list[ClassInfo] = []
        project = self.project(path)
        names = project.names_of(info.node.name)
        for other in project.with_base(info.node.name):
            reader = self.reader(other) if other != path else None
            for sub in reader.classes if reader is not None else ():
                written = (base for base in sub.written_bases if not isinstance(base, ClassInfo))
                if any(base.rpartition(".")[2] in names for base in written) and info in sub.bases:
                    found.append(sub)
        return found


def _listed(node: ast.expr | None, reader: Reader, depth: int = 0) -> Sequence[str] | None:
    """The strings of a literal list, of a name that is bound to one, or of a sum of such."""
    if isinstance(node, ast.List | ast.Tuple):
        texts = [n.value for n in node.elts if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        return texts if len(texts) == len(node.elts) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (_listed(side, reader, depth + 1) for side in (node.left, node.right))
        return [*left, *right] if left is not None and right is not None else None
    if not isinstance(node, ast.Name) or depth > _DEPTH:
        return None
    bindings = reader.tree.module.bindings.get(node.id, [])
    return _listed(bindings[0].value, reader, depth + 1) if len(bindings) == 1 else None
