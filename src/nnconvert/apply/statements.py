"""New statements: the registrations of a class, and the ``__init__`` that they need."""

from __future__ import annotations

from collections.abc import Iterator

from nnconvert.apply.edits import Edit, newline_at
from nnconvert.options import Options
from nnconvert.plan import ClassPlan, NewMethod


def class_edits(text: str, plan: ClassPlan, options: Options) -> Iterator[Edit]:
    """The insertion for one class."""
    anchor = plan.anchor
    newline = newline_at(text, anchor.offset)
    lines: list[str] = []
    indent = anchor.indent
    if anchor.new_init:
        header, base_call = anchor.new_init
        indent += anchor.unit
        lines += formatted(f"{header} ...", anchor.indent, options.line_length + len(" ..."))
        lines[-1] = lines[-1].removesuffix(" ...")
        lines += formatted(base_call, indent, options.line_length)
    for registration in plan.registrations:
        statement = f"{anchor.receiver}.{registration.name} = {registration.constructor}"
        lines += formatted(statement, indent, options.line_length)
    if anchor.new_init:
        lines.append("")
    block = newline.join(lines)
    if anchor.offset and text[anchor.offset - 1] not in "\r\n":  # no newline at the end of the file
        yield Edit(anchor.offset, anchor.offset, newline + block)
    else:
        yield Edit(anchor.offset, anchor.offset, block + newline)
    if anchor.break_at is not None:
        start = anchor.break_at
        while text[start - 1] in " \t":
            start -= 1
        yield Edit(start, anchor.break_at, newline + indent)


def method_edit(text: str, method: NewMethod, options: Options) -> Edit:
    """The insertion of a method behind a blank line."""
    import black

    newline = newline_at(text, method.offset)
    mode = black.Mode(line_length=max(options.line_length - len(method.indent), 1), string_normalization=False)
    written = black.format_str("\n".join(method.lines), mode=mode).splitlines()
    lines = [_indented(line, method.indent, method.unit) for line in written]
    block = newline.join(["", *lines])
    if method.offset and text[method.offset - 1] not in "\r\n":  # no newline at the end of the file
        return Edit(method.offset, method.offset, newline + block)
    return Edit(method.offset, method.offset, block + newline)


def _indented(line: str, indent: str, unit: str) -> str:
    words = line.lstrip(" ")
    return indent + unit * ((len(line) - len(words)) // 4) + words


def formatted(statement: str, indent: str, line_length: int) -> list[str]:
    """The lines of one statement, as black would break it where it is too long for one."""
    if len(indent) + len(statement) <= line_length:
        return [indent + statement]
    import black

    room = max(line_length - len(indent), 1)
    formatted = black.format_str(statement, mode=black.Mode(line_length=room, string_normalization=False))
    lines = formatted.splitlines()
    if "\t" in indent:  # black indents by four spaces
        lines = ["\t" * ((len(part) - len(part.lstrip(" "))) // 4) + part.lstrip(" ") for part in lines]
    return [indent + part for part in lines]
