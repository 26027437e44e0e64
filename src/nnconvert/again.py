"""The command that converts one file again, with the same options, and writes nothing."""

from __future__ import annotations

from pathlib import Path

from nnconvert.options import Options

STDIN = Path("<stdin>")
_FLAGS = ("share", "split_shared", "methods", "unsafe", "parameters", "load_old")


def again(options: Options, path: Path, source: bytes) -> tuple[str, ...]:
    """Its words; the source comes from stdin, as it did, where it does not stand at the path."""
    words = ["nnconvert", f"--{options.direction}"]
    words += [f"--{name.replace('_', '-')}" for name in _FLAGS if getattr(options, name)]
    for name in ("select", "ignore"):
        if names := getattr(options, name):
            words += [f"--{name}", ",".join(sorted(names))]
    for class_name in sorted(options.classes):
        words += ["--class", class_name]
    for first, last in options.lines:
        words += ["--lines", f"{first}-{last}"]
    words += ["--check", "--no-salvage"]
    if path.is_file() and path.read_bytes() == source:
        return (*words, str(path))
    return (*words, *(() if path == STDIN else ("--stdin-filename", str(path))), "-")
