"""Which Python verification runs on, and what of the environment it sees."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

SECRETS = re.compile(r"TOKEN|SECRET|PASSW|KEY|CREDENTIAL|COOKIE|^AWS_|^AZURE_|^GH_|^GITHUB_|_PAT$|_AUTH$|_DSN$", re.I)

SETTINGS = {
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
}


def find_python(explicit: Path | None = None) -> Path:
    """The interpreter to verify on: the given one, the active environment's, ./.venv's, or our own."""
    if explicit is not None:
        return explicit
    folders = [os.environ[name] for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if os.environ.get(name)]
    for folder in [*folders, ".venv"]:
        for inside in ("bin/python", "Scripts/python.exe", "python.exe"):
            candidate = Path(folder, inside)
            if candidate.is_file():
                return candidate.absolute()
    return Path(sys.executable)


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what looks like a secret, set for repeatable runs on the processor."""
    kept = {name: value for name, value in environment.items() if not SECRETS.search(name)}
    return {**kept, **SETTINGS}
