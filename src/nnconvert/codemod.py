"""Both directions as commands of libcst's codemod runner. Needs libcst: the extra ``nnconvert[codemod]``.

    python -m libcst.tool codemod -x nnconvert.codemod.ToModule src/

The runner finds and writes the files; nnconvert converts each as it does everywhere, by ``[tool.nnconvert]`` of its
project. Nothing is verified here: ``nnconvert verify OLD NEW`` does it afterwards.
"""

from __future__ import annotations

from pathlib import Path

import libcst
from libcst.codemod import CodemodCommand, SkipFile

from nnconvert.api import convert_source
from nnconvert.config import Config, load
from nnconvert.options import Options
from nnconvert.plan import Direction


class _Command(CodemodCommand):
    """One direction."""

    DIRECTION: Direction

    def transform_module_impl(self, tree: libcst.Module) -> libcst.Module:
        """The converted module. Raises SkipFile, with the error, where nnconvert leaves the file."""
        path = Path(self.context.filename or "source.py")
        result = convert_source(tree.bytes, _options(self.DIRECTION, load(path)), path=path)
        if result.status == "failed":
            raise SkipFile(result.error)
        if result.status == "unchanged":
            return tree
        converted = libcst.parse_module(result.new)
        if converted.bytes != result.new:
            raise SkipFile(f"{path}: libcst would not write it as it is (a form feed, perhaps); use nnconvert itself")
        return converted


class ToModule(_Command):
    """Functionals become registered submodules."""

    DESCRIPTION = "Rewrite calls of torch.nn.functional into registered submodules."
    DIRECTION = "to-module"


class ToFunctional(_Command):
    """Submodules without state become calls of functionals."""

    DESCRIPTION = "Rewrite submodules without state into calls of torch.nn.functional."
    DIRECTION = "to-functional"


def _options(direction: Direction, config: Config) -> Options:
    """What the configuration says; the keys that are for one direction hold in that one."""
    to_module = direction == "to-module"
    return Options(
        direction=direction,
        share=config.share and to_module,
        split_shared=config.split_shared and to_module,
        methods=config.methods and to_module,
        unsafe=config.unsafe,
        parameters=config.parameters,
        load_old=config.load_old and config.parameters,
        select=frozenset(config.select),
        ignore=frozenset(config.ignore),
        module_bases=frozenset(config.module_bases),
        line_length=config.line_length,
    )
