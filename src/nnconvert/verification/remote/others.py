"""What forward's other arguments may be, beside the first: from their names, annotations and what is done with them."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator, Sequence

from .reading import Read
from .shapes import FLOATS, LISTS, SEVERAL_ANNOTATED, accepted

SAME = FLOATS
UNKNOWN = (SAME, "torch.randn({batch}, {channels})", "torch.randint(0, 2, ({shape},))")
MASK = "torch.ones({}, dtype=torch.bool)"
WHOLE = "torch.randint(0, 2, ({},))"
MOST_DIMENSIONS = 5
ALTERNATIVES = (
    (r"edge_index|adj_t", ("torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])",)),
    (r"edge_(weight|attr)", ("torch.rand(6)", "torch.randn(6, {last})")),
    (r"edge_type(s)?", ("torch.zeros(6, dtype=torch.long)",)),
    (r"(node_)?type(s|_vec|_ids)?|token_type_ids", ("torch.zeros({batch}, dtype=torch.long)",)),
    (r"batch(_index)?|batch_idx", ("torch.zeros({batch}, dtype=torch.long)",)),
    (r".*adj.*", ("torch.rand({length}, {length})", "torch.rand({batch}, {length}, {length})")),
    (
        r".*mask.*",
        (
            "torch.ones({batch}, {length}, dtype=torch.bool)",
            "None",
            SAME,
            "torch.ones({batch}, {height}, dtype=torch.bool)",
            "torch.ones({length}, {length}, dtype=torch.bool)",
            "torch.ones({batch}, 1, {height}, {last})",
            "torch.zeros({batch}, 1, {length}, {length})",
        ),
    ),
    (
        r"target.*|labels?|y(_true)?|gt.*|.*truth|tgt_labels|trg",
        (
            "torch.rand({shape})",
            "torch.randint(0, {channels}, ({batch},))",
            "torch.randint(0, {channels}, ({batch}{rest},))",
            "torch.randint(0, 2, ({shape},))",
            "torch.rand({batch})",
            "torch.randint(0, {channels}, ({batch}, 1{rest}))",
        ),
    ),
    (r"t|time.*|sigma|noise_level|steps?", ("torch.rand({batch})", "torch.randint(0, 10, ({batch},))", SAME)),
    (r"(.*_)?len(gth)?s?", ("torch.full(({batch},), {length})", "{length}")),
    (r"hidden.*|state|hx|h|h_?0|prev.*|memory", (SAME, "None", "torch.randn({batch}, {last})")),
    (r"h|height|w|width", ("{side}", "{height}")),
    (r"size|shape|hw|.*_size", ("({side}, {side})", "({height}, {last})", "{last}")),
    (
        r".*(position_ids|input_ids|tokens?|ids|idx|index|indices)",
        ("torch.randint(0, 8, ({batch}, {length}))",),
    ),
    (r".*position_embeddings", ("(torch.randn(1, {length}, 8), torch.randn(1, {length}, 8))",)),
    (r"training|.*flag|return_.*|is_.*|use_.*", ("False",)),
)
ANNOTATED = (
    (r"bool", "False"),
    (r"int", "{height}"),
    (r"float", "1.0"),
    (r"([\w.]+\.)?[lL]ist\[int\]", "[{height}]"),
    (r"([\w.]+\.)?[tT]uple\[int, int\]", "({side}, {side})"),
    (r"([\w.]+\.)?[lL]ist\[([\w.]+\.)?[tT]uple\[int, int\]\]", "[({side}, {side})]"),
    (r"([\w.]+\.)?ModuleList", "nn.ModuleList([nn.Identity()] * 4)"),
    (r"([\w.]+\.)?Module", "nn.Identity()"),
)


def names_a_tensor(parameter: inspect.Parameter) -> bool:
    """Whether an optional argument is known by its name or annotation to be a tensor."""
    if parameter.default is not None:
        return False
    known = any(re.fullmatch(pattern, parameter.name.lower()) for pattern, _ in ALTERNATIVES)
    return known or "Tensor" in str(parameter.annotation)


def choices(parameter: inspect.Parameter, read: Read) -> tuple[str, ...]:
    """Texts for one argument, the likeliest first; parts of the first tensor's shape are left open in them."""
    annotation = "" if parameter.annotation is parameter.empty else str(parameter.annotation)
    plain = annotation.removeprefix("<class '").removesuffix("'>")
    prefix = f"{parameter.name}=" if parameter.kind is parameter.KEYWORD_ONLY else ""
    for pattern, text in ANNOTATED:
        if re.fullmatch(pattern, plain):
            return (prefix + text,)
    named = [texts for pattern, texts in ALTERNATIVES if re.fullmatch(pattern, parameter.name.lower())]
    texts = (
        [*named[0], SAME] if named else [SAME, "torch.randn({batch}, {channels})", "torch.randint(0, 2, ({shape},))"]
    )
    if re.search(SEVERAL_ANNOTATED, annotation) and not read.parts:
        texts = [*LISTS, *texts]
    return tuple(prefix + text for text in dict.fromkeys([*_read(read), *texts]))


def _read(read: Read) -> Iterator[str]:
    """What forward's text says of the argument."""
    if read.called:
        yield "nn.Identity()"
    if read.attributes:
        yield bunched(read.attributes, SAME)
    if read.keys or read.mapping:
        yield "{{" + ", ".join(f"{key!r}: {SAME}" for key in read.keys) + "}}"
    if read.parts:
        yield f"({', '.join([SAME] * read.parts)})"
    if read.into is not None:
        for how, shape in itertools.islice(accepted(read.into), 3):
            yield how.replace("{shape}", ", ".join(["{batch}", *map(str, shape[1:])]))
    for dims in dict.fromkeys(read.dims or [read.least] * (read.ids or read.flags)):
        sizes = f"{{dims{dims}}}" if 0 < dims <= MOST_DIMENSIONS else "{shape}"
        yield MASK.format(sizes) if read.flags else WHOLE.format(sizes) if read.ids else f"torch.randn({sizes})"


def bunched(attributes: Sequence[str], main: str) -> str:
    """A bunch with these; what has no telling name, and ``x`` before all, is ``main``."""
    likely = {name: choices(inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD), Read())[0]
              for name in attributes}  # fmt: skip
    return f"bunch({', '.join(f'{name}={main if text == SAME else text}' for name, text in likely.items())})"


def combinations(choices: list[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Every first choice; then one argument at a time takes its others."""
    firsts = tuple(options[0] for options in choices)
    yield firsts
    for place, options in enumerate(choices):
        for option in options[1:]:
            yield (*firsts[:place], option, *firsts[place + 1 :])
