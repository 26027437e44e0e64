"""What a search is trying at the moment, on disk: should it end the process, the next one leaves that out."""

from __future__ import annotations

import json
import os

TRYING = "trying"
CRASHED = "crashed.json"
"""A list of what ended a process."""


class Log:
    """Of the search for one class, in the folder of that class."""

    def __init__(self, folder: str) -> None:
        self._trying = os.path.join(folder, TRYING)
        crashed = os.path.join(folder, CRASHED)
        self._crashed: list[str] = []
        if os.path.exists(crashed):
            with open(crashed, encoding="utf-8") as file:
                self._crashed = json.load(file)

    def may_try(self, what: str) -> bool:
        """Whether it did not end a process before; notes that it is tried now."""
        if what in self._crashed:
            return False
        with open(self._trying, "w", encoding="utf-8") as file:
            file.write(what)
        return True
