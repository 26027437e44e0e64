"""Stand in for packages that are not installed, so that a class which never uses them can still be verified.

Only for packages without which the import of the file has failed. Importing may mention a stand-in in every
way that modules usually do (names, bases, decorators, annotations); to use one afterwards raises.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

_importing = [False]


def missing_package(error: BaseException, own: str) -> str:
    """The top-level package that an import failed for, if it is not installed and not the file's own."""
    while error.__cause__ is not None:
        error = error.__cause__
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    top = error.name.partition(".")[0]
    if top in sys.modules or top == own.partition(".")[0] or importlib.util.find_spec(top) is not None:
        return ""
    return top


def stand_in(packages: Sequence[str]) -> None:
    """From now on, ``import`` finds these packages, whatever submodule and name is asked of them."""
    if packages:
        sys.meta_path.append(_Finder(packages))
        _importing[0] = True


def importing_ended() -> None:
    """From now on, calling what a stand-in holds raises."""
    _importing[0] = False


class _NotInstalled:
    """A base class from a package that is not installed: it has no instances."""

    def __new__(cls, *_: object, **__: object) -> NoReturn:
        raise ImportError(f"{cls.__name__} derives from a class of a package that is not installed")


class _Name:
    """Anything that is taken from a package that is not installed."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> _Name:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(f"{self._path}.{name}")

    def __call__(self, *_: object, **__: object) -> _Name:
        if not _importing[0]:
            raise ImportError(f"{self._path} is of a package that is not installed")
        return _Name(f"{self._path}()")

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        first = next(base for base in bases if isinstance(base, _Name))
        return (_NotInstalled,) if first is self else ()

    def __getitem__(self, _: object) -> _Name:
        return self

    def __or__(self, _: object) -> _Name:
        return self

    __ror__ = __or__

    def __bool__(self) -> bool:
        raise ImportError(f"{self._path} is of a package that is not installed")


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(f"{self.__name__}.{name}")


class _Finder(MetaPathFinder, Loader):
    def __init__(self, packages: Sequence[str]) -> None:
        self.packages = frozenset(packages)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname.partition(".")[0] not in self.packages:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: every name is made when it is asked for."""
