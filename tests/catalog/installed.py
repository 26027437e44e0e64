"""Which torch is installed."""

from __future__ import annotations

import torch


def is_installed(since: str) -> bool:
    """Whether the installed torch is this release or later."""
    numbers = torch.__version__.split("+")[0].split(".")
    return tuple(int(n) for n in numbers[:2]) >= tuple(int(n) for n in since.split("."))
