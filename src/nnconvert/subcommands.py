"""The subcommands: verify, migrate, list and explain. Imports click alone, as the command line does."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from nnconvert.console import Console

CONTEXT = {"help_option_names": ["-h", "--help"]}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def verification_options(command: Callable[..., int]) -> Callable[..., int]:
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
            click.option(
                "--verify-time-limit",
                type=click.FloatRange(min=0, min_open=True),
                metavar="SECONDS",
                help="For the verification of all files together; what is not verified by then is unverified.",
            ),
            click.option("-q", "--quiet", is_flag=True, help="Say errors only."),
            click.option("-v", "--verbose", is_flag=True, help="Also tracebacks and the details of the evidence."),
            click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True),
        )
    ):
        command = option(command)
    return command


GROUP = click.Group(
    "nnconvert", help="Rewrite PyTorch source, and verify that nothing changed.", context_settings=CONTEXT
)


@GROUP.command("verify")
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@verification_options
def _verify(old: Path, new: Path, quiet: bool, verbose: bool, color: str, **hints: Any) -> int:
    """Compare two versions of a file, class by class. EXECUTES both, in child processes with limits.

    Exit codes: 0 every class was proved or tested, 1 not every one, or changed lines never ran, 3 a difference
    was found, 4 a file cannot be read.
    """
    from nnconvert import config, settings
    from nnconvert.api import verify
    from nnconvert.errors import SourceError
    from nnconvert.report import EXIT_FAILED, verification

    console = Console(color)
    try:
        with settings.verifier(config.load(old), **hints) as verifier:
            evidence = verify(old, new, verifier)
    except SourceError as error:
        console.err(f"{error}\n" + (traceback.format_exc() if verbose else ""))
        return EXIT_FAILED
    text, code = verification(evidence, quiet, verbose)
    console.err(text)
    return code


@GROUP.command("migrate")
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


@GROUP.command("list")
def _list() -> int:
    """Every functional that converts, with its module class."""
    from nnconvert.explain import listing

    Console().out(listing().encode())
    return 0


@GROUP.command("explain")
@click.argument("name")
def _explain(name: str) -> int:
    """What is known of a functional, a module class or a reason code."""
    from nnconvert.explain import explain

    Console().out(explain(name).encode())
    return 0
