"""The command line. Imports click alone, so that ``--help`` is quick; everything else inside functions."""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnconvert.console import Console
from nnconvert.errors import NnconvertError

if TYPE_CHECKING:
    from nnconvert.api import Index, Result, Verifier
    from nnconvert.discovery import Excludes
    from nnconvert.options import Options
    from nnconvert.report import Report
    from nnconvert.settings import Arguments

_DIRECTIONS = ("--to-module", "--to-functional")
_EXIT_USAGE, _EXIT_INTERRUPTED = 2, 130

_CONTEXT = {"help_option_names": ["-h", "--help"]}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

_EPILOG = """\b
Subcommands (nnconvert COMMAND --help):
  verify OLD NEW   compare two versions of a file, class by class
  migrate CKPT     rename the keys of a saved checkpoint: --map m.json -o new.pt
  list             every functional that converts, with its module class
  explain NAME     a functional, a module class or a reason code such as NNC204

\b
Exit codes: 0 done or nothing to do; 1 --check would change something, or not verified;
2 usage or configuration; 3 verification found a difference; 4 a file failed; 130 Ctrl-C.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _command(given).main(given, "nnconvert", standalone_mode=False) or 0
    except (click.ClickException, NnconvertError) as error:
        words = error.format_message() if isinstance(error, click.ClickException) else str(error)
        Console().err(f"nnconvert: {' '.join(words.split())}\n")
        return _EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        Console().err("nnconvert: interrupted; every file is as it was or finished\n")
        return _EXIT_INTERRUPTED


def _command(given: list[str]) -> click.Command:
    """A subcommand only where no direction is given: otherwise a path may be named like one."""
    options = given[: given.index("--")] if "--" in given else given
    if given and given[0] in _GROUP.commands and not any(option in _DIRECTIONS for option in options):
        return _GROUP
    return _convert


def _shared(command: Callable[..., int]) -> Callable[..., int]:
    """The options of everything that verifies."""
    for option in reversed(
        (
            click.option(
                "--python",
                type=_FILE,
                metavar="PATH",
                help="The interpreter that verification runs on; by default that of VIRTUAL_ENV, "
                "CONDA_PREFIX or ./.venv, else our own.",
            ),
            click.option("--model", metavar="CLASS", help="The class to build for verification."),
            click.option("--args", metavar="EXPR", help="Its constructor arguments, as in a call: '3, width=64'."),
            click.option("--inputs", metavar="EXPR", help="What to feed it: 'torch.randn(2, 3, 32, 32)'."),
            click.option("-q", "--quiet", is_flag=True, help="Say errors only."),
            click.option("-v", "--verbose", is_flag=True, help="Also tracebacks and the details of the evidence."),
            click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True),
        )
    ):
        command = option(command)
    return command


@click.command(epilog=_EPILOG, context_settings=_CONTEXT)
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--to-module", is_flag=True, help="Functionals become registered submodules.")
@click.option("--to-functional", is_flag=True, help="Submodules without state become calls of functionals.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if something would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print a unified diff.")
@click.option("--verify/--no-verify", default=None, help="Run both versions and compare them; on by default.")
@click.option("--require-verified", is_flag=True, help="Write only what was proved or tested; else exit 1.")
@click.option("--select", multiple=True, metavar="NAMES", help="Only these functionals or families: relu,dropout.")
@click.option("--ignore", multiple=True, metavar="NAMES", help="All but these.")
@click.option("--class", "classes", multiple=True, metavar="NAME", help="Only in this class; repeatable.")
@click.option("--lines", multiple=True, metavar="A-B", help="Only call sites that start there; repeatable.")
@click.option("--share", is_flag=True, help="To module: one submodule for equal constructor calls.")
@click.option("--split-shared", is_flag=True, help="To module: one a call site where the source shares one.")
@click.option("--methods", is_flag=True, help="To module: also tensor methods, x.relu().")
@click.option("--unsafe", is_flag=True, help="Also conversions that change behaviour, each named.")
@click.option("--stdin-filename", type=click.Path(path_type=Path), metavar="PATH", help="What stdin stands for.")
@click.option(
    "--exclude",
    metavar="REGEX",
    help="Folders and files to pass over, instead of the default and .gitignore.",
)
@click.option("--extend-exclude", metavar="REGEX", help="The same, in addition to the default.")
@click.option("--force-exclude", metavar="REGEX", help="The same, also for files given by name.")
@click.option("--allow-dirty", is_flag=True, help="Write into a folder of a git tree over uncommitted changes.")
@_shared
@click.version_option(package_name="nnconvert", message="nnconvert %(version)s")
def _convert(**given: Any) -> int:
    """Rewrite PyTorch source between torch.nn.functional calls and registered submodules, in place, and
    verify that nothing changed.

    Verification EXECUTES the code of the files, in child processes with limits; --no-verify never imports or
    runs anything.
    """
    from nnconvert import config, settings
    from nnconvert.report import Report

    arguments = settings.Arguments(**given)
    arguments.require_direction()
    first = arguments.paths[0]
    settled = config.load((arguments.stdin_filename or Path.cwd()) if first == settings.STDIN else Path(first))
    options = settings.options(arguments, settled)
    excludes = settings.excludes(arguments, settled)
    verifies = settings.verifies(arguments, settled)
    report = Report(
        writes=arguments.writes,
        check=arguments.check,
        verifies=verifies,
        quiet=arguments.quiet,
        verbose=arguments.verbose,
    )
    run = _convert_stdin if first == settings.STDIN else _convert_files
    verifier = settings.verifier(settled, arguments.python, arguments.model, arguments.args, arguments.inputs)
    index = settings.index(settled, arguments.python, alone=first == settings.STDIN and not arguments.stdin_filename)
    gc.set_threshold(100_000, 10, 10)  # trees are many objects that live long: looking at them takes half the time
    with verifier:
        return run(arguments, options, excludes, verifier if verifies else None, index, report)


def _convert_files(
    arguments: Arguments, options: Options, excludes: Excludes, verifier: Verifier | None, index: Index, report: Report
) -> int:
    from nnconvert import preflight
    from nnconvert.api import convert_paths
    from nnconvert.discovery import discover, require_paths

    console = Console(arguments.color)
    paths = [Path(path) for path in arguments.paths]
    require_paths(paths)
    files = list(discover(paths, excludes))
    if not files and not arguments.quiet:
        console.err("no Python file was found; excludes and .gitignore may pass over what is there\n")
    preflight.require_classes(options.classes, preflight.contents(files))
    if arguments.writes and not arguments.allow_dirty:
        preflight.require_committed([path for path in paths if path.is_dir()], files, options)
    results = convert_paths(
        paths,
        options,
        excludes=excludes,
        write=arguments.writes,
        verifier=verifier,
        require_verified=arguments.require_verified,
        index=index,
    )
    for result in results:
        console.err(report.add(result))
        if arguments.diff:
            console.out(_diff(result, console))
    console.err(report.summary())
    return report.exit_code


def _convert_stdin(
    arguments: Arguments, options: Options, excludes: Excludes, verifier: Verifier | None, index: Index, report: Report
) -> int:
    from nnconvert import preflight
    from nnconvert.api import convert_source

    console = Console(arguments.color)
    source = sys.stdin.buffer.read()
    path = arguments.stdin_filename or Path("<stdin>")
    if excludes.forbids(path):
        if arguments.writes:
            console.out(source)
        return 0
    preflight.require_classes(options.classes, [source])
    result = convert_source(
        source, options, path=path, verifier=verifier, require_verified=arguments.require_verified, index=index
    )
    console.err(report.add(result))
    if arguments.diff:
        console.out(_diff(result, console))
    elif arguments.writes and result.status != "failed":
        console.out(result.new)
    console.err(report.summary())
    return report.exit_code


def _diff(result: Result, console: Console) -> bytes:
    from nnconvert.diff import unified

    return unified(result.path, result.old, result.new, color=console.colors(sys.stdout))


_GROUP = click.Group(
    "nnconvert", help="Rewrite PyTorch source, and verify that nothing changed.", context_settings=_CONTEXT
)


@_GROUP.command("verify")
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@_shared
def _verify(old: Path, new: Path, quiet: bool, verbose: bool, color: str, **hints: Any) -> int:
    """Compare two versions of a file, class by class. EXECUTES both, in child processes with limits.

    Exit codes: 0 every class was proved or tested, 1 not every one, 3 a difference was found, 4 a file cannot
    be read.
    """
    from nnconvert import config, settings
    from nnconvert.api import verify_files
    from nnconvert.errors import SourceError
    from nnconvert.report import EXIT_FAILED, verification

    console = Console(color)
    try:
        with settings.verifier(config.load(old), **hints) as verifier:
            evidence = verify_files(old, new, verifier)
    except SourceError as error:
        console.err(f"{error}\n" + (traceback.format_exc() if verbose else ""))
        return EXIT_FAILED
    text, code = verification(evidence, quiet, verbose)
    console.err(text)
    return code


@_GROUP.command("migrate")
@click.argument("checkpoint", type=_FILE)
@click.option("--map", "state_map", type=_FILE, required=True, metavar="FILE", help="The state map of the conversion.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="NEW", help="The file to write.")
@click.option("--force", is_flag=True, help="Replace NEW where it exists; never the input.")
@click.option("--dry-run", is_flag=True, help="Write nothing; print every key and every position, old -> new.")
@click.option("--reverse", is_flag=True, help="From the new version's keys back to the old ones.")
@click.option("--model", metavar="NAME", help="The model or class of the state map, where several fit.")
@click.option("--groups", type=_FILE, metavar="FILE", help="JSON: the parameters of each of an optimizer's groups.")
@click.option("--skip", multiple=True, metavar="PLACE", help="Leave this state_dict or optimizer alone; repeatable.")
@click.option(
    "--allow-global",
    "allow_globals",
    multiple=True,
    metavar="NAME",
    help="Admit this class or function, argparse.Namespace, to the pickle, where you trust the file; repeatable.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say errors only.")
@click.option("-v", "--verbose", is_flag=True, help="Also the table of --dry-run, and tracebacks.")
def _migrate(dry_run: bool, quiet: bool, verbose: bool, output: Path | None, **given: Any) -> int:
    """Rename the keys of a checkpoint, and put an optimizer's state into the new order of parameters.

    Nothing else changes. Reads files of torch.save, with weights_only=True, and of safetensors.
    """
    from nnconvert.checkpoint.errors import CheckpointError
    from nnconvert.checkpoint.migrate import Request, migrate
    from nnconvert.report import EXIT_FAILED

    if output is None and not dry_run:
        raise click.UsageError("give -o NEW, the file to write, or --dry-run")
    console = Console()
    try:
        migration = migrate(Request(output=None if dry_run else output, **given))
    except CheckpointError as error:
        console.err(f"{' '.join(str(error).split())}\n" + (traceback.format_exc() if verbose else ""))
        return EXIT_FAILED
    if dry_run:
        console.out(migration.table.encode("utf-8", "backslashreplace"))
    elif not quiet:
        console.err(migration.table if verbose else migration.summary)
    return 0


@_GROUP.command("list")
def _list() -> int:
    """Every functional that converts, with its module class."""
    from nnconvert.explain import listing

    Console().out(listing().encode())
    return 0


@_GROUP.command("explain")
@click.argument("name")
def _explain(name: str) -> int:
    """What is known of a functional, a module class or a reason code."""
    from nnconvert.explain import explain

    Console().out(explain(name).encode())
    return 0
