"""Sources for the tests of decisions: one small module class, with room for what a test is about."""

from __future__ import annotations

from textwrap import indent

IMPORTS = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


def net(
    body: str = "return F.relu(x)",
    *,
    before: str = "",
    after: str = "",
    bases: str = "nn.Module",
    attributes: str = "",
    init: str = "super().__init__()",
    init_signature: str = "self",
    decorator: str = "",
    signature: str = "self, x",
    methods: str = "",
    imports: str = IMPORTS,
) -> str:
    """A file with the class ``Net``: ``__init__``, ``forward`` and further methods."""
    parts = [
        attributes,
        f"def __init__({init_signature}):\n{_in(init)}",
        f"{decorator}\ndef forward({signature}):\n{_in(body)}".lstrip(),
        methods,
    ]
    return f"{imports}{before}\n\nclass Net({bases}):\n" + "\n".join(_in(part) for part in parts if part) + after


def bare(bases: str = "nn.Module", *, before: str = "", after: str = "") -> str:
    """A file with a class ``Net`` that has no ``__init__``."""
    body = "    def forward(self, x):\n        return F.relu(x)\n\n\n"
    return f"{IMPORTS}{before}\n\nclass Net({bases}):\n{body}{after}"


def _in(text: str) -> str:
    return indent(text.rstrip("\n") + "\n", "    ")
