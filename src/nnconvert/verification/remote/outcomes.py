"""What the children of one file leave behind: JSON in one folder for each class."""

from __future__ import annotations

import json
import os
from typing import Any


def outcome_path(folder: str, index: int, name: str) -> str:
    return os.path.join(folder, str(index), f"{name}.json")


def write(folder: str, index: int, name: str, outcome: object) -> None:
    with open(outcome_path(folder, index, name), "w", encoding="utf-8") as file:
        json.dump(outcome, file)


def read(folder: str, index: int, name: str) -> Any:
    with open(outcome_path(folder, index, name), encoding="utf-8") as file:
        return json.load(file)
