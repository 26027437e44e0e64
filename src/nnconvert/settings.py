"""Command line and configuration put together: the options, excludes and verifier of one run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nnconvert.config import Config, expression, suggestion
from nnconvert.discovery import Excludes, compile_pattern
from nnconvert.errors import UsageError
from nnconvert.options import Options

if TYPE_CHECKING:
    from nnconvert.api import Cache, Index, Verifier

STDIN = "-"
_LINES = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The command line of a conversion; each field is the option of that name."""

    paths: tuple[str, ...]
    to_module: bool
    to_functional: bool
    check: bool
    diff: bool
    verify: bool | None
    require_verified: bool
    python: Path | None
    model: str | None
    args: str | None
    inputs: str | None
    verify_time_limit: float | None
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    classes: tuple[str, ...]
    lines: tuple[str, ...]
    share: bool
    split_shared: bool
    methods: bool
    unsafe: bool
    parameters: bool
    load_old: bool
    state_map: Path | None
    no_salvage: bool
    stdin_filename: Path | None
    exclude: str | None
    extend_exclude: str | None
    force_exclude: str | None
    allow_dirty: bool
    no_cache: bool
    jobs: int | None
    output_format: str
    statistics: bool
    quiet: bool
    verbose: bool
    color: str

    @property
    def writes(self) -> bool:
        return not self.check and not self.diff

    def require_direction(self) -> None:
        """Raise UsageError unless there is one direction and something to convert."""
        if self.to_module and self.to_functional:
            raise UsageError("--to-module and --to-functional exclude each other")
        if not (self.to_module or self.to_functional):
            raise UsageError("give a direction: --to-module PATH... or --to-functional PATH... (or see --help)")
        if not self.paths:
            raise UsageError("give at least one PATH, or - for stdin")
        if STDIN in self.paths and len(self.paths) > 1:
            raise UsageError("- (stdin) stands alone, without further paths")
        if self.output_format == "sarif" and (self.diff or (self.writes and STDIN in self.paths)):
            raise UsageError("--output-format sarif goes to stdout alone; give --check, or leave --diff away")


def options(arguments: Arguments, config: Config) -> Options:
    """What decisions depend on. Raises UsageError for a name, range or combination without sense."""
    for name in ("share", "split_shared", "methods"):
        if arguments.to_functional and getattr(arguments, name):
            raise UsageError(f"--{name.replace('_', '-')} goes with --to-module only")
    parameters = arguments.parameters or config.parameters
    load_old = arguments.load_old or config.load_old
    if arguments.load_old and not parameters:
        raise UsageError("--load-old goes with --parameters: nothing else changes the keys of a state_dict")
    if arguments.state_map is not None and not parameters:
        raise UsageError("--map goes with --parameters: nothing else changes the keys of a state_dict")
    share, split_shared = arguments.share or config.share, arguments.split_shared or config.split_shared
    if share and split_shared:
        raise UsageError("--share and --split-shared exclude each other")
    return Options(
        direction="to-functional" if arguments.to_functional else "to-module",
        share=share,
        split_shared=split_shared,
        methods=arguments.methods or config.methods,
        unsafe=arguments.unsafe or config.unsafe,
        parameters=parameters,
        load_old=load_old and parameters,
        select=_names(arguments.select, config.select, "select"),
        ignore=_names(arguments.ignore, config.ignore, "ignore"),
        classes=frozenset(arguments.classes),
        lines=tuple(_range(text) for text in arguments.lines),
        module_bases=frozenset(config.module_bases),
        line_length=config.line_length,
    )


def excludes(arguments: Arguments, config: Config) -> Excludes:
    """What the walk through folders passes over; the command line wins over the configuration."""

    def pattern(given: str | None, configured: str | None, option: str) -> re.Pattern[str] | None:
        text = configured if given is None else given
        return None if text is None else compile_pattern(text, option)

    return Excludes(
        config.root,
        pattern(arguments.exclude, config.exclude, "--exclude"),
        pattern(arguments.extend_exclude, config.extend_exclude, "--extend-exclude"),
        pattern(arguments.force_exclude, config.force_exclude, "--force-exclude"),
    )


def verifies(arguments: Arguments, config: Config) -> bool:
    """Whether this run verifies. Raises UsageError where it must but may not."""
    wanted = config.verify if arguments.verify is None else arguments.verify
    if arguments.require_verified and not wanted:
        raise UsageError("--require-verified needs verification, which --no-verify (or verify = false) turns off")
    return wanted


def verifier(
    config: Config,
    python: Path | None,
    model: str | None,
    args: str | None,
    inputs: str | None,
    verify_time_limit: float | None,
) -> Verifier:
    """The verifier of a run. Raises UsageError for an expression that does not parse."""
    from nnconvert.api import Hints, Verifier

    for text, option in ((args, "--args"), (inputs, "--inputs")):
        if text is not None:
            expression(text, option)
    limit = config.verify_time_limit if verify_time_limit is None else verify_time_limit
    return Verifier(python or config.python, Hints(model or "", args or "", inputs or ""), config.models, limit)


def index(arguments: Arguments, config: Config) -> Index:
    """What knows the other files of a run: those of the project, unless the source stands alone, and of packages."""
    from platformdirs import user_cache_path

    from nnconvert.api import Index
    from nnconvert.source.modules import search_path
    from nnconvert.verification.interpreter import find_python

    packages = search_path(find_python(arguments.python or config.python))
    if arguments.paths[0] == STDIN and not arguments.stdin_filename:
        return Index(packages, alone=True)
    own = os.environ.get("NNCONVERT_CACHE_DIR")
    folder = Path(own) if own else user_cache_path("nnconvert", appauthor=False)
    return Index(packages, folder=None if arguments.no_cache else folder)


def cache(arguments: Arguments, options: Options, index: Index, *, verifies: bool) -> Cache | None:
    """What earlier runs have decided; not for one single file, which is decided quicker than that is looked up."""
    is_one_file = len(arguments.paths) == 1 and not Path(arguments.paths[0]).is_dir()
    if index.folder is None or is_one_file:
        return None
    from nnconvert.api import Cache

    return Cache(options, index, shows=not arguments.writes and not verifies)


def _names(given: Iterable[str], configured: tuple[str, ...], key: str) -> frozenset[str]:
    """Functionals and families; those of the command line replace the configured ones."""
    names = {name.strip() for text in given for name in text.split(",")} - {""}
    where = f"--{key}" if names else f"tool.nnconvert.{key}"
    names = names or set(configured)
    known = _known()
    for name in sorted(names):
        if name not in known:
            raise UsageError(f"{where}: no functional or family is called {name!r}{suggestion(name, known)}")
    return frozenset(names)


def _known() -> Mapping[str, None]:
    from nnconvert.catalog import every_pair, families

    spellings = (spelling.short for pair in every_pair() for spelling in pair.spellings)
    return dict.fromkeys((*spellings, "identity", *families()))


def _range(text: str) -> tuple[int, int]:
    found = _LINES.fullmatch(text.strip())
    first, last = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= first <= last:
        raise UsageError(f"--lines: {text!r} is no range of lines such as 10-20")
    return first, last
