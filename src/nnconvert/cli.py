"""The command line. Imports click alone, so that ``--help`` is quick; everything else inside functions."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnconvert import signals
from nnconvert.console import Console
from nnconvert.errors import NnconvertError, UsageError
from nnconvert.subcommands import CONTEXT, GROUP, verification_options

if TYPE_CHECKING:
    from nnconvert.api import Index, Verifier
    from nnconvert.discovery import Excludes
    from nnconvert.moved import Collector
    from nnconvert.options import Options
    from nnconvert.output import Output
    from nnconvert.settings import Arguments

_DIRECTIONS = ("--to-module", "--to-functional")
_EXIT_USAGE, _EXIT_INTERRUPTED = 2, 130

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
        with signals.unwinding():
            return _command(given).main(given, "nnconvert", standalone_mode=False) or 0
    except (click.ClickException, NnconvertError) as error:
        words = error.format_message() if isinstance(error, click.ClickException) else str(error)
        Console().err(f"nnconvert: {' '.join(words.split())}\n")
        return _EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        Console().err("nnconvert: interrupted; every file is as it was or finished\n")
        return _EXIT_INTERRUPTED
    except signals.Terminated as ended:
        Console().err("nnconvert: terminated; every file is as it was or finished\n")
        signals.end_by(ended.number)
        return _EXIT_INTERRUPTED


def _command(given: list[str]) -> click.Command:
    """A subcommand only where no direction is given: otherwise a path may be named like one."""
    given = given or os.environ.get("COMP_WORDS", "").split()[1:]  # set by the shell that asks for completions
    options = given[: given.index("--")] if "--" in given else given
    if given and given[0] in GROUP.commands and not any(option in _DIRECTIONS for option in options):
        return GROUP
    return _convert


@click.command(epilog=_EPILOG, context_settings=CONTEXT)
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
@click.option("--parameters", is_flag=True, help="Also conversions that move parameters: state_dict keys change.")
@click.option("--load-old", is_flag=True, help="With --parameters: converted classes accept old checkpoints, too.")
@click.option(
    "--map",
    "state_map",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --parameters: write the state map there, which nnconvert migrate reads.",
)
@click.option("--no-salvage", is_flag=True, help="Leave a file whole when one of its call sites is found to differ.")
@click.option("--stdin-filename", type=click.Path(path_type=Path), metavar="PATH", help="What stdin stands for.")
@click.option(
    "--exclude",
    metavar="REGEX",
    help="Folders and files to pass over, instead of the default and .gitignore.",
)
@click.option("--extend-exclude", metavar="REGEX", help="The same, in addition to the default.")
@click.option("--force-exclude", metavar="REGEX", help="The same, also for files given by name.")
@click.option("--allow-dirty", is_flag=True, help="Write into a folder of a git tree over uncommitted changes.")
@click.option("--no-cache", is_flag=True, help="Decide every file again, whatever an earlier run has decided.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Processes; by default one a CPU.")
@click.option(
    "--output-format",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="json and sarif: one document on stdout.",
)
@click.option("--statistics", is_flag=True, help="Also counts of functionals, reasons and verdicts.")
@verification_options
@click.version_option(package_name="nnconvert", message="nnconvert %(version)s")
def _convert(**given: Any) -> int:
    """Rewrite PyTorch source between torch.nn.functional calls and registered submodules, in place, and
    verify that nothing changed.

    Verification EXECUTES the code of the files, in child processes with limits; --no-verify never imports or
    runs anything.
    """
    from nnconvert import config, moved, settings
    from nnconvert.output import Output
    from nnconvert.report import EXIT_DIFFERS, EXIT_FAILED

    arguments = settings.Arguments(**given)
    arguments.require_direction()
    first = arguments.paths[0]
    settled = config.load((arguments.stdin_filename or Path.cwd()) if first == settings.STDIN else Path(first))
    options = settings.options(arguments, settled)
    excludes = settings.excludes(arguments, settled)
    verifies = settings.verifies(arguments, settled)
    output = Output(arguments, verifies)
    run = _convert_stdin if first == settings.STDIN else _convert_files
    verifier = settings.verifier(
        settled,
        arguments.python,
        arguments.model,
        arguments.args,
        arguments.inputs,
        arguments.verify_time_limit,
    )
    index = settings.index(arguments, settled)
    gc.disable()  # trees are many objects that live long: looking at them takes half the time
    atexit.register(gc.freeze)  # and so does taking them apart when all memory goes anyway
    console = output.console
    if arguments.state_map is not None and (why := moved.unwritable(arguments.state_map)):
        console.err(f"{arguments.state_map}: cannot be written: {why}\n")
        return EXIT_FAILED
    collector = moved.Collector()
    try:
        with verifier:
            code = run(arguments, options, excludes, verifier if verifies else None, index, output, collector)
            if arguments.state_map is not None and verifies:
                for line in collector.look_around(verifier):
                    console.err(f"{line}\n")
                    code = max(code, EXIT_DIFFERS)
    except BaseException:  # an interrupt above all: files that are written have moved keys already
        if arguments.state_map is not None and collector.state_map() is not None:
            _write_map(arguments.state_map, collector, console, arguments.quiet)
        raise
    if arguments.state_map is not None:
        code = max(code, _write_map(arguments.state_map, collector, console, arguments.quiet))
    return code


def _convert_files(
    arguments: Arguments,
    options: Options,
    excludes: Excludes,
    verifier: Verifier | None,
    index: Index,
    output: Output,
    collector: Collector,
) -> int:
    from nnconvert import preflight, settings, workers
    from nnconvert.api import convert_paths
    from nnconvert.discovery import discover, require_paths

    paths = [Path(path) for path in arguments.paths]
    require_paths(paths)
    files = list(discover(paths, excludes))
    _require_no_source(arguments.state_map, files)
    if not files and not arguments.quiet:
        output.console.err("no Python file was found; excludes and .gitignore may pass over what is there\n")
    preflight.require_classes(options.classes, preflight.contents(files))
    if arguments.writes and not arguments.allow_dirty:
        preflight.require_committed([path for path in paths if path.is_dir()], files, options)
    cache = settings.cache(arguments, options, index, verifies=verifier is not None)
    with workers.pool(arguments.jobs or workers.usable_cpus(), files, options, cache) as executor:
        results = convert_paths(
            paths,
            options,
            excludes=excludes,
            write=arguments.writes,
            verifier=verifier,
            require_verified=arguments.require_verified,
            executor=executor,
            salvages=not arguments.no_salvage,
            index=index,
            cache=cache,
        )
        for result in output.progress(results, len(files)):
            output.add(result)
            if arguments.state_map is not None:
                collector.add(result)
    return output.end()


def _convert_stdin(
    arguments: Arguments,
    options: Options,
    excludes: Excludes,
    verifier: Verifier | None,
    index: Index,
    output: Output,
    collector: Collector,
) -> int:
    from nnconvert import preflight
    from nnconvert.api import Result, convert_source

    source = sys.stdin.buffer.read()
    path = arguments.stdin_filename or Path("<stdin>")
    if excludes.forbids(path):
        result = Result(path, "unchanged", source, source)
    else:
        preflight.require_classes(options.classes, [source])
        result = convert_source(
            source,
            options,
            path=path,
            verifier=verifier,
            require_verified=arguments.require_verified,
            salvages=not arguments.no_salvage,
            index=index,
        )
    output.add(result)
    collector.add(result)
    if arguments.writes and result.status != "failed" and not output.has_document:
        output.console.out(result.new)
    return output.end()


def _require_no_source(state_map: Path | None, files: Iterable[Path]) -> None:
    """Raise UsageError where the state map would replace a file to be converted."""
    if state_map is not None and state_map.exists():
        for path in files:
            if path.exists() and path.samefile(state_map):
                raise UsageError(f"--map {state_map}: is one of the files to be converted")


def _write_map(path: Path, collector: Collector, console: Console, quiet: bool) -> int:
    """Write the state map of the run, and return the exit code of that; where no key changes there is none."""
    from nnconvert.checkpoint.state_map import write
    from nnconvert.report import EXIT_DONE, EXIT_FAILED

    state_map = collector.state_map()
    if state_map is None:
        console.err("" if quiet else f"{path}: not written, since no key changes\n")
        return EXIT_DONE
    try:
        write(path, state_map)
    except OSError as error:
        console.err(f"{path}: cannot be written: {error.strerror or error}\n")
        return EXIT_FAILED
    return EXIT_DONE
